//! What is measured, what alerts on it, and what shows it.

mod alerts;
mod logs;
mod metrics;
pub mod traces;

use std::collections::{BTreeMap, BTreeSet};

use testrun_operator::runtime::metrics::Metrics;

/// A metric, as the text of a process describes it.
#[derive(Default)]
struct Described {
    kind: String,
    help: String,
    /// Values by label.
    labels: BTreeMap<String, BTreeSet<String>>,
}

/// The metrics of a text, by the name that queries use.
fn described(text: &str) -> BTreeMap<String, Described> {
    let mut all: BTreeMap<String, Described> = BTreeMap::new();
    for line in text.lines() {
        let Some(rest) = line.strip_prefix("# ") else {
            let (name, labels) = line.split_once(['{', ' ']).unwrap();
            let ends = ["_total", "_info", "_bucket", "_sum", "_count"];
            let family = all.keys().find(|f| *f == name || ends.iter().any(|e| name == format!("{f}{e}")));
            let family = family.unwrap_or_else(|| panic!("{name} is not described")).clone();
            let labels = if line.contains('{') { labels.split_once('}').unwrap().0 } else { "" };
            for (label, value) in labels.split(',').filter_map(|pair| pair.split_once('=')) {
                let values = all.get_mut(&family).unwrap().labels.entry(label.to_owned()).or_default();
                values.insert(value.trim_matches('"').to_owned());
            }
            continue;
        };
        let mut words = rest.splitn(3, ' ');
        let (word, name, text) = (words.next().unwrap(), words.next(), words.next());
        let entry = |all: &mut BTreeMap<String, Described>, f: fn(&mut Described, String)| {
            f(all.entry(name.unwrap().to_owned()).or_default(), text.unwrap().to_owned());
        };
        match word {
            "HELP" => entry(&mut all, |d, text| d.help = text),
            "TYPE" => entry(&mut all, |d, text| d.kind = text),
            _ => {}
        }
    }
    let queried = |(name, described): (String, Described)| {
        let end = match described.kind.as_str() {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        (format!("{name}{end}"), described)
    };
    all.into_iter().map(queried).collect()
}

/// All metrics there are.
fn all() -> BTreeMap<String, Described> {
    described(&Metrics::new().text().unwrap())
}

/// The metrics of the operator in a query, by the name of their family.
fn used(query: &str) -> BTreeSet<String> {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|w| w.starts_with("testrun_")).map(|w| w.trim_end_matches("_bucket").to_owned()).collect()
}

/// What `label="value"` and `label=~"a|b"` of a query select and no metric has.
fn strange(query: &str) -> Vec<String> {
    let known = all();
    let mut strange = Vec::new();
    for name in used(query) {
        let Some(described) = known.get(&name) else {
            strange.push(name);
            continue;
        };
        for selector in query.split(&format!("{name}{{")).skip(1).filter_map(|rest| rest.split_once('}')) {
            for (label, value) in selector.0.split(',').filter_map(|pair| pair.split_once('=')) {
                let (label, value) = (label.trim(), value.trim_start_matches('~').trim_matches('"'));
                // Those are Prometheus' own.
                if ["namespace", "service", "pod"].contains(&label) {
                    continue;
                }
                let values = described.labels.get(label);
                for value in value.split('|').filter(|v| !values.is_some_and(|all| all.contains(*v))) {
                    strange.push(format!("{name}{{{label}={value}}}"));
                }
            }
        }
    }
    strange
}
