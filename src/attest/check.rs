//! Whether a statement is enough for who asks.

use jiff::{SignedDuration, Timestamp};

use super::statement::{Image, Statement, is_commit};
use crate::verdict::gate::Word;
use crate::verdict::text::clean;

/// A clock that is ahead of the signer's by this much is still taken for right.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// What a statement must be about, and how it must have been come by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted<'a> {
    /// Full commit id.
    pub sha: Option<&'a str>,
    /// `owner/name`.
    pub repository: Option<&'a str>,
    /// `github.com`, or the name of a connection.
    pub server: &'a str,
    pub image: Option<&'a Image>,
    /// Longest time since it was made.
    pub max_age: Option<SignedDuration>,
    /// Nothing may be excused.
    pub strict: bool,
}

/// What comes of it. `Passed`, `Failed`, or `Undecided` about what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub word: Word,
    pub message: String,
}

/// Checks a statement whose signature is good.
pub fn check(statement: &Statement, wanted: &Wanted<'_>, now: Timestamp) -> Answer {
    match about(statement, wanted, now) {
        Err(message) => Answer { word: Word::Undecided, message },
        Ok(sha) => {
            let verdict = &statement.predicate.verdict;
            let told =
                format!("{} at {sha}: {}", clean(&verdict.repository, 140), clean(&verdict.message, 512));
            match (statement.predicate.result.as_str(), wanted.strict) {
                ("PASSED", _) | ("WARNED", false) => Answer { word: Word::Passed, message: told },
                ("WARNED", true) => Answer {
                    word: Word::Undecided,
                    message: format!(
                        "it passed with something excused, and --strict asks for nothing: {told}"
                    ),
                },
                _ => Answer { word: Word::Failed, message: told },
            }
        }
    }
}

/// The commit that a statement is about, if it is about what is wanted.
fn about(statement: &Statement, wanted: &Wanted<'_>, now: Timestamp) -> Result<String, String> {
    let verdict = &statement.predicate.verdict;
    let shown = |text: &str| clean(text, 140);
    let mut commits = statement.subject.iter().filter_map(|s| s.digest.get("gitCommit").map(|sha| (s, sha)));
    let (Some((subject, sha)), None) = (commits.next(), commits.next()) else {
        return Err("it is not about exactly one commit".to_owned());
    };
    if !is_commit(sha) {
        return Err(format!("its commit {:?} is no full commit id", shown(sha)));
    }
    let named = format!("git+https://{}/{}", verdict.server, verdict.repository);
    if subject.name.as_deref() != Some(named.as_str()) {
        return Err("its subject and its verdict name different repositories".to_owned());
    }
    if let Some(want) = wanted.sha
        && want != sha
    {
        return Err(format!("it is about commit {sha}, not {}", shown(want)));
    }
    if verdict.server != wanted.server {
        return Err(format!(
            "it is about a repository of {}, not of {}",
            shown(&verdict.server),
            wanted.server
        ));
    }
    if let Some(want) = wanted.repository
        && !verdict.repository.eq_ignore_ascii_case(want)
    {
        return Err(format!("it is about {}, not {}", shown(&verdict.repository), shown(want)));
    }
    if let Some(image) = wanted.image {
        let is = |s: &&super::statement::Subject| {
            s.name.as_deref() == Some(&image.name)
                && s.digest.get("sha256").is_some_and(|d| *d == image.sha256)
        };
        if !statement.subject.iter().any(|s| is(&s)) {
            return Err(format!("it is not about the image {}@sha256:{}", shown(&image.name), image.sha256));
        }
    }
    let age = now.duration_since(verdict.attested_at);
    if age < -SKEW {
        return Err(format!("it was made at {}, which is yet to come", verdict.attested_at));
    }
    if let Some(most) = wanted.max_age
        && age > most
    {
        return Err(format!("it was made at {}, longer ago than --max-age", verdict.attested_at));
    }
    if let Some(waiver) = verdict.waivers.iter().find(|w| w.expires_at <= now) {
        return Err(format!(
            "it rests on a waiver of {} that ended at {}",
            shown(&waiver.job),
            waiver.expires_at
        ));
    }
    Ok(sha.clone())
}
