//! What a set of reports may make reports for: open pull requests, commits of a branch or of a merge queue.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::memory::Memory;
use super::touched;
use crate::api::Reason;
use crate::api::set::{CommitGenerator, Generators, MergeQueueGenerator, PullRequestGenerator};
use crate::github::api::{PER_PAGE, Repo};
use crate::github::{Ask, GitHub, Priority, Result, queue_of, queued, wire};
use crate::sets::selects;
use crate::verdict::facts::Trouble;

/// What to list.
#[derive(Clone, Debug, PartialEq)]
pub struct SetSurvey {
    /// `owner/name`.
    pub repository: String,
    pub generators: Generators,
    /// After more than so many that are selected the list may end.
    pub most: usize,
}

/// An open pull request, or a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// Number of the pull request, open or queued.
    pub number: Option<i64>,
    /// Of the pull request, or the first line of the commit's message.
    pub title: String,
    pub author: String,
    pub draft: bool,
    pub labels: BTreeSet<String>,
    /// The commit, and its branch.
    pub head: String,
    pub branch: String,
    /// Branch that it would be merged into, or is on.
    pub base: String,
    /// Whether it changes files that its generator is about; None where nobody asked, or not yet.
    pub touches: Option<bool>,
}

/// What a repository has to make reports for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// `owner/name` as GitHub spells it now, where it told.
    pub repository: Option<String>,
    /// It is archived: nothing in it changes any more.
    pub archived: bool,
    /// The newest first.
    pub list: Vec<Candidate>,
    /// There are no others.
    pub whole: bool,
    /// So many of the newest are listed whatever is selected; 0 where there is no such bound.
    pub reach: usize,
    /// When the first of them is too old for its generator.
    pub until: Option<Timestamp>,
}

/// Lists what the generator is about.
pub async fn candidates(
    github: &GitHub,
    wanted: &SetSurvey,
    memory: &Memory,
    ask: Ask,
) -> Result<Candidates> {
    let repo = Repo::new(github, &wanted.repository, ask);
    let Generators { pull_requests, commits: of_branch, merge_queue } = &wanted.generators;
    match (pull_requests, of_branch, merge_queue) {
        (Some(select), ..) => {
            let mut found = open_pulls(&repo, select, wanted.most).await?;
            if found.list.is_empty() {
                // No pull request says it, and a repository that cannot be read has none either.
                let repository = repo.repository().await?;
                found.name_after(&repository);
            }
            if !select.paths.is_empty() {
                touched::note(&repo, select, wanted.most, memory, &mut found).await?;
            }
            Ok(found)
        }
        (None, Some(by), _) => commits(&repo, by, ask.priority).await,
        (None, None, Some(by)) => queue(&repo, by).await,
        (None, None, None) => Ok(Candidates { whole: true, ..Candidates::default() }),
    }
}

/// What is in a merge queue now: a branch for each pull request. Mostly there is nothing.
async fn queue(repo: &Repo<'_>, by: &MergeQueueGenerator) -> Result<Candidates> {
    let repository = repo.repository().await?;
    let mut list: Vec<Candidate> = repo
        .branches_like(&queue_of(&by.branch))
        .await?
        .iter()
        .filter_map(|found| {
            let branch = found.name.strip_prefix("refs/heads/")?;
            let (base, number) = queued(branch).filter(|(base, _)| *base == by.branch)?;
            Some(Candidate {
                number: Some(number),
                head: found.object.sha.to_ascii_lowercase(),
                branch: branch.to_owned(),
                base: base.to_owned(),
                ..Candidate::default()
            })
        })
        .collect();
    list.sort_by(|a, b| (b.number, &b.branch).cmp(&(a.number, &a.branch)));
    Ok(Candidates { list, whole: true, ..Candidates::in_repository(&repository) })
}

/// Lists open pull requests. One page, which all reports of the repository ask for too, is enough for most.
async fn open_pulls(repo: &Repo<'_>, select: &PullRequestGenerator, most: usize) -> Result<Candidates> {
    let shared = repo.open_pulls().await?;
    if shared.len() < PER_PAGE {
        return Ok(Candidates::of(&shared, true));
    }
    // That page has those that changed last, and others move while further ones are read. By age only what is
    // closed meanwhile moves, so that one may be missed; nothing ends without having been asked for itself.
    // A page more than is promised: room to be closed in, and for a bound that is as large as the reach.
    let mut all = Vec::new();
    let mut selected = 0;
    for page in 1..=repo.max_pages() + 1 {
        let (list, more) = repo.open_pulls_page(page).await?;
        selected += list.iter().filter(|p| selects(select, &Candidate::from(*p))).count();
        all.extend(list);
        if !more {
            return Ok(Candidates::of(&all, true));
        }
        if selected > most {
            break;
        }
    }
    let reach = usize::try_from(repo.max_pages()).unwrap_or(usize::MAX).saturating_mul(PER_PAGE);
    Ok(Candidates { reach, ..Candidates::of(&all, false) })
}

/// The newest commits of a branch.
async fn commits(repo: &Repo<'_>, by: &CommitGenerator, priority: Priority) -> Result<Candidates> {
    let repository = repo.repository().await?;
    let listed = match repo.commits_of(&by.branch, by.last).await {
        Err(trouble) if trouble.reason == Reason::NotFound => {
            // The repository itself, should that be what cannot be read any more.
            repo.asking(Ask::now(priority)).repository().await?;
            let message = format!(
                "the repository can be read and has no branch {}: it was deleted or renamed; its reports stay as they are; name another in spec.generators.commits.branch",
                crate::verdict::text::clean(&by.branch, 100)
            );
            return Err(Trouble { message, ..trouble });
        }
        listed => listed?,
    };
    if listed.is_empty() {
        // A branch has a commit; without this one answer would end all reports.
        let message =
            format!("GitHub lists no commit of the branch {}", crate::verdict::text::clean(&by.branch, 100));
        return Err(Trouble { reason: Reason::InvalidAnswer, message, retry_at: None });
    }
    let now = repo.date().unwrap_or_else(Timestamp::now);
    let age = by.max_age_seconds.map(SignedDuration::from_secs);
    let end = |c: &wire::ListedCommit| c.commit.committer.date?.checked_add(age?).ok();
    let young = |c: &&wire::ListedCommit| end(c).is_none_or(|end| end >= now);
    let until = listed.iter().filter(young).filter_map(end).min();
    let list = listed.iter().filter(young).map(|commit| Candidate {
        title: commit.commit.message.lines().next().unwrap_or_default().to_owned(),
        author: commit.author.as_ref().and_then(|u| u.login.clone()).unwrap_or_default(),
        head: commit.sha.to_ascii_lowercase(),
        branch: by.branch.clone(),
        base: by.branch.clone(),
        ..Candidate::default()
    });
    Ok(Candidates { list: list.collect(), whole: true, until, ..Candidates::in_repository(&repository) })
}

/// Some pull requests as they are now, and None of those that are not open.
pub async fn pulls(
    github: &GitHub,
    wanted: &SetSurvey,
    numbers: &[i64],
    ask: Ask,
) -> Result<BTreeMap<i64, Option<Candidate>>> {
    let repo = Repo::new(github, &wanted.repository, ask);
    let mut now = BTreeMap::new();
    for number in numbers {
        let pull = repo.pull(*number).await?;
        now.insert(*number, (pull.number == *number && pull.state == "open").then(|| (&pull).into()));
    }
    Ok(now)
}

/// Those of some pull requests that are not open any more, or not in the queue, and since when.
pub async fn closed(
    github: &GitHub,
    wanted: &SetSurvey,
    numbers: &[i64],
    ask: Ask,
) -> Result<BTreeMap<i64, Timestamp>> {
    let repo = Repo::new(github, &wanted.repository, ask);
    let mut closed = BTreeMap::new();
    if let Some(by) = &wanted.generators.merge_queue {
        for number in numbers {
            // Nobody tells when it left the queue; that it has is seen now.
            if repo.branches_like(&format!("{}{number}-", queue_of(&by.branch))).await?.is_empty() {
                closed.insert(*number, repo.date().unwrap_or_else(Timestamp::now));
            }
        }
        return Ok(closed);
    }
    for number in numbers {
        match repo.pull(*number).await {
            Ok(pull) if pull.number == *number && pull.state == "closed" => {
                let now = || repo.date().unwrap_or_else(Timestamp::now);
                closed.insert(*number, pull.closed_at.unwrap_or_else(now));
            }
            Ok(_) => {}
            // If the repository can be read there is no such pull request, and never was. It may have been hidden
            // from the operator since its list was read.
            Err(trouble) if trouble.reason == Reason::NotFound => {
                repo.asking(Ask::now(ask.priority)).repository().await?;
                closed.insert(*number, Timestamp::UNIX_EPOCH);
            }
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(closed)
}

impl Candidates {
    fn of(list: &[wire::Pull], whole: bool) -> Self {
        let mut found = Self { whole, ..Self::default() };
        if let Some(repository) = list.iter().find_map(|p| p.base.repo.as_ref()) {
            found.name_after(repository);
        }
        // What moved from one page to the next is there once.
        let by_number: BTreeMap<i64, Candidate> =
            list.iter().filter(|p| p.number > 0).map(|p| (p.number, p.into())).collect();
        found.list = by_number.into_values().rev().collect();
        found
    }

    fn in_repository(repository: &wire::Repository) -> Self {
        let mut found = Self::default();
        found.name_after(repository);
        found
    }

    fn name_after(&mut self, repository: &wire::Repository) {
        self.repository = Some(repository.full_name.clone()).filter(|name| !name.is_empty());
        self.archived = repository.archived;
    }

    /// Head and base of each pull request.
    pub fn heads(&self) -> BTreeMap<i64, (String, String)> {
        self.list.iter().filter_map(|c| Some((c.number?, (c.head.clone(), c.base.clone())))).collect()
    }
}

impl From<&wire::Pull> for Candidate {
    fn from(pull: &wire::Pull) -> Self {
        Self {
            number: Some(pull.number),
            title: pull.title.clone().unwrap_or_default(),
            author: pull.user.as_ref().and_then(|u| u.login.clone()).unwrap_or_default(),
            draft: pull.draft,
            labels: pull.labels.iter().map(|l| l.name.clone()).collect(),
            head: pull.head.sha.to_ascii_lowercase(),
            branch: pull.head.name.clone(),
            base: pull.base.name.clone(),
            touches: None,
        }
    }
}
