//! Blocks fitted into a number of lines.

use super::choose::Pick;
use super::{Block, Options};

/// Turns the chosen blocks into disjoint ranges in order; says whether lines were given up
/// because there were too many.
pub(super) fn fit(picks: Vec<Pick>, options: &Options) -> (Vec<Block>, bool) {
    let mut blocks = separate(picks);
    let total: u64 = blocks.iter().map(|(block, _)| block.len()).sum();
    let comfortable = options.comfortable;
    // A few lines too many for a glance: advice and blank lines go. Many too many: they would
    // not make it short either, so they stay.
    let surplus = total.saturating_sub(comfortable);
    if surplus > 0 && surplus <= comfortable / 2 && surplus <= filler(&blocks) {
        drop_filler(&mut blocks, surplus);
    }
    let cut = cap(&mut blocks, options.max_lines);
    (blocks.into_iter().map(|(block, _)| block).collect(), cut)
}

/// A block, its filler lines and its rank.
type Ranked = (Block, (Vec<u64>, u8));

/// Sorts out overlaps: a block that starts inside the one before it is joined to it.
fn separate(picks: Vec<Pick>) -> Vec<Ranked> {
    let mut blocks: Vec<Ranked> = Vec::new();
    for pick in picks {
        let (start, end) = (pick.start, pick.end.max(pick.start));
        match blocks.last_mut() {
            Some((last, (filler, rank))) if start <= last.end => {
                last.end = last.end.max(end);
                last.key.extend(pick.keys);
                filler.extend(pick.filler);
                *rank = pick.rank.max(*rank);
            }
            _ => {
                let block = Block { start, end, reason: pick.reason, key: pick.keys };
                blocks.push((block, (pick.filler, pick.rank)));
            }
        }
    }
    blocks
}

/// How many lines could be left out.
fn filler(blocks: &[Ranked]) -> u64 {
    blocks.iter().map(|(_, (filler, _))| filler.len() as u64).sum()
}

/// Leaves out filler lines, the last first, until `surplus` are gone.
fn drop_filler(blocks: &mut Vec<Ranked>, mut surplus: u64) {
    let mut kept: Vec<Ranked> = Vec::new();
    while let Some((block, (mut filler, rank))) = blocks.pop() {
        filler.sort_unstable();
        let mut rest = block;
        while let Some(line) = filler.pop() {
            if surplus == 0 {
                break;
            }
            if line < rest.start || line > rest.end || rest.len() == 1 {
                continue;
            }
            surplus -= 1;
            if line == rest.end {
                rest.end -= 1;
            } else if line == rest.start {
                rest.start += 1;
            } else {
                let key =
                    rest.key.iter().copied().filter(|key| (line + 1..=rest.end).contains(key)).collect();
                let tail = Block { start: line + 1, end: rest.end, reason: rest.reason, key };
                kept.push((tail, (Vec::new(), rank)));
                rest.end = line - 1;
            }
        }
        rest.key.retain(|key| (rest.start..=rest.end).contains(key));
        kept.push((rest, (filler, rank)));
    }
    kept.reverse();
    *blocks = kept;
}

/// Keeps at most `most` lines: strong blocks first, the last of equals first, and of the one
/// that does not fit the head.
fn cap(blocks: &mut Vec<Ranked>, most: u64) -> bool {
    let total: u64 = blocks.iter().map(|(block, _)| block.len()).sum();
    if total <= most {
        return false;
    }
    blocks.sort_by_key(|(block, (_, rank))| std::cmp::Reverse((*rank, block.start)));
    let mut room = most;
    blocks.retain_mut(|(block, _)| {
        if room == 0 {
            return false;
        }
        block.end = block.end.min(block.start.saturating_add(room - 1));
        block.key.retain(|key| *key <= block.end);
        room -= block.len();
        true
    });
    blocks.sort_by_key(|(block, _)| block.start);
    true
}
