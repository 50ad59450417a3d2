//! Versions side by side: who writes as a version before did, and replicas that migrate at the same time.

use testrun_operator::history::{Asked, Of, Place, Store};

use super::laws::asked;
use super::server::Server;
use super::sums::{WITHOUT_DURATIONS, WITHOUT_SUMS, connect, count, difference};
use super::{BOUNDS, record};

/// How versions before deleted what was too old or too much, and what no result has any more.
const DELETIONS: [&str; 4] = [
    "DELETE FROM history_commits WHERE id IN (SELECT id FROM history_commits WHERE started < 9999999999
       ORDER BY started LIMIT 200)",
    "DELETE FROM history_commits WHERE id IN (SELECT id FROM history_commits ORDER BY started, id
       LIMIT (SELECT count(*) / 20 + 1 FROM history_commits))",
    "DELETE FROM history_commits WHERE id IN (1, 2)",
    "DELETE FROM history_tests WHERE NOT EXISTS (SELECT 1 FROM history_failures f WHERE f.test_id = history_tests.id)",
];

/// How somebody deletes a namespace, as docs/history.md says.
fn of_namespace(namespace: &str) -> Vec<String> {
    let docs = std::fs::read_to_string("docs/history.md").unwrap();
    let (_, after) = docs.split_once("```sql\n").unwrap();
    let (block, _) = after.split_once("```").unwrap();
    block.split_inclusive(";\n").map(|s| s.replace("'ci'", &format!("'{namespace}'"))).collect()
}

async fn fill(store: &Store) {
    for (namespace, commit) in [("n", 1), ("n", 2), ("other", 3), ("n", 4)] {
        let mut one = record(namespace, commit, "unit", &["failure", "success"]);
        for result in &mut one.results {
            result.slowest = vec![("only slow".into(), 100 * i64::from(commit)), ("slow".into(), 900)];
        }
        store.record(&one).await.unwrap();
    }
}

/// The rankings of now, by sums and by rows.
async fn right(store: &Store) {
    for namespace in ["n", "other"] {
        assert_eq!(difference(store, namespace).await, None);
        let now = jiff::Timestamp::now().as_second();
        for days in [90, 1] {
            for tests in [true, false] {
                let top = async |branch: &str| {
                    let by = testrun_operator::history::By::Seconds;
                    super::sums::top(store, namespace, tests, by, branch, days, now).await
                };
                let (sums, rows) = (top("").await, top("main").await);
                assert!(sums == rows, "{sums:#?}\n{rows:#?}");
            }
        }
    }
}

async fn deletions(place: &Place) {
    let store = Store::open(place, BOUNDS.bytes).await.unwrap();
    fill(&store).await;
    let mut db = connect(place).await;
    if matches!(place, Place::File(_)) {
        // As every version had it, and as docs/history.md asks for.
        sqlx::query("PRAGMA foreign_keys = ON").execute(&mut db).await.unwrap();
    }
    for sql in DELETIONS {
        let error = sqlx::query(sql).execute(&mut db).await.unwrap_err().to_string();
        assert!(error.to_lowercase().contains("foreign key"), "{sql}: {error}");
    }
    assert_eq!(count(&mut db, "SELECT count(*) FROM history_commits").await, 4);
    assert_eq!(count(&mut db, "SELECT count(*) FROM history_durations").await, 16);
    right(&store).await;
    for sql in of_namespace("other") {
        let done = sqlx::query(sqlx::AssertSqlSafe(sql.clone())).execute(&mut db).await.unwrap();
        assert!(done.rows_affected() > 0, "{sql}");
    }
    for table in ["series", "commits"] {
        let sql = format!("SELECT count(*) FROM history_{table} WHERE namespace = 'other'");
        let left: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut db).await.unwrap();
        assert_eq!(left, 0, "{table}");
    }
    let strays = "SELECT count(*) FROM history_slow_days WHERE NOT EXISTS
       (SELECT 1 FROM history_durations d WHERE d.test_id = history_slow_days.test_id)";
    assert_eq!(count(&mut db, strays).await, 0);
    right(&store).await;
    // This version still deletes: the oldest, and then everything.
    let began = count(&mut db, "SELECT max(started) FROM history_commits").await;
    store.tend(began, BOUNDS.bytes).await.unwrap();
    right(&store).await;
    assert_eq!(count(&mut db, "SELECT count(*) FROM history_held").await, 1);
    store.tend(began + 1, BOUNDS.bytes).await.unwrap();
    for table in ["held", "commits", "tests", "series", "days", "test_days", "slow_days", "durations"] {
        let sql = format!("SELECT count(*) FROM history_{table}");
        let left: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut db).await.unwrap();
        assert_eq!(left, 0, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_deletes_as_versions_before_did_is_refused_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    deletions(&Place::File(dir.path().join("h.db"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_deletes_as_versions_before_did_is_refused_on_a_server() {
    let Some(server) = Server::start().await else { return };
    deletions(&server.place()).await;
}

fn slow() -> Asked {
    asked("n", Of::Test("slow".into()), 10, None)
}

/// Makes a store of each version before in turn, and lets four replicas migrate it at once.
async fn at_once(place: &Place) {
    let without_facts = ["DROP TABLE history_facts", "DELETE FROM history_schema WHERE version > 1"];
    let undone: [&[&str]; 3] = [&WITHOUT_DURATIONS, &WITHOUT_SUMS, &without_facts];
    let store = Store::open(place, BOUNDS.bytes).await.unwrap();
    fill(&store).await;
    drop(store);
    for version in (1..=3).rev() {
        let mut db = connect(place).await;
        for sql in undone.iter().take(4 - version).flat_map(|all| all.iter()) {
            sqlx::query(*sql).execute(&mut db).await.unwrap();
        }
        let have = i64::try_from(version).unwrap();
        assert_eq!(count(&mut db, "SELECT max(version) FROM history_schema").await, have);
        if let Place::File(file) = place {
            // Who reads a file of before is told what it has.
            let read = Store::read(file).await.unwrap();
            let found = read.page(&slow()).await.unwrap();
            assert_eq!((found.results.len(), found.summary.unwrap().test), (3, None), "from {version}");
            let by = testrun_operator::history::By::Seconds;
            let now = jiff::Timestamp::now().as_second();
            assert!(super::sums::top(&read, "n", true, by, "", 90, now).await.ranked.is_empty());
        }
        let all = futures::future::join_all((0..4).map(|_| Store::open(place, BOUNDS.bytes))).await;
        let all: Vec<Store> = all.into_iter().map(|store| store.unwrap()).collect();
        for sql in ["SELECT count(*) FROM history_schema", "SELECT max(version) FROM history_schema"] {
            assert_eq!(count(&mut db, sql).await, 4, "from {version}: each step once");
        }
        assert_eq!(count(&mut db, "SELECT count(*) FROM history_held").await, 4);
        while all[0].fill().await.unwrap() {}
        right(&all[1]).await;
        // Results of before have no durations, and that is no error.
        let found = all[2].page(&slow()).await.unwrap();
        assert_eq!(found.summary.unwrap().test, None);
        fill(&all[3]).await;
        let found = all[2].page(&slow()).await.unwrap();
        assert_eq!(found.summary.unwrap().test.map(|t| t.results), Some(6));
        right(&all[1]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_migrate_a_file_of_any_version_at_once_do_so_once() {
    let dir = tempfile::tempdir().unwrap();
    at_once(&Place::File(dir.path().join("h.db"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_migrate_a_server_of_any_version_at_once_do_so_once() {
    let Some(server) = Server::start().await else { return };
    at_once(&server.place()).await;
}
