//! Documents with holes: written once as JSON, filled for every answer.
//!
//! A hole in a string is `<name>`; a string that is nothing but `<#name>` is a hole for any JSON.

use std::fmt::Write;

use serde_json::Value;

/// What goes into the holes of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hole {
    Repository,
    RepositoryId,
    Owner,
    Sha,
    Number,
    Branch,
    Run,
    RunNumber,
    Attempt,
    Workflow,
    WorkflowId,
    Path,
    Event,
    Status,
    Conclusion,
    Created,
    Updated,
    Job,
    Name,
    Started,
    Completed,
    Steps,
    Annotations,
}

const NAMES: [(&str, Hole); 23] = [
    ("repository", Hole::Repository),
    ("repository_id", Hole::RepositoryId),
    ("owner", Hole::Owner),
    ("sha", Hole::Sha),
    ("number", Hole::Number),
    ("branch", Hole::Branch),
    ("run", Hole::Run),
    ("run_number", Hole::RunNumber),
    ("attempt", Hole::Attempt),
    ("workflow", Hole::Workflow),
    ("workflow_id", Hole::WorkflowId),
    ("path", Hole::Path),
    ("event", Hole::Event),
    ("status", Hole::Status),
    ("conclusion", Hole::Conclusion),
    ("created", Hole::Created),
    ("updated", Hole::Updated),
    ("job", Hole::Job),
    ("name", Hole::Name),
    ("started", Hole::Started),
    ("completed", Hole::Completed),
    ("steps", Hole::Steps),
    ("annotations", Hole::Annotations),
];

#[derive(Debug)]
enum Piece {
    Text(String),
    Hole(Hole),
}

/// A document with holes.
#[derive(Debug)]
pub(super) struct Template(Vec<Piece>);

impl Template {
    /// Finds the holes of a document.
    pub fn of(document: &Value) -> Self {
        let text = document.to_string();
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, hole, after)) = next(rest) {
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Hole(hole));
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Self(pieces)
    }

    /// Writes the document; `fill` writes what belongs into a hole.
    pub fn write(&self, out: &mut String, mut fill: impl FnMut(Hole, &mut String) -> std::fmt::Result) {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                // Writing into a string does not fail.
                Piece::Hole(hole) => drop(fill(*hole, out)),
            }
        }
    }
}

/// The first hole: what is before it, and what is after.
fn next(text: &str) -> Option<(&str, Hole, &str)> {
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find('<')?;
        let inner = text.get(at + 1..)?;
        let raw = inner.starts_with('#');
        let name = inner.get(usize::from(raw)..)?;
        let found = name.find('>').and_then(|end| {
            let (_, hole) = NAMES.iter().find(|(known, _)| Some(*known) == name.get(..end))?;
            let after = name.get(end + 1..)?;
            if !raw {
                return Some((text.get(..at)?, *hole, after));
            }
            Some((text.get(..at)?.strip_suffix('"')?, *hole, after.strip_prefix('"')?))
        });
        match found {
            Some(found) => return Some(found),
            None => from = at + 1,
        }
    }
}

/// A JSON list whose entries are written one by one.
pub(super) fn list(out: &mut String, entries: impl Iterator<Item = impl FnOnce(&mut String)>) {
    out.push('[');
    for (at, entry) in entries.enumerate() {
        if at > 0 {
            out.push(',');
        }
        entry(out);
    }
    out.push(']');
}

/// A page of a counted list.
pub(super) fn counted(
    out: &mut String,
    total: usize,
    name: &str,
    entries: impl Iterator<Item = impl FnOnce(&mut String)>,
) {
    let _ = write!(out, "{{\"total_count\":{total},\"{name}\":");
    list(out, entries);
    out.push('}');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn holes_are_filled_and_everything_else_stays() {
        let template =
            Template::of(&json!({"a": "x/<sha>/y", "b": "<#run>", "c": "a < b <unknown>", "d": "<#"}));
        let mut out = String::new();
        template.write(&mut out, |hole, out| match hole {
            Hole::Sha => out.write_str("0f"),
            _ => out.write_str("7"),
        });
        let read: Value = serde_json::from_str(&out).unwrap_or_default();
        assert_eq!(read, json!({"a": "x/0f/y", "b": 7, "c": "a < b <unknown>", "d": "<#"}));
    }
}
