//! kill -9 before and after every write, on the API server and on GitHub; a new process takes over.

use futures::StreamExt;

use super::life::Life;
use super::relay::Relay;

/// Lives at the same time.
const TOGETHER: usize = 4;

/// Writes through a relay, without their queries.
pub fn writes(relay: &Relay) -> Vec<String> {
    let calls = relay.calls();
    let writes = calls.iter().filter(|c| c.is_write());
    writes.map(|c| format!("{} {}", c.method, c.path.split('?').next().unwrap_or_default())).collect()
}

/// How many writes were status writes of the report, Events, and writes on GitHub.
fn counts(life: &Life) -> [usize; 3] {
    let of = |all: &[String], part: &str| all.iter().filter(|w| w.contains(part)).count();
    let (api, hub) = (writes(&life.api), writes(&life.hub));
    [of(&api, "/testrunreports/r/status"), of(&api, "/events"), hub.len()]
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_and_after_every_write() {
    let mut life = Life::new("crash").await;
    life.begin().await;
    let expected = life.live().await;
    let plain = counts(&life);
    let total: usize = plain.iter().sum();
    assert_eq!(total, writes(&life.api).len() + writes(&life.hub).len(), "nothing else is written");
    let requests = life.gh.requests().len();
    assert_eq!(life.end().await, Vec::<String>::new());
    assert!(total >= 12, "{plain:?}");

    let runs = (0..total).flat_map(|n| [(n, false), (n, true)]);
    let results = futures::stream::iter(runs).map(|(n, after)| {
        let expected = expected.clone();
        async move {
            let place = format!("{} write {n}", if after { "after" } else { "before" });
            let mut life = Life::new("crash").await;
            life.die_at(n, after);
            life.begin().await;
            life.live().await;
            let what = || format!("{place}: the end of a life without faults");
            let same =
                async |life: &Life| life.get().await.is_some_and(|report| life.said(&report) == expected);
            life.until_over(n, what, same).await;
            for (now, plain) in counts(&life).into_iter().zip(plain) {
                // The one that was lost is made up for, and how much of what was in between is seen depends on how
                // quick either life was.
                assert!(now <= plain * 2 + 2, "{place}: {now} writes in place of {plain}");
            }
            let asked = life.gh.requests().len();
            assert!(asked <= requests * 2 + 40, "{place}: {asked} requests in place of {requests}");
            let wrong = life.end().await;
            assert!(wrong.is_empty(), "{place}: {wrong:?}");
        }
    });
    let done = results.buffer_unordered(TOGETHER).collect::<Vec<()>>().await;
    println!("{} crashes, {plain:?} writes without one", done.len());
}
