//! Handles on jobs, their steps and logs.

use super::runs::RunMut;
use crate::github::hooks::Subject;
use crate::github::state::{Annotation, Gate, Job, State, Step};
use crate::github::time::Ts;

/// Handle on a job.
pub struct JobMut<'a> {
    state: &'a mut State,
    repo: u64,
    id: u64,
}

impl<'a> JobMut<'a> {
    pub(super) fn new(state: &'a mut State, repo: u64, id: u64) -> Self {
        Self { state, repo, id }
    }

    /// The job itself, for anything that has no method.
    ///
    /// # Panics
    /// When it was removed meanwhile.
    pub fn data(&mut self) -> &mut Job {
        let id = self.id;
        let repo = self.state.repo_mut(self.repo);
        match repo.and_then(|repo| repo.jobs.iter_mut().find(|job| job.id == id)) {
            Some(job) => job,
            None => panic!("job {id} is gone"),
        }
    }

    fn told(mut self, action: &str) -> Self {
        let run = self.data().run_id;
        self.state.emit(Subject::Job { repo: self.repo, job: self.id }, Some(action));
        RunMut::new(&mut *self.state, self.repo, run).touch();
        self
    }

    /// A runner took it. A queued run goes to in progress with its first job.
    pub fn start(mut self) -> Self {
        let now = self.state.now;
        let job = self.data();
        let run = job.run_id;
        job.status = "in_progress".into();
        job.conclusion = None;
        job.started = Some(now);
        job.runner = Some(format!("GitHub Actions {}", job.id % 1000));
        if let Some(step) = job.steps.first_mut() {
            step.begin(now);
        }
        let mut run = RunMut::new(&mut *self.state, self.repo, run);
        if run.attempt().status == "queued" {
            run.start();
        }
        self.told("in_progress")
    }

    /// It waits for an approval or a deployment gate.
    pub fn wait(mut self) -> Self {
        self.data().status = "waiting".into();
        self.told("waiting")
    }

    /// It waits for the rule that the App under test has on an environment, and maybe for a person too.
    pub fn wait_for(mut self, environment: &str, person: bool) -> Self {
        let id = self.state.fresh_id();
        let (job, run_id) = (self.id, self.data().run_id);
        if let Some(repo) = self.state.repo_mut(self.repo) {
            let environment = environment.to_owned();
            repo.gates.push(Gate { id, job, run_id, environment, asks_app: true, asks_person: person });
        }
        let this = self.wait();
        RunMut::new(&mut *this.state, this.repo, run_id).stand();
        this.state.emit(Subject::Gate { repo: this.repo, gate: id }, Some("requested"));
        this
    }

    /// Completes one step; earlier ones succeed, the next one begins.
    pub fn step(mut self, name: &str, conclusion: &str) -> Self {
        let now = self.state.now;
        let job = self.data();
        let Some(at) = job.steps.iter().position(|step| step.name == name) else {
            panic!("job '{}' has no step '{name}'", job.name)
        };
        for step in job.steps.iter_mut().take(at) {
            if step.status != "completed" {
                step.end(now, "success");
            }
        }
        let mut rest = job.steps.iter_mut().skip(at);
        if let Some(step) = rest.next() {
            step.end(now, conclusion);
        }
        if let Some(step) = rest.next() {
            step.begin(now);
        }
        self
    }

    /// Fails at a step: earlier steps succeed, later ones are skipped, the last one still runs.
    pub fn fail_at(self, step: &str) -> Self {
        self.step(step, "failure").complete("failure")
    }

    /// Completes it. Open steps end as the job does: after a failure the first of them failed
    /// (unless one already did) and the others were skipped.
    pub fn complete(mut self, conclusion: &str) -> Self {
        let now = self.state.now;
        let job = self.data();
        job.status = "completed".into();
        job.conclusion = Some(conclusion.to_owned());
        job.completed = Some(now);
        if conclusion == "skipped" {
            job.steps.clear();
            job.runner = None;
            job.started.get_or_insert(now);
        }
        let mut failed = job.steps.iter().any(|step| step.conclusion.as_deref() == Some("failure"));
        let last = job.steps.len();
        for (index, step) in job.steps.iter_mut().enumerate() {
            if step.status == "completed" {
                continue;
            }
            let outcome = match conclusion {
                "failure" | "timed_out" if !failed && index + 1 < last && index > 0 => {
                    failed = true;
                    "failure"
                }
                "failure" | "timed_out" if failed && index + 1 < last => "skipped",
                "cancelled" => "cancelled",
                _ => "success",
            };
            step.end(now, outcome);
        }
        self.told("completed")
    }

    /// Status and conclusion as given, nothing else: for what should never happen.
    pub fn raw(mut self, status: &str, conclusion: Option<&str>) -> Self {
        let job = self.data();
        job.status = status.to_owned();
        job.conclusion = conclusion.map(str::to_owned);
        self
    }

    /// Its log as served.
    pub fn log_bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.data().log = Some(bytes.into());
        self
    }

    /// Its log from plain lines, stamped as by [`stamped`] over the time of the job.
    pub fn log(mut self, text: &str) -> Self {
        let now = self.state.now;
        let job = self.data();
        let start = job.started.unwrap_or(job.created);
        job.log = Some(stamped(start, job.completed.unwrap_or(now), text));
        self
    }

    /// Adds an annotation to its check run.
    pub fn annotate(mut self, annotation: Annotation) -> Self {
        self.data().annotations.push(annotation);
        self
    }
}

impl Step {
    fn begin(&mut self, now: Ts) {
        self.status = "in_progress".into();
        self.started.get_or_insert(now);
    }

    fn end(&mut self, now: Ts, conclusion: &str) {
        self.status = "completed".into();
        self.conclusion = Some(conclusion.to_owned());
        self.started.get_or_insert(now);
        self.completed = Some(now);
    }
}

/// Marks a line of a log text, by itself, that says when the next line was written.
const AT: char = '\u{1}';

/// The line that gives the next one its time in [`JobMut::log`] and [`stamped`].
pub fn at_time(time: Ts) -> String {
    format!("{AT}{}\n", time.0)
}

/// A log as served: a byte order mark, then every line with a stamp. Lines are spread evenly between
/// the start, the times that the text itself gives ([`at_time`]), and the end.
pub fn stamped(start: Ts, end: Ts, text: &str) -> Vec<u8> {
    let mut fixed = vec![(0_usize, start)];
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix(AT).and_then(|time| time.parse().ok()) {
            Some(time) => fixed.push((lines.len(), Ts(time))),
            None => lines.push(line),
        }
    }
    fixed.push((lines.len(), end));
    let mut out = b"\xEF\xBB\xBF".to_vec();
    for pair in fixed.windows(2) {
        let [(first, from), (last, to)] = pair else {
            continue;
        };
        let count = i64::try_from(last - first).unwrap_or(i64::MAX).max(1);
        let span = (to.0 - from.0).max(0);
        for (line, index) in lines.iter().skip(*first).take(last - first).zip(0_i64..) {
            let at = Ts(from.0 + span.saturating_mul(index) / count);
            out.extend(format!("{} {line}\n", at.log_stamp()).into_bytes());
        }
    }
    out
}
