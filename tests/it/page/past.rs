//! The grid and the history, from a look at GitHub to the page, with the operator as a process.

use testkit::github::{GitHub, PullSpec, RunSpec, Scenario, secs, sha_of};

use super::access::{AUDIENCE, REPO, assert_headers, place, token};
use super::browser::{Browser, Look};
use super::get;
use super::pure::without_script;
use crate::cluster::{cluster, eventually};
use crate::story::operator::Operator;

const JOB: &str = "unit <script>alert(1)</script>";

/// Pull request 20 with a job whose name is hostile, and which fails.
fn github() -> GitHub {
    let gh = GitHub::start(Scenario::new().start_now().setup(|s| {
        s.add_repo(REPO).pull_request(PullSpec::new(20, sha_of("one")).branch("feature/x"));
        let run = RunSpec::new(77).workflow("CI", ".github/workflows/ci.yml").pull_request(20);
        s.repo(REPO).add_run(run.job((501, JOB)).job((502, "lint")));
        for job in [501, 502] {
            s.job(job).start();
        }
        s.job(501).log(
            "collected 2 items\nE   AssertionError: 1 == 2\n=== RUN   TestSlow\n--- PASS: TestSlow (3.25s)\n\
             ##[error]Process completed with exit code 1.\n",
        );
        s.job(501).complete("failure");
        s.job(502).complete("success");
        s.run(77).settle();
    }));
    gh.pause();
    gh.advance(secs(60));
    gh
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_followed_over_commits_by_who_may_list_the_reports() {
    let plane = cluster().await;
    let namespace = place(plane, "page-past").await;
    let other = place(plane, "page-past-other").await;
    let gh = github();
    let args = ["--page", "--http-addr", "127.0.0.1:0", "--refresh-interval", "1s", "--history", "memory"];
    let operator = Operator::start(plane, &namespace, gh.url(), &args).await;
    let url = operator.http();
    let we = token(plane, &namespace, "reader", &[AUDIENCE]).await;
    let they = token(plane, &other, "reader", &[AUDIENCE]).await;
    let grid = format!("/grid?namespace={namespace}&repository=acme%2Fshop");
    let job = format!(
        "/history?namespace={namespace}&repository=acme%2Fshop&job=unit+%3Cscript%3Ealert%281%29%3C%2Fscript%3E"
    );
    let least = format!("/history?namespace={namespace}&repository=acme%2Fshop");
    let patterns = format!("/patterns?namespace={namespace}&repository=acme%2Fshop");

    let says = async |path: &str, words: &str| {
        let is = async || Some(get(&url, path, &we).await).filter(|shown| shown.body.contains(words));
        eventually(|| format!("{path} to say {words}"), is).await
    };
    let red = says(&grid, "<span class=\"read\">failed</span>").await;
    assert_headers(&red, "grid");
    assert!(
        red.body.contains("/actions/runs/77/job/501")
            && red.body.contains(&format!("href=\"/reports/{namespace}/r\""))
    );
    assert!(red.body.contains(&job.replace('&', "&amp;")), "{}", red.body);
    assert!(red.body.find("unit &lt;script").unwrap() < red.body.find(">lint<").unwrap(), "the worst first");
    let one = says(&job, "1 (100.0 %, 20.6 to 100.0) of 1 results").await;
    assert_headers(&one, "history");
    // The lines that say why are those of the report, as the watch of the page has it.
    says(&job, "AssertionError: 1 == 2").await;
    let alike = says(&patterns, "1 on 1 day, at most 1").await;
    assert_headers(&alike, "patterns");
    assert!(alike.body.contains("unit &lt;script&gt;") && alike.body.contains(">#20<"), "{}", alike.body);
    assert!(red.body.contains(&patterns.replace('&', "&amp;")), "the grid leads there");
    assert!(get(&url, "/", &we).await.body.contains(&grid.replace('&', "&amp;")), "the overview leads there");

    // Again on the same commit, and it passes.
    gh.update(|s| {
        s.run(77).rerun("someone", |job| job.name == JOB);
        let again = s.repos[0].jobs.iter().filter(|j| j.name == JOB).map(|j| j.id).max().unwrap();
        s.job(again).start();
        s.job(again).complete("success");
        s.run(77).settle();
    });
    gh.advance(secs(60));
    let flaky = says(&grid, "<span class=\"read\">flaky: failed and passed</span>").await;
    assert!(flaky.body.contains("<span class=\"read\">passed</span>"), "lint did");
    let two = says(&job, "1 (50.0 %, 9.4 to 90.5) of 2 results").await;
    assert!(
        two.body.contains("1 (100.0 %, 20.6 to 100.0) of 1 commits")
            && two.body.contains("<svg class=\"chart\"")
    );
    assert!(says(&least, "1 (100.0 %, 20.6 to 100.0)").await.body.contains("unit &lt;script&gt;"));
    // How long a test took that passed beside the failure, and where.
    let slow = says(&least, "Slowest tests").await;
    let test = format!("/history?namespace={namespace}&repository=acme%2Fshop&test=TestSlow");
    assert!(slow.body.contains(&test.replace('&', "&amp;")) && slow.body.contains(">3.2s<"), "{}", slow.body);
    let of_one = says(&test, "3.2s in the median, 3.2s at most (on ").await;
    assert!(of_one.body.contains("in run 77), of 1 passes"), "{}", of_one.body);
    for shown in [&red, &one, &flaky, &two, &alike, &slow] {
        assert!(!without_script(&shown.body).contains("<script"), "{}", shown.body);
    }

    // In a browser, which is asked for the token and gets it with the address.
    if let Some(mut browser) = Browser::start().await {
        let look = Look { dark: false, width: 1000, height: 640 };
        let origin = url.replace("http://", &format!("http://reader:{we}@"));
        for path in ["/", &format!("/reports/{namespace}/r"), &grid, &job, &least, &patterns] {
            browser.open(&format!("{origin}{path}"), look).await;
            let line = "getComputedStyle(document.querySelector('header')).borderBottomWidth";
            assert_eq!(browser.evaluate(line).await, "1px", "{path}: its own style is allowed");
            let ours = |r: &String| r.starts_with(&url) || r.starts_with(&origin);
            assert!(browser.requests().iter().all(ours), "{:?}", browser.requests());
            // That it is asked for the token is told as an error.
            let trouble: Vec<String> = browser.trouble().into_iter().filter(|t| !t.contains("401")).collect();
            assert!(trouble.is_empty(), "{path}: {trouble:?}");
            assert_eq!(browser.evaluate(include_str!("looks.js")).await, serde_json::json!([]), "{path}");
        }
    }

    // Others see what they would see if it were not there.
    for path in [&grid, &job, &least, &patterns] {
        let hidden = get(&url, path, &they).await;
        let missing = get(&url, &path.replace(&namespace, "no-such"), &they).await;
        assert_eq!((hidden.status, &hidden.body), (404, &missing.body), "{path}");
        assert_eq!(get(&url, path, "nonsense").await.status, 401, "{path}");
    }
    for (path, words) in [
        (format!("/grid?namespace={namespace}"), "Say which repository"),
        (format!("{grid}&before=x"), "as it was given"),
        (format!("{job}&test=a"), "not for both"),
        (format!("{grid}&branch={}", "a".repeat(1025)), "1024 bytes"),
    ] {
        let shown = get(&url, &path, &we).await;
        assert!(shown.status == 400 && shown.body.contains(words), "{path}: {shown:?}");
    }
    operator.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_history_the_grid_is_made_of_reports() {
    let plane = cluster().await;
    let namespace = place(plane, "page-no-past").await;
    let gh = github();
    let args = ["--page", "--http-addr", "127.0.0.1:0", "--refresh-interval", "1s"];
    let operator = Operator::start(plane, &namespace, gh.url(), &args).await;
    let url = operator.http();
    let we = token(plane, &namespace, "reader", &[AUDIENCE]).await;
    let grid = format!("/grid?namespace={namespace}&repository=ACME%2Fshop");
    let failed = async || {
        let shown = get(&url, &grid, &we).await;
        shown.body.contains("<span class=\"read\">failed</span>").then_some(shown)
    };
    let shown = eventually(|| "the grid", failed).await;
    assert!(shown.body.contains("keeps no history") && shown.body.contains("/actions/runs/77/job/501"));
    let history = get(&url, &format!("/history?namespace={namespace}&job=unit"), &we).await;
    assert!(history.status == 501 && history.body.contains("history.store"), "{history:?}");
    operator.stop().await;
}
