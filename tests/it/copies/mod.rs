//! Copies of artifacts, made by the operator as a process, in a folder and on a real server of S3.

mod bucket;
mod folder;

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};
use testkit::controlplane::ControlPlane;
use testkit::github::{ArtifactSpec, GitHub, PullSpec, RunSpec, Scenario, secs, sha_of};

use crate::cluster::eventually;
use crate::reports;
use crate::story::condition;

const REPO: &str = "acme/shop";

/// Pull request 20 with a job that failed and uploaded these.
pub fn github(uploads: Vec<ArtifactSpec>) -> GitHub {
    let gh = GitHub::start(
        Scenario::new()
            .start_now()
            .setup(|s| {
                s.add_repo(REPO).pull_request(PullSpec::new(20, sha_of("one")).branch("feature/x"));
                let run = RunSpec::new(77).workflow("CI", ".github/workflows/ci.yml").pull_request(20);
                s.repo(REPO).add_run(run.job((501, "unit")));
                s.job(501).start();
            })
            .at(secs(60), move |s| {
                for upload in &uploads {
                    s.run(77).upload(upload.clone());
                }
                s.job(501).log("##[error]boom\n").complete("failure");
                s.run(77).settle();
            }),
    );
    gh.pause();
    gh.advance(secs(120));
    gh
}

/// A bundle that does not compress.
pub fn bundle(name: &str, id: u64, bytes: usize) -> ArtifactSpec {
    let mut state = 1_u32;
    let noise = (0..bytes).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    ArtifactSpec::new(name).id(id).file("a.log", noise.collect::<Vec<u8>>())
}

async fn create(plane: &ControlPlane, namespace: &str, name: &str) {
    reports::create(plane, namespace, name, reports::of_pull(REPO, 20)).await;
}

/// The report once all its artifacts that have a copy, or a reason for none, are in these states; and its verdict is
/// the one that it has without a store.
pub async fn until(plane: &ControlPlane, namespace: &str, name: &str, want: &[(&str, &str)]) -> Value {
    reports::until(plane, namespace, name, "Stalled", "True/RequiredFailed").await;
    let states = |report: &Value| -> Vec<(String, String)> {
        let all = report["status"]["artifacts"].as_array().unwrap();
        let state =
            |a: &Value| Some((a["name"].as_str()?.to_owned(), a["copy"]["state"].as_str()?.to_owned()));
        all.iter().filter_map(state).collect()
    };
    let seen = RefCell::new(Vec::new());
    let said = async || {
        let report = reports::get(plane, namespace, name).await;
        *seen.borrow_mut() = states(&report);
        let now = seen.borrow();
        let same = now.iter().map(|(name, state)| (name.as_str(), state.as_str())).eq(want.iter().copied());
        same.then(|| report.clone())
    };
    let report = eventually(|| format!("{want:?}, and not {:?}", seen.borrow()), said).await;
    assert_eq!(condition(&report, "Passed"), "False/RequiredFailed");
    report
}

/// The copy of an artifact, as a report tells of it.
pub fn copy<'r>(report: &'r Value, name: &str) -> &'r Value {
    let all = report["status"]["artifacts"].as_array().unwrap();
    &all.iter().find(|a| a["name"] == name).unwrap()["copy"]
}

fn sha256(path: &Path) -> String {
    let digest = Sha256::digest(std::fs::read(path).unwrap());
    format!("sha256:{}", digest.iter().map(|b| format!("{b:02x}")).collect::<String>())
}

/// Where the copy of an artifact is in a folder with all of them; the host of the tests is a port of loopback.
fn place(folder: &Path, rest: &str) -> PathBuf {
    let mut hosts = std::fs::read_dir(folder).unwrap();
    let host = hosts.find_map(|e| {
        let name = e.unwrap().file_name().into_string().unwrap();
        name.starts_with("127.0.0.1_").then_some(name)
    });
    folder.join(host.unwrap()).join(REPO).join(rest)
}
