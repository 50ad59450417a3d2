//! What can go wrong while the control plane is built, started or used.

use std::fmt;
use std::path::Path;

/// An error of the control plane, told in words that say what to do about it.
///
/// It is `Clone`, so that the one failure to start a shared control plane can
/// be reported by every test that wanted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The file system or the start of a process refused.
    Io {
        /// What was being done.
        action: String,
        /// What the operating system said.
        cause: String,
    },
    /// A binary could not be built or found.
    Build(String),
    /// A server ended early or did not become ready in time.
    Server(String),
    /// A kubectl call ended with a failure.
    Kubectl {
        /// The arguments of the call.
        args: String,
        /// The exit code, if there was one.
        code: Option<i32>,
        /// What kubectl wrote to standard error.
        stderr: String,
    },
    /// A call or a wait took longer than it may.
    Timeout(String),
    /// The control plane was asked for something it was not started with.
    Usage(String),
}

impl Error {
    /// Makes an [`Error::Io`] from what was being done and the cause.
    pub fn io(action: impl Into<String>, cause: impl fmt::Display) -> Self {
        Self::Io { action: action.into(), cause: cause.to_string() }
    }

    /// Makes an [`Error::Io`] about a path.
    pub fn path(action: &str, path: &Path, cause: impl fmt::Display) -> Self {
        Self::io(format!("{action} {}", path.display()), cause)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { action, cause } => write!(f, "cannot {action}: {cause}"),
            Self::Build(text) | Self::Server(text) | Self::Timeout(text) | Self::Usage(text) => {
                f.write_str(text)
            }
            Self::Kubectl { args, code, stderr } => match code {
                Some(code) => write!(f, "kubectl {args} ended with {code}: {}", stderr.trim_end()),
                None => write!(f, "kubectl {args} was killed: {}", stderr.trim_end()),
            },
        }
    }
}

impl std::error::Error for Error {}
