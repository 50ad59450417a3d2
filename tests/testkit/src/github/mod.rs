//! A GitHub in process: stateful, scripted, and checked against GitHub's own OpenAPI description.
//!
//! ```ignore
//! let gh = GitHub::start(Scenario::new().setup(|s| {
//!     s.add_repo("acme/shop").pull_request(PullSpec::new(20, sha_of("head")));
//!     s.repo("acme/shop").add_run(RunSpec::new(77).pull_request(20).job((501, "unit")));
//! }).at(secs(30), |s| { s.job(501).start(); }));
//! gh.advance(secs(60));
//! gh.update(|s| { s.job(501).complete("failure"); s.run(77).settle(); });
//! // ... the client under test talks to gh.url() with the token github::TOKEN ...
//! assert_eq!(gh.violations(), Vec::<String>::new());
//! ```
//!
//! Two listeners on loopback: the API, and a second origin for logs and archives that refuses
//! credentials. Both live on a thread of their own, so that tests with different runtimes can share
//! one server. Times in payloads come from the scenario's clock, which moves only when told
//! ([`GitHub::advance`], [`GitHub::play`]).

#![allow(clippy::panic, clippy::expect_used)]

mod archive;
mod auth;
mod blobs;
mod body;
mod deliver;
mod edit;
mod faults;
mod graphql;
mod hooks;
mod keys;
mod ledger;
mod limits;
pub mod oas;
mod objects;
mod respond;
mod routes;
mod scenario;
pub mod scenarios;
mod server;
mod specs;
mod state;
#[cfg(test)]
mod tests;
mod time;
mod uri;
mod wire;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use tokio::runtime::Runtime;

pub use archive::{gzip, tar, zip};
pub use auth::all_permissions;
pub use deliver::signature as webhook_signature;
pub use edit::{CheckMut, JobMut, RepoMut, RunMut, at_time, sha_of, stamped};
pub use faults::{Fault, Match};
pub use hooks::{Delivery, Hooks};
pub use keys::AppKey;
pub use ledger::{Origin, Request};
pub use oas::{recorded, webhook_examples};
pub use scenario::Scenario;
pub use specs::{ArtifactSpec, CheckSpec, JobSpec, PullSpec, RunSpec};
pub use state::{
    ACTIONS_APP, Account, Annotation, App, Artifact, Attempt, CheckRun, Comment, Commit, GHES_ACTIONS_APP,
    Gate, Installation, Job, OPERATOR_APP, Pull, Repo, RequiredCheck, Run, State, Status, Step, Suite, Token,
    Workflow,
};
pub use time::Ts;

use body::{Reset, Resettable};
use oas::{Edition, Spec};
use server::{Server, lock};

/// The token that is valid from the start, unless the scenario says otherwise: it speaks for the
/// App under test, covers every repository and has all permissions.
pub const TOKEN: &str = "ghs_testkit-token-of-the-operator";

/// Seconds, for scripts.
pub fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A running GitHub. It stops when dropped.
pub struct GitHub {
    server: Arc<Server>,
    runtime: Option<Runtime>,
    api: String,
    blobs: String,
    playing: Arc<AtomicBool>,
}

impl GitHub {
    /// Starts a server that plays the scenario.
    ///
    /// # Panics
    /// When the description of the API cannot be had or no port can be opened; the message says why.
    pub fn start(scenario: impl Into<Scenario>) -> Self {
        match Self::try_start(scenario.into()) {
            Ok(server) => server,
            Err(error) => panic!("the in-process GitHub cannot start: {error}"),
        }
    }

    /// Starts a server that plays the scenario.
    pub fn try_start(scenario: Scenario) -> Result<Self, String> {
        let edition = if scenario.ghes { Edition::Ghes } else { Edition::DotCom };
        let spec = Spec::load(edition)?;
        let listen = || {
            let listener = TcpListener::bind(("127.0.0.1", 0))?;
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            Ok::<_, std::io::Error>((listener, format!("http://{address}")))
        };
        let (api, api_url) = listen().map_err(|error| format!("no port for the API: {error}"))?;
        let (blobs, blobs_url) = listen().map_err(|error| format!("no port for blobs: {error}"))?;

        let mut state = State::new(scenario.start.unwrap_or_else(Ts::real_now));
        state.ghes = scenario.ghes;
        state.limits.enabled = !scenario.ghes;
        state.urls.blobs = blobs_url.clone();
        state.urls.html = if scenario.ghes { api_url.clone() } else { "https://github.com".into() };
        state.urls.api = if scenario.ghes { format!("{api_url}/api/v3") } else { api_url };
        let api_url = state.urls.api.clone();
        let start = state.now;
        for change in scenario.setup {
            change(&mut state);
        }
        for (offset, change) in scenario.events {
            state.plan(start + offset, change);
        }
        if let Some(value) = scenario.token {
            state.add_token(&value);
        }
        // What is due at the start happens before the first request.
        state.advance_to(start);

        let server = Arc::new(Server {
            state: state.into(),
            requests: Default::default(),
            numbers: Default::default(),
            in_flight: Default::default(),
            arrived: Default::default(),
            faults: Default::default(),
            spec,
            started: Instant::now(),
            advanced: Default::default(),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("github")
            .enable_all()
            .build()
            .map_err(|error| format!("no runtime: {error}"))?;
        let entered = runtime.enter();
        for (listener, is_api) in [(api, true), (blobs, false)] {
            let listener = tokio::net::TcpListener::from_std(listener).map_err(|error| error.to_string())?;
            let router = Router::new();
            let router = if is_api { router.fallback(server::api) } else { router.fallback(server::blob) };
            let service = router.with_state(server.clone()).into_make_service_with_connect_info::<Reset>();
            runtime.spawn(async move { axum::serve(Resettable(listener), service).await });
        }
        runtime.spawn(deliver::run(Arc::downgrade(&server)));
        drop(entered);
        let playing = Arc::new(AtomicBool::new(false));
        Ok(Self { server, runtime: Some(runtime), api: api_url, blobs: blobs_url, playing })
    }

    /// Base URL of the API without a trailing slash; ends in `/api/v3` on Enterprise Server.
    pub fn url(&self) -> &str {
        &self.api
    }

    /// Base URL of the second origin.
    pub fn blobs_url(&self) -> &str {
        &self.blobs
    }

    /// Changes the state now.
    pub fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.server.state())
    }

    /// Reads the state.
    pub fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.server.state())
    }

    /// Scenario time.
    pub fn now(&self) -> Ts {
        self.read(|state| state.now)
    }

    /// Moves the clock on, playing what the script has on the way. Tokens and signed URLs age too.
    pub fn advance(&self, by: Duration) {
        *lock(&self.server.advanced) += by;
        self.server.move_clock(by);
    }

    /// Moves the clock to the last planned change, and through what that plans.
    pub fn advance_to_end(&self) {
        for _ in 0..10_000 {
            let Some(last) = self.read(State::last_planned) else {
                return;
            };
            let by = u64::try_from(last.0.saturating_sub(self.now().0)).unwrap_or_default();
            self.advance(Duration::from_millis(by));
        }
        panic!("the script plans for ever");
    }

    /// Lets the clock run by itself, `speed` times as fast as the real one, until [`GitHub::pause`].
    pub fn play(&self, speed: f64) {
        self.playing.store(true, Ordering::SeqCst);
        let playing = self.playing.clone();
        let server = Arc::downgrade(&self.server);
        let Some(runtime) = &self.runtime else { return };
        runtime.spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(20));
            let mut last = Instant::now();
            loop {
                ticks.tick().await;
                let Some(server) = server.upgrade() else {
                    return;
                };
                if !playing.load(Ordering::SeqCst) {
                    return;
                }
                // Whole milliseconds move the clock; the rest waits for the next tick.
                let passed = last.elapsed().mul_f64(speed);
                let passed = Duration::from_millis(u64::try_from(passed.as_millis()).unwrap_or_default());
                last += passed.div_f64(speed);
                server.move_clock(passed);
            }
        });
    }

    /// Stops the clock that [`GitHub::play`] started.
    pub fn pause(&self) {
        self.playing.store(false, Ordering::SeqCst);
    }

    /// Plays a fault on requests that fit.
    pub fn fail(&self, matcher: Match, fault: Fault) {
        lock(&self.server.faults).add(matcher, fault);
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        lock(&self.server.faults).clear();
    }

    /// Every request so far, to both origins, in order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.server.requests).clone()
    }

    /// The requests that cost primary budget.
    pub fn counted_requests(&self) -> Vec<Request> {
        self.requests().into_iter().filter(|request| request.counted).collect()
    }

    /// Requests that change something.
    pub fn writes(&self) -> Vec<Request> {
        self.requests().into_iter().filter(Request::is_write).collect()
    }

    /// The most requests to the API that were open at the same time.
    pub fn most_in_flight(&self) -> usize {
        lock(&self.server.in_flight).1
    }

    /// Empties the ledger.
    pub fn forget_requests(&self) {
        lock(&self.server.requests).clear();
    }

    /// Waits until the ledger fulfils a condition; false when the time is over.
    pub fn wait_until(&self, most: Duration, done: impl Fn(&[Request]) -> bool) -> bool {
        let deadline = Instant::now() + most;
        let mut requests = lock(&self.server.requests);
        loop {
            if done(&requests) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.server.arrived.wait_timeout(requests, left);
            requests = waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
    }

    /// [`GitHub::wait_until`] for asynchronous tests: the runtime of the caller goes on meanwhile.
    pub async fn until(&self, most: Duration, done: impl Fn(&[Request]) -> bool) -> bool {
        let deadline = Instant::now() + most;
        loop {
            if done(&lock(&self.server.requests)) {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(deliver::LOOK_AGAIN).await;
        }
    }

    /// Waits until the state fulfils a condition; false when the time is over.
    pub fn wait_for(&self, most: Duration, done: impl Fn(&State) -> bool) -> bool {
        let deadline = Instant::now() + most;
        loop {
            if self.read(&done) {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            // Woken by requests and deliveries; other changes are seen at the next look.
            let requests = lock(&self.server.requests);
            drop(self.server.arrived.wait_timeout(requests, deliver::LOOK_AGAIN));
        }
    }

    /// Webhook deliveries so far, oldest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.read(|state| state.hooks.deliveries.clone())
    }

    /// What did not fit: requests that GitHub does not describe, answers of this server that do
    /// not fit the description, credentials on the second origin, changes of a script that failed.
    pub fn violations(&self) -> Vec<String> {
        self.read(|state| state.violations.clone())
    }

    /// Empties the list of violations and returns it.
    pub fn take_violations(&self) -> Vec<String> {
        self.update(|state| std::mem::take(&mut state.violations))
    }

    /// Makes another token like [`TOKEN`] valid; they share one budget, as in one installation.
    pub fn add_token(&self, value: &str) {
        self.update(|state| {
            state.add_token(value);
        });
    }

    /// Makes a token invalid: 401 from now on.
    pub fn revoke_token(&self, value: &str) {
        self.update(|state| state.tokens.retain(|token| token.value != value));
    }
}

impl State {
    /// A valid token of the App under test for all repositories, with all permissions.
    pub fn add_token(&mut self, value: &str) -> &mut Token {
        self.tokens.retain(|token| token.value != value);
        self.tokens.push(Token {
            value: value.to_owned(),
            app: Some(OPERATOR_APP),
            installation: None,
            repositories: None,
            permissions: None,
            expires: None,
        });
        self.tokens.last_mut().expect("just pushed")
    }

    /// A valid token of a person for all repositories: it may do all but what only an App may.
    pub fn add_user_token(&mut self, value: &str) {
        self.add_token(value).app = None;
    }

    /// Installs the App under test on an account, for all its repositories, and returns the id.
    /// Tokens come from `POST /app/installations/{id}/access_tokens`.
    pub fn install(&mut self, account: &str) -> u64 {
        let id = self.fresh_id();
        self.installations.push(Installation {
            id,
            app_id: OPERATOR_APP,
            account: account.to_owned(),
            repositories: None,
            permissions: all_permissions(),
            suspended: false,
        });
        id
    }
}

impl Drop for GitHub {
    fn drop(&mut self) {
        self.pause();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
