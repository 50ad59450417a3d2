//! What decided about each commit, packed, so that another spec can be tried on it.

use std::collections::HashMap;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::answer::{Past, PastCommit};
use super::query::{Asked, Of, Unanswered, cursor, get, patiently};
use super::store::{Store, StoreError, WITH_FACTS, version};
use crate::api::{TestRunReportSpec, TestRunReportStatus};
use crate::verdict::dry_run::Kept;
use crate::verdict::facts::Facts;

/// Most commits of one page.
pub const MAX_PAST: i64 = 50;
/// Bytes that what decided about one commit may take, packed; a thousand jobs take a tenth.
const MOST: usize = 512 << 10;
/// The same unpacked, and what a page may take.
const MOST_OPEN: u64 = 16 << 20;
const PAGE: usize = 4 << 20;

/// What decided, as it is stored; None where it cannot be kept.
pub fn pack(spec: &TestRunReportSpec, facts: &Facts, status: &TestRunReportStatus) -> Option<Vec<u8>> {
    let kept = serde_json::to_vec(&Kept::of(spec, facts, status)?).ok()?;
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&kept).ok()?;
    packed.finish().ok().filter(|p| p.len() <= MOST)
}

/// What was stored, and how many bytes it takes; null where it does not come back.
fn unpack(packed: &[u8]) -> (serde_json::Value, usize) {
    let mut open = Vec::new();
    match ZlibDecoder::new(packed).take(MOST_OPEN).read_to_end(&mut open) {
        Ok(_) => (serde_json::from_slice(&open).unwrap_or_default(), open.len()),
        Err(_) => Default::default(),
    }
}

const FACTS: &str = "
SELECT c.id, c.started, c.repository, c.sha, f.facts
FROM (SELECT id, started, repository, sha FROM history_commits
  WHERE namespace = $1 AND ($2 = '' OR lower(repository) = lower($2)) AND ($3 = '' OR branch = $3)
    AND (started < $4 OR (started = $4 AND id < $5))
  ORDER BY started DESC, id DESC LIMIT $6) c
LEFT JOIN history_facts f ON f.commit_id = c.id
ORDER BY c.started DESC, c.id DESC";

impl Store {
    /// A page of commits, each with what decided about it. It ends early where that is much.
    pub async fn past(&self, asked: &Asked) -> Result<Past, Unanswered> {
        let limit = asked.limit.clamp(1, MAX_PAST);
        let page = self.page(&Asked { of: Of::Commits, limit, ..asked.clone() }).await?;
        let mut past = Past { namespace: page.namespace, commits: Vec::new(), next: page.next };
        let mut found: HashMap<(String, String), serde_json::Value> = HashMap::new();
        let (mut bytes, mut rows, mut last) = (0, 0, None);
        for row in self.packed(asked, limit).await? {
            let packed: Option<Vec<u8>> = get(&row, "facts")?;
            let (facts, open) = packed.map(|p| unpack(&p)).unwrap_or_default();
            (bytes, rows) = (bytes + open, rows + 1);
            found.insert((get(&row, "repository")?, get(&row, "sha")?), facts);
            if bytes >= PAGE {
                let (at, id): (i64, i64) = (get(&row, "started")?, get(&row, "id")?);
                last = Some(format!("{at}.{id}"));
                break;
            }
        }
        for commit in page.commits {
            let facts = found.remove(&(commit.repository.clone(), commit.sha.clone()));
            past.commits.push(PastCommit { commit, facts: facts.unwrap_or_default() });
        }
        if let Some(last) = last.filter(|_| rows < past.commits.len()) {
            past.commits.truncate(rows);
            past.next = Some(last);
        }
        Ok(past)
    }

    /// What was kept of these commits; nothing by an operator that kept nothing.
    async fn packed(&self, asked: &Asked, limit: i64) -> Result<Vec<AnyRow>, StoreError> {
        let (at, id) = asked.before.as_deref().and_then(cursor).unwrap_or((i64::MAX, i64::MAX));
        patiently(async {
            let mut reader = self.reader().await?;
            let reader: &mut AnyConnection = &mut reader;
            if version(reader).await? < WITH_FACTS {
                return Ok(Vec::new());
            }
            let query = sqlx::query(FACTS)
                .bind(asked.namespace.as_str())
                .bind(asked.repository.as_str())
                .bind(asked.branch.as_str())
                .bind(at)
                .bind(id)
                .bind(limit);
            query.fetch_all(reader).await
        })
        .await
    }
}
