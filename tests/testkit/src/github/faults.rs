//! Faults to be played, and which requests they hit.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::ledger::Origin;

/// What goes wrong.
#[derive(Clone)]
pub enum Fault {
    /// This status with GitHub's usual error body.
    Status(u16),
    /// This status and body, as they are.
    Answer(u16, String),
    /// No answer, ever.
    Hang,
    /// The answer comes after this time.
    Delay(Duration),
    /// The connection is cut in the middle of the body.
    Truncate,
    /// Status 200 with this body.
    Garbage(String),
    /// The body comes so many bytes at a time, with a pause between.
    SlowBody(usize, Duration),
    /// A body of so many bytes, of spaces after valid JSON.
    Oversized(usize),
    /// The connection is reset without an answer.
    Reset,
    /// A redirect to this URL.
    Redirect(String),
    /// Primary limit: 403, nothing left.
    PrimaryLimit,
    /// Secondary limit: status, and `retry-after` if given.
    SecondaryLimit(u16, Option<u64>),
    /// `total_count` is off by so much.
    WrongTotalCount(i64),
    /// The `next` link is the page itself.
    LoopingLink,
    /// The `next` link goes to this origin.
    ForeignLink(String),
    /// Every conclusion is null.
    NullConclusion,
    /// Every conclusion is this text.
    UnknownConclusion(String),
    /// Every status is this text.
    UnknownStatus(String),
    /// The `ETag` header is left out.
    NoEtag,
    /// `If-None-Match` is ignored.
    IgnoreConditional,
    /// The body is changed by a function.
    Edit(Arc<dyn Fn(&mut Value) + Send + Sync>),
}

impl fmt::Debug for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(code) => write!(formatter, "Status({code})"),
            Self::Answer(code, _) => write!(formatter, "Answer({code})"),
            Self::Hang => formatter.write_str("Hang"),
            Self::Delay(time) => write!(formatter, "Delay({time:?})"),
            Self::Truncate => formatter.write_str("Truncate"),
            Self::Garbage(_) => formatter.write_str("Garbage"),
            Self::SlowBody(..) => formatter.write_str("SlowBody"),
            Self::Oversized(size) => write!(formatter, "Oversized({size})"),
            Self::Reset => formatter.write_str("Reset"),
            Self::Redirect(to) => write!(formatter, "Redirect({to})"),
            Self::PrimaryLimit => formatter.write_str("PrimaryLimit"),
            Self::SecondaryLimit(code, _) => write!(formatter, "SecondaryLimit({code})"),
            Self::WrongTotalCount(by) => write!(formatter, "WrongTotalCount({by})"),
            Self::LoopingLink => formatter.write_str("LoopingLink"),
            Self::ForeignLink(to) => write!(formatter, "ForeignLink({to})"),
            Self::NullConclusion => formatter.write_str("NullConclusion"),
            Self::UnknownConclusion(text) => write!(formatter, "UnknownConclusion({text})"),
            Self::UnknownStatus(text) => write!(formatter, "UnknownStatus({text})"),
            Self::NoEtag => formatter.write_str("NoEtag"),
            Self::IgnoreConditional => formatter.write_str("IgnoreConditional"),
            Self::Edit(_) => formatter.write_str("Edit"),
        }
    }
}

/// Which requests a fault hits: all that fit, until it is used up or cleared.
#[derive(Clone, Debug)]
pub struct Match {
    method: Option<String>,
    part: String,
    origin: Origin,
    skip: u32,
    left: Option<u32>,
}

impl Match {
    /// Every request to the API.
    pub fn any() -> Self {
        Self { method: None, part: String::new(), origin: Origin::Api, skip: 0, left: None }
    }

    /// Requests to the API whose path, or path template, contains `part`.
    pub fn path(part: &str) -> Self {
        Self { part: part.to_owned(), ..Self::any() }
    }

    /// Requests to the second origin (logs, archives) whose path contains `part`.
    pub fn blobs(part: &str) -> Self {
        Self { part: part.to_owned(), origin: Origin::Blobs, ..Self::any() }
    }

    /// Only this method.
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_uppercase());
        self
    }

    /// Only the first `count` that fit.
    pub fn times(mut self, count: u32) -> Self {
        self.left = Some(count);
        self
    }

    /// Not the first `count` that fit.
    pub fn after(mut self, count: u32) -> Self {
        self.skip = count;
        self
    }

    fn hits(&mut self, origin: Origin, method: &str, path: &str, template: &str) -> bool {
        // A part that ends in `$` must be the end of the path.
        let contains = |text: &str| match self.part.strip_suffix('$') {
            Some(part) => text.ends_with(part),
            None => text.contains(&self.part),
        };
        let fits = self.origin == origin
            && self.method.as_deref().is_none_or(|wanted| wanted == method)
            && (contains(path) || contains(template));
        if !fits || self.left == Some(0) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        if let Some(left) = &mut self.left {
            *left -= 1;
        }
        true
    }
}

/// The faults in force, oldest first; the first that fits is played.
#[derive(Debug, Default)]
pub struct Faults(Vec<(Match, Fault)>);

impl Faults {
    /// Adds one.
    pub fn add(&mut self, matcher: Match, fault: Fault) {
        self.0.push((matcher, fault));
    }

    /// Ends all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault for a request.
    pub fn hit(&mut self, origin: Origin, method: &str, path: &str, template: &str) -> Option<Fault> {
        self.0
            .iter_mut()
            .find_map(|(matcher, fault)| matcher.hits(origin, method, path, template).then(|| fault.clone()))
    }
}

/// Sets every `name` of a body that has a status or conclusion beside it.
pub fn overwrite(value: &mut Value, name: &str, with: &Value) {
    match value {
        Value::Object(map) => {
            if let Some(slot) = map.get_mut(name)
                && (slot.is_string() || slot.is_null())
            {
                *slot = with.clone();
            }
            map.values_mut().for_each(|inner| overwrite(inner, name, with));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| overwrite(item, name, with)),
        _ => {}
    }
}
