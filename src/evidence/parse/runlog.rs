//! The names inside the archive of a run's logs.
//!
//! A run's archive holds `<i>_<job>.txt` with the whole log of a job, and a folder per job
//! with `<n>_<step>.txt` and `system.txt`. Either can be missing. An old whole-job file with a
//! negative number may lie beside the new one and holds only its beginning. Job names are
//! changed to fit: `/` and `:` are taken out, they are cut at 90 UTF-16 units, and equal ones
//! get ` (1)`.

/// What an entry of a run's log archive is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunLogEntry {
    /// The whole log of a job.
    Job {
        /// The number before the name; negative for the old kind.
        ordinal: i64,
        /// The job, as the archive spells it.
        job: String,
    },
    /// The log of one step.
    Step {
        /// The job, as the archive spells it.
        job: String,
        /// The step's number.
        ordinal: i64,
        /// The step's name.
        step: String,
    },
    /// `system.txt` of a job.
    System {
        /// The job, as the archive spells it.
        job: String,
    },
}

/// Reads the name of an entry; none if it is not one of a run's logs.
pub fn run_log_entry(name: &str) -> Option<RunLogEntry> {
    if is_litter(name) {
        return None;
    }
    let file = name.strip_suffix(".txt")?;
    match file.rsplit_once('/') {
        None => {
            let (ordinal, job) = numbered(file)?;
            Some(RunLogEntry::Job { ordinal, job: job.to_owned() })
        }
        Some((job, _)) if job.contains('/') => None,
        Some((job, "system")) => Some(RunLogEntry::System { job: job.to_owned() }),
        Some((job, file)) => {
            let (ordinal, step) = numbered(file)?;
            Some(RunLogEntry::Step { job: job.to_owned(), ordinal, step: step.to_owned() })
        }
    }
}

/// What an archiver of macOS leaves, and other files that are never reports.
pub(super) fn is_litter(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    name.starts_with("__MACOSX/") || file.starts_with("._") || file == ".DS_Store"
}

/// `12_name`, with a sign.
fn numbered(file: &str) -> Option<(i64, &str)> {
    let (number, name) = file.split_once('_')?;
    Some((number.parse().ok()?, name))
}

/// Which entries of a run's log archive together hold each line once; none if the names are
/// not those of such an archive.
pub(super) fn choose(names: &[String]) -> Option<Vec<bool>> {
    let entries: Vec<Option<RunLogEntry>> = names.iter().map(|name| run_log_entry(name)).collect();
    let known = entries.iter().flatten().count();
    let files = names.iter().filter(|name| !name.ends_with('/') && !is_litter(name)).count();
    if known == 0 || known < files {
        return None;
    }
    let wholes: Vec<(i64, String)> = entries
        .iter()
        .flatten()
        .filter_map(|entry| match entry {
            RunLogEntry::Job { ordinal, job } => Some((*ordinal, key(job))),
            _ => None,
        })
        .collect();
    let has_whole = |job: &str| wholes.iter().any(|(ordinal, whole)| *ordinal >= 0 && *whole == key(job));
    let has_steps = |job: &str| {
        entries
            .iter()
            .flatten()
            .any(|entry| matches!(entry, RunLogEntry::Step { job: step, .. } if key(step) == key(job)))
    };
    let chosen = entries.iter().map(|entry| match entry {
        Some(RunLogEntry::Job { ordinal, job }) => *ordinal >= 0 || !(has_whole(job) || has_steps(job)),
        Some(RunLogEntry::Step { job, .. }) => !has_whole(job),
        Some(RunLogEntry::System { .. }) | None => false,
    });
    Some(chosen.collect())
}

/// The part of a job's name that both spellings share.
fn key(job: &str) -> String {
    job.chars().filter(|c| !matches!(c, '/' | ':' | '\u{fffd}')).collect::<String>().trim().to_owned()
}
