#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod behaviour;
mod causes;
mod corpus;
mod laws;
mod shape;
mod tools;

use super::{Explanation, Options, excerpt, explain};
use std::collections::BTreeSet;

/// A log written with a mark before each line: `>` must be shown, `!` must be shown and be in an
/// excerpt of twelve lines, `-` must not be shown, `~` may be.
struct Marked {
    log: String,
    marks: Vec<char>,
}

fn marked(text: &str) -> Marked {
    let mut log = String::new();
    let mut marks = Vec::new();
    for line in text.trim_matches('\n').lines() {
        let mark = line.chars().next().unwrap_or('-');
        assert!(">!-~".contains(mark), "a line without a mark: {line:?}");
        marks.push(mark);
        log.push_str(line.get(2..).unwrap_or(""));
        log.push('\n');
    }
    Marked { log, marks }
}

fn lines_of(explanation: &Explanation) -> BTreeSet<u64> {
    explanation.lines.iter().flat_map(|block| block.start..=block.end).collect()
}

/// Explains a marked log and checks its marks; the passing log has no marks.
fn check(name: &str, text: &str, baseline: Option<&str>) -> Explanation {
    let Marked { log, marks } = marked(text);
    let explanation = explain(log.as_bytes(), baseline.map(str::as_bytes), &Options::default());
    let shown = lines_of(&explanation);
    let excerpt: BTreeSet<u64> =
        excerpt(log.as_bytes(), &explanation, 12).iter().map(|line| line.line).collect();
    let mut wrong = Vec::new();
    for ((number, mark), line) in (1u64..).zip(&marks).zip(log.lines()) {
        let fits = match mark {
            '>' => shown.contains(&number),
            '!' => shown.contains(&number) && excerpt.contains(&number),
            '-' => !shown.contains(&number),
            _ => true,
        };
        if !fits {
            let seen = if shown.contains(&number) { "shown" } else { "not shown" };
            wrong.push(format!("  {number} {mark} {seen}: {line}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{name}:\n{}\n{}",
        wrong.join("\n"),
        serde_json::to_string_pretty(&explanation).unwrap()
    );
    explanation
}
