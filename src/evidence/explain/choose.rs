//! Which of the grown blocks are shown, in what order of importance, and with how many lines.

use super::grow::{Evidence, Grower, Grown, Suspect, Tail, strength};
use super::ids::Names;
use super::shape::Kind;
use super::signs::Signs;
use super::{CauseKind, Options, Reason};
use std::borrow::Cow;
use std::collections::HashMap;

/// From this rank on a block says by itself that the run failed.
const STRONG: u8 = 3;

/// From this similarity on the passing log is a twin of the failing one up to the failure: what
/// only the failing one has is not chance.
const TWIN: f64 = 0.85;

/// Blocks that hint at a cause are shown beside strong ones up to this number.
const HINTS: usize = 6;

/// Blocks of unsure lines that are shown.
const UNSURE: usize = 5;

/// Blocks that are shown at all.
const SHOWN: usize = 1000;

/// Lines outside blocks that are shown since they name a cause.
const SUSPECTS: usize = 6;

/// How far before a failure a line outside blocks may be, and how often it may occur.
const REACH: u64 = 400;
const RARE: usize = 3;

/// A block that is shown.
#[derive(Debug, Clone)]
pub(super) struct Pick {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) reason: Reason,
    pub(super) keys: Vec<u64>,
    pub(super) evidence: Vec<Evidence>,
    pub(super) filler: Vec<u64>,
    pub(super) rank: u8,
}

/// How blocks are judged.
#[derive(Debug, Clone, Copy)]
struct How {
    /// By what the passing log does not have.
    by_novelty: bool,
    /// The passing log is alike enough for that to be proof.
    twin: bool,
}

/// The blocks to show, in the order of the log.
pub(super) fn choose(grown: &Grower, options: &Options) -> Vec<Pick> {
    let how_new =
        How { by_novelty: grown.compares(), twin: grown.similarity().is_some_and(|share| share >= TWIN) };
    let shows = |blocks: &[Grown], how: How| blocks.iter().any(|block| rank(block, how) > 0);
    let mut blocks = Cow::Borrowed(&grown.blocks);
    if !shows(&blocks, how_new) {
        // Something failed all the same: what a success seemed to contradict may be all there is.
        blocks.to_mut().iter_mut().for_each(|block| block.absolved = false);
    }
    let anything_new = shows(&blocks, how_new);
    let how = How { by_novelty: how_new.by_novelty && anything_new, ..how_new };
    let mut chosen: Vec<&Grown> = select(&blocks, how);
    let mut names = Names::default();
    for subject in &options.subjects {
        names.add(subject);
    }
    for block in chosen.iter().filter(|block| rank(block, how) >= STRONG) {
        block.texts.iter().for_each(|text| names.read(text));
    }
    limit_hints(&mut chosen, how, &names);
    let mut picks: Vec<Pick> = chosen.iter().map(|block| pick(block, how, &names)).collect();
    if how_new.by_novelty && !anything_new {
        // All of it is in the passing log too: little is worth showing, the end most.
        keep_last(&mut picks, options.comfortable);
        for pick in &mut picks {
            pick.reason = Reason::AlsoInBaseline;
        }
    }
    picks.extend(suspects(grown, &picks, &names, how));
    if picks.is_empty() {
        picks.extend(the_end(grown));
    }
    picks.sort_by_key(|pick| (pick.start, pick.end));
    picks
}

/// How much a block says; 0 if it is not to be shown.
fn rank(block: &Grown, how: How) -> u8 {
    let rank = if how.by_novelty { block.new_best.map_or(0, strength) } else { strength(block.best) };
    // A tool's error that the passing log does not have counts for more than a later success.
    let sure = how.by_novelty && how.twin && rank > STRONG;
    if block.absolved && !sure { 0 } else { rank }
}

/// The blocks that are strong, and weaker ones as far as they are needed.
fn select(blocks: &[Grown], how: How) -> Vec<&Grown> {
    let strong = blocks.iter().any(|block| rank(block, how) >= STRONG);
    let mut chosen: Vec<&Grown> = blocks
        .iter()
        .filter(|block| match rank(block, how) {
            0 => false,
            // A build tool's short reason adds nothing where the errors themselves are.
            _ if strong && block.best == Kind::Summary => false,
            1 => !strong || (how.by_novelty && how.twin),
            _ => true,
        })
        .collect();
    let unsure = |block: &&Grown| rank(block, how) == 1;
    let count = chosen.iter().filter(|block| unsure(block)).count();
    if count > UNSURE {
        if strong {
            chosen.retain(|block| !unsure(block));
        } else {
            drop_first(&mut chosen, count - UNSURE, unsure);
        }
    }
    let surplus = chosen.len().saturating_sub(SHOWN);
    drop_first(&mut chosen, surplus, |_| true);
    chosen
}

/// Drops the first `count` elements that fit.
fn drop_first<T>(list: &mut Vec<T>, mut count: usize, fits: impl Fn(&T) -> bool) {
    list.retain(|element| {
        let goes = count > 0 && fits(element);
        count -= usize::from(goes);
        !goes
    });
}

/// Beside strong blocks, keeps the hints that speak of the failing test or are next to it.
fn limit_hints(chosen: &mut Vec<&Grown>, how: How, names: &Names) {
    let strong: Vec<(u64, u64)> = chosen
        .iter()
        .filter(|block| rank(block, how) >= STRONG)
        .map(|block| (block.start, block.end))
        .collect();
    let hint = |block: &Grown| rank(block, how) == 2;
    if strong.is_empty() || chosen.iter().filter(|block| hint(block)).count() <= HINTS {
        return;
    }
    let mut rated: Vec<(u64, u64)> = chosen
        .iter()
        .filter(|block| hint(block))
        .map(|block| {
            let named = block.texts.iter().any(|text| names.in_text(text));
            let hard = block.evidence.iter().any(|evidence| evidence.signs.hard());
            let distance =
                strong
                    .iter()
                    .map(|(start, end)| {
                        if block.end < *start { start - block.end } else { block.start.saturating_sub(*end) }
                    })
                    .min()
                    .unwrap_or(u64::MAX);
            let order = match (named, hard) {
                (true, _) => 0,
                (_, true) => 1,
                _ => 2 + distance,
            };
            (order, block.start)
        })
        .collect();
    rated.sort_unstable();
    rated.truncate(HINTS);
    chosen.retain(|block| !hint(block) || rated.iter().any(|(_, start)| *start == block.start));
}

/// A block with its reason.
fn pick(block: &Grown, how: How, names: &Names) -> Pick {
    let rank = rank(block, how);
    let kind = if how.by_novelty { block.new_best.unwrap_or(block.best) } else { block.best };
    let reason = match kind {
        _ if rank == 2 && block.texts.iter().any(|text| names.in_text(text)) => Reason::NamesSubject,
        Kind::TestFail => Reason::FailingTest { new: how.by_novelty },
        Kind::Exception => Reason::StackTrace { new: how.by_novelty },
        Kind::Summary => Reason::ToolsReason { new: how.by_novelty },
        Kind::Phrase => Reason::NamesCause { new: how.by_novelty },
        _ => Reason::ErrorMarker { new: how.by_novelty },
    };
    let keys = if block.keys.is_empty() { vec![block.start] } else { block.keys.clone() };
    Pick {
        start: block.start,
        end: block.end,
        reason,
        keys,
        evidence: block.evidence.clone(),
        filler: block.filler.clone(),
        rank,
    }
}

/// Keeps the last blocks that fit into a number of lines; at least the head of the last one.
fn keep_last(picks: &mut Vec<Pick>, lines: u64) {
    let mut room = lines;
    let mut kept = Vec::new();
    while let Some(mut pick) = picks.pop() {
        if room == 0 {
            break;
        }
        pick.end = pick.end.min(pick.start + room - 1);
        pick.keys.retain(|key| *key <= pick.end);
        room -= pick.end - pick.start + 1;
        kept.push(pick);
    }
    kept.reverse();
    *picks = kept;
}

/// Lines outside blocks that name a cause and belong to the failure: they speak of the failing
/// test's objects, or they are rare, new and shortly before it.
fn suspects(grown: &Grower, picks: &[Pick], names: &Names, how: How) -> Vec<Pick> {
    let mut often: HashMap<u64, usize> = HashMap::new();
    for suspect in &grown.suspects {
        *often.entry(suspect.hash).or_default() += 1;
    }
    let strong: Vec<&Pick> = picks.iter().filter(|pick| pick.rank >= STRONG).collect();
    let mut rated: Vec<(u8, u64, &Suspect)> = grown
        .suspects
        .iter()
        .filter(|suspect| !picks.iter().any(|pick| (pick.start..=pick.end).contains(&suspect.line)))
        .filter_map(|suspect| {
            if names.in_text(&suspect.text) {
                return Some((0, suspect.line, suspect));
            }
            let ahead = strong
                .iter()
                .filter(|pick| pick.start > suspect.line)
                .map(|pick| pick.start - suspect.line)
                .min()?;
            let rare = often.get(&suspect.hash).is_some_and(|count| *count <= RARE);
            let telling = decides(suspect.signs);
            (rare && telling && ahead <= REACH && (!how.by_novelty || suspect.new))
                .then_some((1, ahead, suspect))
        })
        .collect();
    rated.sort_by_key(|(order, distance, suspect)| (*order, *distance, suspect.line));
    rated.dedup_by_key(|(_, _, suspect)| suspect.hash);
    rated.truncate(SUSPECTS);
    rated
        .into_iter()
        .map(|(order, _, suspect)| Pick {
            start: suspect.line,
            end: suspect.line,
            reason: if order == 0 {
                Reason::NamesSubject
            } else {
                Reason::NamesCause { new: how.by_novelty }
            },
            keys: vec![suspect.line],
            evidence: vec![Evidence { line: suspect.line, signs: suspect.signs, kind: Kind::Info }],
            filler: Vec::new(),
            rank: 2,
        })
        .collect()
}

/// Whether a line that is not marked as an error may still be what decided.
fn decides(signs: Signs) -> bool {
    signs.hard()
        || [
            CauseKind::TestIsolation,
            CauseKind::InfrastructureNetwork,
            CauseKind::PermissionDenied,
            CauseKind::Crash,
        ]
        .into_iter()
        .any(|cause| signs.names(cause))
}

/// Where nothing is marked: the last lines before the end, the new ones if there are such.
fn the_end(grown: &Grower) -> Vec<Pick> {
    let lines: Vec<&Tail> = grown.before_exit.iter().filter(|tail| tail.kind != Kind::Rule).collect();
    let new: Vec<&Tail> = lines.iter().copied().filter(|tail| tail.new).collect();
    let lines = if new.is_empty() { lines } else { new };
    let reason = if grown.open_end { Reason::LogEnds } else { Reason::BeforeExit };
    let mut picks: Vec<Pick> = Vec::new();
    for tail in lines {
        let evidence = Evidence { line: tail.line, signs: tail.signs, kind: tail.kind };
        match picks.last_mut() {
            Some(pick) if tail.line <= pick.end + 2 => {
                pick.end = tail.line;
                pick.keys.push(tail.line);
                pick.evidence.push(evidence);
            }
            _ => picks.push(Pick {
                start: tail.line,
                end: tail.line,
                reason,
                keys: vec![tail.line],
                evidence: vec![evidence],
                filler: Vec::new(),
                rank: 1,
            }),
        }
    }
    picks
}
