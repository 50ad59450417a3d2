//! TLS, with the flags of the operator.

use std::process::Stdio;

use http::Method;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::{Server, ask_tls};

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_answers_over_tls_where_a_certificate_is_configured() {
    // Its own listener is not used here: the namespace, the accounts and the report are.
    let server = Server::start("tls").await;
    server.create("r").await;
    server.decide("r", 1, "True", "True").await;
    let certificate = server.plane.authority_path();
    let key = certificate.with_extension("key");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.yaml");
    let text = format!(
        "http: {{certificateFile: {}, keyFile: {}}}\ncontroller: {{namespaces: [elsewhere]}}\n",
        certificate.display(),
        key.display()
    );
    std::fs::write(&file, text).unwrap();
    let mut child = Command::from(testkit::bound(env!("CARGO_BIN_EXE_testrun-operator")))
        .args(["run", "--health-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0", "--log-format", "json"])
        .args(["--config".as_ref(), file.as_os_str()])
        .env("KUBECONFIG", server.plane.kubeconfig_path())
        .env("RUST_LOG", "info")
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = loop {
        let line = log.next_line().await.unwrap().expect("it says where it answers");
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        if let Some(address) = line["fields"]["http"].as_str() {
            assert_eq!(line["fields"]["tls"], true);
            break address.to_owned();
        }
    };
    let roots: Vec<Vec<u8>> = CertificateDer::pem_file_iter(&certificate)
        .unwrap()
        .map(|der| der.unwrap().as_ref().to_vec())
        .collect();
    let (path, token) = (server.path("r", "gate"), server.good().await);
    let url = format!("https://{address}");
    let (status, body) = ask_tls(&url, Some(roots.clone()), Method::GET, &path, Some(&token)).await;
    assert_eq!((status, &body["verdict"]), (200, &"passed".into()), "{body}");
    assert_eq!(ask_tls(&url, Some(roots), Method::GET, &path, None).await.0, 401);
    // A client that speaks no TLS, or goes silent, keeps nobody waiting.
    let _silent = tokio::net::TcpStream::connect(&address).await.unwrap();
    let plain =
        kube::Client::try_from(kube::Config::new(format!("http://{address}").parse().unwrap())).unwrap();
    let request = http::Request::get(path).body(kube::client::Body::empty()).unwrap();
    assert!(plain.send(request).await.is_err());
}
