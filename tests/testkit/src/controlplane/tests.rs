//! The control plane, tried for real.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const WIDGETS: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.bench.testrun.invalid
spec:
  group: bench.testrun.invalid
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              size: {type: integer, minimum: 1}
          status:
            type: object
            default: {phase: Pending}
            properties:
              phase: {type: string}
"#;

const SIZE_POLICY: &str = r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: small-widgets}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
    - apiGroups: [bench.testrun.invalid]
      apiVersions: [v1]
      operations: [CREATE]
      resources: [widgets]
  validations:
  - expression: object.spec.size < 10
    message: too large a widget
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: small-widgets}
spec: {policyName: small-widgets, validationActions: [Deny]}
"#;

fn widget(namespace: &str, name: &str, size: u32) -> String {
    format!(
        "apiVersion: bench.testrun.invalid/v1\nkind: Widget\n\
         metadata: {{namespace: {namespace}, name: {name}}}\nspec: {{size: {size}}}\n"
    )
}

async fn apply_widgets(plane: &ControlPlane) {
    plane.apply(WIDGETS).await.unwrap();
    let crd = "crd/widgets.bench.testrun.invalid";
    plane.kubectl_ok(&["wait", "--for=condition=Established", crd]).await.unwrap();
}

/// Repeats an attempt until it gives something.
async fn eventually<T>(what: &str, limit: Duration, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = attempt().await {
            return value;
        }
        assert!(Instant::now() < deadline, "{what}: not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn the_shared_control_plane_tells_the_pinned_version() {
    let plane = shared().await.unwrap();
    let version = plane.admin().json(&["version"]).await.unwrap();
    let pins = concat!(env!("CARGO_MANIFEST_DIR"), "/../controlplane/kubernetes/go.mod");
    let pins = std::fs::read_to_string(pins).unwrap();
    for side in ["clientVersion", "serverVersion"] {
        let told = version[side]["gitVersion"].as_str().unwrap();
        let parts: Vec<&str> = told.split('.').collect();
        assert_eq!(version[side]["major"], parts[0].trim_start_matches('v'));
        assert_eq!(version[side]["minor"], parts[1]);
        if std::env::var_os("KUBEBUILDER_ASSETS").is_none() {
            let pin = format!("k8s.io/kubernetes {told} ");
            assert!(pins.contains(&pin), "{told} is not the pinned version");
        }
    }
}

#[tokio::test]
async fn a_status_default_is_served_and_a_policy_denies() {
    let plane = shared().await.unwrap();
    apply_widgets(plane).await;
    let namespace = plane.namespace("policy").await.unwrap();
    plane.apply(&widget(&namespace, "small", 3)).await.unwrap();
    let phase = ["get", "widget", "small", "-n", &namespace, "-o=jsonpath={.status.phase}"];
    assert_eq!(plane.kubectl_ok(&phase).await.unwrap(), "Pending");

    plane.apply(SIZE_POLICY).await.unwrap();
    let large = widget(&namespace, "large", 30);
    // The policy is in force shortly after it was applied.
    let denial = eventually("the policy denies", Duration::from_secs(30), async || {
        match plane.admin().with_file(&large, &["create", "--dry-run=server"]).await {
            Err(Error::Kubectl { stderr, .. }) => Some(stderr),
            _ => None,
        }
    })
    .await;
    assert!(denial.contains("too large a widget"), "{denial}");
    plane.apply(&widget(&namespace, "other", 9)).await.unwrap();
}

#[tokio::test]
async fn identities_have_the_rights_they_were_given_and_no_others() {
    let plane = shared().await.unwrap();
    let namespace = plane.namespace("rights").await.unwrap();
    let flag = format!("--namespace={namespace}");
    for (role, user) in [("reader-a", "--user=alice"), ("reader-t", "--group=team")] {
        let create = ["create", "rolebinding", role, "--clusterrole=edit-configmaps"];
        let args = [&create[..], &[user, &flag]].concat();
        plane.kubectl_ok(&args).await.unwrap();
    }
    let create = ["create", "clusterrole", "edit-configmaps", "--verb=get,list"];
    plane.kubectl_ok(&[&create[..], &["--resource=configmaps"]].concat()).await.unwrap();
    let list = ["get", "configmaps", &flag];
    let may = |kubectl: Kubectl| async move { kubectl.ok(&list).await };
    // A declared user with a token, and two that are impersonated.
    let allowed = [("alice", &[][..]), ("carol", &["team"][..])];
    for (user, groups) in allowed {
        let kubectl = plane.kubectl_as(user, groups).unwrap();
        eventually("the binding takes effect", Duration::from_secs(10), async || {
            may(kubectl.clone()).await.ok()
        })
        .await;
        let who = kubectl.ok(&["auth", "whoami", "-o=jsonpath={.status.userInfo.username}"]);
        assert_eq!(who.await.unwrap(), user);
    }
    for (user, groups) in [("bob", &[][..]), ("operator", &[][..]), ("carol", &["guests"][..])] {
        let refused = may(plane.kubectl_as(user, groups).unwrap()).await.unwrap_err();
        assert!(refused.to_string().contains("Forbidden"), "{refused}");
    }
    plane.kubectl_ok(&["create", "serviceaccount", "robot", &flag]).await.unwrap();
    let robot = plane.kubeconfig_for_service_account(&namespace, "robot").await.unwrap();
    let who = plane.kubectl_with(&robot);
    let who = who.ok(&["auth", "whoami", "-o=jsonpath={.status.userInfo.username}"]);
    assert_eq!(who.await.unwrap(), format!("system:serviceaccount:{namespace}:robot"));
}

#[tokio::test]
async fn each_request_leaves_one_audit_event_once_it_is_answered() {
    let plane = shared().await.unwrap();
    let namespace = plane.namespace("audit").await.unwrap();
    let flag = format!("--namespace={namespace}");
    let mark = plane.audit_mark().unwrap();
    for name in ["one", "two", "three"] {
        plane.kubectl_ok(&["create", "configmap", name, &flag]).await.unwrap();
    }
    let dan = plane.kubectl_as("dan", &[]).unwrap();
    dan.ok(&["get", "configmap", "one", &flag]).await.unwrap_err();
    let watch = ["get", "configmaps", "--watch-only", "--request-timeout=1s", &flag];
    plane.kubectl(&watch).await.unwrap();

    let events = plane.audit_events_since(mark).unwrap();
    let ours: Vec<_> = events
        .iter()
        .filter(|event| event.namespace() == namespace && event.target() == "configmaps")
        .map(|event| (event.verb.as_str(), event.user(), event.code(), event.is_write()))
        .collect();
    assert_eq!(
        ours,
        [
            ("create", "admin", Some(201), true),
            ("create", "admin", Some(201), true),
            ("create", "admin", Some(201), true),
            ("get", "dan", Some(403), false),
            ("list", "admin", Some(200), false),
            ("watch", "admin", Some(200), false),
        ]
    );
    assert!(plane.audit_events().unwrap().len() > events.len());
}

#[tokio::test]
async fn what_was_stored_outlives_the_death_of_each_server() {
    let plane = ControlPlane::start().await.unwrap();
    let flag = "--namespace=default";
    let create = ["create", "configmap", "kept", "--from-literal=a=b", flag];
    plane.kubectl_ok(&create).await.unwrap();
    let get = ["get", "configmap", "kept", "-o=jsonpath={.data.a}", flag, "--request-timeout=3s"];
    let url = plane.url();

    plane.stop_apiserver();
    let refused = plane.kubectl_ok(&get).await.unwrap_err();
    assert!(refused.to_string().contains("refused"), "{refused}");
    plane.start_apiserver().await.unwrap();
    assert_eq!(plane.kubectl_ok(&get).await.unwrap(), "b");

    plane.stop_etcd();
    let create = ["create", "configmap", "lost", flag, "--request-timeout=3s"];
    plane.kubectl_ok(&create).await.unwrap_err();
    plane.start_etcd().await.unwrap();
    assert_eq!(plane.kubectl_ok(&get).await.unwrap(), "b");

    plane.stop_apiserver();
    plane.stop_etcd();
    plane.start_etcd().await.unwrap();
    plane.start_apiserver().await.unwrap();
    assert_eq!(plane.kubectl_ok(&get).await.unwrap(), "b");
    assert_eq!(plane.url(), url);
    assert!(matches!(plane.audit_events(), Err(Error::Usage(_))));
    let dir = plane.kubeconfig_path().to_path_buf();
    drop(plane);
    assert!(!dir.exists());
}

#[tokio::test]
async fn the_controller_manager_collects_dependents_and_ends_namespaces() {
    let plane =
        ControlPlane::builder().controller_manager(true).user("erin", &["team"]).start().await.unwrap();
    let namespace = plane.namespace("gc").await.unwrap();
    let flag = format!("--namespace={namespace}");
    plane.kubectl_ok(&["create", "configmap", "owner", &flag]).await.unwrap();
    let uid = ["get", "configmap", "owner", "-o=jsonpath={.metadata.uid}", &flag];
    let uid = plane.kubectl_ok(&uid).await.unwrap();
    let dependent = serde_json::json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": "dependent", "namespace": namespace,
            "ownerReferences": [
                {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
            ],
        },
    });
    plane.apply(&dependent.to_string()).await.unwrap();
    plane.kubectl_ok(&["delete", "configmap", "owner", &flag]).await.unwrap();
    let gone = ["wait", "--for=delete", "configmap/dependent", "--timeout=60s", &flag];
    plane.kubectl_ok(&gone).await.unwrap();
    plane.kubectl_ok(&["delete", "namespace", &namespace, "--timeout=60s"]).await.unwrap();
    let erin = plane.kubectl_as("erin", &["team"]).unwrap();
    let groups = erin.ok(&["auth", "whoami", "-o=jsonpath={.status.userInfo.groups}"]);
    assert_eq!(groups.await.unwrap(), r#"["team","system:authenticated"]"#);
}

#[tokio::test]
async fn a_refused_server_flag_is_told_with_the_log() {
    let start = ControlPlane::builder().apiserver_arg("--no-such-flag").start();
    let error = start.await.unwrap_err().to_string();
    assert!(error.contains("kube-apiserver ended early"), "{error}");
    assert!(error.contains("unknown flag: --no-such-flag"), "{error}");
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_ended() {
    let plane = shared().await.unwrap();
    let namespace = plane.namespace("slow").await.unwrap();
    let flag = format!("--namespace={namespace}");
    let kubectl = plane.admin().clone().with_deadline(Duration::from_secs(2));
    let error = kubectl.ok(&["get", "configmaps", "--watch", &flag]).await.unwrap_err();
    assert!(matches!(error, Error::Timeout(_)), "{error}");
    eventually("kubectl is gone", Duration::from_secs(5), async || {
        running_with(&namespace).is_empty().then_some(())
    })
    .await;
}

/// The command lines of running processes that contain a text.
fn running_with(text: &str) -> Vec<String> {
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "))
        .filter(|line| line.contains(text))
        .collect()
}

/// Not a test by itself: the process that the next test kills.
#[tokio::test]
async fn helper_that_waits_to_be_killed() {
    let Some(report) = std::env::var_os("TESTKIT_HELPER_REPORT") else {
        return;
    };
    let shared = shared().await.unwrap();
    let own = ControlPlane::start().await.unwrap();
    let dirs: Vec<_> = [shared, &own]
        .iter()
        .map(|plane| plane.log_path("etcd").parent().unwrap().display().to_string())
        .collect();
    let unfinished = Path::new(&report).with_extension("unfinished");
    std::fs::write(&unfinished, dirs.join("\n")).unwrap();
    std::fs::rename(&unfinished, &report).unwrap();
    let watch = ["get", "namespaces", "--watch"];
    let _ = own.kubectl(&watch).await;
}

#[tokio::test]
async fn nothing_is_left_of_a_test_process_that_is_killed() {
    let scratch = tempfile::tempdir().unwrap();
    let report = scratch.path().join("report");
    let mut helper = Command::new(std::env::current_exe().unwrap())
        .args(["helper_that_waits_to_be_killed", "--nocapture"])
        .env("TESTKIT_HELPER_REPORT", &report)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let text = eventually("the helper reports", Duration::from_secs(600), async || {
        assert!(helper.try_wait().unwrap().is_none(), "the helper ended early");
        std::fs::read_to_string(&report).ok()
    })
    .await;
    let dirs: Vec<&str> = text.lines().collect();
    assert_eq!(dirs.len(), 2);
    for dir in &dirs {
        // etcd, kube-apiserver and their supervisors, and the janitor.
        assert!(running_with(dir).len() >= 5, "{:#?}", running_with(dir));
    }
    helper.kill().unwrap();
    helper.wait().unwrap();
    for dir in dirs {
        eventually("all is gone", Duration::from_secs(20), async || {
            (running_with(dir).is_empty() && !Path::new(dir).exists()).then_some(())
        })
        .await;
    }
}
