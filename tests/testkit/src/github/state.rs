//! All of GitHub in one value, and the clock's plan.

use std::time::Duration;

use super::hooks::Hooks;
use super::limits::Limits;
pub use super::objects::*;
use super::time::Ts;

/// Base URLs that payloads mention.
#[derive(Clone, Debug, Default)]
pub struct Urls {
    /// API base without a trailing slash, with `/api/v3` on Enterprise Server.
    pub api: String,
    /// Web base.
    pub html: String,
    /// The second origin, which serves logs and archives.
    pub blobs: String,
}

/// A change that waits for its time.
pub struct Planned {
    /// When.
    pub at: Ts,
    /// Order among changes of the same time.
    pub order: u64,
    /// What.
    pub change: Change,
}

/// A change of the state.
pub type Change = Box<dyn FnOnce(&mut State) + Send>;
/// What to do when somebody asks for a re-run: repository, run, new attempt.
pub type RerunHook = std::sync::Arc<dyn Fn(&mut State, u64) + Send + Sync>;

/// All of GitHub.
pub struct State {
    /// Scenario time.
    pub now: Ts,
    /// Time that passed on the wire: real time since the start plus all advances.
    pub wire: Duration,
    /// Base URLs.
    pub urls: Urls,
    /// Enterprise Server 3.17 payloads (no artifact digest).
    pub ghes: bool,
    /// Accounts.
    pub accounts: Vec<Account>,
    /// Apps.
    pub apps: Vec<App>,
    /// Installations of the App under test.
    pub installations: Vec<Installation>,
    /// Valid credentials.
    pub tokens: Vec<Token>,
    /// Public keys (DER) that JWTs of the App under test must be signed with; empty: nobody looks.
    pub app_keys: Vec<Vec<u8>>,
    /// Whether requests without credentials may read public repositories.
    pub anonymous: bool,
    /// Lifetime of installation tokens.
    pub token_lifetime: Duration,
    /// Repositories.
    pub repos: Vec<Repo>,
    /// Rate limits.
    pub limits: Limits,
    /// Webhook settings and deliveries.
    pub hooks: Hooks,
    /// Answers are checked against the description. Long lists cost milliseconds: a load test may
    /// switch it off.
    pub check_answers: bool,
    /// Lists of the latest attempt leave out jobs that were not re-run.
    pub latest_omits_old_jobs: bool,
    /// Re-runs are refused with 403.
    pub refuse_reruns: bool,
    /// What happens after a re-run request.
    pub on_rerun: Option<RerunHook>,
    /// Changes that wait for their time.
    pub planned: Vec<Planned>,
    /// Findings against scripts and clients.
    pub violations: Vec<String>,
    pub(super) next_id: u64,
    pub(super) next_order: u64,
}

/// Id of the App of GitHub Actions on github.com.
pub const ACTIONS_APP: u64 = 15_368;
/// Id of the same on an Enterprise Server, where each server gives its own.
pub const GHES_ACTIONS_APP: u64 = 3;
/// Id of the App under test.
pub const OPERATOR_APP: u64 = 4_242;

impl State {
    /// An empty GitHub at a point in time.
    pub fn new(now: Ts) -> Self {
        let app = |id, slug: &str, name: &str| App { id, slug: slug.into(), name: name.into() };
        Self {
            now,
            wire: Duration::ZERO,
            urls: Urls::default(),
            ghes: false,
            accounts: Vec::new(),
            apps: vec![
                app(ACTIONS_APP, "github-actions", "GitHub Actions"),
                app(GHES_ACTIONS_APP, "github-actions", "GitHub Actions"),
                app(OPERATOR_APP, "testrun-operator", "testrun-operator"),
            ],
            installations: Vec::new(),
            tokens: Vec::new(),
            app_keys: Vec::new(),
            anonymous: false,
            token_lifetime: Duration::from_secs(3600),
            repos: Vec::new(),
            limits: Limits::default(),
            hooks: Hooks::default(),
            check_answers: true,
            latest_omits_old_jobs: false,
            refuse_reruns: false,
            on_rerun: None,
            planned: Vec::new(),
            violations: Vec::new(),
            next_id: 9_000_000_000,
            next_order: 0,
        }
    }

    /// A fresh id, larger than all before.
    pub fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Plans a change for later, from now on.
    pub fn after(&mut self, delay: Duration, change: impl FnOnce(&mut State) + Send + 'static) {
        let at = self.now + delay;
        self.plan(at, Box::new(change));
    }

    pub(super) fn plan(&mut self, at: Ts, change: Change) {
        self.next_order += 1;
        self.planned.push(Planned { at, order: self.next_order, change });
    }

    /// The repository with this id.
    pub fn repo_by_id(&self, id: u64) -> Option<&Repo> {
        self.repos.iter().find(|repo| repo.id == id)
    }

    pub(super) fn repo_mut(&mut self, id: u64) -> Option<&mut Repo> {
        self.repos.iter_mut().find(|repo| repo.id == id)
    }

    /// The repository with this full name (letter case does not matter).
    pub fn repo_by_name(&self, full_name: &str) -> Option<&Repo> {
        self.repos.iter().find(|repo| repo.full_name().eq_ignore_ascii_case(full_name))
    }

    /// The account with this login; invented with a stable id when it is not known.
    pub fn account(&self, login: &str) -> Account {
        let known = self.accounts.iter().find(|account| account.login.eq_ignore_ascii_case(login));
        known.cloned().unwrap_or_else(|| {
            let id = login.bytes().fold(7_u64, |sum, byte| (sum * 31 + u64::from(byte)) % 90_000_000);
            let kind = if login.ends_with("[bot]") { "Bot" } else { "User" };
            Account { id: 1_000_000 + id, login: login.to_owned(), kind: kind.to_owned() }
        })
    }

    /// Id of the App of GitHub Actions here.
    pub fn actions_app(&self) -> u64 {
        if self.ghes { GHES_ACTIONS_APP } else { ACTIONS_APP }
    }

    /// The app with this id.
    pub fn app(&self, id: u64) -> Option<&App> {
        self.apps.iter().find(|app| app.id == id)
    }
}
