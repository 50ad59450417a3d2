//! Copies in a bucket, on a server that checks signatures.

use testkit::controlplane::S3;

use super::*;
use crate::cluster::cluster;
use crate::story::operator::Operator;

async fn operator(
    plane: &ControlPlane,
    namespace: &str,
    gh: &GitHub,
    s3: &S3,
    env: &[(&str, &str)],
) -> Operator {
    let (url, store) = (s3.url(), format!("s3://{}/kept", S3::BUCKET));
    let args = ["--artifacts-store", &store, "--artifacts-endpoint", &url, "--refresh-interval", "1s"];
    Operator::start_with(plane.kubeconfig_path(), namespace, gh.url(), &args, env).await
}

#[tokio::test(flavor = "multi_thread")]
async fn bundles_go_into_a_bucket_in_parts_and_a_server_that_is_away_is_waited_for() {
    let plane = cluster().await;
    let namespace = plane.namespace("bucket").await.unwrap();
    // More than two parts, and less than one.
    let gh = github(vec![bundle("must-gather-large", 901, 20 << 20), bundle("must-gather-small", 902, 10)]);
    let mut s3 = S3::start().await.unwrap();
    let both = |state: &'static str| [("must-gather-large", state), ("must-gather-small", state)];

    // Somebody with another key.
    let [id, (key, _)] = s3.env();
    let env = [id, (key, "another-secret")];
    let mut running = operator(plane, &namespace, &gh, &s3, &env).await;
    create(plane, &namespace, "a").await;
    let report = until(plane, &namespace, "a", &both("Failed")).await;
    let why = copy(&report, "must-gather-small")["message"].as_str().unwrap().to_owned();
    assert!(why.starts_with("the store refuses the operator: SignatureDoesNotMatch"), "{why}");
    assert!(!why.contains("another-secret"), "{why}");
    running.kill().await;

    s3.stop();
    let mut running = operator(plane, &namespace, &gh, &s3, &s3.env()).await;
    eventually(
        || "a copy to fail",
        async || {
            let failed = running.metric("testrun_artifact_copies_total{outcome=\"failed\"}").await;
            (failed > 0.0).then_some(())
        },
    )
    .await;
    s3.run().await.unwrap();
    running.kill().await;
    let running = operator(plane, &namespace, &gh, &s3, &s3.env()).await;
    let report = until(plane, &namespace, "a", &both("Copied")).await;
    for name in ["must-gather-large", "must-gather-small"] {
        let id = if name.ends_with("large") { 901 } else { 902 };
        let there = place(&s3.folder().join("kept"), &format!("77/{id}-{name}.zip"));
        let told = copy(&report, name);
        assert_eq!(told["digest"], sha256(&there));
        let url = told["url"].as_str().unwrap();
        assert!(
            url.starts_with("s3://ci-artifacts/kept/127.0.0.1_")
                && url.ends_with(&format!("/77/{id}-{name}.zip")),
            "{url}"
        );
    }
    // The next process compares, and leaves them alone.
    create(plane, &namespace, "b").await;
    until(plane, &namespace, "b", &both("Copied")).await;
    for outcome in ["copied", "found"] {
        let name = format!("testrun_artifact_copies_total{{outcome=\"{outcome}\"}}");
        running.until_metric(&name, |n| n >= 2.0).await;
        assert_eq!(running.metric(&name).await, 2.0);
    }
    running.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}
