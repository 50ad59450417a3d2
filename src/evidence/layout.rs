//! Layouts of must-gather bundles, told by the names of their entries.
//!
//! Names are hostile: they are compared and never used as paths. At most [`NAMES`] of them are
//! looked at, and of each the first kilobyte.

/// Entries that are looked at.
pub const NAMES: usize = 50_000;

/// Bytes of a name that are looked at.
const NAME_BYTES: usize = 1024;

/// Who made a bundle, and so where in it to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Logs and `inspect` of the containers of an integration suite of kubernaut.
    KubernautIntegration,
    /// What kubernaut's must-gather image collects from a cluster.
    KubernautBundle,
    /// `oc adm must-gather`.
    OpenShift,
    /// `kind export logs`.
    KindExport,
}

impl Layout {
    const ALL: [Self; 4] =
        [Self::KubernautIntegration, Self::KubernautBundle, Self::OpenShift, Self::KindExport];

    /// Name in the status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KubernautIntegration => "kubernaut-integration",
            Self::KubernautBundle => "kubernaut-bundle",
            Self::OpenShift => "openshift",
            Self::KindExport => "kind-export",
        }
    }

    /// How strongly an entry speaks for this layout.
    fn weight(self, parts: &[&str]) -> u32 {
        let Some((file, folders)) = parts.split_last() else { return 0 };
        match self {
            Self::KubernautIntegration => integration(file, folders),
            Self::KubernautBundle => bundle(file, folders),
            Self::OpenShift => openshift(file, folders),
            Self::KindExport => kind(file, folders),
        }
    }
}

/// Names of entries as they come in, and what they speak for.
#[derive(Debug, Default)]
pub struct Tally {
    weights: [u32; Layout::ALL.len()],
    seen: usize,
}

impl Tally {
    /// Takes the name of one entry.
    pub fn push(&mut self, name: &str) {
        if self.seen >= NAMES {
            return;
        }
        self.seen += 1;
        let mut end = name.len().min(NAME_BYTES);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        let name = name.get(..end).unwrap_or_default();
        let parts: Vec<&str> = name
            .split(['/', '\\'])
            .filter(|part| !part.is_empty() && *part != "." && *part != "..")
            .collect();
        for (weight, layout) in self.weights.iter_mut().zip(Layout::ALL) {
            *weight = weight.saturating_add(layout.weight(&parts));
        }
    }

    /// The layout that most entries speak for; none where nothing is recognised.
    pub fn best(&self) -> Option<Layout> {
        // Of equals the first wins, so that the answer does not depend on the order of the entries.
        let (weight, layout) =
            self.weights.iter().zip(Layout::ALL).rev().max_by_key(|(weight, _)| **weight)?;
        (*weight > 0).then_some(layout)
    }
}

/// The layout that most entries speak for; none where nothing is recognised.
pub fn recognise<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<Layout> {
    let mut tally = Tally::default();
    names.into_iter().take(NAMES).for_each(|name| tally.push(name));
    tally.best()
}

/// `<service>-integration-20260123-193950/<service>_<container>_test.log`.
fn integration(file: &str, folders: &[&str]) -> u32 {
    let folder = folders.last().is_some_and(|folder| {
        folder.split_once("-integration-").is_some_and(|(service, time)| !service.is_empty() && is_time(time))
    });
    let kind = file.ends_with("_test.log") || file.ends_with("_inspect.json") || file.ends_with(".log");
    if folder && kind { 4 } else { 0 }
}

/// `20260123-193950`.
fn is_time(text: &str) -> bool {
    text.len() == 15
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 8 { byte == b'-' } else { byte.is_ascii_digit() })
}

fn bundle(file: &str, folders: &[&str]) -> u32 {
    if matches!(file, "collection-metadata.json" | "sanitization-report.txt") {
        return 8;
    }
    match folders {
        [.., "logs", _, _] if matches!(file, "current.log" | "previous.log" | "describe.txt") => 3,
        [.., "crds", _] if matches!(file, "crd-definition.yaml" | "all-instances.yaml") => 3,
        [.., "events"] if file.starts_with("events-") => 2,
        _ => 0,
    }
}

fn openshift(file: &str, folders: &[&str]) -> u32 {
    if file == "event-filter.html" {
        return 8;
    }
    match folders {
        [.., "namespaces", _, "pods", _, _, _, "logs"] => 3,
        [.., "namespaces", _, "pods", _] if is_yaml(file) => 2,
        [.., "namespaces", _, "core" | "apps" | "batch"] if is_yaml(file) => 2,
        _ if folders.contains(&"cluster-scoped-resources") && is_yaml(file) => 3,
        _ => 0,
    }
}

fn is_yaml(file: &str) -> bool {
    file.ends_with(".yaml") || file.ends_with(".yml")
}

fn kind(file: &str, folders: &[&str]) -> u32 {
    match (folders, file) {
        (_, "kind-version.txt") => 8,
        (_, "docker-info.txt" | "podman-info.txt" | "kubernetes-version.txt") => 3,
        ([.., _], "kubelet.log" | "containerd.log" | "journal.log") => 3,
        ([.., "pods", pod, _], _) if pod.split('_').count() == 3 && is_log(file) => 2,
        _ => 0,
    }
}

/// `0.log`.
fn is_log(file: &str) -> bool {
    file.strip_suffix(".log").is_some_and(|n| !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;
    use proptest::prelude::*;

    const CASES: &[(&str, &[&str], Option<Layout>)] = &[
        (
            "containers of a suite",
            &[
                "kubernaut-must-gather/",
                "kubernaut-must-gather/gw-integration-20260123-193950/",
                "kubernaut-must-gather/gw-integration-20260123-193950/gw_postgres_test.log",
                "kubernaut-must-gather/gw-integration-20260123-193950/gw_postgres_test_inspect.json",
            ],
            Some(Layout::KubernautIntegration),
        ),
        (
            "a cluster's bundle",
            &[
                "x/cluster-scoped/nodes.yaml", "x/logs/ns/pod-1/current.log",
                "x/crds/foos.y.z/crd-definition.yaml", "x/collection-metadata.json",
            ],
            Some(Layout::KubernautBundle),
        ),
        (
            "oc adm must-gather",
            &[
                "must-gather.local.1/img/version",
                "must-gather.local.1/img/cluster-scoped-resources/core/nodes/n.yaml",
                "must-gather.local.1/img/namespaces/a/core/pods.yaml",
                "must-gather.local.1/img/namespaces/a/pods/p/c/c/logs/current.log",
            ],
            Some(Layout::OpenShift),
        ),
        (
            "kind export logs",
            &[
                "logs/kind-version.txt",
                "logs/kind-control-plane/kubelet.log",
                "logs/kind-control-plane/pods/kube-system_etcd_0123/etcd/0.log",
            ],
            Some(Layout::KindExport),
        ),
        ("two logs", &["a.log", "b/c.log"], None),
        ("nothing", &[], None),
        ("names that point elsewhere", &["../../etc/passwd", "/", "..", "\\\\host\\share"], None),
    ];

    #[test]
    fn layouts_are_told_by_the_names_of_entries() {
        for (name, entries, expected) in CASES {
            assert_eq!(recognise(entries.iter().copied()), *expected, "{name}");
        }
    }

    #[test]
    fn the_order_of_entries_does_not_matter() {
        for (name, entries, expected) in CASES {
            assert_eq!(recognise(entries.iter().rev().copied()), *expected, "{name}");
        }
    }

    #[test]
    fn bundles_of_the_corpus_have_their_layout() {
        let root = std::env::var_os("TESTRUN_CORPUS").map_or_else(
            || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
            std::path::PathBuf::from,
        );
        let root = root.join("must-gather");
        if !root.is_dir() {
            println!("skipped: corpus absent");
            return;
        }
        for (file, expected) in [
            ("must-gather-aianalysis-20260123-193955.tar.gz", Layout::KubernautIntegration),
            ("omc-fixture-must-gather.tar.gz", Layout::OpenShift),
        ] {
            let listing = std::process::Command::new("tar").arg("tzf").arg(root.join(file)).output().unwrap();
            assert!(listing.status.success(), "{file}");
            let names = String::from_utf8(listing.stdout).unwrap();
            assert_eq!(recognise(names.lines()), Some(expected), "{file}");
        }
    }

    proptest! {
        #[test]
        fn any_names_have_some_answer(names in proptest::collection::vec(r"([a-z.\\/é]|core|pods|logs){0,40}", 0..40)) {
            let _ = recognise(names.iter().map(String::as_str));
        }
    }
}
