//! Copies of artifacts in a store of the administrator's: a folder or a bucket of S3.
//!
//! `place` says where each has its place, `http` how a bucket is reached. A copy explains and never decides; one that
//! cannot be made is a fact with a reason. What is there already is compared by its digest and left alone.

mod http;
mod place;

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, ObjectStore, ObjectStoreExt, RetryConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;
use tokio::sync::OnceCell;

pub use place::{Key, Place};

use crate::verdict::text::clean;

/// Bytes of one part of an upload: what a copy takes of memory.
const PART: usize = 8 << 20;
/// How long a request to a bucket is tried again.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Kinds of artifacts.
    pub kinds: Vec<Kind>,
    /// Bytes of one.
    pub bytes: u64,
    /// Bytes of all of one report.
    pub report: u64,
}

/// A kind of artifact, as reports tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Must-gather bundles.
    MustGather,
    /// Test reports.
    TestReport,
}

impl Kind {
    /// Its name in a status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MustGather => "MustGather",
            Self::TestReport => "TestReport",
        }
    }
}

/// Why something cannot be copied or compared, for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

impl Refused {
    fn of(error: &object_store::Error) -> Self {
        use object_store::Error as E;
        let what = match error {
            E::NotFound { .. } => "the store does not have it, or there is no such bucket",
            E::PermissionDenied { .. } | E::Unauthenticated { .. } => "the store refuses the operator",
            _ => "the store cannot be used",
        };
        Self(format!("{what}: {}", said(&error.to_string())))
    }
}

/// What a server says in its answer, else what the client says.
fn said(text: &str) -> String {
    let of = |tag: &str| {
        let rest = text.split_once(&format!("<{tag}>"))?.1;
        rest.split_once(&format!("</{tag}>")).map(|(said, _)| said)
    };
    match of("Code") {
        Some(code) => clean(&format!("{code}: {}", of("Message").unwrap_or_default()), 300),
        None => clean(text, 300),
    }
}

impl From<object_store::Error> for Refused {
    fn from(error: object_store::Error) -> Self {
        Self::of(&error)
    }
}

impl From<std::io::Error> for Refused {
    fn from(error: std::io::Error) -> Self {
        Self(format!("the archive cannot be read on this machine: {}", error.kind()))
    }
}

/// Where copies are. It is opened when it is first needed, and what stands in the way of that is told each time.
#[derive(Debug)]
pub struct Store {
    place: Place,
    opened: OnceCell<Arc<dyn ObjectStore>>,
}

impl Store {
    /// A store that is not opened yet.
    pub fn new(place: Place) -> Self {
        Self { place, opened: OnceCell::new() }
    }

    /// The address of a copy, for people.
    pub fn url(&self, key: &Key) -> String {
        self.place.url(key)
    }

    /// Whether it can be used, as far as that is known without a request.
    pub async fn open(&self) -> Result<(), Refused> {
        self.opened().await.map(drop)
    }

    async fn opened(&self) -> Result<&Arc<dyn ObjectStore>, Refused> {
        self.opened.get_or_try_init(|| async { open(&self.place) }).await
    }

    fn path(&self, key: &Key) -> Path {
        self.place.path(key)
    }

    /// The SHA-256, in lower-case hex, of what is there; None where nothing is.
    pub async fn digest(&self, key: &Key) -> Result<Option<String>, Refused> {
        let found = match self.opened().await?.get(&self.path(key)).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut hash = Sha256::new();
        let mut pieces = found.into_stream();
        while let Some(piece) = pieces.try_next().await? {
            hash.update(&piece);
        }
        Ok(Some(hash.finalize().iter().map(|b| format!("{b:02x}")).collect()))
    }

    /// Puts a file there, all of it or nothing: nobody sees a part of it.
    pub async fn put(&self, key: &Key, file: File) -> Result<(), Refused> {
        let store = self.opened().await?;
        let path = self.path(key);
        let size = file.metadata()?.len();
        let mut upload = store.put_multipart(&path).await?;
        let parts = async {
            let mut file = tokio::fs::File::from_std(file);
            while let Some(part) = part(&mut file).await? {
                upload.put_part(part.into()).await?;
            }
            Ok::<_, Refused>(())
        };
        let sent = match parts.await {
            Ok(()) => upload.complete().await.map(drop).map_err(Refused::from),
            Err(refused) => Err(refused),
        };
        if let Err(refused) = sent {
            // What it has of it is of no use to anybody.
            let _ = upload.abort().await;
            return Err(refused);
        }
        let there = store.head(&path).await?.size;
        if there != size {
            return Err(Refused(format!("the store has {there} bytes of it, and {size} were sent")));
        }
        Ok(())
    }
}

/// The next part of a file; None at its end.
async fn part(file: &mut tokio::fs::File) -> std::io::Result<Option<Bytes>> {
    let mut part = BytesMut::with_capacity(PART);
    while part.len() < PART && file.read_buf(&mut part).await? > 0 {}
    Ok((!part.is_empty()).then(|| part.freeze()))
}

fn open(place: &Place) -> Result<Arc<dyn ObjectStore>, Refused> {
    Ok(match place {
        Place::Folder(folder) => Arc::new(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true)),
        Place::Bucket { name, endpoint, region, .. } => {
            let retry = RetryConfig {
                backoff: BackoffConfig { max_backoff: Duration::from_secs(5), ..Default::default() },
                max_retries: 4,
                retry_timeout: PATIENCE,
            };
            // Credentials are those of the environment: keys, a token of the pod's account, or the machine's.
            let mut builder = AmazonS3Builder::from_env()
                .with_bucket_name(name)
                .with_http_connector(http::Connector)
                .with_retry(retry);
            if let Some(endpoint) = endpoint {
                builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
            }
            if let Some(region) = region {
                builder = builder.with_region(region);
            }
            Arc::new(builder.build()?)
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::{Seek, Write};

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        file
    }

    fn hex(bytes: &[u8]) -> String {
        Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
    }

    #[tokio::test]
    async fn what_is_put_into_a_folder_is_there_whole_and_can_be_compared() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(Place::Folder(folder.path().to_owned()));
        let key = Key::of("github.com", "acme/shop", 77, 901, "must-gather (a)/../b");
        assert_eq!(store.digest(&key).await, Ok(None));
        // More than one part, and not a multiple of it.
        let bytes: Vec<u8> = (0..PART + 1000).map(|n| (n % 251) as u8).collect();
        store.put(&key, file(&bytes)).await.unwrap();
        assert_eq!(store.digest(&key).await, Ok(Some(hex(&bytes))));
        let path = folder.path().join("github.com/acme/shop/77/901-must-gather__a__.._b.zip");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        assert_eq!(store.url(&key), format!("file://{}", path.display()));
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing else is left");
        store.put(&key, file(b"other")).await.unwrap();
        assert_eq!(store.digest(&key).await, Ok(Some(hex(b"other"))));
    }

    #[test]
    fn an_answer_tells_more_than_how_it_was_asked_for() {
        let answer = "Error performing GET http://s3/a - 403: <Error><Code>SignatureDoesNotMatch</Code>\n<Message>The signature\u{1b}[31m does not match.</Message></Error>";
        assert_eq!(said(answer), "SignatureDoesNotMatch: The signature does not match.");
        for text in ["connection refused", "<Code>", "<Code>a", "<Message>a</Message>"] {
            assert_eq!(said(text), text);
        }
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_is_told_and_used_once_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let later = folder.path().join("later");
        let store = Store::new(Place::Folder(later.clone()));
        let key = Key::of("github.com", "acme/shop", 77, 901, "a");
        let refused = store.put(&key, file(b"x")).await.unwrap_err().to_string();
        assert!(refused.starts_with("the store "), "{refused}");
        std::fs::create_dir(&later).unwrap();
        store.put(&key, file(b"x")).await.unwrap();
    }
}
