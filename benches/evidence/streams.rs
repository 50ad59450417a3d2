//! What each kind of input takes of memory, whatever its size: a stream that is made while it is read, each in a process
//! of its own, so that nothing that another one left behind is counted or reused.

use std::io::Read;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use testrun_operator::evidence::explain::{self, Options};
use testrun_operator::evidence::parse::{self, Limits};

use super::resident;

/// Asks a process for one measurement.
const ONE: &str = "--stream";

/// A kind of input.
struct Kind {
    name: &'static str,
    head: &'static str,
    /// One of many pieces, by its number.
    piece: fn(u64) -> String,
    tail: &'static str,
    /// Tests that each piece holds.
    tests: u64,
    explained: bool,
}

const KINDS: &[Kind] = &[
    Kind { name: "log of Ginkgo, counted", head: "", piece: suite, tail: "", tests: 10, explained: false },
    Kind {
        name: "log of Ginkgo, explained",
        head: "",
        piece: suite,
        tail: FAILED,
        tests: 10,
        explained: true,
    },
    Kind {
        name: "JUnit, every second test failed",
        head: "<?xml version=\"1.0\"?>\n<testsuites>\n<testsuite name=\"s\">\n",
        piece: case,
        tail: "</testsuite>\n</testsuites>\n",
        tests: 2,
        explained: false,
    },
    Kind { name: "go test -json", head: "", piece: events, tail: "", tests: 1, explained: false },
    Kind {
        name: "CTRF",
        head: "{\"reportFormat\":\"CTRF\",\"results\":{\"tool\":{\"name\":\"x\"},\"tests\":[{\"name\":\"first\",\"status\":\"passed\",\"duration\":1}",
        piece: entry,
        tail: "]}}\n",
        tests: 1,
        explained: false,
    },
];

const FAILED: &str = "ERROR: connection to db refused: dial tcp 127.0.0.1:5432: connect: connection refused\n##[error]Process completed with exit code 1.\n";

fn suite(n: u64) -> String {
    let mut text = "Running Suite: Audit - /src\nWill run 10 of 10 specs\n".to_owned();
    for line in 0..200 {
        text += &super::chatter(n * 200 + line);
    }
    text + "Ran 10 of 10 Specs in 1.286 seconds\nSUCCESS! -- 10 Passed | 0 Failed | 0 Pending | 0 Skipped\n"
}

fn case(n: u64) -> String {
    let noise: String = (0..20).map(|line| super::chatter(n * 20 + line)).collect();
    format!(
        "<testcase classname=\"c{}\" name=\"passes {n}\" time=\"0.1\"><system-out><![CDATA[{noise}]]></system-out></testcase>\n<testcase classname=\"c\" name=\"fails {n}\" file=\"a.py\" line=\"3\"><failure message=\"{n} is not 5\">{noise}</failure></testcase>\n",
        n % 100,
    )
}

fn events(n: u64) -> String {
    let mut text = format!("{{\"Action\":\"run\",\"Package\":\"x/p{}\",\"Test\":\"Test{n}\"}}\n", n % 50);
    for line in 0..20 {
        let said = serde_json::Value::from(super::chatter(n * 20 + line));
        text += &format!(
            "{{\"Action\":\"output\",\"Package\":\"x/p{}\",\"Test\":\"Test{n}\",\"Output\":{said}}}\n",
            n % 50
        );
    }
    text + &format!(
        "{{\"Action\":\"pass\",\"Package\":\"x/p{}\",\"Test\":\"Test{n}\",\"Elapsed\":0.1}}\n",
        n % 50
    )
}

fn entry(n: u64) -> String {
    let said = serde_json::Value::from((0..20).map(|line| super::chatter(n * 20 + line)).collect::<String>());
    format!(",{{\"name\":\"t{n}\",\"status\":\"failed\",\"duration\":1,\"message\":{said},\"trace\":{said}}}")
}

/// A stream of so many pieces.
struct Made {
    kind: &'static Kind,
    next: u64,
    pieces: u64,
    now: Vec<u8>,
    at: usize,
    bytes: u64,
    ended: bool,
}

impl Read for Made {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.at == self.now.len() {
            let text = match (self.next < self.pieces, self.ended) {
                (true, _) => (self.kind.piece)(self.next),
                (false, false) => self.kind.tail.to_owned(),
                (false, true) => return Ok(0),
            };
            self.ended = self.next >= self.pieces;
            self.next += 1;
            self.now = text.into_bytes();
            self.at = 0;
        }
        let rest = self.now.get(self.at..).unwrap_or_default();
        let n = rest.len().min(into.len());
        if let (Some(into), Some(rest)) = (into.get_mut(..n), rest.get(..n)) {
            into.copy_from_slice(rest);
        }
        self.at += n;
        self.bytes += n as u64;
        Ok(n)
    }
}

/// Reads one kind, if this process is asked to, and prints its row. False if it is not.
pub fn one() -> Result<bool> {
    let args: Vec<String> = std::env::args().collect();
    let Some(at) = args.iter().position(|arg| arg == ONE) else { return Ok(false) };
    let number = |n: usize| args.get(at + n).and_then(|arg| arg.parse::<u64>().ok());
    let (which, size) = number(1).zip(number(2)).context("a kind and a size")?;
    let kind = usize::try_from(which).ok().and_then(|n| KINDS.get(n)).context("no such kind")?;
    let pieces = size / (kind.piece)(0).len() as u64;
    let head = kind.head.as_bytes().to_vec();
    let mut stream = Made { kind, next: 0, pieces, now: head, at: 0, bytes: 0, ended: false };
    // What is compiled once belongs to no stream: a small one first.
    let small = Made { kind, next: 0, pieces: 20, now: kind.head.into(), at: 0, bytes: 0, ended: false };
    work(kind, small, 20)?;
    let idle = resident("VmRSS")?;
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let begun = std::time::Instant::now();
    work(kind, &mut stream, pieces)?;
    let more = resident("VmHWM")?.saturating_sub(idle) as f64 / f64::from(1 << 20);
    let (bytes, took) = (stream.bytes as f64 / 1e6, begun.elapsed().as_secs_f64());
    println!("| {} | {bytes:.0} | {more:.1} | {took:.0} |", kind.name);
    Ok(true)
}

fn work(kind: &Kind, stream: impl Read, pieces: u64) -> Result<()> {
    if kind.explained {
        let found = explain::explain_stream(stream, None::<std::io::Empty>, &Options::default())?;
        ensure!(!found.lines.is_empty(), "nothing is explained");
        return Ok(());
    }
    let limits = Limits { bytes: u64::MAX, ..Limits::default() };
    let parsed = parse::parse_reader("a.log", stream, &limits);
    let least = pieces.saturating_mul(kind.tests);
    ensure!(
        parsed.tests.total >= least,
        "{} of {least} tests are counted: {:?}",
        parsed.tests.total,
        parsed.warnings
    );
    Ok(())
}

/// Measures all kinds at a size.
pub fn all(size: u64) -> Result<()> {
    println!("\n| a stream of | MB | memory at the peak beyond an idle process, MiB | seconds |");
    println!("|---|---:|---:|---:|");
    for (which, kind) in KINDS.iter().enumerate() {
        let this = std::env::current_exe()?;
        let ran = Command::new(this).args([ONE, &which.to_string(), &size.to_string()]).status()?;
        ensure!(ran.success(), "{} could not be measured", kind.name);
    }
    Ok(())
}
