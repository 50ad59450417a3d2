//! Where a copy has its place.

use std::path::PathBuf;

use object_store::path::Path;

/// Longest part of a key.
const PART: usize = 100;

/// A store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A folder of this machine, such as a mounted volume.
    Folder(PathBuf),
    /// A bucket of S3.
    Bucket {
        /// Its name.
        name: String,
        /// In front of each key; empty for none.
        prefix: String,
        /// The server; None for Amazon's.
        endpoint: Option<String>,
        /// Where it is; None for what the environment says.
        region: Option<String>,
    },
}

impl Place {
    /// The path of a copy in the store.
    pub(super) fn path(&self, key: &Key) -> Path {
        let prefix = match self {
            Self::Folder(_) => "",
            Self::Bucket { prefix, .. } => prefix,
        };
        let prefix = prefix.split('/').filter(|part| !part.is_empty());
        Path::from_iter(prefix.chain(key.0.iter().map(String::as_str)))
    }

    /// The address of a copy.
    pub(super) fn url(&self, key: &Key) -> String {
        match self {
            Self::Folder(folder) => {
                let folder = folder.display().to_string();
                format!("file://{}/{}", folder.trim_end_matches('/'), self.path(key))
            }
            Self::Bucket { name, .. } => format!("s3://{name}/{}", self.path(key)),
        }
    }
}

/// Names a copy: host, owner, repository, run, and the artifact with its id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key([String; 5]);

impl Key {
    /// The key of an artifact. The same artifact has the same key in every report.
    pub fn of(host: &str, repository: &str, run: i64, artifact: i64, name: &str) -> Self {
        let (owner, repository) = repository.split_once('/').unwrap_or(("", repository));
        Self([
            part(host),
            part(owner),
            part(repository),
            run.to_string(),
            format!("{artifact}-{}.zip", part(name)),
        ])
    }
}

/// A text as one part of a path: what may mean something to a store or a shell becomes an underscore.
fn part(text: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let part: String = text.chars().map(safe).take(PART).collect();
    // Neither nothing nor a way up.
    if part.chars().all(|c| c == '.') { "_".repeat(part.len().max(1)) } else { part }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_of_safe_parts_and_the_id_tells_artifacts_apart() {
        let url = |place: &Place, name: &str| place.url(&Key::of("ghe.example.com:8443", "a/b", 7, 9, name));
        let folder = Place::Folder("/copies/".into());
        let bucket =
            Place::Bucket { name: "ci".into(), prefix: "team/x".into(), endpoint: None, region: None };
        for (name, want) in [
            ("must-gather", "9-must-gather.zip"),
            ("../../etc/passwd", "9-.._.._etc_passwd.zip"),
            ("..", "9-__.zip"),
            ("", "9-_.zip"),
            ("a b\u{1b}[31m%2f\u{e9}", "9-a_b__31m_2f_.zip"),
        ] {
            assert_eq!(url(&folder, name), format!("file:///copies/ghe.example.com_8443/a/b/7/{want}"));
            assert_eq!(url(&bucket, name), format!("s3://ci/team/x/ghe.example.com_8443/a/b/7/{want}"));
        }
        let long = url(&folder, &"x".repeat(300));
        assert!(long.ends_with(&format!("/9-{}.zip", "x".repeat(100))), "{long}");
        let up = folder.url(&Key::of("..", "../..", 1, 2, "a"));
        assert_eq!(up, "file:///copies/__/__/__/1/2-a.zip");
    }
}
