//! How long a report may still take, by what a store knows of its jobs.

use testrun_operator::history::{Place, Store};

use super::life::github;
use super::{BOUNDS, REPO, record};
use crate::cli::{Cli, UNDECIDED};
use crate::cluster::cluster;
use crate::reports;
use crate::story::operator::Operator;

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_is_told_how_long_it_may_take_once_enough_is_known() {
    let plane = cluster().await;
    let namespace = plane.namespace("left").await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("h.db");
    let store = Store::open(&Place::File(file.clone()), BOUNDS.bytes).await.unwrap();
    for (commit, seconds) in (1..).zip([86_400, 90_000, 93_600, 97_200]) {
        let mut one = record(&namespace, commit, "unit", &["success"]);
        one.results[0].started = Some(one.results[0].finished - seconds);
        store.record(&one).await.unwrap();
    }
    let gh = github();
    let operator = Operator::start(plane, &namespace, gh.url(), &[]).await;
    reports::create(plane, &namespace, "r", reports::of_pull(REPO, 20)).await;
    reports::until(plane, &namespace, "r", "Passed", "Unknown/Running").await;
    let watch = async |db: &str| {
        let args = ["watch", "r", "-n", &namespace, "--db", db, "--timeout", "5s"];
        Cli::new(&args).env("KUBECONFIG", plane.kubeconfig_path().to_str().unwrap()).run().await
    };
    let ran = watch(file.to_str().unwrap()).await;
    assert_eq!(ran.code, UNDECIDED, "{ran:?}");
    let told: Vec<&str> = ran.out.lines().filter_map(|l| l.strip_prefix("r  time left: ")).collect();
    // Between the quarters of what passes took, less the seconds that it may have run.
    assert_eq!(told.len(), 1, "{ran:?}");
    assert!(
        ["23h", "24h"].iter().any(|least| told[0].starts_with(least)) && told[0].contains(" to 2"),
        "{told:?}"
    );
    // What cannot be asked is said once, and keeps nothing from being shown.
    let ran = watch("/nowhere").await;
    assert_eq!(ran.code, UNDECIDED, "{ran:?}");
    assert_eq!(ran.err.matches("how long it may take is not known").count(), 1, "{ran:?}");
    assert!(ran.out.contains("r  Running") && !ran.out.contains("time left"), "{ran:?}");
    operator.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}
