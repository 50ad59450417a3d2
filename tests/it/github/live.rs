//! The part that only reads, against the real API. Off unless `TESTRUN_LIVE_TOKEN` has a token that may read
//! public repositories; `TESTRUN_LIVE_REPOSITORY` and `TESTRUN_LIVE_BRANCH` name another place to look at. That the reads
//! are right is tried on the scenario server each time.

use testrun_operator::github::api::Repo;
use testrun_operator::github::{Ask, Cache, GITHUB_COM, Priority, Stats, Ties, Transport};

use super::*;

fn setting(name: &str, default: &str) -> String {
    std::env::var(name).ok().filter(|v| !v.is_empty()).unwrap_or_else(|| default.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_its_commit_and_a_run_are_read_and_read_again() {
    let token = setting("TESTRUN_LIVE_TOKEN", "");
    if token.is_empty() {
        println!("skipped: TESTRUN_LIVE_TOKEN is not set");
        return;
    }
    let repository = setting("TESTRUN_LIVE_REPOSITORY", "cli/cli");
    let url = setting("GITHUB_API_URL", GITHUB_COM);
    read(&url, token, &repository, &setting("TESTRUN_LIVE_BRANCH", "")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_of_the_scenario_server() {
    let gh = fake::GitHub::start(fake::Scenario::new().start_now().setup(|s| {
        s.add_repo("acme/shop").branch("main", &fake::sha_of("one"));
        for (id, name) in [(77, "unit"), (78, "lint")] {
            let run = fake::RunSpec::new(id).workflow(name, format!(".github/workflows/{name}.yml"));
            s.repo("acme/shop")
                .add_run(run.event("push").branch("main").sha(fake::sha_of("one")).job((id + 500, name)));
        }
    }));
    gh.update(|s| {
        s.job(577).start();
        s.job(577).complete("success");
        s.run(77).settle();
    });
    read(gh.url(), fake::TOKEN.to_owned(), "acme/shop", "").await;
    assert!(gh.writes().is_empty());
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

async fn read(url: &str, token: String, repository: &str, branch: &str) {
    let settings = Settings::default();
    let (cache, stats) = (Cache::default(), Stats::default());
    let base = ApiBase::parse(url).unwrap();
    let transport = Transport::new(&base, settings.timeout).unwrap();
    let ties = Ties { cache, stats: stats.clone(), ..Ties::new(&settings) };
    let credential = Credential::Token(SecretString::from(token));
    let client = GitHub::with(&transport, &credential, &settings, ties);
    let branch = match branch {
        "" => {
            let repo = Repo::new(&client, repository, Ask::now(Priority::Running));
            repo.repository().await.unwrap().default_branch
        }
        named => named.to_owned(),
    };
    let memory = Memory::new();
    let of_branch = spec(repository, |s| s.branch = Some(branch.clone()));
    let first = facts(collect(&client, &of_branch, &memory, Look::whole()).await);
    println!("{repository} {branch} is at {}", first.source.sha);
    for run in &first.runs {
        println!("  run {} {}: {} jobs, {:?}", run.id, run.workflow, run.jobs.len(), run.conclusion);
        assert_eq!(run.head_sha, first.source.sha);
        assert!(run.jobs_total <= run.jobs.len() as i64 || run.status != "completed", "{run:?}");
    }
    for gap in &first.gaps {
        println!("  not read: {}", gap.message);
    }
    let of = |name: &str| stats.of(name);
    assert_eq!(of("client_error") + of("server_error"), 0, "{:?}", stats.counts().collect::<Vec<_>>());

    let (asked, same) = (stats.total(), of("not_modified"));
    let of_commit = spec(repository, |s| s.sha = Some(first.source.sha.clone()));
    for spec in [&of_branch, &of_commit] {
        let again = facts(collect(&client, spec, &memory, Look::whole()).await);
        assert_eq!(again.source.sha, first.source.sha, "the branch moved meanwhile; start again");
    }
    let (asked, same) = (stats.total() - asked, of("not_modified") - same);
    println!(
        "looked at twice more: {asked} requests, {same} of them not modified; {:?} left",
        stats.remaining()
    );
    assert!(same > 0, "what was read is known by its tag");
    if let Some(run) = first.runs.first() {
        let of_run = spec(repository, |s| s.run_id = Some(run.id));
        assert_eq!(
            facts(collect(&client, &of_run, &memory, Look::whole()).await).source.sha,
            first.source.sha
        );
    }
}
