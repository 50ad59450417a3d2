//! Exit codes, which scripts rely on.

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done; for `gate`: passed.
    Success,
    /// `gate`: failed. `parse`: a file was not understood.
    Failure,
    /// `gate`: undecided.
    Undecided,
    /// Something could not be read.
    Unreadable,
    /// The command line is wrong (EX_USAGE of sysexits).
    Usage,
}

impl Exit {
    /// The number that the process exits with.
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Undecided => 2,
            Self::Unreadable => 3,
            Self::Usage => 64,
        }
    }
}
