//! Durations as bars, the oldest at the left.

use crate::cli::render::markup::Markup;
use crate::cli::render::text::took;
use crate::history::Execution;

/// Width of a bar with its gap, and height of the whole.
const STEP: i64 = 10;
const HEIGHT: i64 = 100;

/// A bar for each result that has a duration; what it says is in the table, too.
pub(super) fn durations(out: &mut Markup, results: &[Execution]) {
    let timed: Vec<(i64, &Execution)> = results.iter().rev().filter_map(|r| Some((r.seconds?, r))).collect();
    let most = timed.iter().map(|(seconds, _)| *seconds).max().unwrap_or(0).max(1);
    if timed.len() < 2 {
        return;
    }
    let count = i64::try_from(timed.len()).unwrap_or(i64::MAX);
    let label = format!("Durations of {count} results, the oldest first, the longest {}", took(most));
    let sides = format!("0 0 {} {HEIGHT}", count.saturating_mul(STEP));
    out.raw("<figure>\n");
    out.open(
        "svg",
        &[
            ("class", "chart"),
            ("role", "img"),
            ("aria-label", &label),
            ("viewBox", &sides),
            ("preserveAspectRatio", "none"),
        ],
    );
    let mut x = 0;
    for (seconds, result) in &timed {
        let height = (seconds.clamp(&0, &most).saturating_mul(HEIGHT) / most).max(1);
        let class = match result.passed() {
            Some(true) => "good",
            Some(false) => "bad",
            None => "unknown",
        };
        let (at, from, high) = ((x + 1).to_string(), (HEIGHT - height).to_string(), height.to_string());
        out.open("rect", &[("class", class), ("x", &at), ("y", &from), ("width", "8"), ("height", &high)]);
        out.raw("</rect>");
        x += STEP;
    }
    out.raw("</svg>\n");
    out.element("figcaption", "", &format!("{label}; green passed, red failed."));
    out.raw("</figure>\n");
}
