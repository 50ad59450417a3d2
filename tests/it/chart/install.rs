//! Install, upgrade, uninstall, and what the API server makes of it.

use serde_json::{Value, json};

use super::render::everything;
use super::{CHART, Helm, RELEASE, operator, plane};
use crate::cluster::{established, eventually};

/// Values of a release that keeps to one namespace, so that tests do not get into each other's way.
fn only(namespace: &str) -> Value {
    json!({"watch": {"namespaces": [namespace]}})
}

#[tokio::test]
async fn the_api_server_accepts_all_that_the_chart_can_render() {
    let plane = plane().await;
    let namespace = plane.namespace("render").await.unwrap();
    // The kinds of the monitoring stack are not served here.
    let mut all = everything();
    all["metrics"] = json!({"dashboard": {"enabled": true}});
    for values in [json!({}), all, only(&namespace)] {
        let n = format!("--namespace={namespace}");
        let text = Helm::offline().ok(&["template", RELEASE, CHART, &n], &values).await;
        plane.admin().with_file(&text, &["create", "--dry-run=server"]).await.unwrap();
    }
}

#[tokio::test]
async fn who_answers_over_http_may_ask_about_tokens_and_nobody_else() {
    let plane = plane().await;
    for (enabled, want) in [(false, "no"), (true, "yes")] {
        let namespace = plane.namespace("http").await.unwrap();
        let mut values = only(&namespace);
        values["http"] = json!({ "enabled": enabled });
        Helm::on(plane).deploy(&namespace, &values).await;
        let operator = operator(plane, &namespace).await;
        for kind in ["tokenreviews.authentication.k8s.io", "subjectaccessreviews.authorization.k8s.io"] {
            // The API server learns of the rights a little later than helm has made them.
            let told = async || {
                let output = operator.run(&["auth", "can-i", "create", kind]).await.unwrap();
                (String::from_utf8_lossy(&output.stdout).trim() == want).then_some(())
            };
            eventually(|| format!("{want} to {kind}"), told).await;
        }
    }
}

#[tokio::test]
async fn a_release_is_installed_upgraded_and_removed_and_the_reports_stay() {
    let plane = plane().await;
    let namespace = plane.namespace("install").await.unwrap();
    let n = format!("--namespace={namespace}");
    let helm = Helm::on(plane);
    let notes = helm.deploy(&namespace, &only(&namespace)).await;
    assert!(notes.contains("No credential is set"), "{notes}");
    established(plane, "testrunreports.testrun.dev").await;
    plane.admin().with_file(&super::report("kept", json!({})), &["create", &n]).await.unwrap();

    let mut values = only(&namespace);
    values["github"] = json!({"tokenSecret": {"name": "github"}});
    let notes = helm.deploy(&namespace, &values).await;
    assert!(notes.contains("REVISION: 2") && !notes.contains("No credential"), "{notes}");
    let path = "jsonpath={.spec.template.spec.containers[0].args}";
    let args = plane.kubectl_ok(&["get", "deployment", RELEASE, &n, "-o", path]).await.unwrap();
    assert!(args.contains(&format!("--namespaces={namespace}")), "{args}");

    helm.ok(&["uninstall", RELEASE, &n], &json!({})).await;
    let left = plane
        .kubectl_ok(&["get", "deploy,sa,role,rolebinding,service,configmap", &n, "-o", "name"])
        .await
        .unwrap();
    assert!(!left.contains(RELEASE), "{left}");
    let policies = plane.kubectl_ok(&["get", "validatingadmissionpolicies", "-o", "name"]).await.unwrap();
    assert!(!policies.contains(&namespace), "{policies}");
    // Removing the operator must not remove anyone's reports.
    assert_eq!(
        plane.kubectl_ok(&["get", "trr", &n, "-o", "name"]).await.unwrap().trim(),
        "testrunreport.testrun.dev/kept"
    );
}

#[tokio::test]
async fn the_operator_may_do_what_it_needs_and_nothing_else() {
    let plane = plane().await;
    let namespace = plane.namespace("rights").await.unwrap();
    let other = plane.namespace("others").await.unwrap();
    Helm::on(plane).deploy(&namespace, &only(&namespace)).await;
    let kubectl = operator(plane, &namespace).await;
    for (allowed, verb, resource, place) in [
        (true, "list", "testrunreports.testrun.dev", &namespace),
        (true, "watch", "testrunreports.testrun.dev", &namespace),
        (true, "delete", "testrunreports.testrun.dev", &namespace),
        (true, "patch", "testrunreports.testrun.dev/status", &namespace),
        (true, "create", "events.events.k8s.io", &namespace),
        (false, "patch", "events.events.k8s.io", &namespace),
        (true, "get", "secrets", &namespace),
        (false, "list", "secrets", &namespace),
        // Those of sets.
        (true, "create", "testrunreports.testrun.dev", &namespace),
        (true, "patch", "testrunreports.testrun.dev", &namespace),
        (false, "update", "testrunreports.testrun.dev", &namespace),
        (false, "create", "testrunreportsets.testrun.dev", &namespace),
        (false, "patch", "testrunreportsets.testrun.dev", &namespace),
        (false, "create", "testrunreports.testrun.dev", &other),
        (false, "deletecollection", "testrunreports.testrun.dev", &namespace),
        (false, "create", "pods", &namespace),
        (false, "update", "secrets", &namespace),
        (false, "list", "testrunreports.testrun.dev", &other),
        (false, "get", "secrets", &other),
    ] {
        let n = format!("--namespace={place}");
        let resource = match resource.split_once('/') {
            Some((resource, part)) => vec![resource.to_owned(), format!("--subresource={part}")],
            None => vec![resource.to_owned()],
        };
        let mut args = vec!["auth", "can-i", verb];
        args.extend(resource.iter().map(String::as_str));
        args.push(&n);
        // The API server learns of the rights a little later than helm has made them; the first of these is one.
        let is = async || (kubectl.run(&args).await.unwrap().status.success() == allowed).then_some(());
        eventually(|| format!("{}: {allowed}", args.join(" ")), is).await;
    }
}

#[tokio::test]
async fn the_pod_meets_the_restricted_standard() {
    let plane = plane().await;
    let namespace = plane.namespace("restricted").await.unwrap();
    let n = format!("--namespace={namespace}");
    Helm::on(plane).deploy(&namespace, &only(&namespace)).await;
    plane
        .kubectl_ok(&["label", "namespace", &namespace, "pod-security.kubernetes.io/enforce=restricted"])
        .await
        .unwrap();
    let deployment = plane.admin().json(&["get", "deployment", RELEASE, &n]).await.unwrap();
    let mut pod = deployment["spec"]["template"].clone();
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["name"] = json!("probe");
    let args = ["create", "--dry-run=server", &n];
    plane.admin().with_file(&pod.to_string(), &args).await.unwrap();

    // The standard is in force: without its settings the same pod is refused.
    pod["spec"]["containers"][0]["securityContext"] = json!({});
    let error = plane.admin().with_file(&pod.to_string(), &args).await.unwrap_err().to_string();
    assert!(error.contains("violates PodSecurity \"restricted"), "{error}");
}
