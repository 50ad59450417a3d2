//! `##[...]` markers and `::command::` lines of GitHub Actions.

use std::borrow::Cow;

/// What a `##[...]` marker at the start of a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// `##[group]`: a fold begins.
    Group,
    /// `##[endgroup]`: a fold ends.
    EndGroup,
    /// `##[error]`.
    Error,
    /// `##[warning]`.
    Warning,
    /// `##[notice]`.
    Notice,
    /// `##[debug]`.
    Debug,
    /// `##[command]`: the command line that follows is being run.
    Command,
    /// `##[section]`.
    Section,
}

/// Reads the marker at the start of a cleaned line; returns it with the text after it.
pub fn marker(line: &str) -> Option<(Marker, &str)> {
    let (name, rest) = line.strip_prefix("##[")?.split_once(']')?;
    let marker = match name {
        "group" => Marker::Group,
        "endgroup" => Marker::EndGroup,
        "error" => Marker::Error,
        "warning" => Marker::Warning,
        "notice" => Marker::Notice,
        "debug" => Marker::Debug,
        "command" => Marker::Command,
        "section" => Marker::Section,
        _ => return None,
    };
    Some((marker, rest))
}

/// A workflow command as a tool prints it: `::error file=a.go,line=3,title=T::message`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkflowCommand<'a> {
    /// The command's name, `error`, `warning`, `group`...
    pub name: &'a str,
    /// `file`, unescaped.
    pub file: Option<Cow<'a, str>>,
    /// `line`.
    pub line: Option<u64>,
    /// `endLine`.
    pub end_line: Option<u64>,
    /// `col`.
    pub column: Option<u64>,
    /// `title`, unescaped.
    pub title: Option<Cow<'a, str>>,
    /// The message, unescaped: it may hold line breaks.
    pub message: Cow<'a, str>,
}

/// Reads a workflow command from a cleaned line; leading blanks are allowed, as the runner does.
pub fn workflow_command(line: &str) -> Option<WorkflowCommand<'_>> {
    let body = line.trim_start().strip_prefix("::")?;
    let (head, message) = body.split_once("::")?;
    let (name, properties) = match head.split_once(' ') {
        Some((name, properties)) => (name, properties),
        None => (head, ""),
    };
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        return None;
    }
    let mut command =
        WorkflowCommand { name, message: unescape(message, false), ..WorkflowCommand::default() };
    for property in properties.split(',') {
        let Some((key, value)) = property.split_once('=') else {
            continue;
        };
        match key.trim() {
            "file" => command.file = Some(unescape(value, true)),
            "title" => command.title = Some(unescape(value, true)),
            "line" => command.line = value.trim().parse().ok(),
            "endLine" => command.end_line = value.trim().parse().ok(),
            "col" => command.column = value.trim().parse().ok(),
            _ => {}
        }
    }
    Some(command)
}

/// Undoes the escapes of a workflow command: `%25`, `%0D`, `%0A`, and in a property `%3A` and
/// `%2C` as well. Anything else that looks like an escape is left as it is.
fn unescape(text: &str, property: bool) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        plain.push_str(before);
        let code = from.get(1..3).map(str::to_ascii_uppercase);
        let decoded = match code.as_deref() {
            Some("25") => Some('%'),
            Some("0D") => Some('\r'),
            Some("0A") => Some('\n'),
            Some("3A") if property => Some(':'),
            Some("2C") if property => Some(','),
            _ => None,
        };
        let used = if decoded.is_some() { 3 } else { 1 };
        plain.push(decoded.unwrap_or('%'));
        rest = from.get(used..).unwrap_or("");
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}
