//! From an HTTP answer to what a report shows. Nothing of an upstream body gets into a message.

use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};

use crate::api::Reason;
use crate::verdict::facts::Trouble;
use crate::verdict::text::clean;

/// Pause after a limit that says no time, in seconds, as GitHub asks for.
const PAUSE: i64 = 60;
/// Longest time that a limit is believed for, in seconds.
const LONGEST: i64 = 7200;

/// End of what is said of a part of GitHub that is not paid for.
pub(crate) const NO_PLAN: &str = "is not part of the repository's plan";

/// An answer that is not a success. `what` says what was asked for.
pub(super) fn of_status(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    what: &str,
    now: Timestamp,
) -> Trouble {
    let trouble = |reason, message| Trouble { reason, message, retry_at: None };
    match status.as_u16() {
        401 => trouble(
            Reason::Unauthorized,
            format!(
                "GitHub does not accept the credential for {what}; check that the token is whole, not expired and not revoked"
            ),
        ),
        403 | 429 => {
            if let Some(at) = limited(status, headers, body, now) {
                return Trouble {
                    reason: Reason::RateLimited,
                    message: format!("GitHub's rate limit is used up while reading {what}"),
                    retry_at: Some(at),
                };
            }
            if says(body, "installation has been suspended") {
                return trouble(
                    Reason::Unauthorized,
                    format!("the App's installation is suspended, so that {what} cannot be read"),
                );
            }
            // The words of a refused re-run.
            if says(body, "created over a month ago") {
                return trouble(
                    Reason::Forbidden,
                    format!(
                        "GitHub runs nothing again that is older than 30 days, so that there is not {what}"
                    ),
                );
            }
            if says(body, "already running") {
                return trouble(
                    Reason::Forbidden,
                    format!("GitHub does not begin {what} while the run is not finished"),
                );
            }
            // Private repositories of free plans have no branch rules.
            if says(body, "Upgrade to GitHub ") {
                return trouble(Reason::NotFound, format!("{what} {NO_PLAN}"));
            }
            let needs = header(headers, "x-accepted-github-permissions")
                .map(|p| format!("; it needs the permission {}", clean(p, 200)))
                .unwrap_or_default();
            trouble(Reason::Forbidden, format!("the credential gives no access to {what}{needs}"))
        }
        404 | 410 | 409 | 422 | 451 => trouble(
            Reason::NotFound,
            format!(
                "{what} does not exist, or the credential may not see it; check the name, and the token's access to the repository"
            ),
        ),
        500.. => {
            trouble(Reason::GitHubUnavailable, format!("GitHub answered {} for {what}", status.as_u16()))
        }
        _ => trouble(
            Reason::InvalidAnswer,
            format!("GitHub answered {} for {what}, which is not expected", status.as_u16()),
        ),
    }
}

/// Whether GitHub's own words are in an answer.
fn says(body: &[u8], words: &str) -> bool {
    String::from_utf8_lossy(body.get(..body.len().min(4096)).unwrap_or_default()).contains(words)
}

/// An App's key that signs nothing.
pub(super) fn unsigned(app: u64) -> Trouble {
    Trouble {
        reason: Reason::Unauthorized,
        message: format!(
            "nothing can be signed with the key of App {app}; it must be an RSA private key in PEM"
        ),
        retry_at: None,
    }
}

/// Nothing was asked, because a limit has not ended yet.
pub(super) fn paused(what: &str, at: Timestamp) -> Trouble {
    Trouble {
        reason: Reason::RateLimited,
        message: format!("GitHub's rate limit is used up; {what} is read when it ends"),
        retry_at: Some(at),
    }
}

/// Whether an answer says that a limit is reached.
pub(super) fn is_limit(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> bool {
    matches!(status.as_u16(), 403 | 429) && limited(status, headers, body, Timestamp::UNIX_EPOCH).is_some()
}

/// The end of a primary or secondary limit, if it is one: a 403 also means a missing permission.
fn limited(status: StatusCode, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Option<Timestamp> {
    let number = |name: &str| header(headers, name).and_then(|v| v.trim().parse::<i64>().ok());
    let after = |seconds: i64| now.checked_add(SignedDuration::from_secs(seconds.clamp(1, LONGEST))).ok();
    if let Some(seconds) = number("retry-after") {
        return after(seconds);
    }
    if number("x-ratelimit-remaining") == Some(0) {
        // The time of the reset is by GitHub's clock, and so is that of the answer.
        let served = super::date(headers).unwrap_or(now);
        let reset = number("x-ratelimit-reset").and_then(|s| Timestamp::from_second(s).ok());
        let seconds = reset.map_or(PAUSE, |r| r.duration_since(served).as_secs());
        return after(seconds);
    }
    let text =
        String::from_utf8_lossy(body.get(..body.len().min(4096)).unwrap_or_default()).to_ascii_lowercase();
    (status == StatusCode::TOO_MANY_REQUESTS
        || text.contains("secondary rate limit")
        || text.contains("rate limit exceeded"))
    .then(|| after(PAUSE))
    .flatten()
}

pub(super) fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|v| v.to_str().ok())
}

/// No answer at all.
pub(super) fn unreachable(what: &str, why: &str) -> Trouble {
    Trouble {
        reason: Reason::GitHubUnavailable,
        message: format!("GitHub could not be reached for {what}: {why}"),
        retry_at: None,
    }
}

/// An answer that cannot be understood.
pub(super) fn invalid(what: &str, why: &str) -> Trouble {
    Trouble {
        reason: Reason::InvalidAnswer,
        message: format!("GitHub's answer for {what} {why}"),
        retry_at: None,
    }
}
