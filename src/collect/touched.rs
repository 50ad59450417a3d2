//! Which pull requests change a file that somebody cares for. GitHub tells the files of each with a request of its own, so
//! that it is asked once for each head, and for some of them in each look.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::candidates::Candidates;
use super::memory::Memory;
use crate::api::Reason;
use crate::api::set::PullRequestGenerator;
use crate::github::Result;
use crate::github::api::{PER_PAGE, Repo};
use crate::sets::may_select;
use crate::verdict::belongs::glob;

/// Pull requests whose files are asked for in one look.
const MAX_READ: usize = 50;
/// Pages of files; GitHub lists 3,000 files and no more.
const MAX_PAGES: u32 = 30;

/// Notes on each pull request whether its files are those that the generator is about, as far as that is known: the
/// newest first, until more than so many are.
pub(super) async fn note(
    repo: &Repo<'_>,
    select: &PullRequestGenerator,
    most: usize,
    memory: &Memory,
    found: &mut Candidates,
) -> Result<()> {
    let mut hasher = DefaultHasher::new();
    select.paths.hash(&mut hasher);
    let patterns = hasher.finish();
    let (mut left, mut selected) = (MAX_READ, 0);
    for pull in found.list.iter_mut().filter(|pull| may_select(select, pull)) {
        if selected > most {
            found.whole = false;
            break;
        }
        let Some(number) = pull.number else { continue };
        let key = format!("{} {number} {} {} {patterns:x}", repo.name(), pull.head, pull.base);
        pull.touches = match memory.touches(&key) {
            Some(known) => Some(known),
            None if left > 0 => {
                left -= 1;
                match touches(repo, number, &select.paths).await {
                    Ok(told) => {
                        memory.keep_touches(key, told);
                        Some(told)
                    }
                    // Whoever cannot be told has a report: too many are better than one too few.
                    Err(trouble) if matches!(trouble.reason, Reason::Unauthorized | Reason::RateLimited) => {
                        return Err(trouble);
                    }
                    Err(_) => Some(true),
                }
            }
            None => None,
        };
        selected += usize::from(pull.touches == Some(true));
    }
    Ok(())
}

/// Whether one of the files fits. Of more files than GitHub lists one may.
async fn touches(repo: &Repo<'_>, number: i64, patterns: &[String]) -> Result<bool> {
    for page in 1..=MAX_PAGES {
        let (files, more) = repo.changed_files(number, page).await?;
        let mut names = files.iter().flat_map(|f| std::iter::once(&f.filename).chain(&f.previous_filename));
        if names.any(|name| patterns.iter().any(|pattern| glob(pattern, name))) {
            return Ok(true);
        }
        // Whatever it says of more: after the last page that there is nobody knows.
        if !more && (page < MAX_PAGES || files.len() < PER_PAGE) {
            return Ok(false);
        }
    }
    Ok(true)
}
