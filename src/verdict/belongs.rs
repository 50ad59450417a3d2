//! What an artifact is, by its name, and which job it belongs to.

pub(crate) use super::suites::base;
use super::suites::matrix;
use crate::api::spec::ArtifactsSpec;

const MUST_GATHER: [&str; 1] = ["*must-gather*"];
const TEST_REPORTS: [&str; 4] = ["*test-results*", "*test-report*", "*junit*", "*ctrf*"];

/// What an artifact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ArtifactKind {
    MustGather,
    TestReport,
    Other,
}

impl ArtifactKind {
    /// By its name; what matches both is a bundle.
    pub fn of(spec: Option<&ArtifactsSpec>, name: &str) -> Self {
        let any = |own: &[String], default: &[&str]| match own {
            [] => default.iter().any(|g| glob(g, name)),
            own => own.iter().any(|g| glob(g, name)),
        };
        if any(spec.map_or(&[], |s| &s.must_gather), &MUST_GATHER) {
            Self::MustGather
        } else if any(spec.map_or(&[], |s| &s.test_reports), &TEST_REPORTS) {
            Self::TestReport
        } else {
            Self::Other
        }
    }

    /// Name in the status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MustGather => "MustGather",
            Self::TestReport => "TestReport",
            Self::Other => "Other",
        }
    }
}

/// A job with its name in words.
pub(crate) struct Candidate<T> {
    key: T,
    run: i64,
    /// Words of the matrix value, or of the name where it has none.
    value: Vec<String>,
    all: Vec<String>,
    failed: bool,
}

impl<T: Copy + Ord> Candidate<T> {
    /// A job of a run. Of jobs that fit equally well, one that failed comes first.
    pub fn new(key: T, run: i64, name: &str, failed: bool) -> Self {
        Self { key, run, value: tokens(matrix(name).unwrap_or(name)), all: tokens(name), failed }
    }

    /// How well the words of an artifact's name fit: they must hold what tells the job apart; the
    /// longer that is, and the more of the rest they hold, the better; then failed jobs come first.
    fn fit(&self, words: &[String]) -> Option<(usize, usize, bool)> {
        let found = !self.value.is_empty() && words.windows(self.value.len()).any(|w| w == self.value);
        found.then(|| (self.value.len(), self.all.iter().filter(|t| words.contains(t)).count(), self.failed))
    }
}

/// The job of a run that an artifact belongs to: the one whose name fits best, or the only one.
pub(crate) fn owner<'c, T: Copy + Ord + 'c>(
    candidates: impl Iterator<Item = &'c Candidate<T>> + Clone,
    run: i64,
    artifact: &str,
) -> Option<T> {
    let words = tokens(artifact);
    let mut of_run = candidates.filter(|j| j.run == run);
    let fits = of_run.clone().filter_map(|j| Some((j.fit(&words)?, j.key)));
    // Of equal fits the first, so that the order of the list decides nothing.
    let best = fits.min_by_key(|(fit, key)| (std::cmp::Reverse(*fit), *key)).map(|(_, key)| key);
    best.or_else(|| {
        let first = of_run.next()?;
        of_run.next().is_none().then_some(first.key)
    })
}

fn tokens(name: &str) -> Vec<String> {
    name.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|t| !t.is_empty())
        .map(str::to_ascii_lowercase)
        .collect()
}

/// Shell-like match of a whole name: `*` is any text, `?` any character; letters of any case.
pub(crate) fn glob(pattern: &str, name: &str) -> bool {
    let (p, n): (Vec<char>, Vec<char>) =
        (pattern.to_lowercase().chars().collect(), name.to_lowercase().chars().collect());
    let (mut i, mut j) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while j < n.len() {
        match p.get(i) {
            Some('*') => {
                star = Some((i, j));
                i += 1;
            }
            Some(c) if *c == '?' || n.get(j) == Some(c) => {
                i += 1;
                j += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    i = at + 1;
                    j = from + 1;
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    p.get(i..).unwrap_or_default().iter().all(|c| *c == '*')
}
