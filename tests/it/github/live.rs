//! The part that only reads, logs and archives included, against the real API. Off unless `TESTRUN_LIVE_TOKEN` has a token that may read
//! public repositories; `TESTRUN_LIVE_REPOSITORY` and `TESTRUN_LIVE_BRANCH` name another place to look at. That the reads
//! are right is tried on the scenario server each time.

use std::collections::BTreeSet;
use testrun_operator::github::api::Repo;

use testrun_operator::github::{Ask, Cache, GITHUB_COM, Priority, Stats, Ties, Transport, Unfetched, wire};

use super::*;

/// Runs that are asked for an artifact or a log.
const RUNS: usize = 10;
/// Bytes of a log and of an archive.
const MOST: (usize, u64) = (256 << 10, 64 << 20);

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
    let seen = read(&url, token, &repository, &setting("TESTRUN_LIVE_BRANCH", "")).await;
    println!("{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_of_the_scenario_server() {
    let gh = fake::GitHub::start(fake::Scenario::new().start_now().setup(|s| {
        s.add_repo("acme/shop")
            .branch("main", &fake::sha_of("one"))
            .pull_request(fake::PullSpec::new(20, fake::sha_of("two")).branch("feature/x"));
        for (id, name) in [(77, "unit"), (78, "lint")] {
            let run = fake::RunSpec::new(id).workflow(name, format!(".github/workflows/{name}.yml"));
            s.repo("acme/shop")
                .add_run(run.event("push").branch("main").sha(fake::sha_of("one")).job((id + 500, name)));
        }
    }));
    gh.update(|s| {
        s.job(577).start();
        s.job(577).log("ok").complete("success");
        s.run(77).settle();
        s.run(77)
            .upload(fake::ArtifactSpec::new("reports").id(901).file("junit.xml", "<testsuite/>".repeat(50)));
    });
    let seen = read(gh.url(), fake::TOKEN.to_owned(), "acme/shop", "").await;
    let all = Seen { pull: Some(20), log: true, verified: Some(true), swept: true };
    assert_eq!(seen, all);
    let stored = gh.requests().into_iter().filter(|r| r.origin == fake::Origin::Blobs);
    assert_eq!(stored.map(|r| r.header("authorization").is_some()).collect::<Vec<_>>(), [false, false]);
    assert!(gh.writes().iter().all(|r| r.path == "/graphql"), "a query changes nothing");
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

/// What there was to read of a repository.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    pull: Option<i64>,
    log: bool,
    /// Whether an archive came with a digest, which is compared while it is read.
    verified: Option<bool>,
    swept: bool,
}

async fn read(url: &str, token: String, repository: &str, branch: &str) -> Seen {
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
    let repo = Repo::new(&client, repository, Ask::now(Priority::Running));
    let mut seen = Seen::default();
    if let Some(pull) = repo.open_pulls().await.unwrap().first() {
        let of_pull = spec(repository, |s| s.pull_request = Some(pull.number));
        let facts = facts(collect(&client, &of_pull, &memory, Look::whole()).await);
        println!("pull request {} is at {}, {} runs", pull.number, facts.source.sha, facts.runs.len());
        assert_eq!(facts.source.pull_request, Some(pull.number));
        seen.pull = Some(pull.number);
    }
    let ended = repo.recent_runs("status", "completed").await.unwrap();
    for run in ended.workflow_runs.iter().take(RUNS) {
        if !seen.log {
            let (_, jobs) = repo.jobs(run.id).await.unwrap();
            let job =
                jobs.iter().find(|j| j.status == "completed" && j.conclusion.as_deref() != Some("skipped"));
            match job {
                Some(job) => match repo.log(job.id, MOST.0).await {
                    Ok((log, cut)) => {
                        println!("the log of job {} has {} bytes, more: {cut}", job.id, log.len());
                        seen.log = !log.is_empty();
                    }
                    Err(why) => println!("the log of job {} {why}", job.id),
                },
                None => println!("run {} has no job with a log", run.id),
            }
        }
        let artifacts = repo.artifacts(run.id).await.unwrap();
        let fits =
            |a: &&wire::Artifact| !a.expired && u64::try_from(a.size_in_bytes).is_ok_and(|n| n <= MOST.1);
        if seen.verified.is_none()
            && let Some(artifact) = artifacts.iter().find(fits)
        {
            match repo.artifact_zip(artifact.id, artifact.digest.as_deref(), MOST.1).await {
                Ok(archive) => {
                    println!(
                        "archive {} has {} bytes, verified: {}",
                        artifact.id, archive.size, archive.verified
                    );
                    assert_eq!(archive.verified, artifact.digest.is_some());
                    seen.verified = Some(archive.verified);
                }
                Err(why @ (Unfetched::Mismatch { .. } | Unfetched::Trouble(_))) => {
                    panic!("archive {} {why}", artifact.id)
                }
                Err(why) => println!("archive {} {why}", artifact.id),
            }
        }
        if seen.log && seen.verified.is_some() {
            break;
        }
    }
    let commits = BTreeSet::from([first.source.sha.clone()]);
    let counted = repo.rollups(&commits).await.unwrap();
    println!("counted by GraphQL: {counted:?}");
    seen.swept = counted.contains_key(&first.source.sha);
    assert!(seen.swept);
    seen
}
