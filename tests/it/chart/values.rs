//! Files made of the chart: its table of values, and plain manifests.

use serde_json::{Value, json};

use super::{CHART, Helm, RELEASE};
use crate::generated::{assert_file, assert_section, in_repository};

fn read(file: &str) -> String {
    std::fs::read_to_string(in_repository(CHART).join(file)).unwrap()
}

/// Visits every value that the schema describes, in the order of values.yaml.
fn described(value: &Value, schema: &Value, path: &str, rows: &mut Vec<String>) {
    if let Some(text) = schema["description"].as_str() {
        let default = match value {
            Value::String(_) | Value::Bool(_) | Value::Number(_) => format!("`{value}`"),
            Value::Array(all) if all.is_empty() => "`[]`".to_owned(),
            Value::Object(all) if all.is_empty() => "`{}`".to_owned(),
            _ => "see values.yaml".to_owned(),
        };
        rows.push(format!("| `{path}` | {default} | {text} |"));
        return;
    }
    let group = value.as_object().unwrap_or_else(|| panic!("values.schema.json does not describe {path}"));
    for (name, value) in group {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        described(value, &schema["properties"][name], &path, rows);
    }
    for name in schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name) {
        // Helm's own, for charts that have this one as a part.
        let known = group.contains_key(name) || path.is_empty() && name == "global";
        assert!(known, "values.yaml has no default of {path}.{name}");
    }
}

#[test]
fn the_readme_explains_every_value_with_its_default() {
    let values: Value = serde_saphyr::from_str(&read("values.yaml")).unwrap();
    let schema: Value = serde_json::from_str(&read("values.schema.json")).unwrap();
    let mut rows = vec!["| Value | Default | Meaning |".to_owned(), "| --- | --- | --- |".to_owned()];
    described(&values, &schema, "", &mut rows);
    assert!(rows.len() > 80, "{} rows", rows.len());
    assert_section(&format!("{CHART}/README.md"), "values", &rows.join("\n"));
}

#[tokio::test]
async fn the_plain_manifests_are_what_the_chart_renders() {
    let args = ["template", RELEASE, CHART, "--namespace=testrun-operator"];
    let rendered = Helm::offline().ok(&args, &json!({})).await;
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: testrun-operator\n  labels:\n    pod-security.kubernetes.io/enforce: restricted\n";
    let head = "# Made of charts/testrun-operator with its default values; a test keeps it so. The definitions are in crds/.\n";
    // Nothing here was installed by Helm.
    let rendered =
        rendered.replace("app.kubernetes.io/managed-by: Helm", "app.kubernetes.io/managed-by: kubectl");
    let chart = |line: &&str| !line.trim_start().starts_with("helm.sh/chart: ");
    let rendered: String = rendered.lines().filter(chart).map(|line| format!("{line}\n")).collect();
    assert_file("deploy/testrun-operator.yaml", &format!("{head}---\n{namespace}{rendered}"));
}
