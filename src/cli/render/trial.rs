//! What a changed spec would have said of past commits.

use super::history::{none, of, short, verdict};
use super::sheet::Sheet;
use super::text::line;
use crate::cli::history::would::{Trial, Tried};

/// A line for each commit, under how many there are of each kind.
pub fn trial(trial: &Trial) -> String {
    let mut rows = vec![["COMMIT", "OF", "DECIDED", "WOULD BE", "WHY"].map(str::to_owned).to_vec()];
    rows.extend(trial.commits.iter().map(|tried| {
        vec![
            short(&tried.commit.sha),
            of(tried.commit.pull_request, tried.commit.branch.as_deref()),
            decided(tried),
            line(&tried.would.verdict),
            line(&format!("{}: {}", tried.would.reason, why(tried))),
        ]
    }));
    none(&rows, "no commit is recorded\n") + &sum(trial)
}

/// What each report said; with a name where there are several.
fn decided(tried: &Tried) -> String {
    match tried.commit.verdicts.as_slice() {
        [] => "-".to_owned(),
        [one] => verdict(one),
        all => all
            .iter()
            .map(|said| format!("{}: {}", line(&said.report), verdict(said)))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// The message without the commit, which has a column.
fn why(tried: &Tried) -> String {
    let on = format!(" on commit {}", tried.commit.sha);
    tried.would.message.replace(&format!(",{on}"), "").replace(&on, "")
}

fn sum(trial: &Trial) -> String {
    let count = |verdict: &str| trial.commits.iter().filter(|t| t.would.verdict == verdict).count();
    let turned = |from: &str, to: &str| {
        let said = |t: &&Tried| t.commit.verdicts.iter().any(|v| v.r#final && v.verdict == from);
        trial.commits.iter().filter(|t| t.would.verdict == to).filter(said).count()
    };
    if trial.commits.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "\nof {} commits {} would pass, {} would fail, {} unknown\n",
        trial.commits.len(),
        count("passed"),
        count("failed"),
        count("unknown")
    );
    for (from, to, words) in
        [("passed", "failed", "passed and would fail"), ("failed", "passed", "failed and would pass")]
    {
        match turned(from, to) {
            0 => {}
            n => text.push_str(&format!("{n} {words}\n")),
        }
    }
    text
}

pub fn trial_sheet(trial: &Trial) -> Sheet {
    Sheet::of(&trial.commits)
        .text("repository", |t| Some(t.commit.repository.clone()))
        .text("sha", |t| Some(t.commit.sha.clone()))
        .text("branch", |t| t.commit.branch.clone())
        .whole("pullRequest", |t| t.commit.pull_request)
        .text("decided", |t| Some(decided(t)))
        .text("wouldBe", |t| Some(t.would.verdict.clone()))
        .text("reason", |t| Some(t.would.reason.clone()))
        .text("message", |t| Some(t.would.message.clone()))
        .time("began", |t| Some(t.commit.at))
        .end()
}
