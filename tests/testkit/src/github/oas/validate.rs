//! The checks themselves: names, types, bodies.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Operation, Spec, resolve};

/// Codes that the real service sends although the description does not list them; their body is a
/// plain error with a message.
const UNDECLARED: [u16; 14] = [301, 304, 401, 403, 404, 409, 410, 422, 429, 500, 502, 503, 504, 415];
/// Where the description is wrong about the real service: an operation, and a part of the finding.
const MISTAKEN: [(&str, &str); 5] = [
    // The account of an installation would have to be a user and an enterprise at once.
    ("GET /app/installations", "/account"),
    // The head repository of a pull request is null once the fork was deleted.
    ("GET /repos/{owner}/{repo}/pulls", "/head/repo: null"),
    ("GET /repos/{owner}/{repo}/pulls/{pull_number}", "/head/repo: null"),
    ("GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls", "/head/repo: null"),
    // A permission that a single installation has, but not one in a list.
    ("GET /app/installations", "/permissions/merge_queues"),
];
/// At most so many findings are reported for one body.
const MOST: usize = 8;

impl Spec {
    /// What does not fit in a request for `operation`.
    pub fn check_request(
        &self,
        operation: &Operation,
        path: &BTreeMap<String, String>,
        query: &[(String, String)],
        body: &[u8],
    ) -> Vec<String> {
        let mut found = Vec::new();
        for (name, value) in path {
            if let Some(schema) = operation.path_params.get(name) {
                self.check_text("path parameter", name, value, schema, &mut found);
            }
        }
        let mut seen = BTreeSet::new();
        for (name, value) in query {
            if !seen.insert(name) {
                found.push(format!("query parameter '{name}' is given twice"));
            }
            if name == "per_page" && value.parse::<u32>().is_ok_and(|count| count > 100) {
                found.push(format!("query parameter 'per_page' is {value}, and 100 is the most"));
            }
            match operation.query_params.get(name) {
                Some((_, schema)) => self.check_text("query parameter", name, value, schema, &mut found),
                None => found.push(format!("query parameter '{name}' is not declared")),
            }
        }
        for (name, (required, _)) in &operation.query_params {
            if *required && !seen.contains(name) {
                found.push(format!("query parameter '{name}' is required"));
            }
        }
        match (&operation.body, body.is_empty()) {
            (None, true) => {}
            (None, false) => found.push("a body was sent, but none is declared".to_owned()),
            (Some(declared), true) => {
                if declared.required {
                    found.push("a body is required".to_owned());
                }
            }
            (Some(declared), false) => match serde_json::from_slice::<Value>(body) {
                Err(error) => found.push(format!("the body is not JSON: {error}")),
                Ok(value) => self.check_body(&declared.pointer, &value, &mut found),
            },
        }
        found
    }

    /// What does not fit in a response to `operation`; `body` is `None` when it is not JSON.
    pub fn check_response(&self, operation: &Operation, status: u16, body: Option<&Value>) -> Vec<String> {
        let mut found = Vec::new();
        match (operation.responses.get(&status), body) {
            // Errors carry a `status` that their schemas leave out.
            (Some(Some(pointer)), Some(value)) if status >= 400 => {
                found.extend(self.schema_errors(pointer, value))
            }
            (Some(Some(pointer)), Some(value)) => self.check_body(pointer, value, &mut found),
            (Some(Some(_)), None) => found.push(format!("status {status} must have a JSON body")),
            (Some(None), None) => {}
            (Some(None), Some(_)) => found.push(format!("status {status} declares no body")),
            (None, value) if UNDECLARED.contains(&status) => {
                if status != 304
                    && !value.is_some_and(|value| value.get("message").is_some_and(Value::is_string))
                {
                    found.push(format!("status {status} must have a JSON body with a message"));
                }
            }
            (None, _) => found.push(format!("status {status} is not declared")),
        }
        let key = operation.key();
        found.retain(|text| {
            !MISTAKEN.iter().any(|(operation, part)| *operation == key && text.contains(part))
        });
        found
    }

    /// What does not fit when `value` is read as the named schema; for recorded payloads.
    pub fn check_schema(&self, schema: &str, value: &Value) -> Vec<String> {
        let mut found = Vec::new();
        self.check_body(&format!("/components/schemas/{schema}"), value, &mut found);
        found
    }

    /// What does not fit in the payload of a webhook, by its name in the description.
    pub fn check_webhook(&self, name: &str, value: &Value) -> Vec<String> {
        let pointer = format!("/webhooks/{name}");
        if self.at(&pointer).is_none() {
            return vec![format!("webhook {name} is not described")];
        }
        // Deliveries carry fields that their description leaves out, so names are not compared.
        self.schema_errors(&pointer, value)
    }

    /// What does not fit when `value` is read as the response of `key` (`METHOD template`).
    pub fn check_recorded(&self, key: &str, status: u16, value: &Value) -> Vec<String> {
        match self.operations().iter().find(|operation| operation.key() == key) {
            None => vec![format!("{key} is not described")],
            Some(operation) => match operation.responses.get(&status) {
                Some(Some(pointer)) => self.schema_errors(pointer, value),
                _ => vec![format!("{key} declares no body for status {status}")],
            },
        }
    }

    fn schema_errors(&self, pointer: &str, value: &Value) -> Vec<String> {
        match self.validator(pointer) {
            Err(error) => vec![error],
            Ok(validator) => validator
                .iter_errors(value)
                .take(MOST)
                .map(|error| {
                    let mut text = error.to_string();
                    if let Some((cut, _)) = text.char_indices().nth(300) {
                        text.truncate(cut);
                    }
                    format!("{}: {text}", error.instance_path())
                })
                .collect(),
        }
    }

    fn check_body(&self, pointer: &str, value: &Value, found: &mut Vec<String>) {
        found.extend(self.schema_errors(pointer, value));
        if let Some(schema) = self.at(pointer) {
            self.check_names(schema, value, "", found);
        }
    }

    /// Names that no branch of the schema declares. Schemas of GitHub allow extra fields, so only a
    /// comparison of names finds a misspelt one.
    fn check_names(&self, schema: &'static Value, value: &Value, at: &str, found: &mut Vec<String>) {
        if found.len() >= MOST {
            return;
        }
        match value {
            Value::Object(fields) => {
                let mut declared = Map::new();
                if !self.declared(schema, &mut declared, 0) {
                    return;
                }
                for (name, inner) in fields {
                    match declared.get(name) {
                        None => found.push(format!("{at}/{name}: this field is not declared")),
                        Some(_) => {
                            if let Some(branch) = self.property(schema, name, 0) {
                                self.check_names(branch, inner, &format!("{at}/{name}"), found);
                            }
                        }
                    }
                }
            }
            Value::Array(items) => {
                let Some(schema) = self.items(schema, 0) else {
                    return;
                };
                for (index, item) in items.iter().enumerate() {
                    self.check_names(schema, item, &format!("{at}/{index}"), found);
                }
            }
            _ => {}
        }
    }

    /// Collects declared property names; false when the schema is open on purpose.
    fn declared(&self, schema: &'static Value, into: &mut Map<String, Value>, depth: u8) -> bool {
        let Some(schema) = resolve(self.root, schema).filter(|_| depth < 8) else {
            return false;
        };
        let additional = schema.get("additionalProperties");
        if additional.is_some_and(|value| value == &Value::Bool(true) || value.is_object()) {
            return false;
        }
        let mut closed = false;
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            closed = true;
            into.extend(properties.keys().map(|name| (name.clone(), Value::Null)));
        }
        for branch in branches(schema) {
            if branch.get("type") != Some(&Value::String("null".to_owned())) {
                closed |= self.declared(branch, into, depth + 1);
            }
        }
        closed
    }

    /// The schemas that declare `name`; more than one only below combinators, and then none is
    /// followed, as the right branch is not known.
    fn property(&self, schema: &'static Value, name: &str, depth: u8) -> Option<&'static Value> {
        let schema = resolve(self.root, schema).filter(|_| depth < 8)?;
        let mut all: Vec<&'static Value> = Vec::new();
        all.extend(schema.get("properties").and_then(|properties| properties.get(name)));
        all.extend(branches(schema).filter_map(|branch| self.property(branch, name, depth + 1)));
        match all.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }

    fn items(&self, schema: &'static Value, depth: u8) -> Option<&'static Value> {
        let schema = resolve(self.root, schema).filter(|_| depth < 8)?;
        schema.get("items").or_else(|| branches(schema).find_map(|branch| self.items(branch, depth + 1)))
    }

    /// A parameter arrives as text: it is read as its declared type.
    fn check_text(&self, kind: &str, name: &str, text: &str, schema: &Value, found: &mut Vec<String>) {
        let Some(schema) = resolve(self.root, schema) else {
            return;
        };
        if let Some(options) = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array) {
            let fits = options.iter().any(|option| {
                let mut inner = Vec::new();
                self.check_text(kind, name, text, option, &mut inner);
                inner.is_empty()
            });
            if !fits {
                found.push(format!("{kind} '{name}' has no form that allows '{text}'"));
            }
            return;
        }
        if text.is_empty() {
            found.push(format!("{kind} '{name}' is empty"));
            return;
        }
        let fits = match schema.get("type").and_then(Value::as_str) {
            Some("integer") => text.parse::<i64>().is_ok(),
            Some("number") => text.parse::<f64>().is_ok(),
            Some("boolean") => matches!(text, "true" | "false"),
            _ => true,
        };
        if !fits {
            let kind_wanted = schema.get("type").and_then(Value::as_str).unwrap_or("value");
            found.push(format!("{kind} '{name}' must be of type {kind_wanted}, not '{text}'"));
        }
        if let Some(options) = schema.get("enum").and_then(Value::as_array)
            && !options.iter().any(|option| option.as_str() == Some(text))
        {
            found.push(format!("{kind} '{name}' does not allow '{text}'"));
        }
    }
}

fn branches(schema: &'static Value) -> impl Iterator<Item = &'static Value> {
    ["allOf", "anyOf", "oneOf"]
        .into_iter()
        .filter_map(|name| schema.get(name).and_then(Value::as_array))
        .flatten()
}
