//! What happens in one go, like the reports that a set made itself, is looked at once.

use std::collections::HashSet;
use std::hash::Hash;
use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use tokio::sync::mpsc::UnboundedReceiver;

/// How long the first of a crowd waits for the others. It never waits longer, however many come: the queue of the
/// controller has a pause of its own, which begins anew with each of them.
const TOGETHER: Duration = Duration::from_millis(100);

/// What comes out of a queue, each once of what came within a moment.
pub(super) fn together<T: Eq + Hash + Send>(queue: UnboundedReceiver<T>) -> impl Stream<Item = T> + Send {
    let crowds = stream::unfold(queue, |mut queue| async move {
        let mut crowd = HashSet::from([queue.recv().await?]);
        tokio::time::sleep(TOGETHER).await;
        while let Ok(next) = queue.try_recv() {
            crowd.insert(next);
        }
        Some((crowd, queue))
    });
    crowds.flat_map(stream::iter)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio::sync::mpsc;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_crowd_that_does_not_end_is_told_of_all_the_same() {
        let (sender, queue) = mpsc::unbounded_channel();
        let began = Instant::now();
        tokio::spawn(async move {
            for n in 0..40 {
                sender.send(n % 2).unwrap();
                tokio::time::sleep(TOGETHER / 4).await;
            }
        });
        let mut told = Box::pin(together(queue));
        let first = told.next().await;
        assert!(first.is_some() && began.elapsed() <= TOGETHER, "{:?}", began.elapsed());
        let rest = told.collect::<Vec<_>>().await.len();
        assert!((9..=20).contains(&rest), "each of two once in a moment: {rest}");
    }
}
