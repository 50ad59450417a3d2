//! What a line means because of the lines before it.
//!
//! Three headings change the meaning of what follows: a test that passed at last or passed at
//! once (its output is harmless), and a build tool that announces its reason.

use super::shape::Kind;
use super::verdict::{flaked, harmless};

/// Lines after a heading within which a build tool gives its reason.
const REASON: usize = 12;

/// The state that headings set.
#[derive(Debug, Default)]
pub(super) struct Context {
    /// Inside the output of a test that passed.
    harmless: bool,
    /// Lines left in which a build tool gives its reason.
    reason: usize,
}

impl Context {
    /// Whether the output of a passing test is being read.
    pub(super) fn harmless(&self) -> bool {
        self.harmless
    }

    /// The kind of a line in its context.
    pub(super) fn kind(&mut self, text: &[u8], kind: Kind) -> Kind {
        let line = text.trim_ascii();
        if flaked(line) || harmless(line) {
            self.harmless = true;
            return if kind == Kind::TestFail { Kind::Plain } else { kind };
        }
        if self.harmless {
            // The next ruler, or another test's heading, ends it.
            let attempt = line.starts_with(b"[FAILED] in [");
            self.harmless = !(kind == Kind::Rule
                || line.starts_with(b"::endgroup::")
                || (kind == Kind::TestFail && !attempt));
            return if attempt { Kind::Plain } else { kind };
        }
        if line.starts_with(b"* What went wrong") {
            self.reason = REASON;
            return kind;
        }
        if self.reason == 0 {
            return kind;
        }
        let first = self.reason == REASON;
        self.reason -= 1;
        let ends = (kind == Kind::Blank && !first) || (kind == Kind::Rule && line.starts_with(b"* "));
        if ends {
            self.reason = 0;
        }
        match kind {
            Kind::Plain | Kind::Weak | Kind::Phrase | Kind::Error => Kind::Summary,
            other => other,
        }
    }
}
