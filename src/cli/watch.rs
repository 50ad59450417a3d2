//! `watch`: follows reports of a cluster until each of them is final.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal, Write};
use std::time::Duration;

use clap::Args;
use futures::StreamExt;
use futures::stream::select_all;
use jiff::Timestamp;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};
use tokio::time::Instant;

use super::cluster::{ClusterArgs, typed};
use super::estimate::Estimates;
use super::exit::Exit;
use super::history::Place;
use super::render;
use super::reports::duration;
use crate::api::TestRunReport;
use crate::verdict::gate::{Gate, Word, judge};
use crate::verdict::text::clean;

/// Between two drawings of a board on which only time goes on.
const TICK: Duration = Duration::from_secs(1);

/// Arguments of `watch`.
#[derive(Args, Debug)]
pub(super) struct WatchArgs {
    /// Names of reports
    #[arg(required_unless_present = "selector")]
    names: Vec<String>,
    /// Label selector, in place of names: the reports that are there, and those that come meanwhile
    #[arg(short = 'l', long, conflicts_with = "names")]
    selector: Option<String>,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Where the history is, to say how long it may still take
    #[command(flatten)]
    history: Place,
    /// End after this time, whatever is final by then, for example 30m
    #[arg(long, value_parser = duration, value_name = "DURATION")]
    timeout: Option<Duration>,
}

/// One that is followed, as it is by now; None of one that is gone or never was there.
type Followed = BTreeMap<String, Option<TestRunReport>>;

/// Follows reports, and exits with the worst of their verdicts.
pub(super) async fn watch(args: &WatchArgs) -> anyhow::Result<Exit> {
    let cluster = args.cluster.connect().await?;
    let config = watcher::Config::default();
    // A watch for each name: of no other report is anything fetched, or has anybody to be allowed to see it.
    let names: BTreeSet<&str> = args.names.iter().map(String::as_str).collect();
    let all = match &args.selector {
        Some(selector) => vec![config.labels(selector)],
        None => names.iter().map(|name| config.clone().fields(&format!("metadata.name={name}"))).collect(),
    };
    let mut unlisted: BTreeSet<usize> = (0..all.len()).collect();
    let watches = all.into_iter().enumerate().map(|(n, config)| {
        let events = watcher::watcher(cluster.dynamic(), config).default_backoff();
        events.map(move |event| (n, event)).boxed()
    });
    let mut events = select_all(watches);
    let end = args.timeout.map(|t| Instant::now() + t);
    let mut followed: Followed = args.names.iter().map(|n| (n.clone(), None)).collect();
    let mut screen = Screen::new();
    let asking = ClusterArgs { namespace: Some(cluster.namespace.clone()), ..args.cluster.clone() };
    let (mut estimates, mut told) = Estimates::start(&args.history, &asking);
    let mut said = BTreeSet::new();
    let mut tick = tokio::time::interval(TICK);
    loop {
        let late = async {
            match end {
                Some(end) => tokio::time::sleep_until(end).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = events.next() => match event {
                Some((_, Ok(Event::Apply(object) | Event::InitApply(object)))) => {
                    let name = object.metadata.name.clone().unwrap_or_default();
                    if args.selector.is_some() || followed.contains_key(&name) {
                        match typed(object) {
                            Ok(report) => {
                                estimates.see(&report, Timestamp::now());
                                screen.news(followed.get(&name).and_then(Option::as_ref), &report);
                                followed.insert(name, Some(report));
                            }
                            Err(error) => screen.warn(&format!("{} cannot be read: {error:#}", clean(&name, 253))),
                        }
                    }
                }
                Some((_, Ok(Event::Delete(object)))) => {
                    let name = object.metadata.name.unwrap_or_default();
                    if let Some(one) = followed.get_mut(&name) {
                        *one = None;
                        screen.say(&format!("{}  deleted", clean(&name, 253)));
                    }
                }
                Some((n, Ok(Event::InitDone))) => drop(unlisted.remove(&n)),
                Some((_, Ok(Event::Init))) => {}
                Some((_, Err(error))) if refused(&error) => anyhow::bail!("{}", clean(&error.to_string(), 500)),
                Some((_, Err(_))) => {}
                None => break,
            },
            Some(answer) = told.recv() => {
                if let Err(why) = estimates.hear(answer) {
                    screen.warn(&format!("how long it may take is not known: {}", clean(&why, 500)));
                }
            }
            _ = tick.tick(), if screen.terminal => {}
            () = late => break,
        }
        if unlisted.is_empty() {
            let now = Timestamp::now();
            for (name, report) in &followed {
                // In a pipe once, as soon as it is known.
                if let Some(left) = report.as_ref().and_then(|r| estimates.left(r, now))
                    && said.insert(name.clone())
                {
                    screen.say(&format!("{}  time left: {left}", clean(name, 253)));
                }
            }
            screen.draw(&followed, &estimates);
            if followed.values().all(|r| r.as_ref().is_none_or(|r| !judge(r).open)) {
                break;
            }
        }
    }
    Ok(verdict(&followed))
}

/// What trying again does not change.
fn refused(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status)) => matches!(status.code, 400..=404),
        watcher::Error::WatchError(status) => matches!(status.code, 400..=404),
        _ => false,
    }
}

/// The worst of all: one that failed, one that cannot be read, one that is not decided. Of no report at all nothing is
/// decided.
fn verdict(followed: &Followed) -> Exit {
    if followed.is_empty() {
        eprintln!("undecided: no report matches");
        return Exit::Undecided;
    }
    let mut words: Vec<Option<Word>> = Vec::new();
    for (name, report) in followed {
        let gate = report.as_ref().map(judge);
        if let Some(Gate { word: Word::Undecided, message, .. }) = &gate {
            eprintln!("{}: undecided: {}", clean(name, 253), clean(message, 2048));
        }
        if gate.is_none() {
            eprintln!("{}: there is no such report", clean(name, 253));
        }
        words.push(gate.map(|g| g.word));
    }
    let any = |word: Option<Word>| words.contains(&word);
    if any(Some(Word::Failed)) {
        Exit::Failure
    } else if any(Some(Word::Unreadable)) || any(None) {
        Exit::Unreadable
    } else if any(Some(Word::Undecided)) {
        Exit::Undecided
    } else {
        Exit::Success
    }
}

/// Where it is shown: on a terminal a board that is drawn anew, elsewhere a line for each thing that is new.
struct Screen {
    terminal: bool,
    colour: bool,
    /// Lines of the board that stands there.
    lines: usize,
}

impl Screen {
    fn new() -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|t| t == "dumb");
        let terminal = std::io::stdout().is_terminal() && !dumb;
        // no-color.org: set and not empty.
        let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        Self { terminal, colour: terminal && !plain, lines: 0 }
    }

    fn news(&self, before: Option<&TestRunReport>, now: &TestRunReport) {
        if !self.terminal {
            for line in render::news(before, now) {
                self.say(&line);
            }
        }
    }

    fn say(&self, text: &str) {
        if !self.terminal {
            // A reader that went away wants no more of it.
            let _ = writeln!(std::io::stdout().lock(), "{text}");
        }
    }

    /// Above the board, which begins anew below it.
    fn warn(&mut self, text: &str) {
        if self.lines > 0 {
            let mut out = std::io::stdout().lock();
            let _ = write!(out, "{}", self.away());
            let _ = out.flush();
            self.lines = 0;
        }
        eprintln!("warning: {text}");
    }

    /// Up to where the board began, and everything from there on away.
    fn away(&self) -> String {
        if self.lines > 0 { format!("\u{1b}[{}A\r\u{1b}[J", self.lines) } else { String::new() }
    }

    fn draw(&mut self, followed: &Followed, estimates: &Estimates) {
        if !self.terminal {
            return;
        }
        let now = Timestamp::now();
        let of = |r| (r, judge(r), estimates.left(r, now).map(|left| left.to_string()));
        let all: Vec<(&TestRunReport, Gate, Option<String>)> = followed.values().flatten().map(of).collect();
        let (width, height) = size();
        let board = render::board(&all, now, width, self.colour);
        let shown: Vec<&str> = board.lines().take(height.saturating_sub(1)).collect();
        let up = self.away();
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{up}{}", shown.join("\n"));
        let _ = out.flush();
        self.lines = shown.len();
    }
}

/// Columns and rows of the terminal.
fn size() -> (usize, usize) {
    let found = terminal_size::terminal_size();
    found.map_or((80, 24), |(columns, rows)| (usize::from(columns.0), usize::from(rows.0)))
}
