//! docs/configuration.md and docs/configuration.schema.json say what the types say.

use clap::CommandFactory;
use serde_json::Value;
use testrun_operator::config::{Config, OVERRIDES};
use testrun_operator::runtime::cli::Cli;

use crate::generated::{assert_file, assert_section};

fn schema() -> Value {
    serde_json::to_value(schemars::schema_for!(Config)).unwrap()
}

/// What a `$ref` leads to.
fn resolved<'a>(root: &'a Value, node: &'a Value) -> &'a Value {
    // An optional entry is its type or null.
    let node = node["anyOf"].as_array().map_or(node, |any| &any[0]);
    match node["$ref"].as_str() {
        Some(to) => root.pointer(to.trim_start_matches('#')).unwrap(),
        None => node,
    }
}

fn kind(root: &Value, node: &Value) -> String {
    if node["enum"].is_array() || node["oneOf"].is_array() {
        let names = |n: &Value| n.as_str().or(n["const"].as_str()).map(|t| format!("`{t}`"));
        let all = node["enum"].as_array().or(node["oneOf"].as_array()).unwrap();
        return all.iter().filter_map(names).collect::<Vec<_>>().join(" or ");
    }
    if node["format"] == "duration" {
        return "duration".to_owned();
    }
    match &node["type"] {
        Value::Array(all) => all[0].as_str().unwrap().to_owned(),
        Value::String(name) if name == "array" => {
            let items = kind(root, resolved(root, &node["items"]));
            if items.ends_with('`') { format!("list of {items}") } else { format!("list of {items}s") }
        }
        Value::String(name) => name.clone(),
        other => panic!("no type: {other}"),
    }
}

struct Row {
    path: String,
    kind: String,
    default: String,
    text: String,
}

fn rows(root: &Value, node: &Value, path: &str, defaults: &Value, all: &mut Vec<Row>) {
    for (name, entry) in node["properties"].as_object().unwrap() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let target = resolved(root, entry);
        let items = resolved(root, &target["items"]);
        let text = entry["description"].as_str().or(target["description"].as_str());
        let text = text.unwrap_or_else(|| panic!("{path} has no description")).replace('\n', " ");
        let default = &defaults[name];
        if target["properties"].is_object() {
            rows(root, target, &path, default, all);
        } else if items["properties"].is_object() {
            all.push(Row { path: format!("{path}[]"), kind: "list".into(), default: "`[]`".into(), text });
            rows(root, items, &format!("{path}[]"), &Value::Null, all);
        } else {
            let default = if default.is_null() { String::new() } else { format!("`{default}`") };
            all.push(Row { path, kind: kind(root, target), default, text });
        }
    }
}

fn all_rows() -> Vec<Row> {
    let (root, mut all) = (schema(), Vec::new());
    rows(&root, &root, "", &serde_json::to_value(Config::default()).unwrap(), &mut all);
    all
}

/// `--flag`, `VARIABLE` of an argument.
fn flag(argument: &str) -> String {
    let cli = Cli::command();
    let run = cli.find_subcommand("run").unwrap();
    let arg = run.get_arguments().find(|a| a.get_id() == argument);
    let arg = arg.unwrap_or_else(|| panic!("no flag {argument}"));
    let variable = arg.get_env().unwrap_or_else(|| panic!("{argument} has no variable"));
    format!("`--{}`, `{}`", arg.get_long().unwrap(), variable.to_str().unwrap())
}

#[test]
fn the_reference_is_what_the_types_say() {
    let mut text =
        String::from("| Entry | Type | Default | Flag and variable | Meaning |\n|---|---|---|---|---|\n");
    for row in all_rows() {
        let over = OVERRIDES.iter().find(|(path, _)| *path == row.path);
        let over = over.map(|(_, argument)| flag(argument)).unwrap_or_default();
        text.push_str(&format!(
            "| `{}` | {} | {} | {over} | {} |\n",
            row.path, row.kind, row.default, row.text
        ));
    }
    assert_section("docs/configuration.md", "reference", &text);
}

#[test]
fn the_schema_is_what_the_types_say() {
    let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    assert_file("docs/configuration.schema.json", &text);
}

#[test]
fn every_flag_stands_for_an_entry_or_is_explained() {
    let paths: Vec<String> = all_rows().into_iter().map(|row| row.path).collect();
    for (path, _) in OVERRIDES {
        assert!(paths.iter().any(|p| p == path), "{path} is no entry");
    }
    let page = std::fs::read_to_string(crate::generated::in_repository("docs/configuration.md")).unwrap();
    let cli = Cli::command();
    for arg in cli.find_subcommand("run").unwrap().get_arguments() {
        if let Some(long) = arg.get_long().filter(|l| *l != "help") {
            assert!(page.contains(&format!("`--{long}")), "docs/configuration.md lacks --{long}");
        }
    }
}
