//! Objects of kinds that others define, held to their definitions by a real API server.

use serde_json::{Value, json};
use testkit::controlplane::ControlPlane;
use tokio::process::Command;

use super::{CHART, Helm, RELEASE};
use crate::cluster::established;

/// Definitions as their projects publish them: the module, its checksum, and the files in it.
const DEFINITIONS: [(&str, &str, &[&str]); 2] = [
    (
        "github.com/prometheus-operator/prometheus-operator@v0.85.0",
        "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
        &[
            "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
            "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
        ],
    ),
    (
        "sigs.k8s.io/gateway-api@v1.4.0",
        "h1:ZwlNM6zOHq0h3WUX2gfByPs2yAEsy/EenYJB78jpQfQ=",
        &["config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"],
    ),
];

/// The folder of a Go module, fetched by Go's own client.
async fn module(name: &str, sum: &str) -> String {
    let elsewhere = tempfile::tempdir().unwrap();
    let run = Command::new("go")
        .args(["mod", "download", "-json", name])
        .current_dir(elsewhere.path())
        .output()
        .await
        .unwrap_or_else(|e| panic!("cannot run go: {e}; install Go 1.26 or later and put it on PATH"));
    let told: Value = serde_json::from_slice(&run.stdout)
        .unwrap_or_else(|_| panic!("{name}: {}", String::from_utf8_lossy(&run.stderr)));
    assert_eq!(told["Sum"], sum, "{name}: {told}");
    told["Dir"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn monitors_rules_and_routes_are_what_their_definitions_want() {
    // A control plane of its own: other tests count on these kinds not being served.
    let plane = ControlPlane::start().await.unwrap();
    for (name, sum, files) in DEFINITIONS {
        let dir = module(name, sum).await;
        for file in files {
            let args = ["apply", "--server-side", "-f", &format!("{dir}/{file}")];
            let told = plane.kubectl_ok(&args).await.unwrap();
            let (_, definition) = told.split_whitespace().next().unwrap().split_once('/').unwrap();
            established(&plane, definition).await;
        }
    }
    let values = json!({
        "replicas": 3,
        "metrics": {"serviceMonitor": {"enabled": true, "labels": {"release": "prometheus"}},
            "prometheusRule": {"enabled": true, "rules": [{"alert": "Mine", "expr": "vector(1)"}]}},
        "webhooks": {"enabled": true, "secret": {"name": "hooks"},
            "ingress": {"enabled": true, "host": "hooks.example.com", "className": "nginx", "tlsSecret": "tls"},
            "httpRoute": {"enabled": true, "hostnames": ["hooks.example.com"],
                "parentRefs": [{"name": "public", "namespace": "gateways"}]}},
    });
    for file in ["metrics", "alerts", "webhooks"] {
        let only = format!("--show-only=templates/{file}.yaml");
        let text =
            Helm::offline().ok(&["template", RELEASE, CHART, "--namespace=default", &only], &values).await;
        let args = ["create", "--dry-run=server", "--validate=strict", "-o", "name"];
        let told = plane.admin().with_file(&text, &args).await.unwrap();
        for (of, name) in [
            ("metrics", "servicemonitor.monitoring.coreos.com/"),
            ("alerts", "prometheusrule.monitoring.coreos.com/"),
            ("webhooks", "ingress.networking.k8s.io/"),
            ("webhooks", "httproute.gateway.networking.k8s.io/"),
        ] {
            assert_eq!(told.contains(name), of == file, "{file}: {told}");
        }
    }
    // The definitions are in force: what they do not know is refused.
    let odd = json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor", "metadata": {"name": "odd"},
        "spec": {"selector": {}, "endpoints": [{"interval": "soon"}]}});
    let args = ["create", "--dry-run=server", "--validate=strict", "--namespace=default"];
    let error = plane.admin().with_file(&odd.to_string(), &args).await.unwrap_err().to_string();
    assert!(error.contains("interval"), "{error}");
}
