//! Text for terminals and for markdown, and what several views say alike.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::api::TestRunReport;
use crate::api::status::{TestRunReportStatus, TestTotals};
use crate::verdict::text::{clean, shell};

/// One line for a terminal: nothing in it can move the cursor.
pub(crate) fn line(text: &str) -> String {
    clean(text, 4096)
}

/// Text within markdown that stands for itself and nothing else: no formatting, no HTML, no mention.
pub(super) fn md(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    // A web address would become a link by itself.
    let text = line(text);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ':' if chars.peek() == Some(&'/') => out.push_str("&#58;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // An invisible joiner would be invisible; an entity keeps the character and ends the mention.
            '@' => out.push_str("&#64;"),
            '#' => out.push_str("&#35;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// Text as code within a line. Backticks cannot be escaped there, so the fence is longer than they are.
pub(super) fn code(text: &str) -> String {
    let text = line(text).replace('|', "\\|");
    let fence = "`".repeat(longest_run(&text, '`') + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.is_empty() { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A code block of cleaned lines.
pub(super) fn block<'a>(language: &str, lines: impl Iterator<Item = &'a str>) -> String {
    let lines: Vec<String> = lines.map(line).collect();
    let longest = lines.iter().map(|l| longest_run(l, '`')).max().unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    format!("{fence}{language}\n{}\n{fence}\n", lines.join("\n"))
}

/// A web address that can stand in markup as it is.
pub(crate) fn safe_url(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://"))
        && url.chars().all(|c| c.is_ascii_graphic() && !"<>()[]\"'`\\|".contains(c))
}

/// What to run to get the must-gather bundles that still exist.
pub(super) fn downloads(status: &TestRunReportStatus) -> Vec<String> {
    let Some(source) = &status.source else { return Vec::new() };
    let repository = shell(&source.repository);
    let bundles = status.artifacts.iter().filter(|a| a.kind == "MustGather" && !a.is_gone());
    bundles
        .map(|a| {
            let name = shell(&a.name);
            format!("gh run download {} --repo {repository} --name {name} --dir {name}", a.run_id)
        })
        .collect()
}

/// A link, if the address is a web address; else only the text.
pub(super) fn link(text: &str, url: Option<&str>) -> String {
    match url.filter(|u| safe_url(u)) {
        Some(url) => format!("[{}]({url})", md(text)),
        None => md(text),
    }
}

fn longest_run(text: &str, of: char) -> usize {
    let (mut best, mut now) = (0, 0);
    for c in text.chars() {
        now = if c == of { now + 1 } else { 0 };
        best = best.max(now);
    }
    best
}

/// A condition of the report.
pub(crate) fn condition<'r>(report: &'r TestRunReport, kind: &str) -> Option<&'r Condition> {
    report.status.as_ref()?.conditions.iter().find(|c| c.type_ == kind)
}

/// `109/110, 1 failed`.
pub(super) fn tests(t: &TestTotals) -> String {
    let mut text = format!("{}/{} passed", t.passed, t.total);
    for (n, what) in [
        (t.failed, "failed"),
        (t.errored, "errored"),
        (t.skipped, "skipped"),
        (t.pending, "pending"),
        (t.flaked, "flaked"),
    ] {
        if n > 0 {
            text.push_str(&format!(", {n} {what}"));
        }
    }
    text
}

/// An age as kubectl writes it: `5s`, `3m20s`, `4h`, `2d`.
pub(crate) fn age(since: Option<&Time>, now: Timestamp) -> String {
    let Some(since) = since else { return String::new() };
    let seconds = now.duration_since(since.0).as_secs();
    if seconds < 0 {
        return "0s".to_owned();
    }
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |a: i64, unit: &str, b: i64, small: &str| {
        if b == 0 { format!("{a}{unit}") } else { format!("{a}{unit}{b}{small}") }
    };
    match () {
        () if seconds < 120 => format!("{seconds}s"),
        () if minutes < 10 => two(minutes, "m", seconds % 60, "s"),
        () if minutes < 180 => format!("{minutes}m"),
        () if hours < 8 => two(hours, "h", minutes % 60, "m"),
        () if hours < 48 => format!("{hours}h"),
        () if days < 8 => two(days, "d", hours % 24, "h"),
        () if days < 730 => format!("{days}d"),
        () => format!("{}y", days / 365),
    }
}

/// A time as it is written in the object.
pub(crate) fn stamp(time: &Time) -> String {
    time.0.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `59s`, `2m4s`, `1h3m`.
pub(crate) fn took(seconds: i64) -> String {
    match (seconds / 3600, seconds % 3600 / 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s}s"),
        (h, m, _) => format!("{h}h{m}m"),
    }
}

/// `350ms`, `3.2s`, and from a minute on as [`took`].
pub(crate) fn lasted(millis: i64) -> String {
    match millis {
        ms if ms < 1_000 => format!("{millis}ms"),
        ms if ms < 60_000 => format!("{}.{}s", millis / 1_000, millis % 1_000 / 100),
        _ => took(millis / 1_000),
    }
}

/// Bytes for people.
pub(super) fn bytes(n: i64) -> String {
    let (n, units) = (n.max(0), ["B", "KiB", "MiB", "GiB"]);
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    let unit = units.get(unit).copied().unwrap_or("B");
    if unit == "B" { format!("{n} B") } else { format!("{value:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_of_strangers_stays_text() {
        for (given, want) in [
            ("a|b", "a\\|b"),
            ("<script>", "&lt;script&gt;"),
            ("@octocat #1", "&#64;octocat &#35;1"),
            ("**x** `y`", "\\*\\*x\\*\\* \\`y\\`"),
            ("[a](http://x)", "\\[a\\](http&#58;//x)"),
            ("a\u{1b}[31mb\nc", "ab c"),
        ] {
            assert_eq!(md(given), want);
        }
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(link("x", Some("javascript:alert(1)")), "x");
        assert_eq!(link("x", Some("https://h/a) <b>")), "x");
        assert_eq!(block("", ["a ``` b"].into_iter()), "````\na ``` b\n````\n");
    }

    #[test]
    fn ages_are_as_kubectl_writes_them() {
        let now = Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(24 * 3000);
        for (seconds, want) in [
            (5, "5s"),
            (119, "119s"),
            (200, "3m20s"),
            (240, "4m"),
            (700, "11m"),
            (11_000, "3h3m"),
            (90_000, "25h"),
            (200_000, "2d7h"),
            (9 * 86_400, "9d"),
        ] {
            assert_eq!(
                age(Some(&Time(now - jiff::SignedDuration::from_secs(seconds))), now),
                want,
                "{seconds}"
            );
        }
    }
}
