//! Logs and `inspect` of the containers of a suite, the failing test, and a passing sibling.

use super::*;

fn suite(service: &str) -> String {
    format!("kubernaut-must-gather/{service}-integration-20260123-193950")
}

#[test]
fn a_container_that_ran_out_of_memory_or_is_unhealthy_is_told() {
    let path = format!("{}/gw_postgres_test_inspect.json", suite("gw"));
    let text = r#"[{"Name":"gw_postgres_test","RestartCount":2,"State":{"Status":"exited","OOMKilled":true,
        "ExitCode":137,"FinishedAt":"2026-01-23T19:38:45.5Z","Health":{"Status":"unhealthy","FailingStreak":4,
        "Log":[{"ExitCode":1,"Output":"no response"}]}}},
        {"Name":"/gw_api_test","State":{"Status":"exited","ExitCode":2,"Error":"bad flag"}},
        {"Name":"gw_ok_test","State":{"Status":"running","ExitCode":0}}]"#;
    let found = of(&[(&path, text)]);
    let mut told = told(&found);
    told.sort();
    assert_eq!(
        told,
        [
            "ContainerExited api [exit code 2] x1", "NotReady postgres [unhealthy] x4",
            "OomKilled postgres [OOMKilled] x1", "Restarts postgres [] x2",
        ]
    );
    assert_eq!(found.findings[0].kind, Kind::OomKilled);
    let unhealthy = found.findings.iter().find(|finding| finding.kind == Kind::NotReady).unwrap();
    assert_eq!(unhealthy.evidence.text, "no response");
}

#[test]
fn error_lines_of_one_wording_are_one_finding_with_their_times() {
    let log = "2026-01-23T19:00:00Z INFO started\n\
               2026-01-23T19:00:01Z ERROR db query 17 failed {\"id\":\"4f1c2d3e-1111-2222-3333-444455556666\"}\n\
               2026-01-23T19:00:09Z ERROR db query 18 failed {\"id\":\"aaaaaaaa-1111-2222-3333-444455556666\"}\n\
               2026-01-23T19:00:10Z ERROR cache is empty\n";
    let found = of(&[(&format!("{}/gw_api_test.log", suite("gw")), log)]);
    assert_eq!(told(&found), ["ErrorLine api [] x2", "ErrorLine api [] x1"]);
    let first = &found.findings[0];
    let times = [first.first_seen, first.last_seen].map(|time| time.unwrap().to_string());
    assert_eq!(times, ["2026-01-23T19:00:01Z", "2026-01-23T19:00:09Z"]);
    assert_eq!((first.evidence.line, first.count), (Some(2), 2));
}

#[test]
fn what_could_not_be_used_is_told_by_its_kind() {
    for (line, want) in [
        ("ERROR: insert failed (SQLSTATE 23505)", "Conflict x [SQLSTATE 23505 duplicate key]"),
        ("ERROR: x (SQLSTATE: 23503)", "Conflict x [SQLSTATE 23503 foreign key]"),
        ("ERROR: x (SQLSTATE=53300)", "Dependency x [SQLSTATE 53300 too many connections]"),
        ("ERROR: x (SQLSTATE 08006)", "Dependency x [SQLSTATE 08006 connection failure]"),
        ("ERROR: x (SQLSTATE 99999)", "Dependency x [SQLSTATE 99999 database error]"),
        ("Error: dial tcp 10.0.0.1:5432: connect: connection refused", "Dependency x [connection refused]"),
        ("Error: dial tcp: lookup db on 10.0.0.2:53: no such host", "Network x [name does not resolve]"),
        (
            "Error: dial tcp [::1]:5432: connect: connection refused",
            "Network x [connection refused on the IPv6 loopback]",
        ),
        ("level=error msg=\"read tcp 10.0.0.1:1->10.0.0.2:6379: i/o timeout\"", "Dependency x [i/o timeout]"),
        ("INFO routing blocked {\"reason\": \"DuplicateInProgress\"}", "Conflict x [exists already]"),
        ("[12] Out of memory: Killed process 77 (java)", "OomKilled x [out of memory]"),
        ("Error: write /tmp/a: no space left on device", "ErrorLine x [no space left]"),
        ("panic: runtime error: invalid memory address or nil pointer dereference", "Crash x []"),
        (
            "2026-01-23 19:38:45.492 UTC [71] FATAL:  the database system is starting up",
            "Dependency x [database is starting up]",
        ),
    ] {
        let found = of(&[("x.log", line)]);
        assert_eq!(told(&found), [format!("{want} x1")], "{line}");
    }
    for line in ["INFO all is well", "", "debug: nothing", "0 errors", "\u{0}\u{1}\u{2}"] {
        assert_eq!(told(&of(&[("x.log", line)])), [""; 0], "{line}");
    }
}

#[test]
fn a_line_that_names_the_tests_object_comes_first_whatever_its_level() {
    let log = "2026-01-23T19:00:00Z ERROR loud and frequent\n2026-01-23T19:00:01Z ERROR loud and frequent\n\
               2026-01-23T19:00:02Z INFO Routing blocked {\"rr\":\"rr-p3-c3965f58-0221\",\"reason\":\"DuplicateInProgress\"}\n";
    // The object may be known under a longer name in the test.
    for subject in ["rr-p3-c3965f58-0221", "sp-rr-p3-c3965f58-0221"] {
        let options = Options { subjects: vec![subject.to_owned()], ..Options::default() };
        let found = about(options, &[("ro.log", log)]);
        assert_eq!(told(&found)[0], "Conflict ro [exists already] x1", "{subject}");
        assert!(found.findings[0].related);
    }
    assert_eq!(told(&of(&[("ro.log", log)]))[0], "ErrorLine ro [] x2");
}

#[test]
fn no_credential_of_a_log_or_a_setting_is_in_a_finding() {
    let token = format!("ghp_{}", "a1B2".repeat(9));
    let log = format!("ERROR: push failed with token {token} to https://user:hunter2@host/x\n");
    let inspect = r#"[{"Name":"gw_api_test","State":{"Status":"running"},"Config":{"Env":["DB_PASSWORD=hunter2","URL=a"]}}]"#;
    let other = inspect.replace("hunter2", "other").replace("URL=a", "URL=b");
    let mut failing = of(&[("gw.log", &log), ("gw_inspect.json", inspect)]);
    failing.compare(&of(&[("gw_inspect.json", &other)]));
    let json = serde_json::to_string(&failing).unwrap();
    assert!(!json.contains(&token) && !json.contains("hunter2"), "{json}");
    assert!(json.contains("environment URL"), "{json}");
}

#[test]
fn what_a_passing_sibling_has_otherwise_is_told_and_what_it_has_too_is_set_back() {
    let inspect = |service: &str, url: &str| {
        format!(
            r#"[{{"Name":"{service}_hapi_test","State":{{"Status":"running"}},"Config":{{"Image":"hapi:1","Env":
            ["DATA_STORAGE_URL={url}","LOG=info"]}},"NetworkSettings":{{"Ports":{{"8080/tcp":[{{"HostIp":"127.0.0.1",
            "HostPort":"18080"}}]}}}}}}]"#
        )
    };
    let noise = "2026-01-23T19:00:00Z ERROR gauge is not registered\n";
    let failing_log = format!("{noise}2026-01-23T19:00:01Z ERROR lookup aa_datastorage_test: no such host\n");
    let (aa, ro) = (suite("aa"), suite("ro"));
    let mut failing = of(&[
        (&format!("{aa}/aa_hapi_test.log"), &failing_log),
        (&format!("{aa}/aa_hapi_test_inspect.json"), &inspect("aa", "http://aa_datastorage_test:8080")),
    ]);
    let passing = of(&[
        (&format!("{ro}/ro_hapi_test.log"), noise),
        (&format!("{ro}/ro_hapi_test_inspect.json"), &inspect("ro", "http://127.0.0.1:28080")),
    ]);
    failing.compare(&passing);
    assert_eq!(
        told(&failing),
        [
            "Network hapi [name does not resolve] x1", "Difference hapi [environment DATA_STORAGE_URL] x1",
            "ErrorLine hapi [] x1",
        ]
    );
    assert!(failing.findings[2].also_passing);
    assert!(failing.findings[1].evidence.text.contains("in the passing sibling: http://127.0.0.1:28080"));
    assert_eq!(failing.findings_total, 3);
}

#[test]
fn a_state_that_began_in_the_tests_time_is_related_to_it() {
    let window = |from: &str, until: &str| Some((from.parse().unwrap(), until.parse().unwrap()));
    let options = |window| Options { window, ..Options::default() };
    let pods = "kind: Pod\nmetadata: {name: db-0, namespace: ns}\nstatus:\n  phase: Running\n  containerStatuses:\n  - name: db\n    restartCount: 1\n    lastState: {terminated: {reason: OOMKilled, exitCode: 137, finishedAt: '2026-01-23T17:05:05Z'}}\n";
    let inspect = r#"[{"Name":"svc_db","State":{"Status":"exited","OOMKilled":true,"ExitCode":137,"FinishedAt":"2026-01-23T17:05:05.5Z"}}]"#;
    for files in [[("core/pods.yaml", pods)], [("x_inspect.json", inspect)]] {
        for (from, until, related) in [
            ("2026-01-23T17:05:00Z", "2026-01-23T17:06:00Z", true),
            ("2026-01-23T17:06:00Z", "2026-01-23T17:07:00Z", false),
            ("2026-01-23T16:00:00Z", "2026-01-23T17:05:05Z", files[0].0 == "core/pods.yaml"),
        ] {
            let found = about(options(window(from, until)), &files);
            let oom = found.findings.iter().find(|f| f.kind == Kind::OomKilled).unwrap();
            assert_eq!(oom.related, related, "{} {from} {until}", files[0].0);
        }
    }
    let named = Options { subjects: vec!["web-1".to_owned()], ..Options::default() };
    let text = "Name: web-1\nNamespace: ns\nContainers:\n  web:\n    State: Waiting\n      Reason: ImagePullBackOff\n";
    let found = about(named, &[("pods/describe.txt", text)]);
    assert!(found.findings.iter().any(|f| f.kind == Kind::ImagePull && f.related), "{:?}", found.findings);
}
