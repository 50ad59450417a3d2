//! What the status of objects says: pods and their containers, workloads, nodes, claims.

use jiff::Timestamp;

use super::finding::{Kind, Met, Severity, Sum};
use super::object::{Container, Object, Terminated};
use super::{Analyser, stamp};

/// The code of a process that was killed with a signal it cannot catch.
const KILLED: i64 = 137;

/// Restarts from which on they are an error of their own.
const MANY: u64 = 3;

/// Where an object was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) file: &'a str,
    /// The whole file, to find lines in.
    pub(super) text: &'a [u8],
}

impl Source<'_> {
    /// The first line that has the word.
    pub(super) fn line_of(&self, word: &str) -> Option<u64> {
        self.line("", word)
    }

    /// The first line that has the word after the line that has the name.
    fn line(&self, name: &str, word: &str) -> Option<u64> {
        if word.is_empty() {
            return None;
        }
        let find = |text: &[u8], part: &str| memchr::memmem::find(text, part.as_bytes());
        let start = find(self.text, name).unwrap_or(0);
        let at = start + find(self.text.get(start..)?, word)?;
        Some(crate::evidence::log::count_breaks(self.text.get(..at)?) + 1)
    }
}

/// A state of an object, as it goes into a finding.
struct Told<'a> {
    kind: Kind,
    severity: Severity,
    object: &'a str,
    reason: &'a str,
    count: u64,
    at: Option<Timestamp>,
    text: String,
}

impl Analyser {
    /// Takes an object or a list of them.
    pub(super) fn object(&mut self, source: Source<'_>, object: &Object) {
        if object.items.is_empty() {
            return self.one(source, object, &object.kind);
        }
        let kind = object.kind.strip_suffix("List").unwrap_or_default();
        for item in &object.items {
            let own = if item.kind.is_empty() { kind } else { &item.kind };
            self.one(source, item, own);
        }
    }

    fn one(&mut self, source: Source<'_>, object: &Object, kind: &str) {
        match kind {
            "Pod" => self.pod(source, object),
            "Event" => self.event(source, object),
            "Deployment" | "StatefulSet" | "ReplicaSet" | "DaemonSet" => {
                self.workload(source, object, kind);
            }
            "Job" => self.job(source, object),
            "Node" => self.node(source, object),
            "PersistentVolumeClaim" => self.claim(source, object),
            _ => {}
        }
    }

    fn tell(&mut self, source: Source<'_>, told: &Told<'_>) {
        let name = told.object.rsplit(['/', ' ']).next().unwrap_or_default();
        let related = self.in_window(told.at)
            || self.options.subjects.iter().any(|subject| told.object.contains(subject));
        let line = self.look(|| source.line(name, told.reason));
        let met = Met {
            kind: told.kind,
            severity: told.severity,
            object: told.object,
            reason: told.reason,
            count: told.count,
            seen: [told.at, told.at],
            file: source.file,
            line,
            text: &told.text,
            related,
            wording: 0,
        };
        self.findings.add(&met, Sum::Most);
    }

    fn pod(&mut self, source: Source<'_>, pod: &Object) {
        let name = pod.name();
        let status = &pod.status;
        for container in &status.init_container_statuses {
            self.container(source, &name, container, true);
        }
        for container in &status.container_statuses {
            self.container(source, &name, container, false);
        }
        let mut told = Told {
            kind: Kind::PodPending,
            severity: Severity::Error,
            object: &name,
            reason: &status.reason,
            count: 1,
            at: None,
            text: format!("{} {}", status.phase, status.message),
        };
        match status.phase.as_str() {
            "Failed" if status.reason == "Evicted" => {
                told.kind = Kind::Evicted;
                told.severity = Severity::Critical;
                self.tell(source, &told);
            }
            "Failed" if status.container_statuses.is_empty() => {
                told.kind = Kind::ContainerFailed;
                self.tell(source, &told);
            }
            "Pending" => {
                let held = status
                    .conditions
                    .iter()
                    .find(|condition| condition.r#type == "PodScheduled" && condition.status == "False");
                if let Some(held) = held {
                    told.reason = &held.reason;
                    told.text = format!("Pending: {}", held.message);
                    told.at = stamp::of_field(&held.last_transition_time);
                } else {
                    told.severity = Severity::Warning;
                }
                self.tell(source, &told);
            }
            "Running" | "Unknown" => {
                let unready = status.conditions.iter().find(|condition| {
                    condition.r#type == "Ready"
                        && condition.status != "True"
                        && condition.reason != "PodCompleted"
                });
                if let Some(unready) = unready {
                    told.kind = Kind::NotReady;
                    told.severity = Severity::Warning;
                    told.reason = &unready.reason;
                    told.text = format!("{} and not ready: {}", status.phase, unready.message);
                    told.at = stamp::of_field(&unready.last_transition_time);
                    self.tell(source, &told);
                }
            }
            _ => {}
        }
    }

    fn container(&mut self, source: Source<'_>, pod: &str, container: &Container, init: bool) {
        let object = format!("{pod}/{}", container.name);
        let told = |kind, severity, reason| Told {
            kind,
            severity,
            object: &object,
            reason,
            count: container.restart_count.max(1),
            at: None,
            text: String::new(),
        };
        if let Some(waiting) = &container.state.waiting {
            let known = match waiting.reason.as_str() {
                "CrashLoopBackOff" => Some((Kind::CrashLoopBackOff, Severity::Critical)),
                "ErrImagePull"
                | "ImagePullBackOff"
                | "InvalidImageName"
                | "ErrImageNeverPull"
                | "RegistryUnavailable"
                | "ImageInspectError" => Some((Kind::ImagePull, Severity::Critical)),
                "CreateContainerConfigError"
                | "CreateContainerError"
                | "RunContainerError"
                | "StartError"
                | "PostStartHookError"
                | "PreCreateHookError" => Some((Kind::ContainerFailed, Severity::Critical)),
                _ => None,
            };
            if let Some((kind, severity)) = known {
                let mut told = told(kind, severity, &waiting.reason);
                told.text = format!("waiting: {}: {}", waiting.reason, waiting.message);
                self.tell(source, &told);
            }
        }
        let ends = [&container.state.terminated, &container.last_state.terminated];
        for end in ends.into_iter().flatten() {
            self.ended(source, &object, end, container.restart_count, init);
        }
        if container.restart_count > 0 {
            let severity = if container.restart_count >= MANY { Severity::Error } else { Severity::Warning };
            let mut told = told(Kind::Restarts, severity, "");
            told.text = format!("restarted {} times", container.restart_count);
            self.tell(source, &told);
        }
    }

    fn ended(&mut self, source: Source<'_>, object: &str, end: &Terminated, restarts: u64, init: bool) {
        if end.exit_code == 0 && end.reason != "OOMKilled" {
            return;
        }
        let code = format!("exit code {}", end.exit_code);
        let (kind, severity, reason) = match (end.reason.as_str(), init) {
            ("OOMKilled", _) => (Kind::OomKilled, Severity::Critical, "OOMKilled"),
            (_, true) => (Kind::InitContainer, Severity::Error, code.as_str()),
            _ => (Kind::ContainerExited, Severity::Error, code.as_str()),
        };
        let killed = if end.exit_code == KILLED && kind != Kind::OomKilled { " (killed)" } else { "" };
        let told = Told {
            kind,
            severity,
            object,
            reason,
            count: restarts.max(1),
            at: stamp::of_field(&end.finished_at),
            text: format!("{} with code {}{killed} {}", end.reason, end.exit_code, end.message),
        };
        self.tell(source, &told);
    }

    fn workload(&mut self, source: Source<'_>, object: &Object, kind: &str) {
        let status = &object.status;
        let (wanted, ready) = match kind {
            "DaemonSet" => (status.desired_number_scheduled, status.number_ready),
            _ => (object.spec.replicas.unwrap_or(1), status.ready_replicas),
        };
        if ready >= wanted {
            return;
        }
        let bad = |kind: &str, status: &str| {
            object.status.conditions.iter().find(|c| c.r#type == kind && c.status == status)
        };
        let why = bad("ReplicaFailure", "True")
            .or_else(|| bad("Progressing", "False"))
            .or_else(|| bad("Available", "False"));
        let told = Told {
            kind: Kind::WorkloadUnavailable,
            severity: if ready == 0 { Severity::Error } else { Severity::Warning },
            object: &format!("{kind} {}", object.name()),
            reason: why.map_or("", |why| why.reason.as_str()),
            count: wanted - ready,
            at: why.and_then(|why| stamp::of_field(&why.last_transition_time)),
            text: format!("{ready} of {wanted} ready {}", why.map_or("", |why| why.message.as_str())),
        };
        self.tell(source, &told);
    }

    fn job(&mut self, source: Source<'_>, job: &Object) {
        let failed = job.status.conditions.iter().find(|c| c.r#type == "Failed" && c.status == "True");
        if failed.is_none() && job.status.failed == 0 {
            return;
        }
        let over = failed.is_some();
        let told = Told {
            kind: Kind::JobFailed,
            severity: if over { Severity::Error } else { Severity::Warning },
            object: &format!("Job {}", job.name()),
            reason: failed.map_or("", |failed| failed.reason.as_str()),
            count: job.status.failed.max(1),
            at: failed.and_then(|failed| stamp::of_field(&failed.last_transition_time)),
            text: format!(
                "{} failed, {} succeeded, {} active {}",
                job.status.failed,
                job.status.succeeded,
                job.status.active,
                failed.map_or("", |failed| failed.message.as_str())
            ),
        };
        self.tell(source, &told);
    }

    fn node(&mut self, source: Source<'_>, node: &Object) {
        let object = format!("Node {}", node.name());
        for condition in &node.status.conditions {
            let (bad, severity) = match condition.r#type.as_str() {
                "Ready" => (condition.status != "True", Severity::Critical),
                "MemoryPressure" | "DiskPressure" | "PIDPressure" | "NetworkUnavailable" => {
                    (condition.status == "True", Severity::Error)
                }
                _ => (false, Severity::Info),
            };
            if bad {
                let told = Told {
                    kind: Kind::NodeCondition,
                    severity,
                    object: &object,
                    reason: &condition.reason,
                    count: 1,
                    at: stamp::of_field(&condition.last_transition_time),
                    text: format!("{} is {}: {}", condition.r#type, condition.status, condition.message),
                };
                self.tell(source, &told);
            }
        }
    }

    fn claim(&mut self, source: Source<'_>, claim: &Object) {
        let phase = claim.status.phase.as_str();
        if !matches!(phase, "Pending" | "Lost") {
            return;
        }
        let told = Told {
            kind: Kind::PvcPending,
            severity: if phase == "Lost" { Severity::Error } else { Severity::Warning },
            object: &format!("PersistentVolumeClaim {}", claim.name()),
            reason: phase,
            count: 1,
            at: None,
            text: format!("the claim is {phase}"),
        };
        self.tell(source, &told);
    }
}
