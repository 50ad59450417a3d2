//! Failures that say the same, among thousands.
//!
//! An [`Index`] holds the signatures of failures ([`super::fingerprint`]), each cluster once. A text belongs to a
//! cluster if it is equal, if one of the two was cut by a tool and is the beginning of the other, or if they
//! differ in nothing but words that look made up at random. A word of the language, a code or a number that
//! differs makes another cause: better two clusters of one cause than one cluster of two.

use std::collections::HashMap;

use super::plain;

/// Characters of a text that are compared.
const TEXT: usize = 300;
/// Clusters that are compared in full.
const CHECKS: usize = 8;
/// The shortest beginning that stands for a whole text.
const BEGINNING: usize = 48;
/// Words that may differ, of so many.
const DIFFER: usize = 8;

/// Clusters of texts.
#[derive(Debug, Default)]
pub struct Index {
    texts: Vec<String>,
    exact: HashMap<String, usize>,
    /// For each word the clusters that have it.
    words: HashMap<String, Vec<u32>>,
}

impl Index {
    /// The number of clusters.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The cluster of a normalised text, if it belongs to one.
    pub fn find(&self, text: &str) -> Option<usize> {
        let text = plain::cut(text, TEXT);
        if let Some(known) = self.exact.get(&text) {
            return Some(*known);
        }
        // Texts that share the most words come first; of equals the older.
        let mut shared: HashMap<u32, u32> = HashMap::new();
        for word in text.split_whitespace() {
            for cluster in self.words.get(word).into_iter().flatten() {
                *shared.entry(*cluster).or_default() += 1;
            }
        }
        let mut best: Vec<(u32, u32)> = shared.into_iter().map(|(cluster, n)| (n, cluster)).collect();
        let order = |a: &(u32, u32), b: &(u32, u32)| (b.0, a.1).cmp(&(a.0, b.1));
        if best.len() > CHECKS {
            best.select_nth_unstable_by(CHECKS, order);
            best.truncate(CHECKS);
        }
        best.sort_unstable_by(order);
        best.into_iter()
            .map(|(_, cluster)| cluster as usize)
            .find(|cluster| self.texts.get(*cluster).is_some_and(|known| alike(known, &text)))
    }

    /// The cluster of a normalised text, a new one if it belongs to none; and whether it is new.
    pub fn place(&mut self, text: &str) -> (usize, bool) {
        if let Some(known) = self.find(text) {
            return (known, false);
        }
        let text = plain::cut(text, TEXT);
        let cluster = self.texts.len();
        let mut words: Vec<&str> = text.split_whitespace().collect();
        words.sort_unstable();
        words.dedup();
        for word in words {
            self.words.entry(word.to_owned()).or_default().push(u32::try_from(cluster).unwrap_or(u32::MAX));
        }
        self.exact.insert(text.clone(), cluster);
        self.texts.push(text);
        (cluster, true)
    }
}

/// Whether two texts say the same.
fn alike(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let beginning = short.trim_end_matches(['\u{2026}', '.', ' ']);
    if beginning.len() >= BEGINNING && beginning.len() < short.len() && long.starts_with(beginning) {
        return true;
    }
    let (mut one, mut other) = (a.split_whitespace(), b.split_whitespace());
    let (mut words, mut differ) = (0, 0);
    loop {
        match (one.next(), other.next()) {
            (None, None) => return differ * DIFFER <= words,
            (Some(x), Some(y)) => {
                words += 1;
                if x != y {
                    if !(made_up(x) && made_up(y)) {
                        return false;
                    }
                    differ += 1;
                }
            }
            _ => return false,
        }
    }
}

/// Whether a word looks made up at random: letters and digits change places in it. A number, a code and a word
/// of the language do not.
fn made_up(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let class = |c: char| {
        if c.is_ascii_digit() {
            1
        } else if c.is_ascii_lowercase() {
            2
        } else {
            0
        }
    };
    let pairs = word.chars().zip(word.chars().skip(1));
    let turns = pairs.filter(|(a, b)| class(*a) != class(*b) && class(*a) > 0 && class(*b) > 0).count();
    word.len() >= 8 && turns >= 3 && !word.contains(['.', '/', ':', '=', '{'])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use crate::evidence::fingerprint::normalise;
    use proptest::prelude::*;

    /// Failures with marks for what changes from run to run. No two have one cause.
    const CAUSES: &[&str] = &[
        "@time ERROR insert of order @uuid failed: duplicate key (SQLSTATE 23505)",
        "@time ERROR insert of order @uuid failed: duplicate key (SQLSTATE 23503)",
        "dial tcp @ip:@port: connect: connection refused",
        "dial tcp @ip:@port: connect: connection reset by peer",
        "dial tcp [::1]:@port: connect: connection refused",
        "dial tcp 127.0.0.1:@port: connect: connection refused",
        "lookup postgres on @ip:@port: no such host",
        "lookup redis on @ip:@port: no such host",
        "got status 404 from localhost:@port after @duration",
        "got status 500 from localhost:@port after @duration",
        "pod api-@suffix was OOMKilled with exit code 137",
        "pod api-@suffix was Terminated with exit code 1",
        "goroutine @number [running]: panic at /home/runner/work/a/a/x.go:@line: nil pointer",
        "goroutine @number [running]: panic at /home/runner/work/a/a/x.go:@line: index out of range",
        "Timed out after @duration: expected @number to equal @number in @path",
        "Timed out after @duration: expected @number not to equal @number in @path",
        "expected true to be false for object rr-@hex",
        "expected false to be true for object rr-@hex",
        "commit @hex does not build: error[E0308]: mismatched types",
        "commit @hex does not build: error[E0382]: use of moved value",
        "image registry.local/app:@hex not found for linux/arm64",
        "image registry.local/app:@hex not found for linux/amd64",
        "read of @path failed after @duration: permission denied",
        "read of @path failed after @duration: no space left on device",
    ];

    /// Another run's values.
    fn perturbed(text: &str, seed: u64) -> String {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = |most: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % most
        };
        let mut out = text.to_owned();
        for (mark, value) in [
            (
                "@time",
                format!(
                    "2026-{:02}-{:02}T{:02}:04:05.{:03}Z",
                    1 + next(12),
                    1 + next(28),
                    next(24),
                    next(1000)
                ),
            ),
            (
                "@uuid",
                format!(
                    "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
                    next(1 << 32),
                    next(1 << 16),
                    next(1 << 12),
                    next(1 << 12),
                    next(1 << 48)
                ),
            ),
            ("@ip", format!("10.{}.{}.{}", next(256), next(256), next(256))),
            ("@port", (1024 + next(64_000)).to_string()),
            ("@duration", format!("{}.{:03}s", next(900), next(1000))),
            ("@suffix", format!("7d9f8b6c5-{}", ["x2x4z", "b5kqt", "zz9vw", "c4d7f"][next(4) as usize])),
            ("@number", next(1_000_000).to_string()),
            ("@line", (1 + next(900)).to_string()),
            ("@path", format!("/tmp/t{}/x.json", next(1_000_000))),
            ("@hex", format!("a{:07x}1f", next(1 << 28))),
        ] {
            out = out.replace(mark, &value);
        }
        out
    }

    #[test]
    fn two_causes_never_share_a_cluster_and_one_cause_has_one() {
        let mut index = Index::default();
        let mut of: HashMap<usize, &str> = HashMap::new();
        let mut clusters: HashMap<&str, usize> = HashMap::new();
        for seed in 1..200 {
            for cause in CAUSES {
                let (cluster, new) = index.place(&normalise(&perturbed(cause, seed)));
                assert_eq!(*of.entry(cluster).or_insert(cause), *cause, "two causes in one cluster");
                *clusters.entry(cause).or_default() += usize::from(new);
            }
        }
        let torn: Vec<_> = clusters.iter().filter(|(_, n)| **n > 1).collect();
        assert!(torn.is_empty(), "one cause in several clusters: {torn:?}");
    }

    #[test]
    fn what_a_tool_cut_is_still_the_same() {
        let mut index = Index::default();
        let whole = "the order that was placed before was not found in the list of all orders of the day";
        let (cluster, _) = index.place(whole);
        assert_eq!(index.find(&format!("{}\u{2026}", &whole[..60])), Some(cluster));
        assert_eq!(index.find("the order that\u{2026}"), None, "too little to tell");
        assert_eq!(index.find(&whole[..60]), None, "not cut: it says less");
        assert_eq!(index.find(""), None);
    }

    proptest! {
        #[test]
        fn a_text_is_found_again_and_another_word_is_another_cause(
            texts in proptest::collection::vec("[a-z]{1,9}( [a-z]{1,9}){3,9}", 1..30),
        ) {
            let mut index = Index::default();
            let placed: Vec<usize> = texts.iter().map(|t| index.place(t).0).collect();
            for (text, cluster) in texts.iter().zip(&placed) {
                prop_assert_eq!(index.find(text), Some(*cluster));
                let other = format!("{} unheard", text);
                prop_assert_eq!(index.find(&other), None);
            }
        }
    }
}
