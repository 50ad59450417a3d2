//! Whose token is accepted, and for which reports.

use base64::Engine;
use http::Method;

use super::{Server, ask};
use crate::cluster::eventually;

async fn status(server: &Server, token: Option<&str>) -> (u16, String) {
    let (status, body) = ask(&server.url, Method::GET, &server.path("r", "verdict"), token).await;
    (status, body["error"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_must_be_known_for_this_audience_and_its_user_may_read_the_report() {
    let server = Server::start("access").await;
    server.create("r").await;
    let audience = "--audience=testrun-operator";
    let good = server.good().await;
    assert_eq!(status(&server, Some(&good)).await.0, 200);

    let (code, error) = status(&server, None).await;
    assert_eq!(code, 401);
    assert!(error.contains("kubectl create token ACCOUNT --audience=testrun-operator"), "{error}");
    // For the API server, for somebody else, forged, and of nobody.
    let mut forged = good.clone();
    forged.replace_range(good.len() - 4.., "AAAA");
    let for_api = server.token("gate", &[]).await;
    let for_others = server.token("gate", &["--audience=vault"]).await;
    let admin = server.plane.token("admin").unwrap().to_owned();
    for bad in [&for_api, &for_others, &forged, &admin, "nonsense"] {
        let (code, error) = status(&server, Some(bad)).await;
        assert_eq!((code, error.contains("does not accept this token")), (401, true), "{error}");
    }
    // Known, and without the right: whether the report exists is not told.
    let other = server.token("other", &[audience]).await;
    let (code, error) = status(&server, Some(&other)).await;
    assert_eq!(code, 403);
    assert!(error.contains(":other may not get testrunreports.testrun.dev in namespace"), "{error}");
    let missing = ask(&server.url, Method::GET, &server.path("no-such", "verdict"), Some(&other)).await;
    assert_eq!(missing.0, 403);
    // The right ends at the namespace.
    let elsewhere = server.plane.namespace("elsewhere").await.unwrap();
    let path = server.path("r", "verdict").replace(&server.namespace, &elsewhere);
    assert_eq!(ask(&server.url, Method::GET, &path, Some(&good)).await.0, 403);
    // Nothing is there for who is not known, not even what is not there.
    assert_eq!(ask(&server.url, Method::GET, "/", None).await.0, 401);
    assert_eq!(ask(&server.url, Method::GET, "/", Some(&good)).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_taken_away_ends_within_seconds() {
    let server = Server::start("revoked").await;
    server.create("r").await;
    let good = server.good().await;
    assert_eq!(status(&server, Some(&good)).await.0, 200);
    let n = format!("--namespace={}", server.namespace);
    server.plane.kubectl_ok(&["delete", "rolebinding", "gate", &n]).await.unwrap();
    let refused = async || (status(&server, Some(&good)).await.0 == 403).then_some(());
    eventually(|| "the right to end", refused).await;
    server.plane.kubectl_ok(&["delete", "serviceaccount", "gate", &n]).await.unwrap();
    let unknown = async || (status(&server, Some(&good)).await.0 == 401).then_some(());
    eventually(|| "the token to end", unknown).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_may_be_the_password_of_the_url() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = Server::start("basic").await;
    server.create("r").await;
    let pair = format!("flagger:{}", server.good().await);
    let basic = base64::engine::general_purpose::STANDARD.encode(pair);
    let address = server.url.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {basic}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}",
        server.path("r", "gate")
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 425 "), "{answer}");
    assert!(answer.to_lowercase().contains("cache-control: no-store"), "{answer}");
}
