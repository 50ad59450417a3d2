//! Throughput of the evidence engine on one core, and what it holds, beside ripgrep on the same file.
//!
//! `cargo bench --bench evidence [-- MEGABYTES]` prints a table; the input is made here, so that it says the
//! same on every machine. Files are read from the page cache. `-- streams [MEGABYTES]` measures memory only, of streams
//! that no disk holds.

mod streams;

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use testrun_operator::evidence::cluster::Index;
use testrun_operator::evidence::explain::{self, Options};
use testrun_operator::evidence::parse::{self, Limits};

/// Runs of each measurement; the fastest counts.
const RUNS: usize = 3;
/// What a search for the same things would look for.
const MARKERS: &str =
    r"Ran \d+ of \d+ Specs|FAIL!|SUCCESS!|--- FAIL|\[FAIL\]|##\[error\]|not ok|test result:|FAILED";

fn main() -> Result<()> {
    if streams::one()? {
        return Ok(());
    }
    let asked = std::env::args().skip(1).find_map(|a| a.parse::<u64>().ok());
    if std::env::args().any(|arg| arg == "streams") {
        return streams::all(asked.unwrap_or(1024) << 20);
    }
    let size = asked.unwrap_or(256) << 20;
    let folder = tempfile::tempdir()?;
    let (plain, pass) = (folder.path().join("fail.log"), folder.path().join("pass.log"));
    let specs = write_log(&plain, size, true)?;
    write_log(&pass, size / 8, false)?;
    let zip = folder.path().join("fail.zip");
    pack(&plain, &zip)?;
    let bytes = std::fs::metadata(&plain)?.len();
    println!(
        "a log of {} MB with {specs} specs of Ginkgo; the zip of it has {} MB\n",
        bytes / 1_000_000,
        std::fs::metadata(&zip)?.len() / 1_000_000
    );
    let idle = resident("VmRSS")?;
    let row = |what: &str, bytes: u64, work: &mut dyn FnMut() -> Result<()>| row(what, bytes, idle, work);
    println!("| what | MB/s | memory at the peak beyond an idle process, MiB |");
    println!("|---|---:|---:|");
    let count = |path: &Path| -> Result<()> {
        let parsed = parse::parse_path(path, &Limits::default())?;
        ensure!(parsed.tests.total == specs && parsed.tests.failed == 1, "counted {:?}", parsed.tests);
        Ok(())
    };
    row("count, plain log", bytes, &mut || count(&plain))?;
    row("inflate and count", bytes, &mut || count(&zip))?;
    row("explain, without a passing log", bytes, &mut || {
        let found = explain::explain_stream(File::open(&plain)?, None::<File>, &Options::default())?;
        ensure!(!found.lines.is_empty(), "nothing is explained");
        Ok(())
    })?;
    row("explain, with a passing log of an eighth", bytes + bytes / 8, &mut || {
        let pass = Some(File::open(&pass)?);
        let found = explain::explain_stream(File::open(&plain)?, pass, &Options::default())?;
        ensure!(!found.lines.is_empty(), "nothing is explained");
        Ok(())
    })?;
    row("read the file and nothing else", bytes, &mut || {
        let (mut file, mut buffer) = (File::open(&plain)?, vec![0; 1 << 18]);
        while file.read(&mut buffer)? > 0 {}
        Ok(())
    })?;
    let rg = Command::new("rg").arg("--version").stdout(Stdio::null()).status();
    match rg {
        Ok(status) if status.success() => row("ripgrep, one thread, the same markers", bytes, &mut || {
            let ran =
                Command::new("rg").args(["-c", "-j1", MARKERS]).arg(&plain).stdout(Stdio::null()).status()?;
            ensure!(ran.success(), "ripgrep found nothing");
            Ok(())
        })?,
        _ => println!("| ripgrep | not here | |"),
    }
    clusters();
    Ok(())
}

/// How long it takes to place a text among as many clusters as a large project has in two weeks.
fn clusters() {
    let mut index = Index::default();
    let mut state = 7_u64;
    let mut word = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Some words are in most texts, as in failures.
        format!("w{}", (state >> 40) % (4 << ((state >> 33) % 11)))
    };
    let mut text = || (0..24).map(|_| word()).collect::<Vec<_>>().join(" ");
    while index.len() < 6500 {
        index.place(&text());
    }
    let queries: Vec<String> = (0..200).map(|_| text()).collect();
    let mut slowest = 0.0_f64;
    for query in &queries {
        let begun = Instant::now();
        std::hint::black_box(index.find(query));
        slowest = slowest.max(begun.elapsed().as_secs_f64());
    }
    println!(
        "\nthe slowest of {} new texts among {} clusters: {:.2} ms",
        queries.len(),
        index.len(),
        slowest * 1e3
    );
}

/// Measures one way to read, and the memory of this process at its peak.
fn row(what: &str, bytes: u64, idle: u64, work: &mut dyn FnMut() -> Result<()>) -> Result<()> {
    work()?;
    // Starts the peak anew where the system allows it.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let mut best = f64::MAX;
    for _ in 0..RUNS {
        let begun = Instant::now();
        work()?;
        best = best.min(begun.elapsed().as_secs_f64());
    }
    let more = resident("VmHWM")?.saturating_sub(idle);
    println!("| {what} | {:.0} | {:.1} |", bytes as f64 / 1e6 / best, more as f64 / f64::from(1 << 20));
    Ok(())
}

/// A figure of /proc/self/status, in bytes; zero where there is no such file.
fn resident(name: &str) -> Result<u64> {
    let Ok(text) = std::fs::read_to_string("/proc/self/status") else { return Ok(0) };
    let line = text.lines().find(|l| l.starts_with(name)).context("no such figure")?;
    let kib = line.split_whitespace().nth(1).context("no figure")?;
    Ok(kib.parse::<u64>()? * 1024)
}

/// A chatty log of integration suites; the last of them fails. Returns the number of specs.
fn write_log(path: &Path, size: u64, fails: bool) -> Result<u64> {
    let mut out = BufWriter::new(File::create(path)?);
    let (mut written, mut specs, mut line) = (0_u64, 0, 0_u64);
    while written < size {
        let mut suite =
            format!("{} Running Suite: Audit - /src\n{0} Will run 100 of 100 specs\n", stamp(line));
        for _ in 0..20_000 {
            line += 1;
            suite.push_str(&chatter(line));
        }
        let last = fails && written + suite.len() as u64 >= size;
        if last {
            suite.push_str(&format!(
                "{0} \u{2022} [FAILED] [12.036 seconds]\n{0} Audit [It] keeps the chain\n{0} /src/audit_test.go:200\n{0}\n{0}   [FAILED] Expected\n{0}       <int>: 0\n{0}   to equal\n{0}       <int>: 5\n{0}   In [It] at: /src/audit_test.go:213 @ 01/23/26 17:00:01.123\n{0} ------------------------------\n{0} Summarizing 1 Failure:\n{0}   [FAIL] Audit [It] keeps the chain\n{0}   /src/audit_test.go:213\n{0}\n",
                stamp(line)
            ));
        }
        let end = if last { "FAIL! -- 99 Passed | 1 Failed" } else { "SUCCESS! -- 100 Passed | 0 Failed" };
        suite.push_str(&format!(
            "{0} Ran 100 of 100 Specs in 42.286 seconds\n{0} {end} | 0 Pending | 0 Skipped\n",
            stamp(line)
        ));
        out.write_all(suite.as_bytes())?;
        written += suite.len() as u64;
        specs += 100;
    }
    out.flush()?;
    Ok(specs)
}

/// A line that says nothing.
fn chatter(line: u64) -> String {
    let level = ["INFO", "DEBUG", "INFO", "WARN"].get((line % 4) as usize).copied().unwrap_or_default();
    format!(
        "{} {level} controller.audit reconciled object name=rr-p{}-{:08x} namespace=kubernaut-{} duration={}.{:03}ms attempt={}\n",
        stamp(line),
        line % 7,
        line.wrapping_mul(2_654_435_761) as u32,
        line % 13,
        line % 90,
        line % 1000,
        line % 3
    )
}

fn stamp(line: u64) -> String {
    let ms = line % 1000;
    let s = line / 1000;
    format!("2026-01-23T{:02}:{:02}:{:02}.{ms:03}0000Z", s / 3600 % 24, s / 60 % 60, s % 60)
}

fn pack(from: &Path, to: &Path) -> Result<()> {
    let mut zip = zip::ZipWriter::new(File::create(to)?);
    let options = zip::write::SimpleFileOptions::default().compression_level(Some(6)).large_file(true);
    zip.start_file("0_integration.txt", options)?;
    std::io::copy(&mut File::open(from)?, &mut zip)?;
    zip.finish()?;
    Ok(())
}
