//! Requests that GitHub counts.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::world::{Plan, World};

const MINUTE: Duration = Duration::from_secs(60);
/// A thousand reports.
const PLAN: Plan = Plan {
    repositories: 20,
    reports: 1000,
    jobs: 10,
    speed: 30.0,
    webhooks: false,
    sweep: false,
    suites: true,
    by_sha: false,
};

/// From creation to the final verdict, for one run of half an hour with a hundred jobs.
pub async fn requests() {
    println!("requests per report, one run of 100 jobs and 30 minutes, 20 pull requests of one repository");
    println!("{:<40} {:>8} {:>8} {:>8}", "", "own", "lists", "sent");
    let rows = [(true, true), (true, false), (false, true), (false, false)].map(|(w, s)| (w, s, false));
    for (webhooks, suites, by_sha) in rows.into_iter().chain([(true, true, true), (false, true, true)]) {
        let plan = Plan { repositories: 1, reports: 20, jobs: 100, webhooks, suites, by_sha, ..PLAN };
        let world = World::start("requests", plan).await;
        world.gh.forget_requests();
        // A new pull request every minute; its report is made a few seconds after it.
        let (gap, length) = (MINUTE, 30 * MINUTE);
        let mut events = Vec::new();
        for n in 0..plan.reports {
            let at = gap * n as u32;
            events.push((at, n, None));
            // Jobs end one after the other.
            for job in 0..plan.jobs {
                events.push((
                    at + Duration::from_secs(30) + length * (job as u32 + 1) / (plan.jobs as u32 + 1),
                    n,
                    Some(job),
                ));
            }
            events.push((at + Duration::from_secs(30) + length, n, Some(plan.jobs)));
        }
        events.sort();
        for (at, n, step) in events {
            world.until(at).await;
            match step {
                None => {
                    world.open(n);
                    world.begin(n);
                    world.create(n..n + 1).await;
                }
                Some(job) if job < plan.jobs => world.gh.update(|s| {
                    s.job(world.job(n, job)).start();
                    s.job(world.job(n, job)).complete("success");
                }),
                Some(_) => world.finish(n),
            }
        }
        world.wait("Passed", "True", plan.reports).await;
        let name = format!(
            "{}, {}{}",
            if webhooks { "webhooks" } else { "no webhooks" },
            if suites { "suites of the spec" } else { "everything counts" },
            if by_sha { ", by sha" } else { "" }
        );
        row(&world, &name);
        world.end().await;
    }
}

/// The ways in which an operator hears of changes; without the name of one all are measured.
pub const WAYS: [&str; 3] = ["webhooks", "polled", "swept"];

/// A thousand reports whose runs go on for an hour, in the ways that are named.
pub async fn hour(names: &[String]) {
    println!("\none hour, 1,000 reports with running jobs in 20 repositories");
    println!("{:<40} {:>8} {:>8} {:>8}", "", "own", "lists", "sent");
    let named = |way: &&str| names.iter().any(|n| n == way);
    let all = !WAYS.iter().any(named);
    for way in WAYS.iter().filter(|way| all || named(way)) {
        let (webhooks, sweep) = (*way == "webhooks", *way == "swept");
        let plan = Plan { webhooks, sweep, ..PLAN };
        let world = World::start("hour", plan).await;
        world.begin_all().await;
        let before = world.gh.counted_requests().len();
        println!("  (first looks: {before} counted)");
        world.gh.forget_requests();
        // Every report's jobs end one by one, the last one after the hour.
        let start = tokio::time::Instant::now();
        let hour = (60 * MINUTE).div_f64(plan.speed);
        for job in 0..plan.jobs - 1 {
            for n in 0..plan.reports {
                let at =
                    hour.mul_f64((job * plan.reports + n) as f64 / ((plan.jobs - 1) * plan.reports) as f64);
                tokio::time::sleep_until(start + at).await;
                world.gh.update(|s| {
                    s.job(world.job(n, job)).start();
                    s.job(world.job(n, job)).complete("success");
                });
            }
        }
        tokio::time::sleep_until(start + hour).await;
        let counted = world.gh.counted_requests().len();
        let naive = plan.reports * 2 * 120;
        row(&world, way);
        let queries = world.gh.requests().iter().filter(|r| r.path == "/graphql").count();
        println!("  {queries} GraphQL queries, a point of another limit each");
        println!(
            "  1/{:.0} of {naive}, what reports cost that each read their run and its jobs every 30 s",
            naive as f64 / counted.max(1) as f64
        );
        world.end().await;
    }
}

/// `own` are requests about one commit, run or pull request, `lists` what all reports of a repository share, the jobs
/// of the base branch's run among them; of both those that GitHub counts. `sent` are all of them.
fn row(world: &World, name: &str) {
    let reports = if world.plan.reports > 100 { 1 } else { world.plan.reports };
    let per = |n: usize| n as f64 / reports as f64;
    let mut by: BTreeMap<(bool, String), usize> = BTreeMap::new();
    for request in world.gh.counted_requests() {
        let template = request.template;
        let own = ["{ref}", "{run_id}", "{pull_number}", "{commit_sha}"].iter().any(|p| template.contains(p))
            || request.query.iter().any(|(key, _)| key == "head_sha");
        let own = own && !world.is_base(&request.path);
        *by.entry((own, template)).or_default() += 1;
    }
    let sum = |own| per(by.iter().filter(|((o, _), _)| *o == own).map(|(_, n)| n).sum());
    println!("{name:<40} {:>8.2} {:>8.2} {:>8.2}", sum(true), sum(false), per(world.gh.requests().len()));
    for ((own, template), count) in by {
        println!("    {:>8.2} {} {template}", per(count), if own { "own " } else { "list" });
    }
}
