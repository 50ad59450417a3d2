//! What the chart renders without a cluster.

use serde_json::{Value, json};

use super::{CHART, Helm, RELEASE};
use crate::generated::assert_file;

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
        "page": {"enabled": true},
        "metrics": {"serviceMonitor": {"enabled": true}, "prometheusRule": {"enabled": true}, "dashboard": {"enabled": true}},
        "config": {"connections": [{"name": "ghes", "namespaces": ["*"], "repositories": ["*"]}]},
        "webhooks": {"enabled": true, "ingress": {"enabled": true, "host": "hooks.example.com"}},
        "networkPolicy": {"enabled": true}, "podDisruptionBudget": {"enabled": true},
        "history": {"enabled": true, "persistence": {"enabled": true, "storageClass": "fast"}},
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
        ("Ingress", 0),
        ("HTTPRoute", 0),
        ("ServiceMonitor", 0),
        ("PrometheusRule", 0),
        ("NetworkPolicy", 0),
        ("PodDisruptionBudget", 0),
        ("PersistentVolumeClaim", 0),
        // Rendered without a cluster too: it must not depend on what helm happens to know.
        ("ValidatingAdmissionPolicy", 2),
        ("ValidatingAdmissionPolicyBinding", 2),
    ] {
        assert_eq!(documents(&plain, kind).len(), count, "{kind}");
    }
    let all = rendered(everything()).await;
    assert_eq!(documents(&all, "Service").len(), 3);
    assert!(all.contains("--http-addr=0.0.0.0:8443") && !plain.contains("--http-addr"));
    for kind in [
        "ServiceMonitor", "PrometheusRule", "NetworkPolicy", "PodDisruptionBudget", "PersistentVolumeClaim",
        "Ingress",
    ] {
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
async fn several_replicas_elect_a_leader_and_all_receive_webhooks() {
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
    let values = |replicas: u8| {
        json!({"webhooks": {"enabled": true, "secret": {"name": "hooks"}}, "replicas": replicas,
            "networkPolicy": {"enabled": true, "ingressFrom": [{"podSelector": {}}]}})
    };
    let alone = rendered(values(1)).await;
    assert!(!alone.contains("TESTRUN_ADVERTISE_IP") && !alone.contains("preStop"), "{alone}");
    assert_eq!(alone.matches("- port: 8080").count(), 1, "{alone}");
    let hooks = rendered(values(2)).await;
    // To the Service of all, and between the replicas in both directions.
    assert_eq!(hooks.matches("- port: 8080").count(), 3, "{hooks}");
    assert!(hooks.contains("fieldPath: status.podIP") && hooks.contains("preStop"), "{hooks}");
    for words in
        ["--webhook-addr=0.0.0.0:8080", "name: GITHUB_WEBHOOK_SECRET", "targetPort: webhooks", "- port: 8080"]
    {
        assert!(hooks.contains(words), "{words}: {hooks}");
    }
}

#[tokio::test]
async fn a_history_is_on_a_volume_of_its_own_or_on_a_server() {
    let of = async |history: Value| rendered(json!({"history": history})).await;
    assert!(!of(json!({})).await.contains("history"));
    let pod = of(json!({"enabled": true})).await;
    assert!(
        pod.contains("- --history=sqlite") && pod.contains("emptyDir:\n            sizeLimit: 2Gi"),
        "{pod}"
    );
    let claim = of(json!({"enabled": true, "persistence": {"enabled": true, "storageClass": "fast"}})).await;
    assert!(claim.contains("claimName: testrun-operator-history"), "{claim}");
    let volume = documents(&claim, "PersistentVolumeClaim")[0];
    assert!(volume.contains("storageClassName: fast") && volume.contains("storage: 2Gi"), "{volume}");
    let mine = of(json!({"enabled": true, "persistence": {"enabled": true, "existingClaim": "mine"}})).await;
    assert!(mine.contains("claimName: mine") && documents(&mine, "PersistentVolumeClaim").is_empty());
    let server = of(json!({"enabled": true, "postgres": {"secret": {"name": "pg"}}})).await;
    for words in
        ["- --history=postgres", "--history-url-file=/etc/testrun-operator/history/url", "secretName: pg"]
    {
        assert!(server.contains(words), "{words}: {server}");
    }
    assert!(!server.contains("/var/lib/testrun-operator"), "{server}");
}

#[tokio::test]
async fn artifacts_are_copied_to_a_bucket_or_a_volume() {
    let of = async |artifacts: Value| rendered(json!({"artifacts": artifacts})).await;
    assert!(!of(json!({})).await.contains("artifacts"));
    let secret = json!({"name": "s3", "accessKeyId": "id"});
    let bucket = json!({"store": "s3://ci/a", "endpoint": "http://minio:9000", "region": "eu-west-1",
        "credentialsSecret": secret});
    let bucket = of(bucket).await;
    for words in [
        "- --artifacts-store=s3://ci/a\n", "- --artifacts-endpoint=http://minio:9000\n",
        "- --artifacts-region=eu-west-1\n", "name: AWS_ACCESS_KEY_ID", "name: AWS_SECRET_ACCESS_KEY",
        "name: s3\n                  key: id\n", "key: secretAccessKey",
    ] {
        assert!(bucket.contains(words), "{words}: {bucket}");
    }
    let volume = of(json!({"existingClaim": "copies"})).await;
    for words in [
        "- --artifacts-store=file:///var/lib/testrun-artifacts\n", "claimName: copies",
        "mountPath: /var/lib/testrun-artifacts",
    ] {
        assert!(volume.contains(words), "{words}: {volume}");
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
        (json!({"webhooks": {"ingress": {"enabled": true, "host": "h"}}}), "need webhooks.enabled"),
        (
            json!({"webhooks": {"enabled": true, "secret": {"name": "w"}, "ingress": {"enabled": true}}}),
            "needs webhooks.ingress.host",
        ),
        (
            json!({"webhooks": {"enabled": true, "secret": {"name": "w"}, "httpRoute": {"enabled": true}}}),
            "needs webhooks.httpRoute.parentRefs",
        ),
        (
            json!({"history": {"enabled": true}, "replicas": 2}),
            "needs history.postgres.secret.name: a file has one writer",
        ),
        (json!({"history": {"persistence": {"enabled": true}}}), "need history.enabled"),
        (json!({"artifacts": {"store": "s3://a", "existingClaim": "b"}}), "copied to one of them"),
        (json!({"artifacts": {"endpoint": "https://minio"}}), "need artifacts.store"),
        (json!({"artifacts": {"store": "file:///copies"}}), "/artifacts/store"),
        (json!({"page": {"enabled": true}}), "page.enabled needs http.enabled"),
        (
            json!({"history": {"persistence": {"accessModes": ["ReadWriteMany"]}}}),
            "/history/persistence/accessModes",
        ),
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

#[tokio::test]
async fn a_configuration_restarts_the_pods_unless_only_connections_change() {
    let of = async |config: Value| {
        let text = rendered(json!({"config": config})).await;
        let line = text.lines().find(|l| l.contains("testrun.dev/config: ")).unwrap().trim().to_owned();
        assert!(text.contains("- --config=/etc/testrun-operator/config/config.yaml"), "{text}");
        assert_eq!(documents(&text, "ConfigMap").len(), 1);
        line
    };
    let connection = |name: &str| json!([{"name": name, "namespaces": ["*"], "repositories": ["*"]}]);
    let one = of(json!({"connections": connection("a"), "controller": {"concurrency": 4}})).await;
    assert_eq!(one, of(json!({"connections": connection("b"), "controller": {"concurrency": 4}})).await);
    assert_ne!(one, of(json!({"connections": connection("a"), "controller": {"concurrency": 5}})).await);
}
