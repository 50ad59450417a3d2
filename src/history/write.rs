//! The queue between looks and the store. What the store does not take now is tried again for as long as there is
//! room for what comes after it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use jiff::Timestamp;
use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;

use super::store::{Store, StoreError};
use super::{Bounds, Kept, Letter, Place};
use crate::runtime::metrics::{Keeping, Metrics};

/// Between two looks for what is too old.
const TEND: Duration = Duration::from_secs(600);
/// Longest time that the store may take over one record.
const LIMIT: Duration = Duration::from_secs(30);
/// Between two tries of a store in trouble; doubled up to the second one.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// How long the end waits for what is still in the queue, and for the store to be closed after that.
const GRACE: Duration = Duration::from_secs(5);

/// Writes to the store, alone in this process.
pub(super) struct Writer {
    place: Place,
    bounds: Bounds,
    kept: Arc<Kept>,
    metrics: Metrics,
    /// The store was in trouble when it was last tried.
    trouble: bool,
    /// There may be commits that are in no sum yet.
    behind: bool,
}

/// What the store says within [`LIMIT`]. A panic is a refusal: the same again would end as it did.
async fn bounded<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    match tokio::time::timeout(LIMIT, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => {
            let why = "its write panicked; this is a defect of the operator, please report it";
            Err(StoreError::Refused(why.to_owned()))
        }
        Err(_) => Err(StoreError::Trouble(format!("no answer within {} s", LIMIT.as_secs()))),
    }
}

/// What is done with the store at a time.
enum Turn {
    Record(Box<Letter>),
    /// Deletes what is too old.
    Tend,
    /// Sums up what a version before has left; only while no record waits.
    Fill,
}

impl Writer {
    pub(super) fn new(place: Place, bounds: Bounds, kept: Arc<Kept>, metrics: Metrics) -> Self {
        Self { place, bounds, kept, metrics, trouble: false, behind: false }
    }

    /// Works until the end, when nobody sends letters any more, and the last of them.
    pub(super) async fn run(mut self, mut letters: Receiver<Letter>, end: CancellationToken) {
        let mut tend = tokio::time::interval(TEND);
        tend.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let behind = self.behind;
            let turn = tokio::select! {
                biased;
                () = end.cancelled() => break,
                _ = tend.tick() => Turn::Tend,
                letter = letters.recv() => match letter {
                    Some(letter) => Turn::Record(Box::new(letter)),
                    None => return,
                },
                () = std::future::ready(()), if behind => Turn::Fill,
            };
            let done = async {
                match turn {
                    Turn::Record(_) => self.deliver(&turn).await,
                    _ => drop(self.attempt(&turn).await),
                }
            };
            if end.run_until_cancelled(done).await.is_none() {
                break;
            }
        }
        let rest = async {
            while let Ok(letter) = letters.try_recv() {
                let _ = self.attempt(&Turn::Record(Box::new(letter))).await;
            }
        };
        if tokio::time::timeout(GRACE, rest).await.is_err() {
            tracing::warn!(
                "the history took too long to end; what is missing is recorded by the next process"
            );
        }
        if let Some(store) = self.kept.store() {
            let _ = tokio::time::timeout(GRACE, store.close()).await;
        }
    }

    /// Tries until it is done or will never be.
    async fn deliver(&mut self, turn: &Turn) {
        let mut pause = PAUSE.0;
        while self.attempt(turn).await.is_err() {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    /// One try of what is to be done; fails only if another try makes sense.
    async fn attempt(&mut self, turn: &Turn) -> Result<(), ()> {
        let letter = matches!(turn, Turn::Record(_));
        let work = async {
            let store = self.store().await?;
            match turn {
                Turn::Record(letter) => store.record(&letter.record).await.map(|()| None),
                Turn::Tend => self.tend(&store).await.map(Some),
                Turn::Fill => {
                    self.behind = false;
                    self.behind = store.fill().await?;
                    Ok(None)
                }
            }
        };
        match bounded(work).await {
            Ok(bytes) => {
                if let Some(bytes) = bytes {
                    self.metrics.history_bytes(bytes);
                }
                if letter {
                    self.metrics.kept(Keeping::Stored);
                }
                if std::mem::take(&mut self.trouble) {
                    tracing::info!("the history can be written again");
                }
                self.metrics.history_usable(true);
                Ok(())
            }
            Err(StoreError::Refused(why)) => {
                self.metrics.kept(Keeping::Refused);
                tracing::warn!("a record of the history is left out: {why}");
                Ok(())
            }
            Err(StoreError::Trouble(why)) => {
                if letter {
                    self.metrics.kept(Keeping::Failed);
                }
                self.metrics.history_usable(false);
                if !std::mem::replace(&mut self.trouble, true) {
                    tracing::warn!(
                        "the history cannot be written, which changes no verdict: {why}; tried again"
                    );
                }
                self.let_go().await;
                Err(())
            }
        }
    }

    /// Whatever is there at the next try is opened anew. What is in memory has no second life.
    async fn let_go(&self) {
        let Some(store) = self.kept.store() else { return };
        if self.place == Place::Memory {
            return;
        }
        self.kept.set(None);
        store.close().await;
    }

    /// The store, opened where it is not, or is gone from where it was.
    async fn store(&mut self) -> Result<Store, StoreError> {
        match self.kept.store() {
            Some(store) if store.is_there() => return Ok(store),
            Some(store) => {
                // Before another one is made: the last who has a file open takes its log away by name.
                self.kept.set(None);
                store.close().await;
            }
            None => {}
        }
        // It may be another one than before, which knows nothing.
        self.kept.recorded().clear();
        let store = Store::open(&self.place, self.bounds.bytes).await?;
        // A full one has room after this, or none at all.
        self.metrics.history_bytes(self.tend(&store).await?);
        self.kept.set(Some(store.clone()));
        self.behind = true;
        Ok(store)
    }

    async fn tend(&self, store: &Store) -> Result<u64, StoreError> {
        let age = i64::try_from(self.bounds.age.as_secs()).unwrap_or(i64::MAX);
        store.tend(Timestamp::now().as_second().saturating_sub(age), self.bounds.bytes).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_refused_and_an_answer_that_does_not_come_is_tried_again() {
        let panics = async { panic!("a defect") };
        assert!(matches!(bounded::<()>(panics).await, Err(StoreError::Refused(_))));
        let mute = std::future::pending();
        assert!(matches!(bounded::<()>(mute).await, Err(StoreError::Trouble(_))));
        assert!(matches!(bounded(async { Ok(1) }).await, Ok(1)));
    }
}
