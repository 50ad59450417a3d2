//! Objects as earlier versions stored them: this version reads every one of them, and loses nothing.
//!
//! A release adds a folder of its version below `stored`, and never changes an older one.

use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use testrun_operator::api::{TestRunReport, TestRunReportStatus, TestRunWaiver};

use super::status::{difference, every_field, write_status};
use crate::cluster::cluster;
use crate::generated::in_repository;

/// The objects of each version, and the status of the one that has every field.
fn stored() -> Vec<(PathBuf, Vec<Value>, Value)> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir(in_repository("tests/it/api/stored"))
        .unwrap()
        .map(|version| version.unwrap().path())
        .collect();
    versions.sort();
    let read = |folder: PathBuf| {
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        let text = |file: &PathBuf| std::fs::read_to_string(file).unwrap();
        let objects = files.iter().filter(|f| f.extension().is_some_and(|e| e == "yaml"));
        let objects = objects.map(|file| serde_saphyr::from_str(&text(file)).unwrap()).collect();
        let status = serde_json::from_str(&text(&folder.join("status.json"))).unwrap();
        (folder, objects, status)
    };
    versions.into_iter().map(read).collect()
}

/// What the types make of an object.
fn through<T: DeserializeOwned + Serialize>(object: &Value) -> Value {
    serde_json::to_value(serde_json::from_value::<T>(object.clone()).unwrap()).unwrap()
}

#[test]
fn the_types_read_what_every_version_has_stored() {
    let versions = stored();
    assert!(
        versions.iter().any(|(folder, ..)| folder.ends_with(env!("CARGO_PKG_VERSION"))),
        "no objects of this"
    );
    for (folder, objects, status) in versions {
        for object in &objects {
            let read = match object["kind"].as_str().unwrap() {
                "TestRunReport" => through::<TestRunReport>(object),
                "TestRunWaiver" => through::<TestRunWaiver>(object),
                kind => panic!("{}: {kind}", folder.display()),
            };
            assert_eq!(difference(&read, object, ""), None, "{}", folder.display());
        }
        assert_eq!(difference(&through::<TestRunReportStatus>(&status), &status, "status"), None);
    }
}

#[tokio::test]
async fn the_api_server_takes_and_keeps_what_every_version_has_stored() {
    let plane = cluster().await;
    for (folder, objects, status) in stored() {
        let namespace = plane.namespace("stored").await.unwrap();
        let n = format!("--namespace={namespace}");
        for object in &objects {
            let create = ["create", "--validate=strict", &n];
            plane.admin().with_file(&object.to_string(), &create).await.unwrap();
            let (kind, name) =
                (object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
            let found = plane.admin().json(&["get", kind, name, &n]).await.unwrap();
            assert_eq!(difference(&found["spec"], &object["spec"], name), None, "{}", folder.display());
        }
        write_status(plane, &namespace, "everything", &status).await.unwrap();
        let found = plane.admin().json(&["get", "trr", "everything", &n]).await.unwrap();
        assert_eq!(difference(&found["status"], &status, "status"), None, "{}", folder.display());
    }
}

/// While a version is not released yet its status follows the schema.
#[test]
fn the_status_of_this_version_has_every_field() {
    let file = format!("tests/it/api/stored/{}/status.json", env!("CARGO_PKG_VERSION"));
    let status = serde_json::to_string_pretty(&every_field()).unwrap();
    crate::generated::assert_file(&file, &format!("{status}\n"));
}
