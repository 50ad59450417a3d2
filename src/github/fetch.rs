//! Logs and archives: where they are, what became of them, and how they are read.
//!
//! An archive may be far larger than memory, so that it goes into a file, and its digest is computed on the way.

use std::io::{Seek, SeekFrom};

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http::header::{CONTENT_LENGTH, LOCATION};
use hyper::body::Incoming;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout_at};

use super::cache::Reply;
use super::client::MAX_HOPS;
use super::{GitHub, Result, error};
use crate::api::Reason;
use crate::verdict::facts::Trouble;

/// An archive, whole, in a file that has no name and is gone with this value.
#[derive(Debug)]
pub struct Fetched {
    /// Stands at its beginning.
    pub file: std::fs::File,
    /// In bytes.
    pub size: u64,
    /// In lower-case hex.
    pub sha256: String,
    /// GitHub says the same digest; false where it says none.
    pub verified: bool,
}

/// Why something was not fetched. Completes a sentence that begins with its name.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unfetched {
    /// The job still runs, or the storage lags behind: it may be there later.
    #[error("is not there yet")]
    NotYet,
    /// It will not come back.
    #[error("was deleted or replaced, or the credential may not see it")]
    Deleted,
    /// It will not come back.
    #[error("is not kept any more: its retention is over")]
    Expired,
    /// Nothing of it was kept.
    #[error("is larger than the {limit} bytes that may be read of it")]
    TooLarge { limit: u64 },
    /// What came is not what was uploaded; nothing of it was kept.
    #[error("is not what was uploaded: its SHA-256 is {found} and should be {expected}")]
    Mismatch { expected: String, found: String },
    /// It could not be read this time. The message names it.
    #[error("cannot be read: {}", .0.message)]
    Trouble(Trouble),
}

impl Unfetched {
    /// It is gone for good: there is no point in asking again.
    pub const fn is_gone(&self) -> bool {
        matches!(self, Self::Deleted | Self::Expired)
    }
}

impl From<Trouble> for Unfetched {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

/// Content on its way.
enum Content {
    /// The API answered with the content itself.
    Here(Bytes),
    Stored(Incoming),
}

impl GitHub {
    /// Reads what the API answers with or redirects to, at most `limit` bytes. The flag tells that there
    /// was more.
    pub(super) async fn download(
        &self,
        path: &str,
        what: &str,
        limit: usize,
    ) -> std::result::Result<(Bytes, bool), Unfetched> {
        let work = async {
            let mut body = match self.content(path, what, None).await? {
                Content::Here(body) => {
                    return Ok((body.slice(..body.len().min(limit)), body.len() > limit));
                }
                Content::Stored(body) => body,
            };
            let mut out = BytesMut::new();
            while let Some(data) = self.transport().downloads().next(&mut body, what).await? {
                let room = limit.saturating_sub(out.len());
                if data.len() > room {
                    out.extend_from_slice(&data.slice(..room));
                    return Ok((out.freeze(), true));
                }
                out.extend_from_slice(&data);
            }
            Ok((out.freeze(), false))
        };
        self.in_time(what, work).await
    }

    /// Reads what the API answers with or redirects to into a file, all of it or nothing. `digest` is what
    /// GitHub says of it, `sha256:` and hex.
    pub(super) async fn spool(
        &self,
        path: &str,
        what: &str,
        digest: Option<&str>,
        limit: u64,
    ) -> std::result::Result<Fetched, Unfetched> {
        let work = async {
            let content = self.content(path, what, Some(limit)).await?;
            let file =
                tokio::task::spawn_blocking(tempfile::tempfile).await.unwrap_or_else(|e| Err(e.into()));
            let mut file = tokio::fs::File::from_std(file.map_err(|e| local(what, &e))?);
            let (mut hash, mut size) = (Sha256::new(), 0_u64);
            let mut content = content;
            loop {
                let data = match &mut content {
                    Content::Here(body) => Some(std::mem::take(body)).filter(|b| !b.is_empty()),
                    Content::Stored(body) => self.transport().downloads().next(body, what).await?,
                };
                let Some(data) = data else { break };
                size = size.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
                if size > limit {
                    return Err(Unfetched::TooLarge { limit });
                }
                hash.update(&data);
                file.write_all(&data).await.map_err(|e| local(what, &e))?;
            }
            file.flush().await.map_err(|e| local(what, &e))?;
            let mut file = file.into_std().await;
            file.seek(SeekFrom::Start(0)).map_err(|e| local(what, &e))?;
            let sha256: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
            let expected = digest.and_then(|d| d.strip_prefix("sha256:")).map(str::to_ascii_lowercase);
            match expected {
                Some(expected) if expected != sha256 => {
                    let expected = crate::verdict::text::clean(&expected, 64);
                    Err(Unfetched::Mismatch { expected, found: sha256 })
                }
                expected => Ok(Fetched { file, size, sha256, verified: expected.is_some() }),
            }
        };
        self.in_time(what, work).await
    }

    async fn in_time<T>(
        &self,
        what: &str,
        work: impl Future<Output = std::result::Result<T, Unfetched>>,
    ) -> std::result::Result<T, Unfetched> {
        let end = Instant::now() + self.settings().download;
        timeout_at(end, work).await.unwrap_or_else(|_| {
            let seconds = self.settings().download.as_secs();
            Err(error::unreachable(what, &format!("the download took longer than {seconds} s")).into())
        })
    }

    /// Where the content is. What is said to be larger than `limit` is not begun.
    async fn content(
        &self,
        path: &str,
        what: &str,
        limit: Option<u64>,
    ) -> std::result::Result<Content, Unfetched> {
        let target = match self.located(path, what).await? {
            Ok(reply) if reply.status.is_success() => return Ok(Content::Here(reply.body)),
            Ok(reply) => {
                return Err(absent(reply.status).unwrap_or_else(|| {
                    self.refused(reply.status, &reply.headers, &reply.body, what).into()
                }));
            }
            Err(target) => target,
        };
        let response = self.transport().downloads().open(&target, what).await?;
        let status = response.status();
        if !status.is_success() {
            let why = || error::unreachable(what, &format!("the storage answered {}", status.as_u16()));
            return Err(absent(status).unwrap_or_else(|| why().into()));
        }
        let length = error::header(response.headers(), CONTENT_LENGTH.as_str()).and_then(|l| l.parse().ok());
        match (length, limit) {
            (Some::<u64>(length), Some(limit)) if length > limit => Err(Unfetched::TooLarge { limit }),
            _ => Ok(Content::Stored(response.into_body())),
        }
    }

    /// What the API answers, or else the address that it redirects to.
    async fn located(&self, path: &str, what: &str) -> Result<std::result::Result<Reply, String>> {
        let mut path = path.to_owned();
        for _ in 0..=MAX_HOPS {
            let reply = self.unremembered(&path, what).await?;
            if !reply.status.is_redirection() {
                return Ok(Ok(reply));
            }
            match self.redirected(&reply.headers, what) {
                // Another name of the same thing on the API itself.
                Ok(on_api) if on_api.starts_with("/repos/") || on_api.starts_with("/repositories/") => {
                    path = on_api;
                }
                _ => {
                    let target = error::header(&reply.headers, LOCATION.as_str());
                    let target = target.ok_or_else(|| error::invalid(what, "redirects to nowhere"))?;
                    return Ok(Err(target.to_owned()));
                }
            }
        }
        Err(error::invalid(what, "redirects without end"))
    }
}

/// What a status says of a thing itself.
fn absent(status: StatusCode) -> Option<Unfetched> {
    match status {
        StatusCode::NOT_FOUND => Some(Unfetched::Deleted),
        StatusCode::GONE => Some(Unfetched::Expired),
        _ => None,
    }
}

/// This machine has no room.
fn local(what: &str, error: &std::io::Error) -> Unfetched {
    Unfetched::Trouble(Trouble {
        reason: Reason::GitHubUnavailable,
        message: format!(
            "{what} cannot be kept in a file on this machine ({}); look after the folder that TMPDIR names, else /tmp",
            error.kind()
        ),
        retry_at: None,
    })
}
