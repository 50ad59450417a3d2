//! How cost grows with the number of reports, or of jobs in each: a table, and a drawing with both axes logarithmic, in
//! which what grows in proportion rises like the dotted lines.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::rounds::Round;
use crate::subjects::Subject;
use crate::table::{Unit, number, spread};

/// What is drawn: name of the value, what it is, and how it is shown.
const PANELS: [(&str, &str, Unit); 6] = [
    ("pass.cpu_ms", "CPU per report until final, ms", Unit::Plain),
    ("pass.rate", "created until final, reports/s", Unit::Plain),
    ("pass.resident_bytes", "settled memory after the pass, MB", Unit::Megabytes),
    ("restart.resident_bytes", "settled memory after a restart, MB", Unit::Megabytes),
    ("restart.ready_ms", "start over all reports: until ready, ms", Unit::Plain),
    ("change.p99_ms", "webhook to condition: p99, ms", Unit::Plain),
];

/// The two that are compared, with the colour of each.
const SUBJECTS: [(Subject, &str); 2] = [(Subject::Operator, "#0b6e4f"), (Subject::Peer, "#b3541e")];

/// What grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum By {
    Reports,
    Jobs,
}

impl By {
    fn of(self, round: &Round) -> u32 {
        match self {
            Self::Reports => round.reports,
            Self::Jobs => u32::try_from(round.jobs).unwrap_or(u32::MAX),
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Reports => "reports",
            Self::Jobs => "jobs per report",
        }
    }
}

/// The median of a value at each size.
fn series(rounds: &[Round], by: By, subject: Subject, name: &str) -> Vec<(f64, f64)> {
    let sizes: BTreeSet<u32> = rounds.iter().map(|r| by.of(r)).collect();
    let at = |size: &u32| {
        let those: Vec<Round> = rounds.iter().filter(|r| by.of(r) == *size).cloned().collect();
        Some((f64::from(*size), spread(&those, subject, name)?.median))
    };
    sizes.iter().filter_map(at).collect()
}

/// The table in markdown: `operator / peer` in each cell.
pub fn markdown(rounds: &[Round], by: By) -> String {
    let sizes: BTreeSet<u32> = rounds.iter().map(|r| by.of(r)).collect();
    let mut out = format!("| {} |", by.label());
    sizes.iter().for_each(|size| {
        let _ = write!(out, " {size} |");
    });
    let _ = writeln!(out, "\n|---|{}", "---:|".repeat(sizes.len()));
    for (name, label, unit) in PANELS {
        let _ = write!(out, "| {label} |");
        for size in &sizes {
            let cell = SUBJECTS.map(|(subject, _)| {
                let all = series(rounds, by, subject, name);
                let value = all.iter().find(|(x, _)| *x == f64::from(*size));
                value.map_or_else(|| "–".to_owned(), |(_, y)| number(*y, unit))
            });
            let _ = write!(out, " {} |", cell.join(" / "));
        }
        out.push('\n');
    }
    out
}

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 40.0;

/// The drawing, as SVG.
pub fn svg(rounds: &[Round], by: By) -> String {
    let rows = PANELS.len().div_ceil(2);
    let (width, height) = (2.0 * WIDTH, rows as f64 * HEIGHT + 24.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"11\" role=\"img\">\n<title>How cost grows with {}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n",
        by.label()
    );
    for (n, (subject, colour)) in SUBJECTS.iter().enumerate() {
        let x = LEFT + 110.0 * n as f64;
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"8\" width=\"10\" height=\"10\" fill=\"{colour}\"/><text x=\"{}\" y=\"17\">{}</text>",
            x + 15.0,
            subject.as_str()
        );
    }
    for (n, (name, label, unit)) in PANELS.into_iter().enumerate() {
        let (x, y) = ((n % 2) as f64 * WIDTH, (n / 2) as f64 * HEIGHT + 24.0);
        let _ = writeln!(out, "<g transform=\"translate({x} {y})\">");
        panel(&mut out, rounds, by, name, label, unit);
        out.push_str("</g>\n");
    }
    out.push_str("</svg>\n");
    out
}

fn panel(out: &mut String, rounds: &[Round], by: By, name: &str, label: &str, unit: Unit) {
    let lines = SUBJECTS.map(|(subject, colour)| (series(rounds, by, subject, name), colour));
    let points = || lines.iter().flat_map(|(points, _)| points).filter(|(x, y)| *x > 0.0 && *y > 0.0);
    let (Some((x0, x1)), Some((y0, y1))) =
        (decades(points().map(|p| p.0)), decades(points().map(|p| unit.of(p.1))))
    else {
        return;
    };
    let across = |x: f64| LEFT + (x.log10() - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT);
    let down = |y: f64| HEIGHT - BOTTOM - (y.log10() - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM);
    let _ = writeln!(out, "<text x=\"{LEFT}\" y=\"20\" font-weight=\"bold\">{label}</text>");
    let mut decade = y0;
    while decade <= y1 {
        let y = down(10f64.powf(decade));
        let _ = writeln!(
            out,
            "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#dddddd\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            y + 4.0,
            10f64.powf(decade)
        );
        decade += 1.0;
    }
    let sizes: BTreeSet<u32> = rounds.iter().map(|r| by.of(r)).collect();
    for size in sizes {
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{size}</text>",
            across(f64::from(size)),
            HEIGHT - BOTTOM + 16.0
        );
    }
    let _ = writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 8.0,
        by.label()
    );
    for (points, colour) in &lines {
        let places: Vec<String> = points
            .iter()
            .filter(|(x, y)| *x > 0.0 && *y > 0.0)
            .map(|(x, y)| format!("{:.1},{:.1}", across(*x), down(unit.of(*y))))
            .collect();
        let _ = writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            places.join(" ")
        );
        for place in &places {
            let (x, y) = place.split_once(',').unwrap_or_default();
            let _ = writeln!(out, "<circle cx=\"{x}\" cy=\"{y}\" r=\"3\" fill=\"{colour}\"/>");
        }
        // In proportion to the size, from the first point on.
        if let Some((x, y)) =
            points.first().map(|(x, y)| (*x, unit.of(*y))).filter(|(x, y)| *x > 0.0 && *y > 0.0)
        {
            let end = 10f64.powf(y1.min(y.log10() + x1 - x.log10()));
            let _ = writeln!(
                out,
                "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{colour}\" stroke-dasharray=\"2 4\"/>",
                across(x),
                down(y),
                across(x * end / y),
                down(end)
            );
        }
    }
}

/// The powers of ten around values: at least one decade.
fn decades(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let (least, most) = values.fold(None, |range: Option<(f64, f64)>, v| {
        let (least, most) = range.unwrap_or((v, v));
        Some((least.min(v), most.max(v)))
    })?;
    let (low, high) = (least.log10().floor(), most.log10().ceil());
    Some((low, if high > low { high } else { low + 1.0 }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Figures;

    fn round(subject: &str, reports: u32, resident: f64) -> Round {
        let mut figures = Figures::default();
        figures.put("restart.resident_bytes", resident);
        Round { subject: subject.to_owned(), reports, jobs: 20, figures }
    }

    #[test]
    fn each_size_has_its_column_and_its_point() {
        let rounds = [
            round("operator", 1000, 30e6),
            round("peer", 1000, 60e6),
            round("operator", 10_000, 90e6),
            round("operator", 10_000, 94e6),
        ];
        let table = markdown(&rounds, By::Reports);
        assert!(table.starts_with("| reports | 1000 | 10000 |\n|---|---:|---:|\n"), "{table}");
        assert!(
            table.contains("| settled memory after a restart, MB | 30.0 / 60.0 | 92.0 / – |\n"),
            "{table}"
        );
        let drawing = svg(&rounds, By::Reports);
        assert_eq!(drawing.matches("<circle").count(), 3, "{drawing}");
        assert_eq!(drawing.matches("<g ").count(), drawing.matches("</g>").count());
        assert!(!svg(&[], By::Jobs).contains("NaN") && !drawing.contains("NaN") && !drawing.contains("inf"));
    }
}
