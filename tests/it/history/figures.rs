//! How long questions take with many results. Not part of the suite:
//! `cargo test --test it -- --ignored --nocapture history::figures`.

use std::time::Instant;

use testrun_operator::history::{Asked, By, Of, Place, Ranking, Record, Store};

use super::{ago, record};

/// Commits, and jobs of each.
const COMMITS: u32 = 3_000;
const JOBS: u32 = 100;

/// A commit with a hundred jobs, some of which fail and a few of which pass then.
fn commit(number: u32) -> Record {
    let mut whole = record("figures", number, "0", &[]);
    for job in 0..JOBS {
        let attempts = match (number * 31 + job * 17) % 50 {
            0 => &["failure", "success"][..],
            1 => &["failure"],
            _ => &["success"],
        };
        let mut one = record("figures", number, &format!("job {job}"), attempts);
        for result in &mut one.results {
            result.job_id += i64::from(job) * 1_000_000_000;
        }
        whole.results.append(&mut one.results);
    }
    whole
}

pub async fn measure(place: &Place) {
    let store = Store::open(place, 4 << 30).await.unwrap();
    let begin = Instant::now();
    for number in 1..=COMMITS {
        store.record(&commit(number)).await.unwrap();
    }
    let took = begin.elapsed();
    let rows = f64::from(COMMITS * JOBS);
    println!("recorded {COMMITS} commits of {JOBS} jobs in {took:?}: {:?} each", took / COMMITS);
    let bytes = store.tend(0, 4 << 30).await.unwrap();
    println!("{bytes} bytes, {:.0} for each result", bytes as f64 / rows);
    let asked = |of| Asked {
        namespace: "figures".into(),
        of,
        repository: String::new(),
        branch: "main".into(),
        limit: 50,
        before: None,
    };
    let ranking = |tests| Ranking {
        namespace: "figures".into(),
        tests,
        by: By::Flakes,
        repository: String::new(),
        branch: String::new(),
        days: 3650,
        limit: 20,
    };
    for round in 0..3 {
        for of in [Of::Commits, Of::Job("job 7".into()), Of::Test("adds up".into())] {
            let begin = Instant::now();
            let answer = store.page(&asked(of.clone())).await.unwrap();
            assert!(answer.commits.len() + answer.results.len() == 50);
            println!("{round}: a page of {of:?}: {:?}", begin.elapsed());
        }
        for tests in [false, true] {
            let begin = Instant::now();
            assert!(!store.top(&ranking(tests), ago(0)).await.unwrap().ranked.is_empty());
            println!("{round}: a ranking over all results, tests {tests}: {:?}", begin.elapsed());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures for minutes"]
async fn in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    measure(&Place::File(folder.path().join("h.db"))).await;
}
