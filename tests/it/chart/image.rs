//! What the image contains, built as a plain directory and run as a pod would.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::{Helm, RELEASE, plane};
use crate::cluster::eventually;
use crate::generated::in_repository;

/// The user of the image.
const USER: &str = "65532";

async fn rootfs() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let script = in_repository("deploy/image/rootfs.sh");
    let program = env!("CARGO_BIN_EXE_testrun-operator");
    let output = Command::new(script).arg(program).arg(dir.path().join("root")).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The user of the image goes through it.
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    dir
}

/// A command inside, as the user of the image where this process may become it.
fn inside(root: &Path, command: impl FnOnce(&str) -> Command) -> Command {
    let mut command = if is_root() {
        let mut command = command("chroot");
        command.arg(format!("--userspec={USER}:{USER}"));
        command
    } else {
        let mut command = command("unshare");
        command.args(["--map-root-user", "chroot"]);
        command
    };
    command
        .arg(root)
        .arg("/usr/bin/testrun-operator")
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .kill_on_drop(true);
    command
}

fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}

fn files(root: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_image_has_the_program_and_what_it_needs_and_works_in_a_pod() {
    let dir = rootfs().await;
    let root = dir.path().join("root");
    let is_library = |file: &String| file.contains(".so");
    let (libraries, others): (BTreeSet<_>, BTreeSet<_>) = files(&root).into_iter().partition(is_library);
    let expected = ["etc/group", "etc/nsswitch.conf", "etc/passwd", "etc/ssl/certs/ca-certificates.crt"];
    let expected = expected.into_iter().chain(["usr/bin/testrun-operator"]).map(str::to_owned).collect();
    assert_eq!(others, expected, "no shell, and nothing else that was not asked for");
    assert!(libraries.len() < 8, "{libraries:?}");

    let output = inside(&root, |program| Command::new(program)).arg("--version").output().await.unwrap();
    let version = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(version.trim(), format!("testrun-operator {}", env!("CARGO_PKG_VERSION")), "{output:?}");

    // What the kubelet puts into a pod.
    let plane = plane().await;
    let namespace = plane.namespace("image").await.unwrap();
    Helm::on(plane).deploy(&namespace, &json!({"watch": {"namespaces": [namespace]}})).await;
    let account = root.join("var/run/secrets/kubernetes.io/serviceaccount");
    std::fs::create_dir_all(&account).unwrap();
    let n = format!("--namespace={namespace}");
    let token = plane.kubectl_ok(&["create", "token", RELEASE, &n]).await.unwrap();
    std::fs::write(account.join("token"), token.trim()).unwrap();
    std::fs::write(account.join("namespace"), &namespace).unwrap();
    std::fs::copy(plane.authority_path(), account.join("ca.crt")).unwrap();
    let url = plane.url();
    let (host, port) = url.trim_start_matches("https://").rsplit_once(':').unwrap();

    let mut child = inside(&root, |program| testkit::bound(program).into())
        .args(["run", "--health-addr", "127.0.0.1:0", "--log-format", "json", "--namespaces", &namespace])
        .env("KUBERNETES_SERVICE_HOST", host)
        .env("KUBERNETES_SERVICE_PORT", port)
        .env("GITHUB_API_URL", "http://127.0.0.1:9")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (_lifeline, stderr) = (child.stdin.take().unwrap(), child.stderr.take().unwrap());
    let mut log = BufReader::new(stderr).lines();
    let address = loop {
        let line = log.next_line().await.unwrap().expect("it says where it listens");
        let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        if let Some(address) = line["fields"]["health"].as_str() {
            break address.to_owned();
        }
    };
    tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
    let ready = async || {
        let answer = get(&address, "/readyz").await.ok()?;
        answer.starts_with("HTTP/1.1 200").then_some(())
    };
    eventually(|| "readiness", ready).await;
    let report = json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport", "metadata": {"name": "r"},
        "spec": {"source": {"github": {"repository": "acme/shop", "branch": "main"}}}});
    plane.admin().with_file(&report.to_string(), &["create", &n]).await.unwrap();
    let seen = async || {
        let report = plane.admin().json(&["get", "testrunreport", "r", &n]).await.ok()?;
        (report["status"]["observedGeneration"] == 1).then_some(())
    };
    eventually(|| "the first look", seen).await;
    child.kill().await.unwrap();
}

async fn get(address: &str, path: &str) -> std::io::Result<String> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes())
        .await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_program_gives_the_same_image() {
    let (one, two) = (rootfs().await, rootfs().await);
    let digest = async |dir: &TempDir| {
        let tar = "tar --sort=name --owner=0 --group=0 --numeric-owner -cf - -C \"$1\" . | sha256sum";
        let output = Command::new("sh").args(["-c", tar, "sh"]).arg(dir.path().join("root")).output().await;
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    assert_eq!(digest(&one).await, digest(&two).await);
}

/// The manifest of the kubectl plugin names every archive with its digest.
#[tokio::test(flavor = "multi_thread")]
async fn the_manifest_for_krew_has_every_platform() {
    let dir = tempfile::tempdir().unwrap();
    let script = in_repository("deploy/krew/manifest.sh");
    let manifest = async || {
        let args = ["1.2.3".as_ref(), "https://example.com/v1.2.3".as_ref(), dir.path().as_os_str()];
        Command::new(&script).args(args).output().await.unwrap()
    };
    assert_eq!(manifest().await.status.code(), Some(66), "without archives there is nothing to install");
    for platform in ["linux_amd64", "linux_arm64", "darwin_arm64"] {
        std::fs::write(dir.path().join(format!("kubectl-testrun_{platform}.tar.gz")), platform).unwrap();
    }
    let output = manifest().await;
    let plugin: Value = serde_saphyr::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&plugin["metadata"]["name"], &plugin["spec"]["version"]),
        (&json!("testrun"), &json!("v1.2.3"))
    );
    let platforms = plugin["spec"]["platforms"].as_array().unwrap();
    let of = |p: &Value| {
        let labels = &p["selector"]["matchLabels"];
        (labels["os"].as_str().unwrap().to_owned(), labels["arch"].as_str().unwrap().to_owned())
    };
    let names: Vec<_> = platforms.iter().map(of).collect();
    let expected = [("darwin", "arm64"), ("linux", "amd64"), ("linux", "arm64")];
    assert_eq!(names, expected.map(|(os, arch)| (os.to_owned(), arch.to_owned())));
    assert_eq!(platforms[1]["uri"], "https://example.com/v1.2.3/kubectl-testrun_linux_amd64.tar.gz");
    let digest = <sha2::Sha256 as sha2::Digest>::digest(b"linux_amd64");
    let digest: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(platforms[1]["sha256"], digest);
}
