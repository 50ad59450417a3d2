//! What the chart renders without a cluster.

use serde_json::{Value, json};

use super::{CHART, Helm, RELEASE};
use crate::generated::{assert_file, in_repository};

async fn rendered(values: Value) -> String {
    Helm::offline().ok(&["template", RELEASE, CHART, "--namespace=ops"], &values).await
}

/// What helm says of values that it refuses.
async fn refused(values: Value) -> String {
    let output = Helm::offline().run(&["template", RELEASE, CHART, "--namespace=ops"], &values).await;
    assert!(!output.status.success(), "let through: {values}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Documents of a kind.
fn documents<'a>(text: &'a str, kind: &str) -> Vec<&'a str> {
    text.split("\n---").filter(|d| d.lines().any(|line| line == format!("kind: {kind}"))).collect()
}

/// Everything that can be switched on.
pub fn everything() -> Value {
    json!({
        "github": {"apiUrl": "https://api.github.com", "tokenSecret": {"name": "github"}},
        "credentials": {"watchSecrets": true},
        "gate": {"enabled": true, "reportNamespace": "verdicts",
            "reports": [{"name": "web", "workloads": ["web"]}, {"name": "db", "workloads": ["db", "db-init"]}]},
        "promoter": {"enabled": true}, "http": {"enabled": true, "tlsSecret": "verdicts-tls"},
        "metrics": {"serviceMonitor": {"enabled": true}, "prometheusRule": {"enabled": true}},
        "networkPolicy": {"enabled": true}, "podDisruptionBudget": {"enabled": true},
        "ports": {"metrics": 9090}, "imagePullSecrets": [{"name": "pull"}], "priorityClassName": "high",
        "image": {"digest": format!("sha256:{}", "a".repeat(64))}, "commonLabels": {"team": "ci"},
        "extraArgs": ["--log=debug"], "extraEnv": [{"name": "A", "value": "b"}],
        "extraVolumes": [{"name": "ca", "configMap": {"name": "ca"}}],
        "extraVolumeMounts": [{"name": "ca", "mountPath": "/ca"}],
        "nodeSelector": {"a": "b"}, "tolerations": [{"operator": "Exists"}], "affinity": {"nodeAffinity": {}},
        "podLabels": {"x": "y"}, "podAnnotations": {"x": "y"}, "serviceAccount": {"annotations": {"x": "y"}},
    })
}

#[test]
fn the_crds_of_the_chart_are_the_generated_ones() {
    for definition in testrun_operator::api::definitions() {
        let path = format!("charts/testrun-operator/crds/{}", definition.file);
        assert_file(&path, &definition.yaml().unwrap());
    }
}

#[tokio::test]
async fn the_chart_has_nothing_to_complain_of() {
    for values in [json!({}), everything()] {
        Helm::offline().ok(&["lint", CHART, "--strict"], &values).await;
    }
}

#[tokio::test]
async fn what_is_not_asked_for_is_not_rendered() {
    let plain = rendered(json!({})).await;
    for (kind, count) in [
        ("Deployment", 1),
        ("ServiceAccount", 1),
        ("ClusterRole", 4),
        ("ClusterRoleBinding", 1),
        ("Role", 0),
        ("Service", 1),
        ("ConfigMap", 0),
        ("ServiceMonitor", 0),
        ("PrometheusRule", 0),
        ("NetworkPolicy", 0),
        ("PodDisruptionBudget", 0),
        // Rendered without a cluster too: it must not depend on what helm happens to know.
        ("ValidatingAdmissionPolicy", 2),
        ("ValidatingAdmissionPolicyBinding", 2),
    ] {
        assert_eq!(documents(&plain, kind).len(), count, "{kind}");
    }
    let all = rendered(everything()).await;
    assert_eq!(documents(&all, "Service").len(), 2);
    assert!(all.contains("--http-addr=0.0.0.0:8443") && !plain.contains("--http-addr"));
    for kind in ["ServiceMonitor", "PrometheusRule", "NetworkPolicy", "PodDisruptionBudget"] {
        assert_eq!(documents(&all, kind).len(), 1, "{kind}");
    }
    // The policies of statuses, waivers and promoter, one per report, and the one that closes the list.
    assert_eq!(documents(&all, "ValidatingAdmissionPolicy").len(), 6);
    let off = json!({"statusPolicy": {"enabled": false}, "waiverPolicy": {"enabled": false}, "rbac": {"create": false},
        "metrics": {"service": {"enabled": false}}, "serviceAccount": {"create": false, "name": "mine"}});
    let off = rendered(off).await;
    assert_eq!(off.matches("\nkind: ").count(), 1, "{off}");
    assert!(off.contains("serviceAccountName: mine"));
}

#[tokio::test]
async fn listed_namespaces_get_roles_and_no_right_beyond_them() {
    let text = rendered(json!({"watch": {"namespaces": ["a", "b"]}, "rbac": {"aggregate": false}})).await;
    assert_eq!(documents(&text, "Role").len(), 2);
    assert_eq!(documents(&text, "RoleBinding").len(), 2);
    assert!(documents(&text, "ClusterRole").is_empty() && documents(&text, "ClusterRoleBinding").is_empty());
    assert!(text.contains("--namespaces=a,b"));
}

#[tokio::test]
async fn several_replicas_elect_a_leader_and_one_may_receive_webhooks() {
    let one = rendered(json!({"watch": {"namespaces": ["a"]}, "rbac": {"aggregate": false}})).await;
    assert!(!one.contains("--leader-elect") && !one.contains("leases") && one.contains("type: Recreate"));
    let values = json!({"watch": {"namespaces": ["a"]}, "rbac": {"aggregate": false}, "replicas": 3,
        "sharding": {"shards": 6}});
    let three = rendered(values).await;
    for words in
        ["replicas: 3", "--leader-elect", "--lease-namespace=ops", "--shards=6", "type: RollingUpdate"]
    {
        assert!(three.contains(words), "{words}: {three}");
    }
    assert_eq!(documents(&three, "Role").len(), 2, "one for reports, one for Leases");
    assert!(documents(&three, "ClusterRole").is_empty());
    let hooks = json!({"webhooks": {"enabled": true, "secret": {"name": "hooks"}}, "networkPolicy": {"enabled": true}});
    let hooks = rendered(hooks).await;
    for words in
        ["--webhook-addr=0.0.0.0:8080", "name: GITHUB_WEBHOOK_SECRET", "targetPort: webhooks", "- port: 8080"]
    {
        assert!(hooks.contains(words), "{words}: {hooks}");
    }
}

#[tokio::test]
async fn secrets_are_read_only_as_far_as_the_values_say() {
    let rules = async |values: Value| documents(&rendered(values).await, "ClusterRole")[0].to_owned();
    let plain = rules(json!({})).await;
    assert!(plain.contains("resources: [secrets]\n    verbs: [get]"), "{plain}");
    assert!(!plain.contains("verbs: [list, watch]"), "{plain}");
    let none = rules(json!({"credentials": {"enabled": false}})).await;
    assert!(!none.contains("secrets"), "{none}");
    let some = rules(json!({"credentials": {"secretNames": ["github-token"], "watchSecrets": true}})).await;
    assert!(some.contains("resourceNames: [\"github-token\"]\n    verbs: [get]"), "{some}");
    assert!(some.contains("resources: [secrets]\n    verbs: [list, watch]"), "{some}");
}

#[tokio::test]
async fn values_that_make_no_sense_are_refused() {
    for (values, words) in [
        (json!({"replicas": 99}), "/replicas"),
        (json!({"sharding": {"shards": 4}}), "sharding.shards above 1 needs replicas"),
        (json!({"webhooks": {"enabled": true}}), "webhooks.enabled needs webhooks.secret.name"),
        (json!({"replicas": 2, "webhooks": {"enabled": true, "secret": {"name": "w"}}}), "needs replicas=1"),
        (json!({"relicas": 1}), "relicas"),
        (json!({"gate": {"enabled": true}}), "name at least one TestRunReport"),
        (
            json!({"gate": {"enabled": true, "reports": [{"name": "r"}]}, "statusPolicy": {"enabled": false}}),
            "gate.enabled needs statusPolicy.enabled",
        ),
        (json!({"gate": {"reports": [{"workloads": ["a"]}]}}), "name"),
        (json!({"gate": {"annotations": {"commit": "a'] || true"}}}), "/gate/annotations/commit"),
        (json!({"statusPolicy": {"extraUsers": ["x' || true || '"]}}), "/statusPolicy/extraUsers"),
        (json!({"github": {"apiUrl": "http://ghe"}}), "/github/apiUrl"),
        (json!({"serviceAccount": {"create": false}}), "set serviceAccount.name"),
        (json!({"ports": {"probes": 80}}), "/ports/probes"),
        (json!({"promoter": {"enabled": true, "keys": ["a' in x || 'b"]}}), "/promoter/keys"),
        (json!({"promoter": {"enabled": true, "keys": []}}), "/promoter/keys"),
    ] {
        let error = refused(values.clone()).await;
        assert!(error.contains(words), "{words:?} is not said of {values}: {error}");
    }
}

#[test]
fn the_readme_explains_every_value_with_its_default() {
    let values: Value = serde_saphyr::from_str(
        &std::fs::read_to_string(in_repository("charts/testrun-operator/values.yaml")).unwrap(),
    )
    .unwrap();
    let readme = std::fs::read_to_string(in_repository("charts/testrun-operator/README.md")).unwrap();
    let mut missing = Vec::new();
    leaves(&values, String::new(), &mut |path, value| {
        let default = match value {
            Value::String(_) | Value::Bool(_) | Value::Number(_) => format!("| `{path}` | `{value}` | "),
            Value::Array(all) if all.is_empty() => format!("| `{path}` | `[]` | "),
            Value::Object(all) if all.is_empty() => format!("| `{path}` | `{{}}` | "),
            _ => format!("| `{path}` | "),
        };
        if !readme.contains(&default) {
            missing.push(default);
        }
    });
    assert!(missing.is_empty(), "not in the chart's README.md:\n{}", missing.join("\n"));
    let rows = readme.lines().filter(|line| line.starts_with("| `")).count();
    let mut count = 0;
    leaves(&values, String::new(), &mut |_, _| count += 1);
    assert_eq!(rows, count, "the README explains values that do not exist");
}

/// Visits every value that is not a group of values.
fn leaves(value: &Value, path: String, visit: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(all)
            if !all.is_empty() && !["resources", "namespaceSelector"].iter().any(|p| path.ends_with(p)) =>
        {
            for (name, value) in all {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(value, path, visit);
            }
        }
        other => visit(&path, other),
    }
}
