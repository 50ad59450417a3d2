//! Copies of artifacts: where they go, and how much is copied.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::copies::{Bounds, Kind, Place};

/// Copies of artifacts in a store of one's own, which keeps them longer than GitHub does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Artifacts {
    /// Where they go: `file:///FOLDER`, such as that of a mounted volume, or `s3://BUCKET/PREFIX`. Empty: nothing is
    /// copied. The credentials of S3 come from the environment, as for Amazon's own tools.
    pub store: String,
    /// Address of an S3 server that is not Amazon's, such as `https://minio.example.com`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub endpoint: String,
    /// Region of the bucket. Default: that of `AWS_REGION`, else `us-east-1`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// Which artifacts are copied: `mustGather`, `testReport`, or both.
    pub kinds: Vec<Kind>,
    /// Largest archive that is copied, in bytes. Two are on their way at a time, each in a file in the folder for
    /// temporary files first.
    pub max_bytes: u64,
    /// Bytes that are copied of one report's artifacts.
    pub max_bytes_per_report: u64,
}

impl Default for Artifacts {
    fn default() -> Self {
        Self {
            store: String::new(),
            endpoint: String::new(),
            region: String::new(),
            kinds: vec![Kind::MustGather],
            max_bytes: 256 << 20,
            max_bytes_per_report: 1 << 30,
        }
    }
}

impl Artifacts {
    /// What is wrong with it.
    pub(super) fn check(&self, wrong: &mut Vec<String>) {
        if let Err(why) = self.read() {
            wrong.push(why);
        }
        if self.kinds.is_empty() {
            wrong.push("artifacts.kinds: name mustGather, testReport or both".to_owned());
        }
        if self.max_bytes == 0 || self.max_bytes > self.max_bytes_per_report {
            wrong.push(
                "artifacts.maxBytes: expected 1 or more, and at most artifacts.maxBytesPerReport".to_owned(),
            );
        }
    }

    /// Where copies go. None where there are none, or what is said is wrong.
    pub fn place(&self) -> Option<Place> {
        self.read().ok().flatten()
    }

    /// What is copied.
    pub fn bounds(&self) -> Bounds {
        Bounds { kinds: self.kinds.clone(), bytes: self.max_bytes, report: self.max_bytes_per_report }
    }

    fn read(&self) -> Result<Option<Place>, String> {
        let own = !self.endpoint.is_empty() || !self.region.is_empty();
        if self.store.is_empty() {
            return if own {
                Err("artifacts.store: endpoint and region are of no use without one".to_owned())
            } else {
                Ok(None)
            };
        }
        let unknown = || Err("artifacts.store: expected file:///FOLDER or s3://BUCKET/PREFIX".to_owned());
        let Ok(url) = Url::parse(&self.store) else { return unknown() };
        let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        match (url.scheme(), url.host_str().unwrap_or_default()) {
            ("file", "") if plain && !own => match url.to_file_path() {
                Ok(folder) if folder != Path::new("/") => Ok(Some(Place::Folder(folder))),
                _ => unknown(),
            },
            ("file", "") if own => {
                Err("artifacts.endpoint: endpoint and region belong to a store of s3://".to_owned())
            }
            ("s3", bucket) if plain && !bucket.is_empty() => Ok(Some(Place::Bucket {
                name: bucket.to_owned(),
                prefix: url.path().trim_matches('/').to_owned(),
                endpoint: self.endpoint()?,
                region: Some(self.region.clone()).filter(|r| !r.is_empty()),
            })),
            _ => unknown(),
        }
    }

    fn endpoint(&self) -> Result<Option<String>, String> {
        if self.endpoint.is_empty() {
            return Ok(None);
        }
        let web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.username().is_empty();
        match Url::parse(&self.endpoint) {
            Ok(url) if web(&url) && url.host_str().is_some() => Ok(Some(self.endpoint.clone())),
            _ => Err("artifacts.endpoint: expected an address such as https://minio.example.com".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(of: Artifacts) -> Vec<String> {
        let mut wrong = Vec::new();
        of.check(&mut wrong);
        wrong
    }

    fn at(store: &str, endpoint: &str) -> Artifacts {
        Artifacts { store: store.to_owned(), endpoint: endpoint.to_owned(), ..Default::default() }
    }

    #[test]
    fn a_store_is_a_folder_or_a_bucket() {
        let bucket = |name: &str, prefix: &str, endpoint: Option<&str>| Place::Bucket {
            name: name.to_owned(),
            prefix: prefix.to_owned(),
            endpoint: endpoint.map(str::to_owned),
            region: None,
        };
        for (store, endpoint, want) in [
            ("", "", None),
            ("file:///copies", "", Some(Place::Folder("/copies".into()))),
            ("file:///a%20b/c/", "", Some(Place::Folder("/a b/c/".into()))),
            ("s3://ci", "", Some(bucket("ci", "", None))),
            ("s3://ci/a/b/", "http://minio:9000", Some(bucket("ci", "a/b", Some("http://minio:9000")))),
        ] {
            assert_eq!(wrong(at(store, endpoint)), Vec::<String>::new(), "{store}");
            assert_eq!(at(store, endpoint).place(), want, "{store}");
        }
    }

    #[test]
    fn what_is_no_store_is_refused() {
        let no_kinds = Artifacts { kinds: Vec::new(), ..at("file:///c", "") };
        let nothing = Artifacts { max_bytes: 0, ..at("file:///c", "") };
        let less = Artifacts { max_bytes_per_report: 5, ..at("file:///c", "") };
        for (of, field) in [
            (at("copies", ""), "artifacts.store: "),
            (at("file://host/copies", ""), "artifacts.store: "),
            (at("file:///", ""), "artifacts.store: "),
            (at("gs://bucket", ""), "artifacts.store: "),
            (at("s3://key:secret@bucket", ""), "artifacts.store: "),
            (at("s3:///a", ""), "artifacts.store: "),
            (at("", "https://minio"), "artifacts.store: "),
            (at("file:///c", "https://minio"), "artifacts.endpoint: "),
            (at("s3://ci", "minio:9000"), "artifacts.endpoint: "),
            (no_kinds, "artifacts.kinds: "),
            (nothing, "artifacts.maxBytes: "),
            (less, "artifacts.maxBytes: "),
        ] {
            let said = wrong(of.clone());
            assert!(matches!(&said[..], [one] if one.starts_with(field)), "{of:?}: {said:?}");
        }
    }
}
