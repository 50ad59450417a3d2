//! One table with both operators side by side: medians over the rounds, and their ratio.

use std::fmt::Write;

use crate::rounds::Round;
use crate::subjects::Subject;

/// How a value is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    Plain,
    Milliseconds,
    Megabytes,
    Kilobytes,
}

/// Rows of the table: name of the value, what it is, and how it is shown.
const ROWS: [(&str, &str, Unit); 38] = [
    ("pass.rate", "created until final: reports/s", Unit::Plain),
    ("pass.cpu_ms", "CPU of the process per report, ms", Unit::Plain),
    ("pass.cluster_cpu_ms", "CPU of API server and etcd per report, ms", Unit::Plain),
    ("pass.github_cpu_ms", "CPU of the scripted GitHub per report, ms", Unit::Plain),
    ("pass.reconciles", "reconciles per report", Unit::Plain),
    ("pass.writes", "status writes per report", Unit::Plain),
    ("pass.requests", "API-server requests per report", Unit::Plain),
    ("traffic.sent_bytes", "sent to the API server per report, KB", Unit::Kilobytes),
    ("traffic.received_bytes", "received from it per report, KB", Unit::Kilobytes),
    ("pass.github", "GitHub requests per report", Unit::Plain),
    ("pass.github_unchanged", "of them not modified (304)", Unit::Plain),
    ("object.bytes", "a finished report, KB", Unit::Kilobytes),
    ("pass.peak_bytes", "peak RSS, MB", Unit::Megabytes),
    ("pass.resident_bytes", "settled RSS, MB", Unit::Megabytes),
    ("pass.marginal_bytes", "settled RSS per report, KB", Unit::Kilobytes),
    ("rest.cpu_millicores", "at rest: CPU, millicores", Unit::Plain),
    ("rest.writes", "at rest: status writes", Unit::Plain),
    ("rest.requests", "at rest: API-server requests", Unit::Plain),
    ("rest.github", "at rest: GitHub requests", Unit::Plain),
    ("rest.resident_bytes", "at rest: RSS, MB", Unit::Megabytes),
    ("change.p50_ms", "fact to condition: p50, ms", Unit::Milliseconds),
    ("change.p99_ms", "fact to condition: p99, ms", Unit::Milliseconds),
    ("change.max_ms", "fact to condition: max, ms", Unit::Milliseconds),
    ("patch.p50_ms", "one bare PATCH: p50, ms", Unit::Milliseconds),
    ("patch.p99_ms", "one bare PATCH: p99, ms", Unit::Milliseconds),
    ("restart.ready_ms", "start over all reports: until ready, ms", Unit::Milliseconds),
    ("restart.ready_cpu_ms", "until ready: CPU, ms", Unit::Milliseconds),
    ("restart.ready_peak_bytes", "until ready: peak RSS, MB", Unit::Megabytes),
    ("restart.cpu_ms", "until all are looked at: CPU per report, ms", Unit::Plain),
    ("restart.peak_bytes", "until all are looked at: peak RSS, MB", Unit::Megabytes),
    ("restart.resident_bytes", "after it: settled RSS, MB", Unit::Megabytes),
    ("restart.marginal_bytes", "after it: RSS per report, KB", Unit::Kilobytes),
    ("restart.writes", "start over all reports: status writes", Unit::Plain),
    ("restart.github", "start over all reports: GitHub requests per report", Unit::Plain),
    ("cold.ready_ms", "start without reports: until ready, ms", Unit::Milliseconds),
    ("cold.resident_bytes", "start without reports: RSS, MB", Unit::Megabytes),
    ("cold.anonymous_bytes", "start without reports: anonymous memory, MB", Unit::Megabytes),
    ("binary.bytes", "size of the binary, MB", Unit::Megabytes),
];

/// The table in markdown.
pub fn markdown(rounds: &[Round]) -> String {
    let mut out = String::new();
    let subjects = [Subject::Operator, Subject::Peer, Subject::Bare];
    let there: Vec<Subject> =
        subjects.into_iter().filter(|s| rounds.iter().any(|r| r.subject == s.as_str())).collect();
    let both = there.contains(&Subject::Operator) && there.contains(&Subject::Peer);
    let _ = write!(out, "| |");
    for subject in &there {
        let _ = write!(out, " {} |", subject.as_str());
    }
    let _ = writeln!(out, "{}", if both { " operator / peer |" } else { "" });
    let _ = writeln!(out, "|---|{}{}", "---:|".repeat(there.len()), if both { "---:|" } else { "" });
    for (name, label, unit) in ROWS {
        let medians: Vec<Option<Spread>> = there.iter().map(|s| spread(rounds, *s, name)).collect();
        if medians.iter().all(Option::is_none) {
            continue;
        }
        let _ = write!(out, "| {label} |");
        for median in &medians {
            let _ = write!(out, " {} |", median.map_or_else(|| "–".to_owned(), |m| m.shown(unit)));
        }
        if both {
            let ratio = spread(rounds, Subject::Operator, name).zip(spread(rounds, Subject::Peer, name));
            let ratio =
                ratio.filter(|(_, b)| b.median != 0.0).map(|(a, b)| format!("{:.2}", a.median / b.median));
            let _ = write!(out, " {} |", ratio.unwrap_or_else(|| "–".to_owned()));
        }
        out.push('\n');
    }
    out
}

/// The middle of several rounds, and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
}

/// The values of a subject over its rounds.
pub fn spread(rounds: &[Round], subject: Subject, name: &str) -> Option<Spread> {
    let own = rounds.iter().filter(|r| r.subject == subject.as_str());
    let mut values: Vec<f64> = own.filter_map(|r| r.figures.get(name)).filter(|v| v.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    let median = if values.len().is_multiple_of(2) { (values.get(middle - 1)? + upper) / 2.0 } else { upper };
    Some(Spread { median, least: *values.first()?, most: *values.last()? })
}

impl Spread {
    fn shown(&self, unit: Unit) -> String {
        let median = number(self.median, unit);
        let (least, most) = (number(self.least, unit), number(self.most, unit));
        if least == most { median } else { format!("{median} ({least}–{most})") }
    }
}

impl Unit {
    /// A value in this unit.
    pub(crate) fn of(self, value: f64) -> f64 {
        match self {
            Self::Plain | Self::Milliseconds => value,
            Self::Megabytes => value / 1e6,
            Self::Kilobytes => value / 1e3,
        }
    }
}

pub(crate) fn number(value: f64, unit: Unit) -> String {
    let value = unit.of(value);
    match value.abs() {
        0.0 => "0".to_owned(),
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Figures;

    fn round(subject: &str, rate: f64) -> Round {
        let mut figures = Figures::default();
        figures.put("pass.rate", rate);
        Round { subject: subject.to_owned(), reports: 1, jobs: 4, figures }
    }

    #[test]
    fn the_table_shows_medians_their_range_and_the_ratio() {
        let rounds = [
            round("operator", 30.0),
            round("peer", 10.0),
            round("operator", 20.0),
            round("peer", 10.0),
            round("operator", 50.0),
        ];
        let table = markdown(&rounds);
        let row = table.lines().find(|l| l.contains("reports/s")).unwrap_or_default();
        assert_eq!(row, "| created until final: reports/s | 30.0 (20.0–50.0) | 10.0 | 3.00 |");
        assert!(!table.contains("bare"));
    }

    #[test]
    fn an_even_number_of_rounds_has_the_mean_of_the_middle_two() {
        let rounds = [round("peer", 1.0), round("peer", 2.0)];
        assert_eq!(spread(&rounds, Subject::Peer, "pass.rate").map(|s| s.median), Some(1.5));
    }
}
