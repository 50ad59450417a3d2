//! Rounds in alternation: what slows this machine down for a while slows all subjects down.

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::session::{self, Figures, Plan};
use crate::subjects::{Programs, Subject, say};

/// A round of one subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// `operator`, `peer` or `bare`.
    pub subject: String,
    /// Reports of the pass.
    pub reports: u32,
    /// Jobs of each report.
    pub jobs: usize,
    /// What was measured.
    pub figures: Figures,
}

/// Runs every subject in every round, each on a control plane of its own. `save` gets all rounds so far
/// after each of them.
pub async fn alternate(
    plan: &Plan,
    subjects: &[Subject],
    rounds: u32,
    programs: &Programs,
    root: &Path,
    save: impl Fn(&[Round]) -> Result<()>,
) -> Result<Vec<Round>> {
    let folder = tempfile::tempdir()?;
    let mut all: Vec<Round> = Vec::new();
    let mut sample = None;
    for round in 1..=rounds {
        for subject in subjects {
            say(&format!("round {round} of {rounds}: {}", subject.as_str()));
            let figures = match (subject, &sample) {
                (Subject::Bare, None) => {
                    say("left out: it writes what an operator wrote, and so has to come after one");
                    continue;
                }
                (Subject::Bare, Some(sample)) => session::run_bare(plan, sample, root).await?,
                _ => {
                    let done = session::run(plan, *subject, programs, root, folder.path()).await;
                    let (mut figures, finished) = done.with_context(|| subject.as_str())?;
                    let program = if *subject == Subject::Peer { &programs.peer } else { &programs.operator };
                    figures.put("binary.bytes", std::fs::metadata(program)?.len() as f64);
                    sample = Some(finished);
                    figures
                }
            };
            all.push(Round {
                subject: subject.as_str().to_owned(),
                reports: plan.reports,
                jobs: plan.size.jobs,
                figures,
            });
            save(&all)?;
        }
    }
    Ok(all)
}
