//! What one line of any log says by itself, for readers of other logs than a job's.

use super::normal::Normaliser;
use super::shape::{Kind, kind};
use super::signs::{Signs, signs};
use super::{CauseKind, text};

pub(in crate::evidence) use super::ids::{Names, names as found};

/// How a line says that something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::evidence) enum Tone {
    /// It names a cause, at whatever level it was logged.
    Names,
    /// It is marked as an error.
    Error,
    /// It starts a stack trace or tells of a panic.
    Crash,
}

/// A line that says that something is wrong.
#[derive(Debug, Clone, Copy)]
pub(in crate::evidence) struct Wrong {
    /// Equal for lines that differ in values only that change from run to run.
    pub(in crate::evidence) wording: u64,
    pub(in crate::evidence) tone: Tone,
    signs: Signs,
}

impl Wrong {
    /// Whether the line names this cause.
    pub(in crate::evidence) fn names(&self, cause: CauseKind) -> bool {
        self.signs.names(cause)
    }
}

/// Reads lines; holds a buffer so that none allocates.
#[derive(Debug, Default)]
pub(in crate::evidence) struct Judge {
    normaliser: Normaliser,
}

impl Judge {
    /// What a line says is wrong; most say nothing.
    pub(in crate::evidence) fn read(&mut self, raw: &[u8]) -> Option<Wrong> {
        let text = text(raw);
        let signs = signs(&text);
        let tone = match kind(&text, signs) {
            Kind::Exception => Tone::Crash,
            Kind::AppError | Kind::Error | Kind::TestFail => Tone::Error,
            Kind::Blank | Kind::Noise | Kind::Rule | Kind::Frame | Kind::Help => return None,
            _ if Self::decides(signs) => Tone::Names,
            _ => return None,
        };
        Some(Wrong { wording: self.normaliser.hash(&text), tone, signs })
    }

    /// Whether a line that is not marked as an error may still be what decided.
    fn decides(signs: Signs) -> bool {
        signs.hard()
            || [CauseKind::TestIsolation, CauseKind::InfrastructureNetwork, CauseKind::PermissionDenied]
                .into_iter()
                .any(|cause| signs.names(cause))
    }
}
