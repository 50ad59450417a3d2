//! Reasons to look at a set before its time: a pull request changed, or a report that it made or wants.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::Stream;
use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::known::{Listed, Why};
use super::together::together;
use crate::api::set::Generators;
use crate::api::{TestRunReport, TestRunReportSet};
use crate::github::queue_of;
use crate::sets::{Compared, set_of};
use crate::webhooks::{Event, Kind};

type Object = ObjectRef<TestRunReportSet>;
type Queue = mpsc::UnboundedSender<Object>;

/// What is known of all sets, by uid; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Wakes(Arc<Mutex<HashMap<String, Member>>>);

/// What is known of a set.
struct Member {
    object: Object,
    queue: Queue,
    connection: String,
    /// `owner/name` in lower case, as the set and as GitHub spells it.
    names: BTreeSet<String>,
    about: About,
    /// What GitHub told of and no look has answered.
    why: Why,
    /// The list that the last look saw, if it is long.
    listed: Option<Listed>,
    /// Heads and bases of the open pull requests that the last look saw, if it saw all of them.
    heads: Option<BTreeMap<i64, (String, String)>>,
    /// Names that it wants and that other reports have.
    taken: BTreeSet<String>,
    /// Pull requests whose reports stay although they are closed, and since when they are.
    closed: BTreeMap<i64, Timestamp>,
    /// Reports that the last look found as they should be.
    compared: Compared,
    /// A look saw its pull requests or commits, and events since then were told to it.
    looked: bool,
    /// Troubles in a row.
    failures: u32,
}

/// What a set is about.
#[derive(Clone, Debug, PartialEq, Eq)]
enum About {
    Pulls,
    /// Commits of a branch.
    Branch(String),
    /// Branches whose names begin so: those of a merge queue.
    Queue(String),
}

impl About {
    fn of(set: &TestRunReportSet) -> Self {
        match &set.spec.generators {
            Generators { commits: Some(by), .. } => Self::Branch(by.branch.clone()),
            Generators { merge_queue: Some(by), .. } => Self::Queue(queue_of(&by.branch)),
            _ => Self::Pulls,
        }
    }

    fn is(&self, branch: Option<&str>) -> bool {
        match (self, branch) {
            (Self::Branch(own), Some(branch)) => own == branch,
            (Self::Queue(start), Some(branch)) => branch.starts_with(start),
            _ => false,
        }
    }
}

impl Member {
    fn concerns(&self, kind: &Kind) -> bool {
        match kind {
            Kind::Repository | Kind::Owner => true,
            Kind::Pull { .. } => self.about == About::Pulls,
            Kind::Push { branch } => self.about.is(branch.as_deref()),
            // Where pushes are not told of, what they start is.
            Kind::Run { branch, finished: false, .. } => self.about.is(branch.as_deref()),
            _ => false,
        }
    }

    fn wake(&self) {
        // The receiver goes away with its controller, and then nobody needs it.
        let _ = self.queue.send(self.object.clone());
    }
}

/// The sets of one controller.
pub(super) struct Followed {
    wakes: Wakes,
    queue: Queue,
}

impl Followed {
    /// Takes a set in, or what is new of it.
    pub fn join(&self, set: &TestRunReportSet) {
        let source = &set.spec.source;
        let name = source.repository.to_ascii_lowercase();
        let mut members = self.wakes.lock();
        let known = members.get(&set.uid().unwrap_or_default());
        let about = About::of(set);
        let same =
            |m: &Member| m.connection == source.connection && m.about == about && m.names.contains(&name);
        if known.is_some_and(same) {
            return;
        }
        let member = Member {
            object: ObjectRef::from_obj(set),
            queue: self.queue.clone(),
            connection: source.connection.clone(),
            names: BTreeSet::from([name]),
            about,
            why: Why::default(),
            listed: None,
            heads: None,
            taken: BTreeSet::new(),
            closed: BTreeMap::new(),
            compared: Compared::new(),
            looked: false,
            failures: 0,
        };
        members.insert(set.uid().unwrap_or_default(), member);
    }

    /// Forgets a set.
    pub fn leave(&self, uid: &str) {
        self.wakes.lock().remove(uid);
    }

    /// Forgets every set that is not among these.
    pub fn retain(&self, uids: &HashSet<String>) {
        self.wakes.lock().retain(|uid, m| !m.queue.same_channel(&self.queue) || uids.contains(uid));
    }
}

impl Wakes {
    /// For one controller: what takes its sets in, and the sets that it has to look at.
    pub(super) fn follow(&self) -> (Followed, impl Stream<Item = Object> + Send + use<>) {
        let (queue, objects) = mpsc::unbounded_channel();
        (Followed { wakes: self.clone(), queue }, together(objects))
    }

    /// Takes in an event that came through a connection.
    pub fn tell(&self, connection: &str, event: &Event) {
        let name = event.repository.to_ascii_lowercase();
        let now = Instant::now();
        let of_owner = |n: &String| n.strip_prefix(&name).is_some_and(|rest| rest.starts_with('/'));
        for member in self.lock().values_mut() {
            let named = match event.kind {
                Kind::Owner => member.names.iter().any(of_owner),
                _ => member.names.contains(&name),
            };
            if member.connection == connection && named && member.concerns(&event.kind) {
                let number = match event.kind {
                    Kind::Pull { number, .. } => Some(number),
                    _ => None,
                };
                member.why.hear(now, number);
                member.wake();
            }
        }
    }

    /// Takes in the open pull requests that a list of the repository, which was asked for then, shows: at most one
    /// page of them, those that changed last.
    pub fn sighted(
        &self,
        connection: &str,
        repository: &str,
        heads: &BTreeMap<i64, (String, String)>,
        since: Instant,
    ) {
        let repository = repository.to_ascii_lowercase();
        for member in self.lock().values_mut() {
            if member.connection != connection || !member.names.contains(&repository) {
                continue;
            }
            let Some(known) = &member.heads else { continue };
            let whole = heads.len() < crate::github::api::PER_PAGE;
            let mut news: Vec<Option<i64>> =
                heads.iter().filter(|(n, head)| known.get(n) != Some(head)).map(|(n, _)| Some(*n)).collect();
            if whole && heads.len() != known.len() {
                news.push(None);
            }
            if !news.is_empty() {
                news.into_iter().for_each(|number| member.why.hear(since, number));
                member.wake();
            }
        }
    }

    /// A report is there, is gone, or is not what it was: other than in its status.
    pub fn changed(&self, report: &TestRunReport) {
        let (namespace, name) = (report.namespace(), report.name_any());
        let owner = set_of(report).map(|(_, uid)| uid);
        let members = self.lock();
        let concerned = |(uid, m): &(&String, &Member)| {
            owner == Some(uid.as_str()) || m.object.namespace == namespace && m.taken.contains(&name)
        };
        members.iter().filter(concerned).for_each(|(_, member)| member.wake());
    }

    /// What the look that now begins is to answer, and the list that is known.
    pub(super) fn take(&self, set: &TestRunReportSet) -> (Why, Option<Listed>) {
        let mut members = self.lock();
        let Some(member) = members.get_mut(&set.uid().unwrap_or_default()) else {
            return (Why::default(), None);
        };
        let mut why = member.why.begin();
        // What was told before it was there, or while it was suspended, it does not know of.
        if !member.looked {
            why.hear(Instant::now(), None);
        }
        (why, member.listed.take())
    }

    /// Pull requests that are known to be closed, so that they need not be asked for again.
    pub(super) fn closed(&self, set: &TestRunReportSet) -> BTreeMap<i64, Timestamp> {
        let uid = set.uid().unwrap_or_default();
        self.lock().get(&uid).map(|member| member.closed.clone()).unwrap_or_default()
    }

    /// Reports that need not be compared if they are as they were; the look that asks says it anew.
    pub(super) fn compared(&self, set: &TestRunReportSet) -> Compared {
        let uid = set.uid().unwrap_or_default();
        self.lock().get_mut(&uid).map(|member| std::mem::take(&mut member.compared)).unwrap_or_default()
    }

    /// Keeps a list for the looks that follow, if it is long.
    pub(super) fn keep(&self, set: &TestRunReportSet, listed: Listed) {
        if let Some(member) = self.lock().get_mut(&set.uid().unwrap_or_default()) {
            member.listed = Some(listed).filter(Listed::is_long);
        }
    }

    /// A look saw these pull requests of a repository, which names others have, which closed ones still matter, and
    /// which reports are as they should be.
    pub(super) fn saw(
        &self,
        set: &TestRunReportSet,
        repository: Option<&str>,
        heads: Option<BTreeMap<i64, (String, String)>>,
        taken: BTreeSet<String>,
        (closed, compared): (BTreeMap<i64, Timestamp>, Compared),
    ) {
        let mut members = self.lock();
        let Some(member) = members.get_mut(&set.uid().unwrap_or_default()) else { return };
        // Events tell the name that GitHub uses by now.
        member.names = BTreeSet::from([set.spec.source.repository.to_ascii_lowercase()]);
        member.names.extend(repository.map(str::to_ascii_lowercase));
        (member.heads, member.taken, member.closed) = (heads, taken, closed);
        member.compared = compared;
        (member.looked, member.failures) = (true, 0);
    }

    /// A look failed; says how often in a row. What it was to answer still is to be answered.
    pub(super) fn failed(&self, set: &TestRunReportSet, why: Why) -> u32 {
        let mut members = self.lock();
        let Some(member) = members.get_mut(&set.uid().unwrap_or_default()) else { return 1 };
        member.why.keep(why);
        member.failures = member.failures.saturating_add(1);
        member.failures
    }

    /// A set is not looked at for now: what happens meanwhile has to be asked for later.
    pub(super) fn idle(&self, set: &TestRunReportSet) {
        if let Some(member) = self.lock().get_mut(&set.uid().unwrap_or_default()) {
            member.looked = false;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Member>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
