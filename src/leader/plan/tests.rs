#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

const LEASE: Duration = Duration::from_secs(15);
const RETRY: Duration = Duration::from_secs(2);

fn me(identity: &str, shards: u16) -> Me {
    Me { identity: identity.into(), shards, lease: LEASE, retry: RETRY }
}

fn record(holder: &str, shards: u16) -> Record {
    Record { holder: holder.into(), duration: LEASE, shards, wish: None }
}

fn view(all: &[(u16, Record)], at: Instant) -> View {
    let mut view = View::default();
    for (shard, record) in all {
        view.see(*shard, "1".into(), record.clone(), at);
    }
    view
}

#[test]
fn a_lease_is_taken_only_after_it_was_left_alone_for_its_whole_duration() {
    let (start, a) = (Instant::now(), me("a", 1));
    let plan = |view: &View, after: Duration| a.plan(view, &BTreeSet::new(), start + after);
    assert_eq!(plan(&View::default(), Duration::ZERO), [Step::Take(0)], "nobody ever had it");
    let held = view(&[(0, record("b", 1))], start);
    assert_eq!(plan(&held, LEASE - Duration::from_millis(1)), []);
    assert_eq!(plan(&held, LEASE), [Step::Take(0)]);
    let mut renewed = held.clone();
    renewed.see(0, "2".into(), record("b", 1), start + Duration::from_secs(14));
    assert_eq!(plan(&renewed, Duration::from_secs(28)), [], "counted from when it was last seen to change");
    renewed.see(0, "1".into(), record("", 1), start + Duration::from_secs(15));
    assert_eq!(plan(&renewed, Duration::from_secs(16)), [], "an old version that comes late is no news");
    let longer = Record { duration: LEASE * 2, ..record("b", 1) };
    assert_eq!(plan(&view(&[(0, longer)], start), LEASE), [], "its holder counts on more time");
    let shorter = Record { duration: RETRY, ..record("b", 1) };
    assert_eq!(
        plan(&view(&[(0, shorter)], start), RETRY * 2),
        [],
        "and never on less than is configured here"
    );
    assert_eq!(plan(&view(&[(0, record("", 1))], start), Duration::ZERO), [Step::Take(0)], "released");
}

#[test]
fn replicas_that_divide_otherwise_must_be_gone_first() {
    let start = Instant::now();
    let old = view(&[(0, record("b", 1))], start);
    assert_eq!(me("a", 4).plan(&old, &BTreeSet::new(), start), []);
    assert_eq!(me("a", 4).plan(&old, &BTreeSet::new(), start + LEASE).len(), 4);
}

/// Replicas over a simulated hour: who holds what, by one shared store and a clock each.
struct Fleet {
    now: Instant,
    version: u64,
    store: BTreeMap<u16, (String, Record)>,
    replicas: Vec<Replica>,
    shards: u16,
}

struct Replica {
    me: Me,
    view: View,
    until: BTreeMap<u16, Instant>,
    alive: bool,
}

const RENEW: Duration = Duration::from_secs(10);

impl Fleet {
    fn new(shards: u16, names: &[&str]) -> Self {
        let mut fleet =
            Self { now: Instant::now(), version: 0, store: BTreeMap::new(), replicas: Vec::new(), shards };
        names.iter().for_each(|name| fleet.join(name));
        fleet
    }

    fn join(&mut self, name: &str) {
        let me = me(name, self.shards);
        self.replicas.push(Replica { me, view: View::default(), until: BTreeMap::new(), alive: true });
    }

    fn write(&mut self, shard: u16, record: Record) {
        self.version += 1;
        self.store.insert(shard, (self.version.to_string(), record));
    }

    /// One retry period of all replicas.
    fn tick(&mut self) {
        for i in 0..self.replicas.len() {
            if !self.replicas[i].alive {
                continue;
            }
            let now = self.now;
            for (shard, (version, record)) in &self.store {
                self.replicas[i].view.see(*shard, version.clone(), record.clone(), now);
            }
            self.replicas[i].until.retain(|_, until| *until > now);
            let held: BTreeSet<u16> = self.replicas[i].until.keys().copied().collect();
            let name = self.replicas[i].me.identity.clone();
            for shard in &held {
                let wish = self.store[shard].1.wish.clone();
                self.write(*shard, Record { wish, ..record(&name, self.shards) });
                self.replicas[i].until.insert(*shard, now + RENEW);
            }
            for step in self.replicas[i].me.plan(&self.replicas[i].view.clone(), &held, now) {
                match step {
                    Step::Take(shard) => {
                        self.write(shard, record(&name, self.shards));
                        self.replicas[i].until.insert(shard, now + RENEW);
                    }
                    Step::HandOver(shard) => {
                        self.write(shard, record("", self.shards));
                        self.replicas[i].until.remove(&shard);
                    }
                    Step::Wish(shard) => {
                        let mut wished = self.store[&shard].1.clone();
                        wished.wish = Some(name.clone());
                        self.write(shard, wished);
                    }
                }
            }
            self.check();
        }
        self.now += RETRY;
    }

    /// No shard has two holders.
    fn check(&self) {
        for shard in 0..self.shards {
            let holders = self.replicas.iter().filter(|r| r.until.get(&shard).is_some_and(|u| *u > self.now));
            assert!(holders.count() <= 1, "shard {shard} has two holders");
        }
    }

    fn counts(&self) -> Vec<usize> {
        let mut all: Vec<usize> = self.replicas.iter().filter(|r| r.alive).map(|r| r.until.len()).collect();
        all.sort_unstable();
        all
    }

    fn run(&mut self, ticks: usize) -> &mut Self {
        (0..ticks).for_each(|_| self.tick());
        self
    }
}

#[test]
fn shards_are_spread_when_replicas_come_and_go_and_never_held_twice() {
    for shards in [1_u16, 2, 3, 8, 16, 64] {
        let mut fleet = Fleet::new(shards, &["a"]);
        fleet.run(3);
        assert_eq!(fleet.counts(), [usize::from(shards)], "one replica has them all");
        for name in ["b", "c"] {
            fleet.join(name);
            fleet.run(2 * usize::from(shards) + 30);
            let counts = fleet.counts();
            assert_eq!(counts.iter().sum::<usize>(), usize::from(shards), "{shards}: {counts:?}");
            let spread = counts.last().unwrap() - counts[0];
            assert!(spread <= 1, "{shards} shards: {counts:?}");
        }
        // One dies without a word.
        fleet.replicas[0].alive = false;
        fleet.run(30 + 2 * usize::from(shards));
        let counts = fleet.counts();
        assert_eq!(counts.iter().sum::<usize>(), usize::from(shards), "{shards}: {counts:?}");
    }
}
