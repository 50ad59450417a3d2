//! The third table in docs/gating.md: what the operator shows elsewhere of a report in each state.

use serde_json::{Value, json};
use testkit::controlplane::ControlPlane;
use testkit::github::{Fault, GitHub, Match, RunSpec, Scenario, secs, sha_of};

use crate::cluster::eventually;
use crate::consumers::{STATES, table};
use crate::controller::promoter;
use crate::generated::{assert_section, in_repository};
use crate::story::condition;
use crate::story::operator::Operator;

const REPO: &str = "acme/shop";
const NAME: &str = "shop";
/// What is not there.
const NONE: &str = "none";

/// A commit whose test ended like that, or runs. A deployment waits for the verdict, and for a person.
fn commit(test: Option<&'static str>) -> GitHub {
    let gh = GitHub::start(Scenario::new().start_now().setup(move |s| {
        s.add_repo(REPO).branch("main", &sha_of("head"));
        for (id, workflow, job) in [(77, "CI", "unit"), (78, "Deploy", "deploy")] {
            let path = format!(".github/workflows/{}.yml", workflow.to_lowercase());
            let run = RunSpec::new(id).workflow(workflow, &path).event("push").branch("main");
            s.repo(REPO).add_run(run.sha(sha_of("head")).job((id + 500, job)));
        }
        s.job(577).start();
        if let Some(end) = test {
            s.job(577).complete(end);
            s.run(77).settle();
        }
        s.job(578).wait_for("production", true);
    }));
    gh.pause();
    gh.advance(secs(60));
    gh
}

struct Place {
    plane: &'static ControlPlane,
    namespace: String,
    gh: GitHub,
    files: tempfile::TempDir,
}

impl Place {
    async fn new(plane: &'static ControlPlane, test: Option<&'static str>) -> Self {
        let namespace = plane.namespace("shown").await.unwrap();
        let (gh, files) = (commit(test), tempfile::tempdir().unwrap());
        let path = |name: &str| files.path().join(name).to_string_lossy().into_owned();
        std::fs::write(path("token"), testkit::github::TOKEN).unwrap();
        let connection = json!({"name": "gh", "url": gh.url(), "tokenFile": path("token"), "namespaces": ["*"],
            "repositories": ["*"], "publish": {"commitStatusKeys": ["testrun"], "environments": ["production"]}});
        let key = in_repository("tests/gating/attestations/ed25519.key");
        let attestation = json!({"keyFile": key, "namespaces": ["*"]});
        let config = json!({"connections": [connection], "attestation": attestation});
        std::fs::write(path("config.yaml"), config.to_string()).unwrap();
        let object = json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
            "metadata": {"name": NAME}, "spec": {
                "source": {"github": {"connection": "gh", "repository": REPO, "sha": sha_of("head")}},
                "gate": {"settleSeconds": 0},
                "suites": [{"name": "Tests", "match": [{"job": "^unit$"}]},
                    {"name": "Deployments", "policy": "Informational", "match": [{"job": "^deploy"}]}],
                "publish": {"status": {}, "checkRun": {}, "commitStatus": {"gitRepository": "shop"},
                    "attestation": {}, "deploymentProtection": {"environments": ["production"]}}}});
        plane.admin().with_file(&object.to_string(), &["create", "-n", &namespace]).await.unwrap();
        Self { plane, namespace, gh, files }
    }

    async fn operator(&self) -> Operator {
        let config = self.files.path().join("config.yaml").to_string_lossy().into_owned();
        let args = ["--config", &config, "--refresh-interval", "1s"];
        Operator::start(self.plane, &self.namespace, self.gh.url(), &args).await
    }

    async fn get(&self, kind: &str, name: &str) -> Option<Value> {
        let args = ["get", kind, name, "-n", &self.namespace, "--ignore-not-found", "-o", "json"];
        let text = self.plane.kubectl_ok(&args).await.unwrap();
        (!text.trim().is_empty()).then(|| serde_json::from_str(&text).unwrap())
    }

    /// Waits until `Passed` is that, and all that follows from it is written.
    async fn until(&self, passed: &str) {
        let is = async || {
            let report = self.get("trr", NAME).await?;
            let told = report["status"]["conditions"].is_array();
            let said = told && condition(&report, "Passed") == passed;
            (said && condition(&report, "Published") == "True/Published").then_some(())
        };
        eventually(|| format!("Passed to be {passed}"), is).await;
    }

    /// What is shown: commit status, check run, phase, answer, statement.
    async fn cells(&self, is: impl Fn(&[String; 5]) -> bool) -> Vec<String> {
        let look = async || {
            let (status, check) = self.gh.read(|s| {
                let repo = s.repo_by_name(REPO).unwrap();
                let status = repo.statuses.iter().rfind(|s| s.context == "testrun/verdict");
                let check = repo.check_runs.iter().rfind(|c| c.name == "testrun-report");
                let said = |c: &testkit::github::CheckRun| c.conclusion.clone().unwrap_or(c.status.clone());
                (status.map(|s| s.state.clone()), check.map(said))
            });
            let answers =
                self.gh.writes().into_iter().filter(|r| r.path.ends_with("/deployment_protection_rule"));
            let answer = answers.filter_map(|r| Some(r.body?["state"].as_str()?.to_owned())).next_back();
            let text = |object: Option<Value>, at: &str| Some(object?.pointer(at)?.as_str()?.to_owned());
            let phase = text(self.get("commitstatus", "testrun-shop").await, "/spec/phase");
            let statement = self.get("configmap", "testrun-attestation-shop").await;
            let result = text(statement, "/metadata/labels/testrun.dev~1result");
            let cells =
                [status, check, phase, answer, result].map(|cell| cell.unwrap_or_else(|| NONE.to_owned()));
            is(&cells).then(|| cells.to_vec())
        };
        eventually(|| "what is shown", look).await
    }

    fn clean(&self) {
        assert!(self.gh.violations().is_empty(), "{:?}", self.gh.violations());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_elsewhere_in_each_state_is_documented() {
    let Some(plane) = promoter::plane().await else { return };
    let mut columns: Vec<Vec<String>> = Vec::new();
    for (_, state) in STATES {
        let test = match state {
            "pending" | "github-away-undecided" | "never-reconciled" => None,
            "final-red" => Some("failure"),
            _ => Some("success"),
        };
        let place = Place::new(plane, test).await;
        if state == "never-reconciled" {
            columns.push(place.cells(|_| true).await);
            continue;
        }
        let operator = place.operator().await;
        let (passed, answer) = match test {
            None => ("Unknown/Running", NONE),
            Some("failure") => ("False/RequiredFailed", "rejected"),
            Some(_) => ("True/AllRequiredSucceeded", "approved"),
        };
        place.until(passed).await;
        let settled = place.cells(|cells| cells[3] == answer && cells[0] != NONE).await;
        match state {
            "github-away-undecided" => {
                place.gh.fail(Match::path("/").method("GET"), Fault::Reset);
                place.until_away().await;
            }
            "passed-old-generation" => {
                operator.stop().await;
                let edit = r#"{"spec":{"workflows":["CI","e2e"]}}"#;
                let patch = ["patch", "trr", NAME, "-n", &place.namespace, "--type=merge", "-p", edit];
                plane.kubectl_ok(&patch).await.unwrap();
                columns.push(place.cells(|_| true).await);
                place.clean();
                continue;
            }
            "passed-being-deleted" => {
                let uid = place.get("trr", NAME).await.unwrap()["metadata"]["uid"].clone();
                for (kind, name) in
                    [("commitstatus", "testrun-shop"), ("configmap", "testrun-attestation-shop")]
                {
                    let owner =
                        place.get(kind, name).await.unwrap()["metadata"]["ownerReferences"][0].clone();
                    assert_eq!((&owner["uid"], &owner["controller"]), (&uid, &json!(true)), "{kind}");
                }
                let delete = ["delete", "trr", NAME, "-n", &place.namespace];
                plane.kubectl_ok(&delete).await.unwrap();
                // Nothing collects garbage on this API server.
                let mut cells = place.cells(|_| true).await;
                for owned in [2, 4] {
                    cells[owned] = "goes with it".to_owned();
                }
                operator.stop().await;
                columns.push(cells);
                place.clean();
                continue;
            }
            _ => assert_eq!(place.cells(|_| true).await, settled, "it stays so"),
        }
        columns.push(place.cells(|_| true).await);
        operator.stop().await;
        place.clean();
    }
    let names = [
        "commit status on GitHub", "check run on GitHub", "`CommitStatus` of GitOps Promoter (phase)",
        "answer to a deployment protection rule", "attestation in a ConfigMap",
    ];
    let rows: Vec<(String, Vec<String>)> = names
        .iter()
        .enumerate()
        .map(|(row, name)| ((*name).to_owned(), columns.iter().map(|c| c[row].clone()).collect()))
        .collect();
    let heads: Vec<&str> = STATES.iter().map(|(head, _)| *head).collect();
    assert_section("docs/gating.md", "published", &table(&heads, &rows));
}

impl Place {
    async fn until_away(&self) {
        let away = async || {
            let report = self.get("trr", NAME).await?;
            (condition(&report, "Passed") == "Unknown/GitHubUnavailable").then_some(())
        };
        eventually(|| "GitHub to be away", away).await;
    }
}
