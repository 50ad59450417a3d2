//! The files under `examples/`: what is ours in them is taken by a real API server, and the values by the chart, whose
//! configuration the operator can use.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use testrun_operator::config::Source;

use super::{CHART, Helm, RELEASE};
use crate::cluster::cluster;
use crate::generated::in_repository;

fn yaml_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => yaml_files(&path, into),
            false if path.extension().is_some_and(|e| e == "yaml") => into.push(path),
            false => {}
        }
    }
}

pub fn documents(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.split("\n---\n").map(|part| serde_saphyr::from_str(part).unwrap()).collect()
}

#[tokio::test]
async fn what_is_ours_in_the_examples_is_taken_by_the_api_server() {
    let plane = cluster().await;
    let mut files = Vec::new();
    yaml_files(&in_repository("examples"), &mut files);
    // What promoter, Argo CD and others make of a report has statuses, and is tested with their code.
    files.retain(|f| !f.components().any(|c| c.as_os_str() == "testdata"));
    let mut tried = Vec::new();
    for file in files {
        for mut object in documents(&file) {
            let ours = object["apiVersion"].as_str().is_some_and(|v| v.starts_with("testrun.dev/"));
            if !ours && object["kind"] != "Secret" {
                continue;
            }
            object["metadata"].as_object_mut().unwrap().remove("namespace");
            let args = ["create", "--dry-run=server", "--validate=strict", "--namespace=default"];
            let taken = plane.admin().with_file(&object.to_string(), &args).await;
            assert!(taken.is_ok(), "{}: {}", file.display(), taken.unwrap_err());
            tried.push(object["kind"].as_str().unwrap().to_owned());
        }
    }
    for (kind, least) in [("TestRunReport", 4), ("TestRunReportSet", 1), ("Secret", 2)] {
        assert!(tried.iter().filter(|k| *k == kind).count() >= least, "{kind} in {tried:?}");
    }
}

#[tokio::test]
async fn the_reports_inside_of_the_workflow_are_taken_too() {
    let plane = cluster().await;
    let text = std::fs::read_to_string(in_repository("examples/gating/github/workflow.yml")).unwrap();
    let workflow: Value = serde_saphyr::from_str(&text).unwrap();
    for (job, command) in [("gate", "kubectl testrun gate"), ("queue", "kubectl apply")] {
        let script = workflow["jobs"][job]["steps"][0]["run"].as_str().unwrap();
        let (line, rest) = script.split_once("<<EOF\n").unwrap();
        let object = rest.split_once("EOF").unwrap().0.replace("$SHA", super::SHA);
        let object = object.replace("$GITHUB_REPOSITORY", "acme/shop");
        assert!(line.starts_with(command), "{line}");
        let args = ["create", "--dry-run=server", "--validate=strict", "--namespace=default"];
        let taken = plane.admin().with_file(&object, &args).await;
        assert!(taken.is_ok(), "{job}: {}", taken.unwrap_err());
    }
}

/// What the chart makes of the values in the folder of an example: the Deployment, and the text of the configuration.
pub async fn rendered(folder: &str) -> (Value, String) {
    let values = documents(&in_repository(&format!("examples/{folder}/values.yaml"))).remove(0);
    let text = Helm::offline().ok(&["template", RELEASE, CHART, "--namespace=ops"], &values).await;
    let all: Vec<Value> =
        text.split("\n---\n").filter_map(|part| serde_saphyr::from_str(part).ok()).collect();
    let of = |kind: &str| all.iter().find(|o: &&Value| o["kind"] == kind).unwrap().clone();
    let config = of("ConfigMap")["data"]["config.yaml"].as_str().unwrap().to_owned();
    (of("Deployment"), config)
}

/// Whether a path is a key of this Secret, where the chart mounts it.
fn is_mounted(deployment: &Value, path: &str, secret: &Value) -> bool {
    let pod = &deployment["spec"]["template"]["spec"];
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let name = &secret["metadata"]["name"];
    let volumes = list(&pod["volumes"]);
    let volume = volumes.iter().find(|v| v["secret"]["secretName"] == *name);
    let Some(volume) = volume else { return false };
    let mounts = list(&pod["containers"][0]["volumeMounts"]);
    let mount = mounts.iter().find(|m| m["name"] == volume["name"]).unwrap();
    let file = path.strip_prefix(mount["mountPath"].as_str().unwrap()).and_then(|f| f.strip_prefix('/'));
    let items = list(&volume["secret"]["items"]);
    let key = items.iter().find(|i| i["path"] == json!(file)).map_or(json!(file), |i| i["key"].clone());
    key.as_str().is_some_and(|key| secret["stringData"].get(key).is_some())
}

#[tokio::test]
async fn the_operator_can_use_what_the_examples_tell_the_chart() {
    for example in ["deployment-protection", "attestation", "events"] {
        let (deployment, text) = rendered(&format!("gating/{example}")).await;
        let loaded = Source::default().parse(&text).unwrap_or_else(|e| panic!("{example}: {e}"));
        let folder = in_repository(&format!("examples/gating/{example}"));
        let secret = documents(&folder.join("secret.yaml")).remove(0);
        let config: Value = serde_saphyr::from_str(&text).unwrap();
        if example == "events" {
            let sinks = loaded.config.events.sinks();
            assert_eq!((sinks.len(), sinks[0].name.as_str()), (1, "broker"));
            let file = config["events"]["sinks"][0]["secretFile"].as_str().unwrap();
            assert!(is_mounted(&deployment, file, &secret), "{example}: nothing is mounted at {file}");
            continue;
        }
        let report = documents(&folder.join("report.yaml")).remove(0);
        let (files, namespaces) = if example == "attestation" {
            let attestor = loaded.config.attestation.attestor().unwrap();
            (vec![attestor.key_file.to_string_lossy().into_owned()], attestor.namespaces)
        } else {
            let connection = &config["connections"][0];
            let asked = &report["spec"]["publish"]["deploymentProtection"]["environments"];
            assert_eq!(connection["publish"]["environments"], *asked);
            assert_eq!(
                connection["repositories"][0], report["spec"]["source"]["github"]["repository"],
                "{example}"
            );
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let files =
                vec![text(&connection["app"]["privateKeyFile"]), text(&connection["webhookSecretFiles"][0])];
            (files, vec![text(&connection["namespaces"][0])])
        };
        assert_eq!(namespaces, [report["metadata"]["namespace"].as_str().unwrap()], "{example}");
        for file in files {
            assert!(is_mounted(&deployment, &file, &secret), "{example}: nothing is mounted at {file}");
        }
    }
}
