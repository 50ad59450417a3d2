//! GitHub's own OpenAPI description as a judge of requests and responses.
//!
//! [`Spec::load`] gives the description of one edition, trimmed to the operations listed in
//! `openapi/operations.txt`. [`Spec::route`] finds the operation of a request,
//! [`Spec::check_request`] and [`Spec::check_response`] say what does not fit. Every finding is a
//! sentence; an empty list means that it fits.

mod fetch;
mod trim;
mod validate;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jsonschema::{Draft, Registry, Validator};
use serde_json::{Map, Value};

pub(super) use fetch::graphql_schema;
pub use fetch::{recorded, webhook_examples};

/// The methods that an OpenAPI path item may hold.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
const ROOT: &str = "https://openapi.invalid/github";

/// Which description applies: github.com's or that of GitHub Enterprise Server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Edition {
    /// api.github.com.
    DotCom,
    /// GitHub Enterprise Server 3.17, served under `/api/v3`.
    Ghes,
    /// The webhook payloads of github.com.
    Webhooks,
}

/// One segment of a path template.
#[derive(Clone, Debug)]
enum Segment {
    Literal(String),
    /// A parameter; `deep` ones (refs, paths) may span several segments.
    Param {
        name: String,
        deep: bool,
    },
}

/// One operation: a method on a path template.
#[derive(Debug)]
pub struct Operation {
    /// Upper-case method.
    pub method: String,
    /// Path template as GitHub writes it.
    pub template: String,
    segments: Vec<Segment>,
    pub(super) path_params: BTreeMap<String, Value>,
    pub(super) query_params: BTreeMap<String, (bool, Value)>,
    pub(super) body: Option<Body>,
    pub(super) responses: BTreeMap<u16, Option<String>>,
}

impl Operation {
    /// `METHOD template`, the name under which a handler is found.
    pub fn key(&self) -> String {
        format!("{} {}", self.method, self.template)
    }
}

/// The JSON request body of an operation.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) required: bool,
    pub(super) pointer: String,
}

/// A loaded description.
pub struct Spec {
    root: &'static Value,
    draft: Draft,
    registry: Registry<'static>,
    operations: Vec<Operation>,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Spec {
    /// The description of `edition`; loaded once a process, downloaded and trimmed once a machine.
    pub fn load(edition: Edition) -> Result<&'static Spec, String> {
        static DOTCOM: OnceLock<Result<Spec, String>> = OnceLock::new();
        static GHES: OnceLock<Result<Spec, String>> = OnceLock::new();
        static WEBHOOKS: OnceLock<Result<Spec, String>> = OnceLock::new();
        let cell = match edition {
            Edition::DotCom => &DOTCOM,
            Edition::Ghes => &GHES,
            Edition::Webhooks => &WEBHOOKS,
        };
        cell.get_or_init(|| Self::from_trimmed(edition, fetch::trimmed(edition)?))
            .as_ref()
            .map_err(Clone::clone)
    }

    fn from_trimmed(edition: Edition, mut root: Value) -> Result<Spec, String> {
        // OpenAPI 3.1, of the webhooks, is JSON Schema; 3.0 has its own way to say null.
        let draft = match edition {
            Edition::Webhooks => Draft::Draft202012,
            Edition::DotCom | Edition::Ghes => {
                trim::make_nullable_explicit(&mut root);
                Draft::Draft4
            }
        };
        // A process holds at most three descriptions for its whole life.
        let root: &'static Value = Box::leak(Box::new(root));
        let registry = Registry::new()
            .draft(draft)
            .add(ROOT, root)
            .and_then(|builder| builder.prepare())
            .map_err(|error| format!("the OpenAPI description cannot be indexed: {error}"))?;
        let mut operations = Vec::new();
        let paths = root.get("paths").and_then(Value::as_object);
        for (template, item) in paths.into_iter().flatten() {
            for method in METHODS {
                if let Some(operation) = item.get(method) {
                    operations.push(parse_operation(root, template, method, operation));
                }
            }
        }
        // The more literal segments the better, as on the real router; a parameter that spans
        // several segments comes last.
        operations.sort_by_key(|operation| {
            let is_literal = |segment: &&Segment| matches!(segment, Segment::Literal(_));
            let is_deep = |segment: &Segment| matches!(segment, Segment::Param { deep: true, .. });
            let literals = operation.segments.iter().filter(is_literal).count();
            (std::cmp::Reverse(literals), operation.segments.iter().any(is_deep))
        });
        Ok(Spec { root, draft, registry, operations, validators: Mutex::default() })
    }

    /// Every operation that is described.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The operation that serves `method` on `path`, with its path parameters.
    ///
    /// `path` is percent-encoded: an encoded slash stays inside its segment.
    pub fn route(&self, method: &str, path: &str) -> Option<(&Operation, BTreeMap<String, String>)> {
        let parts: Vec<String> = path.trim_start_matches('/').split('/').map(super::uri::decode).collect();
        self.operations.iter().filter(|operation| operation.method == method).find_map(|operation| {
            let mut params = BTreeMap::new();
            matches(&operation.segments, &parts, &mut params).then_some((operation, params))
        })
    }

    /// Whether any method is described for `path`.
    pub fn knows_path(&self, path: &str) -> bool {
        METHODS.iter().any(|method| self.route(&method.to_uppercase(), path).is_some())
    }

    /// The schema at a JSON pointer of the description, following references.
    fn at(&self, pointer: &str) -> Option<&'static Value> {
        resolve(self.root, self.root.pointer(pointer)?)
    }

    fn validator(&self, pointer: &str) -> Result<Arc<Validator>, String> {
        let mut cache = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = cache.get(pointer) {
            return Ok(known.clone());
        }
        let reference = pointer.replace('{', "%7B").replace('}', "%7D");
        let mut schema = Map::new();
        schema.insert("$ref".into(), Value::String(format!("{ROOT}#{reference}")));
        let built = jsonschema::options()
            .with_draft(self.draft)
            .with_registry(&self.registry)
            .should_validate_formats(true)
            .build(&Value::Object(schema))
            .map_err(|error| format!("schema {pointer} cannot be compiled: {error}"))?;
        let built = Arc::new(built);
        cache.insert(pointer.to_owned(), built.clone());
        Ok(built)
    }
}

fn matches(segments: &[Segment], parts: &[String], params: &mut BTreeMap<String, String>) -> bool {
    match segments.split_first() {
        None => parts.is_empty(),
        Some((Segment::Literal(text), rest)) => {
            parts.split_first().is_some_and(|(part, parts)| part == text && matches(rest, parts, params))
        }
        Some((Segment::Param { name, deep }, rest)) => {
            let longest = if *deep { parts.len() } else { 1 };
            (1..=longest.min(parts.len())).any(|taken| {
                let (head, tail) = parts.split_at(taken);
                if head.iter().any(String::is_empty) || !matches(rest, tail, params) {
                    return false;
                }
                params.insert(name.clone(), head.join("/"));
                true
            })
        }
    }
}

fn parse_operation(root: &'static Value, template: &str, method: &str, operation: &Value) -> Operation {
    let segments = template
        .trim_start_matches('/')
        .split('/')
        .map(|part| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => Segment::Param {
                name: name.to_owned(),
                deep: matches!(name, "ref" | "branch" | "path" | "basehead"),
            },
            None => Segment::Literal(part.to_owned()),
        })
        .collect();
    let mut path_params = BTreeMap::new();
    let mut query_params = BTreeMap::new();
    for parameter in operation.get("parameters").and_then(Value::as_array).into_iter().flatten() {
        let Some(parameter) = resolve(root, parameter) else {
            continue;
        };
        let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let schema = parameter.get("schema").and_then(|schema| resolve(root, schema));
        let schema = schema.cloned().unwrap_or_default();
        let required = parameter.get("required").and_then(Value::as_bool).unwrap_or_default();
        match parameter.get("in").and_then(Value::as_str) {
            Some("path") => {
                path_params.insert(name, schema);
            }
            Some("query") => {
                query_params.insert(name, (required, schema));
            }
            _ => {}
        }
    }
    let here = format!("/paths/{}/{method}", escape(template));
    let body = operation.get("requestBody").map(|body| Body {
        required: body.get("required").and_then(Value::as_bool).unwrap_or_default(),
        pointer: format!("{here}/requestBody/content/application~1json/schema"),
    });
    let mut responses = BTreeMap::new();
    for (code, response) in operation.get("responses").and_then(Value::as_object).into_iter().flatten() {
        let Ok(code) = code.parse() else { continue };
        let mut pointer = format!("{here}/responses/{code}");
        if let Some(reference) = response.get("$ref").and_then(Value::as_str) {
            pointer = reference.trim_start_matches('#').to_owned();
        }
        pointer.push_str("/content/application~1json/schema");
        let known = root.pointer(&pointer).is_some();
        responses.insert(code, known.then_some(pointer));
    }
    Operation {
        method: method.to_uppercase(),
        template: template.to_owned(),
        segments,
        path_params,
        query_params,
        body,
        responses,
    }
}

/// A JSON pointer token.
fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

/// Follows `$ref` inside the document, at most eight times.
fn resolve<'a>(root: &'a Value, mut value: &'a Value) -> Option<&'a Value> {
    for _ in 0..8 {
        match value.get("$ref").and_then(Value::as_str) {
            None => return Some(value),
            Some(reference) => value = root.pointer(reference.trim_start_matches('#'))?,
        }
    }
    None
}
