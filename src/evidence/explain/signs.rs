//! The phrases that say what kind of trouble a line is about.
//!
//! One automaton finds all phrases of a line in one pass, whatever their number. Most phrases
//! name a [`CauseKind`]; the rest are words that only say "something is wrong here" (weak) or
//! that a wait ran out.

use super::CauseKind;
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use std::sync::LazyLock;

/// The bytes of a line that are looked at.
pub(super) const LOOKED_AT: usize = 4096;

/// Codes up to this length count as whole words only; weak words are exempt.
const WORD: usize = 8;

/// What was found in one line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Signs {
    /// A word such as `error` or `failed` occurs.
    pub(super) weak: bool,
    /// One bit for each cause that is named plainly.
    pub(super) causes: u32,
    /// The causes that are hinted at, by a word that has other uses.
    pub(super) hints: u32,
}

impl Signs {
    /// Whether a cause is named plainly.
    pub(super) fn names(self, cause: CauseKind) -> bool {
        self.causes & bit(cause) != 0
    }

    /// Whether a cause is named that is a fact about the machine, not the program's opinion.
    pub(super) fn hard(self) -> bool {
        self.causes & (bit(DiskFull) | bit(OutOfMemory) | bit(ExecFormat) | bit(ImagePull)) != 0
    }

    /// Whether the line names a cause plainly that makes it worth showing by itself.
    pub(super) fn strong(self) -> bool {
        self.causes != 0
    }
}

/// The bit of a cause in [`Signs`].
pub(super) fn bit(cause: CauseKind) -> u32 {
    1 << (cause as u32)
}

/// What a phrase says.
#[derive(Debug, Clone, Copy)]
enum Says {
    Weak,
    Cause(CauseKind),
    Hint(CauseKind),
}

use CauseKind::{
    Assertion, Cancelled, Compilation, Configuration, Crash, DependencyResolution, DiskFull, ExecFormat,
    ImagePull, InfrastructureNetwork, LintOrFormat, OutOfMemory, PermissionDenied, TestIsolation, Timeout,
};

/// Phrases by what they say; matched without regard to ASCII case.
const PHRASES: &[(Says, &[&str])] = &[
    (
        Says::Weak,
        &[
            "error", "fail", "exception", "fatal", "panic", "abort", "cannot", "can't", "could not",
            "couldn't", "unable to", "denied", "refused", "invalid", "missing", "not found", "undefined",
            "unexpected", "killed", "crash", "broken", "violat", "unsuccessful", "not supported",
            "traceback", "mismatch", "does not exist",
        ],
    ),
    (
        Says::Cause(Compilation),
        &[
            "compilation error", "compilation failure", "compilation failed", "cannot find symbol",
            "incompatible types", "undefined reference to", "undefined symbol", "does not compile",
            "[build failed]", "[setup failed]", "could not compile", "bad class file",
            "unresolved reference", "unresolved import", "imported and not used", "declared and not used",
            "undeclared identifier", "no matching function for call", "error: expected '",
            "error: expected `", "error: expected one of", "error: expected identifier",
            "error: expected declaration", "error ts", "error[e", "expected expression", "cannot use ",
            "syntaxerror", "syntax error", "array required, but", "cannot be applied to given types",
            "unreported exception", "failed to compile", "cannot borrow", "mismatched types",
            "invalid syntax", "no suitable method found",
        ],
    ),
    (
        Says::Cause(Assertion),
        &[
            "assertionerror", "assertionfailederror", "comparisonfailure", "assertion failed",
            "assertion `left", "but was:", "expected:<", "to equal", "expect(received)", "should be equal",
            "not equal:", "mismatch", "to contain element", "to match error", "to be true", "to be false",
            "to have length", "to be identical", "to be empty", "expected true", "expected false", "tobe(",
            "toequal(", "tohavelength(", "assert_eq", "assert.equal", "expecting:", "to be equal to:",
            "test failed: expected", "to be nil", "to be numerically", "expected equality of these values",
        ],
    ),
    (
        Says::Hint(Assertion),
        &[
            "expected", "there are test failures", "failed tests:", "want ", "assert ", "actual", "left:",
            "should ",
        ],
    ),
    (
        Says::Cause(Timeout),
        &[
            "timed out after", "timed out waiting", "test timed out", "deadline exceeded",
            "timeoutexception", "timeouterror", "a node timeout occurred", "a spec timeout occurred",
            "timeout exceeded", "[timedout]", "testtimedoutexception", "operation timed out",
            "exceeded timeout", "timed out in",
        ],
    ),
    (Says::Hint(Timeout), &["timed out", "timeout"]),
    (
        Says::Cause(InfrastructureNetwork),
        &[
            "connection refused", "connection reset", "no such host", "could not resolve host",
            "unknownhostexception", "temporary failure in name resolution", "network is unreachable",
            "no route to host", "i/o timeout", "tls handshake timeout", "econnrefused", "econnreset",
            "enotfound", "etimedout", "eai_again", "returned error: 5", "502 bad gateway", "503 service",
            "504 gateway", "error cloning remote repo", "hosted runner lost communication",
            "remote end hung up", "orderlyshutdown", "requestabortedexception", "connectexception",
            "sockettimeoutexception", "address already in use", "port is already allocated",
            "unable to access 'http", "early eof", "connection timed out", "slave went offline",
            "agent went offline", "channelclosedexception", "connection was closed",
            "name or service not known", "failed to connect to", "server misbehaving",
            "sslhandshakeexception", "rpc failed", "getaddrinfo",
        ],
    ),
    (
        Says::Cause(OutOfMemory),
        &[
            "outofmemoryerror", "out of memory", "oomkilled", "cannot allocate memory", "java heap space",
            "gc overhead limit", "exit code 137", "exited with code 137", "signal: killed", "std::bad_alloc",
            "enomem", "oom-kill", "memoryerror", "exit status 137", "memory cgroup out",
        ],
    ),
    (
        Says::Cause(DiskFull),
        &["no space left on device", "enospc", "disk quota exceeded", "disk is full", "not enough space on"],
    ),
    (
        Says::Cause(ImagePull),
        &[
            "imagepullbackoff", "errimagepull", "manifest unknown", "pull access denied",
            "failed to pull image", "error pulling image", "toomanyrequests", "failed to resolve reference",
            "unable to pull", "initializing source docker", "manifest for ",
            "unable to copy from source docker",
        ],
    ),
    (
        Says::Cause(DependencyResolution),
        &[
            "could not resolve dependencies", "could not find artifact", "failed to collect dependencies",
            "could not transfer artifact", "non-resolvable", "could not resolve all",
            "no matching distribution found", "could not find a version that satisfies", "eresolve",
            "no required module provides", "missing go.sum entry", "failed to select a version",
            "unable to locate package", "no matching package named", "failed to install metadata",
            "resolutionimpossible", "unresolvable dependency", "cannot find module providing",
            "failed to read artifact descriptor", "was not found in https", "pluginresolutionexception",
            "dependencyresolutionexception", "unknown revision", "failed to install artifact",
            "failed to deploy artifacts", "lock file needs to be updated", "lockfile is out of date",
            "cannot access central", "plugin was not found", "checksum mismatch", "failure to find",
            "could not find method", "failed to download",
        ],
    ),
    (
        Says::Cause(PermissionDenied),
        &[
            "permission denied", "access denied", "accessdeniedexception", "eacces",
            "operation not permitted", "403 forbidden", "401 unauthorized", "authentication failed",
            "not authorized", "insufficient permissions", "bad credentials",
            "resource not accessible by integration", "is forbidden: user", "http 403", "http 401",
            "returned error: 403", "returned error: 401", "could not read username",
        ],
    ),
    (
        Says::Cause(LintOrFormat),
        &[
            "checkstyle violation", "checkstyle rule violation", "eslint", "golangci", "not formatted",
            "would reformat", "would be reformatted", "format violations", "code style issues", "clippy::",
            "license header", "formatter would have printed", "flake8", "spotbugs", "pmd violation",
            "please run gofmt", "code formatting", "trailing whitespace", "lint issues", "diff in /",
            "ruff check", "spotless", "checkstyle failures", "lint errors", "linting failed",
            "has incompatible type", "incompatible return value type", "[arg-type]", "[attr-defined]",
            "[union-attr]", "[no-untyped-def]", "[return-value]",
        ],
    ),
    (Says::Hint(LintOrFormat), &["checkstyle", "lint", "gofmt", "rustfmt", "prettier"]),
    (
        Says::Cause(Configuration),
        &[
            "no such file or directory", "filenotfoundexception", "nosuchfileexception", "file not found",
            "enoent", "command not found", "is not recognized as", "modulenotfounderror", "importerror",
            "no module named", "unknown option", "unknown flag", "invalid configuration", "missing required",
            "no url found for submodule", "classnotfoundexception", "noclassdeffounderror",
            "unable to create root module", "no rule to make target", "no test report files were found",
            "cannot find module '", "unrecognized option", "executable file not found",
            "configuration error", "keyerror", "nameerror", "unsupportedclassversionerror",
            "class file has wrong version", "could not find or load main class", "archive does not exist",
            "invalid workflow file", "is not a valid", "unbound variable", "did not match any file",
            "unknown command", "no configuration file", "pathspec '", "couldn't find remote ref",
            "could not find any revision", "couldn't find any revision", "nil pointer evaluating",
        ],
    ),
    (Says::Hint(Configuration), &["does not exist", "not found", "is not set", "missing", "not defined"]),
    (
        Says::Cause(TestIsolation),
        &[
            "duplicate key", "duplicateinprogress", "alreadyexists", "unique constraint", "sqlstate 23505",
            "duplicate entry", "duplicate of active", "uniqueviolation", "constraintviolation",
            "already in use by",
        ],
    ),
    (Says::Hint(TestIsolation), &["already exists", "already registered", "duplicate"]),
    (
        Says::Cause(Crash),
        &[
            "data race", "panic: ", "panicked at", "segmentation fault", "sigsegv",
            "nil pointer dereference", "nullpointerexception", "core dumped",
            "concurrentmodificationexception", "concurrent map", "goroutines are asleep", "sigabrt",
            "double free", "stack overflow", "stackoverflowerror", "forked vm terminated",
            "fatal runtime error", "nosuchmethoderror", "classcastexception", "indexoutofboundsexception",
            "illegalstateexception", "[panicked]", "test panicked", "sigbus", "sigill", "addresssanitizer",
            "threadsanitizer", "jvm crash", "unhandledpromiserejection", "concurrent write",
            "attributeerror", "typeerror", "referenceerror",
        ],
    ),
    (
        Says::Cause(Cancelled),
        &[
            "the operation was canceled", "the operation was cancelled", "maximum execution time",
            "build was aborted", "finished: aborted", "build timed out (after", "received a shutdown signal",
            "job was cancelled", "job was canceled", "the run was canceled", "interrupted by user",
            "aborted by ", "cancelling since", "execution took longer than", "operation was canceled by",
        ],
    ),
    (Says::Hint(Cancelled), &["context canceled", "sigterm", "signal: terminated", "signal: interrupt"]),
    (
        Says::Cause(ExecFormat),
        &[
            "exec format error", "wrong architecture", "no matching manifest for", "bad cpu type",
            "does not match the specified platform", "does not match the detected host platform",
            "wrong elf class",
        ],
    ),
];

/// Every phrase once, with what it says at the same place.
static TABLE: LazyLock<(Vec<Says>, Option<AhoCorasick>)> = LazyLock::new(|| {
    let mut says = Vec::new();
    let mut phrases = Vec::new();
    for (what, list) in PHRASES {
        for phrase in *list {
            says.push(*what);
            phrases.push(*phrase);
        }
    }
    // A table of constants builds; without it no phrase is found and markers still are.
    let automaton = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::DFA))
        .build(phrases)
        .ok();
    (says, automaton)
});

/// Whether a short code such as `ENOENT` is only a part of a longer word.
fn inside_word(text: &[u8], start: usize, end: usize) -> bool {
    let code = text.get(start..end).unwrap_or_default();
    let alnum = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    code.iter().all(u8::is_ascii_alphanumeric) && alnum(start.checked_sub(1)) | alnum(Some(end))
}

/// The signs in the head of a line.
pub(super) fn signs(text: &[u8]) -> Signs {
    let (says, automaton) = &*TABLE;
    let mut found = Signs::default();
    let Some(automaton) = automaton else { return found };
    let head = text.get(..LOOKED_AT).unwrap_or(text);
    for hit in automaton.find_overlapping_iter(head) {
        let what = says.get(hit.pattern().as_usize());
        // `BucketAlreadyExists` is a name that somebody else took, and no other test's.
        let whole = |text: &[u8]| text.eq_ignore_ascii_case(b"alreadyexists");
        let short = hit.len() <= WORD || head.get(hit.start()..hit.end()).is_some_and(whole);
        let code = matches!(what, Some(Says::Cause(_))) && short;
        if code && inside_word(head, hit.start(), hit.end()) {
            continue;
        }
        match what {
            Some(Says::Weak) => found.weak = true,
            Some(Says::Cause(cause)) => found.causes |= bit(*cause),
            Some(Says::Hint(cause)) => found.hints |= bit(*cause),
            None => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_its_causes() {
        for (line, cause) in [
            ("write x: No space left on device", DiskFull),
            ("dial tcp: lookup db: no such host", InfrastructureNetwork),
            ("ERROR: duplicate key value violates unique constraint", TestIsolation),
            ("{\"reason\": \"DuplicateInProgress\"}", TestIsolation),
            ("exec /bin/tool: Exec format error", ExecFormat),
            ("Error: The operation was canceled.", Cancelled),
            ("a.go:3:2: imported and not used: os", Compilation),
        ] {
            assert!(signs(line.as_bytes()).names(cause), "{line}");
        }
    }

    #[test]
    fn a_code_inside_a_longer_word_is_no_code() {
        assert!(!signs(b"com.example:failureaccess:1.0").names(PermissionDenied));
        assert!(signs(b"Error: EACCES: no").names(PermissionDenied));
        assert!(signs(b"a.HttpHostConnectException: x").names(InfrastructureNetwork));
    }

    #[test]
    fn each_cause_has_its_own_bit_and_plain_text_has_none() {
        assert_eq!(signs(b"Compiling 3 source files"), Signs::default());
        assert!(signs(b"it failed").weak);
        assert!(!signs(b"it failed").strong());
        let every = PHRASES.iter().flat_map(|(_, list)| list.iter());
        for phrase in every {
            assert_eq!(phrase.to_ascii_lowercase(), **phrase, "phrases are kept in lower case");
        }
    }
}
