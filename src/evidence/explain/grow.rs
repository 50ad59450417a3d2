//! Lines grown into blocks, in one pass and bounded memory.
//!
//! A line that says something is wrong opens a block; what belongs to it (frames, indented
//! detail, further errors, lines that the passing log does not have) carries it on; a gap of
//! ordinary lines ends it. Nothing is decided here about which blocks are shown.

use super::context::Context;
use super::normal::{Known, Normaliser};
use super::shape::{Kind, indent, kind};
use super::signs::{Signs, signs};
use super::verdict::{Passed, exits, passed};
use std::collections::VecDeque;

/// Lines that do not belong to a block may follow each other inside it; one more ends it.
pub(super) const GAP: usize = 4;

/// Plain lines in a row that a block takes without a new sign of trouble.
const PLAIN_RUN: usize = 12;

/// Lines in a row that the passing log has too which a block takes when they continue it.
const OLD_RUN: usize = 14;

/// Lines before an anchor that are looked at for belonging to it.
const BACK: usize = 12;

/// Over how many ordinary lines strangeness is averaged, and from when on it is too much.
const MEMORY: u32 = 48;
const STRANGE: u32 = 600;

/// Lines between two verdicts about the same end.
const EXIT_RUN: u64 = 20;

/// Last lines that are remembered.
const TAIL: usize = 10;

/// Blocks that are held; beyond it the weakest go.
const BLOCKS: usize = 1024;

/// Lines kept as text for each block, and their length.
const TEXTS: usize = 6;
const TEXT_BYTES: usize = 320;

/// Anchors, filler lines and lines with signs remembered for each block.
const KEYS: usize = 6;
const FILLERS: usize = 64;
const EVIDENCE: usize = 24;

/// A line and the causes it names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evidence {
    pub(super) line: u64,
    pub(super) signs: Signs,
    pub(super) kind: Kind,
}

/// A run of lines that say what went wrong.
#[derive(Debug, Clone)]
pub(super) struct Grown {
    pub(super) start: u64,
    pub(super) end: u64,
    /// The strongest kind of anchor among the lines.
    pub(super) best: Kind,
    /// The strongest kind among anchors that the passing log does not have.
    pub(super) new_best: Option<Kind>,
    /// The lines that are worth showing first.
    pub(super) keys: Vec<u64>,
    /// Lines that could be left out without loss.
    pub(super) filler: Vec<u64>,
    pub(super) evidence: Vec<Evidence>,
    /// The text of the first lines that may hold names.
    pub(super) texts: Vec<Box<str>>,
    /// Frames of stack traces.
    pub(super) frames: u64,
    /// A test or a build passed after the block, so it did no harm.
    pub(super) absolved: bool,
}

/// How much a kind of line says by itself: 0 cannot open a block.
pub(super) fn strength(kind: Kind) -> u8 {
    match kind {
        Kind::TestFail | Kind::Error => 4,
        Kind::Exception => 3,
        Kind::AppError | Kind::Phrase | Kind::Summary => 2,
        Kind::Weak | Kind::Status => 1,
        _ => 0,
    }
}

/// A line outside blocks that names a cause plainly.
#[derive(Debug, Clone)]
pub(super) struct Suspect {
    pub(super) line: u64,
    pub(super) hash: u64,
    pub(super) new: bool,
    pub(super) signs: Signs,
    pub(super) text: Box<str>,
}

/// Suspects that are held, the later ones winning.
const SUSPECTS: usize = 2048;

/// What is remembered of a line for looking back.
#[derive(Debug, Clone, Copy)]
struct Seen {
    number: u64,
    kind: Kind,
    new: bool,
    indent: usize,
}

/// The state of the pass over a failing log.
#[derive(Debug)]
pub(super) struct Grower {
    known: Option<Known>,
    normaliser: Normaliser,
    open: Option<Grown>,
    /// Lines since the open block's last line, and how much they count.
    waiting: Vec<u64>,
    pending: usize,
    blanks: usize,
    plain_run: usize,
    old_run: usize,
    /// The block's last line is the step's verdict: plain lines after it are about other things.
    decided: bool,
    seen: VecDeque<Seen>,
    /// The end of the last block that was closed.
    closed: u64,
    /// How new the ordinary lines of late are, in 1/1024: where nearly all of them are, the
    /// passing log is no guide.
    strangeness: u32,
    /// The last good verdict, and the last one about a whole build.
    verdict: u64,
    built: u64,
    context: Context,
    pub(super) blocks: Vec<Grown>,
    pub(super) suspects: VecDeque<Suspect>,
    /// Blocks were dropped because there were too many.
    pub(super) cut: bool,
    /// The last line's number.
    pub(super) total: u64,
    /// Ordinary lines that the passing log has too, and all ordinary lines.
    pub(super) shared: u64,
    pub(super) compared: u64,
    /// The last lines that are neither blank nor progress.
    tail: VecDeque<Tail>,
    /// The last line that says how something ended.
    exit_at: u64,
    /// The lines before the last one that says how the step or the build ended.
    pub(super) before_exit: Vec<Tail>,
    /// The log has no such line: it just ends.
    pub(super) open_end: bool,
}

/// One of the last lines before an end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tail {
    pub(super) line: u64,
    pub(super) kind: Kind,
    pub(super) new: bool,
    pub(super) signs: Signs,
}

impl Grower {
    /// A grower that compares with the lines of a passing log if there is one.
    pub(super) fn new(known: Option<Known>) -> Self {
        Self {
            known,
            normaliser: Normaliser::default(),
            open: None,
            waiting: Vec::new(),
            pending: 0,
            blanks: 0,
            plain_run: 0,
            old_run: 0,
            decided: false,
            seen: VecDeque::with_capacity(BACK + 1),
            closed: 0,
            strangeness: 0,
            verdict: 0,
            built: 0,
            context: Context::default(),
            blocks: Vec::new(),
            suspects: VecDeque::new(),
            cut: false,
            total: 0,
            shared: 0,
            compared: 0,
            tail: VecDeque::with_capacity(TAIL + 1),
            exit_at: 0,
            before_exit: Vec::new(),
            open_end: false,
        }
    }

    /// Takes the next line, without envelope and escapes.
    pub(super) fn push(&mut self, number: u64, text: &[u8]) {
        self.total = number;
        let (new, hash) = self.novelty(text);
        // What both logs have and no block could take needs no closer look.
        let looked_at = new || self.open.is_some();
        let signs = if looked_at { signs(text) } else { Signs::default() };
        let kind = self.context.kind(text, kind(text, signs));
        if exits(text, kind) {
            // A build tool, the step and the job say it one after the other: the first knows best.
            if self.before_exit.is_empty() || number > self.exit_at + EXIT_RUN {
                self.before_exit = self.tail.iter().copied().collect();
            }
            self.exit_at = number;
        }
        if !matches!(kind, Kind::Blank | Kind::Noise) {
            if self.tail.len() >= TAIL {
                self.tail.pop_front();
            }
            self.tail.push_back(Tail { line: number, kind, new, signs });
        }
        if let Some(passed) = passed(text, kind) {
            self.absolve(passed);
        }
        let line = Seen { number, kind, new, indent: indent(text) };
        if !self.carry_on(line, text, signs) {
            self.open_at(line, text, signs);
        }
        if self.open.is_none()
            && signs.strong()
            && !self.context.harmless()
            && !matches!(kind, Kind::Rule | Kind::Noise)
        {
            self.suspect(line, hash, signs, text);
        }
        if self.open.is_none() && !matches!(kind, Kind::Blank | Kind::Noise) {
            self.compared += 1;
            self.shared += u64::from(!new);
            let now = if new { 1024 } else { 0 };
            self.strangeness = (self.strangeness * (MEMORY - 1) + now) / MEMORY;
        }
        if self.seen.len() >= BACK {
            self.seen.pop_front();
        }
        self.seen.push_back(line);
    }

    /// Ends the pass.
    pub(super) fn finish(&mut self) {
        self.close();
        if self.before_exit.is_empty() {
            self.before_exit = self.tail.iter().copied().collect();
            self.open_end = true;
        }
    }

    /// Whether the passing log lacks the line, and its hash; without a passing log all is new.
    fn novelty(&mut self, text: &[u8]) -> (bool, u64) {
        let hash = self.normaliser.hash(text);
        let Some(known) = &self.known else { return (true, hash) };
        let has = known.contains(hash);
        (!has, hash)
    }

    /// Whether a plain line that the passing log lacks means anything here.
    fn guided(&self) -> bool {
        self.known.is_some() && self.strangeness < STRANGE
    }

    /// The share of ordinary lines that the passing log has too.
    pub(super) fn similarity(&self) -> Option<f64> {
        self.known.as_ref()?;
        let compared = self.compared.max(1) as f64;
        Some(((self.shared as f64 / compared) * 1000.0).round() / 1000.0)
    }

    /// Whether there is a passing log to compare with.
    pub(super) fn compares(&self) -> bool {
        self.known.is_some()
    }

    /// Lets the open block take the line; false if there is none or it ended before the line.
    fn carry_on(&mut self, line: Seen, text: &[u8], signs: Signs) -> bool {
        let compares = self.compares();
        let Some(open) = &self.open else { return false };
        let anchor = strength(line.kind) > 1;
        // A new trouble after an old one is a block of its own.
        if compares && anchor && line.new && open.new_best.is_none() {
            self.close();
            return false;
        }
        let adjacent = self.pending == 0;
        // Nor does a sure sign share a block with a vague one before it.
        if anchor && !adjacent && strength(open.best) <= 1 {
            self.close();
            return false;
        }
        let takes = match line.kind {
            Kind::Frame => true,
            Kind::Error
            | Kind::TestFail
            | Kind::Exception
            | Kind::Phrase
            | Kind::AppError
            | Kind::Summary => line.new || (adjacent && self.old_run < OLD_RUN),
            Kind::Help => adjacent && self.old_run < OLD_RUN,
            Kind::Status => adjacent,
            Kind::Plain | Kind::Weak if self.decided => false,
            Kind::Plain | Kind::Weak => {
                let inside = line.indent >= 2 || matches!(text.first(), Some(b'#' | b'|' | b'>'));
                // Detail may be set off by blank lines, but not by other text.
                let set_off = self.pending == self.blanks;
                self.plain_run < PLAIN_RUN && if self.guided() { line.new } else { inside && set_off }
            }
            Kind::Blank => false,
            Kind::Warn => false,
            Kind::Info | Kind::Rule | Kind::Noise => {
                self.close();
                return false;
            }
        };
        if takes {
            self.take(line, text, signs);
            return true;
        }
        self.waiting.push(line.number);
        self.blanks += usize::from(line.kind == Kind::Blank);
        self.pending += if line.kind == Kind::Warn { 2 } else { 1 };
        if self.pending > GAP {
            self.close();
            return false;
        }
        // A line that waits may still turn out to be an anchor of its own.
        if anchor && line.new {
            self.close();
            return false;
        }
        true
    }

    /// Adds a line to the open block.
    fn take(&mut self, line: Seen, text: &[u8], signs: Signs) {
        let compares = self.compares();
        let Some(open) = &mut self.open else { return };
        open.end = line.number;
        let room = FILLERS.saturating_sub(open.filler.len());
        open.filler.extend(self.waiting.drain(..).take(room));
        self.pending = 0;
        self.blanks = 0;
        self.decided = line.kind == Kind::Status;
        let plain = matches!(line.kind, Kind::Plain | Kind::Weak);
        self.plain_run = if plain { self.plain_run + 1 } else { 0 };
        self.old_run = if line.new || line.kind == Kind::Frame { 0 } else { self.old_run + 1 };
        open.note(line, text, signs, compares);
    }

    /// Opens a block at a line that can.
    fn open_at(&mut self, line: Seen, text: &[u8], signs: Signs) {
        if strength(line.kind) == 0 || line.kind == Kind::Status {
            return;
        }
        let start = self.start_before(line, text);
        let mut open = Grown {
            start,
            end: line.number,
            best: line.kind,
            new_best: None,
            keys: Vec::new(),
            filler: Vec::new(),
            evidence: Vec::new(),
            texts: Vec::new(),
            frames: 0,
            absolved: self.context.harmless(),
        };
        open.note(line, text, signs, self.compares());
        self.open = Some(open);
        self.waiting.clear();
        self.pending = 0;
        self.blanks = 0;
        self.plain_run = 0;
        self.old_run = 0;
        self.decided = false;
    }

    /// Where a block that an anchor opens starts: lines before it that the passing log does not
    /// have belong to it, and so does what a failing Go test printed.
    fn start_before(&self, line: Seen, text: &[u8]) -> u64 {
        let compares = self.guided();
        let printed_before = text.trim_ascii_start().starts_with(b"--- FAIL");
        let mut start = line.number;
        for before in self.seen.iter().rev() {
            if before.number <= self.closed {
                break;
            }
            let plain = matches!(before.kind, Kind::Plain | Kind::Weak);
            let belongs =
                plain && ((compares && before.new && line.new) || (printed_before && before.indent >= 4));
            if belongs {
                start = before.number;
            } else if before.kind != Kind::Blank {
                break;
            }
        }
        start
    }

    /// Marks the blocks before a good verdict that cannot have been fatal.
    fn absolve(&mut self, passed: Passed) {
        self.close();
        for block in self.blocks.iter_mut().rev() {
            let judged = block.absolved;
            match passed {
                Passed::Build if block.start <= self.built => break,
                Passed::Build => block.absolved = true,
                // A test's verdict speaks for what was printed since the verdict before it.
                Passed::Test if block.start <= self.verdict => break,
                Passed::Test => {
                    let stands = matches!(block.best, Kind::TestFail | Kind::Error | Kind::Summary)
                        || block.evidence.iter().any(|evidence| evidence.signs.hard());
                    block.absolved = judged || !stands;
                }
            }
        }
        self.verdict = self.total;
        if passed == Passed::Build {
            self.built = self.total;
        }
    }

    /// Ends the open block.
    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        self.closed = open.end;
        self.pending = 0;
        self.blocks.push(open);
        if self.blocks.len() >= 2 * BLOCKS {
            self.thin_out();
        }
    }

    /// Drops the weaker half of the blocks; of equals the earlier ones go.
    fn thin_out(&mut self) {
        self.cut = true;
        let compares = self.compares();
        let rank = |block: &Grown| {
            let kind = if compares { block.new_best } else { Some(block.best) };
            (kind.map_or(0, strength), block.start)
        };
        self.blocks.sort_by_key(|block| std::cmp::Reverse(rank(block)));
        self.blocks.truncate(BLOCKS);
        self.blocks.sort_by_key(|block| block.start);
    }

    /// Remembers a line outside blocks that names a cause.
    fn suspect(&mut self, line: Seen, hash: u64, signs: Signs, text: &[u8]) {
        if self.suspects.len() >= SUSPECTS {
            self.suspects.pop_front();
        }
        let text = excerpt(text);
        self.suspects.push_back(Suspect { line: line.number, hash, new: line.new, signs, text });
    }
}

impl Grown {
    /// Remembers what a line of the block says.
    fn note(&mut self, line: Seen, text: &[u8], signs: Signs, compares: bool) {
        let anchor = strength(line.kind) > 0;
        if anchor {
            self.best = self.best.max(line.kind);
            if line.new || !compares {
                self.new_best = self.new_best.max(Some(line.kind));
            }
            if self.keys.len() < KEYS && strength(line.kind) > 1 && line.new {
                self.keys.push(line.number);
            }
        }
        if line.kind == Kind::Frame {
            self.frames += 1;
        }
        if matches!(line.kind, Kind::Help | Kind::Status) && self.filler.len() < FILLERS {
            self.filler.push(line.number);
        }
        if (signs.causes | signs.hints) != 0 && line.kind != Kind::Frame && self.evidence.len() < EVIDENCE {
            self.evidence.push(Evidence { line: line.number, signs, kind: line.kind });
        }
        // Names of objects have digits.
        let may_name = !matches!(line.kind, Kind::Frame | Kind::Help) && text.iter().any(u8::is_ascii_digit);
        if self.texts.len() < TEXTS && may_name {
            self.texts.push(excerpt(text));
        }
    }
}

/// The head of a line as text.
fn excerpt(text: &[u8]) -> Box<str> {
    let head = text.get(..TEXT_BYTES).unwrap_or(text);
    String::from_utf8_lossy(head).trim().into()
}
