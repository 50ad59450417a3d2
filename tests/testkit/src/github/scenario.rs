//! A scenario: a start state and a list of changes at their times.

use std::sync::Arc;
use std::time::Duration;

use super::state::{Change, State};
use super::time::Ts;

/// A script that a server plays.
pub struct Scenario {
    pub(super) start: Option<Ts>,
    pub(super) ghes: bool,
    pub(super) setup: Vec<Change>,
    pub(super) events: Vec<(Duration, Change)>,
    pub(super) token: Option<String>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self::new()
    }
}

impl Scenario {
    /// An empty GitHub whose clock starts now, with the token [`super::TOKEN`].
    pub fn new() -> Self {
        Self {
            start: None,
            ghes: false,
            setup: Vec::new(),
            events: Vec::new(),
            token: Some(super::TOKEN.to_owned()),
        }
    }

    /// The clock starts at this RFC 3339 time.
    pub fn start_at(mut self, time: &str) -> Self {
        self.start = Some(Ts::parse(time));
        self
    }

    /// The clock starts at the machine's time, whatever was said before.
    pub fn start_now(mut self) -> Self {
        self.start = None;
        self
    }

    /// Enterprise Server 3.17: served under `/api/v3`, no rate limits.
    pub fn ghes(mut self) -> Self {
        self.ghes = true;
        self
    }

    /// The token that is valid from the start, with all permissions; `None` for none.
    pub fn token(mut self, token: Option<&str>) -> Self {
        self.token = token.map(str::to_owned);
        self
    }

    /// A part of the start state. Base URLs are known when it runs.
    pub fn setup(mut self, change: impl FnOnce(&mut State) + Send + 'static) -> Self {
        self.setup.push(Box::new(change));
        self
    }

    /// A change at a time after the start.
    pub fn at(mut self, offset: Duration, change: impl FnOnce(&mut State) + Send + 'static) -> Self {
        self.events.push((offset, Box::new(change)));
        self
    }

    /// What happens when somebody asks for a re-run; the new attempt exists by then.
    pub fn on_rerun(self, hook: impl Fn(&mut State, u64) + Send + Sync + 'static) -> Self {
        self.setup(move |state| state.on_rerun = Some(Arc::new(hook)))
    }
}

impl State {
    /// Moves the clock, playing what was planned on the way, in order.
    pub(super) fn advance_to(&mut self, target: Ts) {
        loop {
            let next = self
                .planned
                .iter()
                .enumerate()
                .filter(|(_, planned)| planned.at <= target)
                .min_by_key(|(_, planned)| (planned.at, planned.order))
                .map(|(index, _)| index);
            let Some(index) = next else { break };
            let planned = self.planned.swap_remove(index);
            self.now = self.now.max(planned.at);
            (planned.change)(self);
        }
        self.now = self.now.max(target);
    }

    /// The time of the last planned change.
    pub(super) fn last_planned(&self) -> Option<Ts> {
        self.planned.iter().map(|planned| planned.at).max()
    }
}
