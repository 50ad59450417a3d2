//! What probably caused the failure, from the lines that are shown.
//!
//! Each line that names or hints at a cause adds to it with diminishing returns: ten times "no
//! such host" is not ten times as sure as once. The shares are weighed by what is known about
//! the causes (a full disk explains a failed assertion, not the other way round) and divided
//! by their sum and a constant share for what the log does not tell.

use super::choose::Pick;
use super::grow::Evidence;
use super::shape::Kind;
use super::signs::{Signs, bit};
use super::{Cause, CauseKind, Options};

/// What a line adds that names a cause, and one that hints at it.
const NAMED: f64 = 0.55;
const HINTED: f64 = 0.2;

/// The share of what the log does not tell.
const UNTOLD: f64 = 0.3;

/// The most that timing gets unless the same commit has passed on a retry.
pub(super) const TIMING_CAP: f64 = 0.45;

/// The most that any cause gets from one log.
const MOST: f64 = 0.9;

/// Causes that are reported, the least share, and the evidence lines of each.
const REPORTED: usize = 5;
const LEAST: f64 = 0.03;
const LINES: usize = 10;

/// All causes but the unknown one.
const CAUSES: [CauseKind; 15] = [
    CauseKind::Compilation,
    CauseKind::Assertion,
    CauseKind::Timeout,
    CauseKind::InfrastructureNetwork,
    CauseKind::OutOfMemory,
    CauseKind::DiskFull,
    CauseKind::ImagePull,
    CauseKind::DependencyResolution,
    CauseKind::PermissionDenied,
    CauseKind::LintOrFormat,
    CauseKind::Configuration,
    CauseKind::TestIsolation,
    CauseKind::Crash,
    CauseKind::Cancelled,
    CauseKind::ExecFormat,
];

/// The likely causes, the likeliest first.
pub(super) fn causes(picks: &[Pick], notes: &[Signs], options: &Options) -> Vec<Cause> {
    let evidence: Vec<&Evidence> = picks.iter().flat_map(|pick| &pick.evidence).collect();
    let mut weights = CAUSES.map(|cause| (cause, weight(cause, &evidence, notes)));
    settle(&mut weights, &evidence, options);
    let told: f64 = weights.iter().map(|(_, weight)| weight).sum();
    let mut causes: Vec<Cause> = weights
        .into_iter()
        .filter_map(|(cause, weight)| {
            let most =
                if cause == CauseKind::Timeout && !options.passed_on_retry { TIMING_CAP } else { MOST };
            let probability = percent((weight / (told + UNTOLD)).min(most));
            (probability >= LEAST).then(|| Cause { cause, probability, evidence: lines(cause, &evidence) })
        })
        .collect();
    causes.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.cause.cmp(&b.cause)));
    causes.truncate(REPORTED);
    let rest = percent(1.0 - causes.iter().map(|cause| cause.probability).sum::<f64>());
    if causes.is_empty() || rest >= 0.25 {
        let keys = picks.iter().filter_map(|pick| pick.keys.first().copied()).take(LINES).collect();
        let probability = rest.clamp(0.0, 1.0);
        causes.push(Cause { cause: CauseKind::Unknown, probability, evidence: keys });
        causes.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.cause.cmp(&b.cause)));
    }
    causes
}

/// Hundredths, rounded down so that sums stay below one.
fn percent(share: f64) -> f64 {
    ((share + 1e-9) * 100.0).floor() / 100.0
}

/// How much a line of a kind counts as evidence.
fn trust(kind: Kind) -> f64 {
    match kind {
        Kind::TestFail | Kind::Error | Kind::Exception => 1.0,
        Kind::AppError | Kind::Phrase => 0.8,
        Kind::Summary | Kind::Info | Kind::Plain => 0.6,
        _ => 0.4,
    }
}

/// What the evidence adds up to for a cause, from 0 to 1.
fn weight(cause: CauseKind, evidence: &[&Evidence], notes: &[Signs]) -> f64 {
    let line = |signs: Signs, trust: f64| {
        if signs.causes & bit(cause) != 0 {
            1.0 - NAMED * trust
        } else if signs.hints & bit(cause) != 0 {
            1.0 - HINTED * trust
        } else {
            1.0
        }
    };
    let from_lines: f64 = evidence.iter().map(|item| line(item.signs, trust(item.kind))).product();
    let from_notes: f64 = notes.iter().map(|signs| line(*signs, 1.0)).product();
    1.0 - from_lines * from_notes
}

/// Weighs causes against each other.
fn settle(weights: &mut [(CauseKind, f64)], evidence: &[&Evidence], options: &Options) {
    let named = |cause: CauseKind| evidence.iter().any(|item| item.signs.names(cause));
    let hard = evidence.iter().any(|item| item.signs.hard());
    let compilation = named(CauseKind::Compilation);
    let assertion = named(CauseKind::Assertion);
    let isolation = named(CauseKind::TestIsolation);
    for (cause, weight) in weights {
        *weight *= match cause {
            // Facts about the machine explain whatever else is in the log.
            CauseKind::DiskFull | CauseKind::OutOfMemory | CauseKind::ExecFormat | CauseKind::ImagePull => {
                4.0
            }
            CauseKind::Cancelled => 2.5,
            _ if hard => 0.4,
            CauseKind::Compilation => 2.0,
            // Compilers say "expected" too.
            CauseKind::Assertion if compilation => 0.3,
            CauseKind::Configuration if compilation => 0.4,
            CauseKind::TestIsolation => 2.0,
            CauseKind::Assertion if isolation => 0.8,
            CauseKind::Assertion => 1.5,
            CauseKind::DependencyResolution => 1.8,
            // A wait that ran out says that something did not happen; a value says what.
            CauseKind::Timeout if options.passed_on_retry => 2.0,
            CauseKind::Timeout if assertion || isolation => 0.5,
            CauseKind::Crash if assertion => 0.6,
            _ => 1.0,
        };
    }
}

/// The lines that speak for a cause: those that name it first, then those that hint at it.
fn lines(cause: CauseKind, evidence: &[&Evidence]) -> Vec<u64> {
    let naming = evidence.iter().filter(|item| item.signs.causes & bit(cause) != 0);
    let hinting = evidence
        .iter()
        .filter(|item| item.signs.causes & bit(cause) == 0 && item.signs.hints & bit(cause) != 0);
    let mut lines: Vec<u64> = naming.chain(hinting).map(|item| item.line).take(LINES).collect();
    lines.sort_unstable();
    lines.dedup();
    lines
}
