//! What is claimed, and what hostile envelopes come to.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};

use super::*;
use crate::api::TestRunReport;
use crate::api::spec::Waiver;
use crate::verdict::gate::Word;
use crate::verdict::tests::{OTHER, SHA, at, eval, facts, job, run, spec};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gating/attestations/");

fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!("{FOLDER}{name}")).unwrap()
}

fn private(name: &str) -> SigningKey {
    SigningKey::from_pem(&file(&format!("{name}.key"))).unwrap()
}

fn public(name: &str) -> PublicKey {
    PublicKey::from_pem(&file(&format!("{name}.pub"))).unwrap()
}

/// A report as the operator leaves it, with these ends of jobs; failures of `unit` are waived until then.
fn report(jobs: &[(&str, &str)], waived: Option<i64>) -> TestRunReport {
    let list = jobs.iter().zip(1..).map(|((name, end), id)| job(id, name, end)).collect();
    let mut spec = spec();
    spec.waivers.extend(waived.map(|until| Waiver {
        job: Some("unit".into()),
        test: None,
        workflow: Some("ci.yml".into()),
        ticket: None,
        reason: "known".into(),
        approver: "carol".into(),
        expires_at: Time(at(until)),
    }));
    let evaluation = eval(&spec, &facts(vec![run(7, list)]));
    let mut report = TestRunReport::new("pr-20", spec);
    report.metadata.namespace = Some("ci".into());
    report.metadata.uid = Some("5d3f0c1e-0000-4000-8000-000000000020".into());
    report.metadata.generation = Some(1);
    report.status = Some(evaluation.status);
    report
}

fn passed() -> Statement {
    statement(&report(&[("build", "success"), ("unit", "success")], None), Origin::Cluster, &[], at(2000))
        .unwrap()
}

fn wanted() -> Wanted<'static> {
    Wanted { sha: Some(SHA), repository: Some("Acme/Shop"), server: "github.com", ..Wanted::default() }
}

fn sealed(statement: &Statement, key: &str) -> Value {
    serde_json::to_value(sign(&private(key), &statement.bytes().unwrap()).unwrap()).unwrap()
}

fn open(envelope: &Value, key: &str) -> Result<Statement, Distrust> {
    verify(&serde_json::to_vec(envelope).unwrap(), &public(key)).and_then(|payload| Statement::read(&payload))
}

#[test]
fn a_pass_is_signed_and_believed() {
    for key in ["ed25519", "p256"] {
        let found = open(&sealed(&passed(), key), key).unwrap();
        assert_eq!(found, passed());
        let answer = check(&found, &wanted(), at(3000));
        assert_eq!(answer.word, Word::Passed, "{}", answer.message);
        assert!(answer.message.starts_with(&format!("acme/shop at {SHA}: ")), "{}", answer.message);
        assert_eq!(private(key).public(), public(key));
    }
    let value = serde_json::to_value(passed()).unwrap();
    assert_eq!(value["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(value["predicateType"], "https://in-toto.io/attestation/test-result/v0.1");
    assert_eq!(value["subject"][0]["digest"], json!({"gitCommit": SHA}));
    assert_eq!(value["predicate"]["result"], "PASSED");
    assert_eq!(value["predicate"]["failedTests"], json!([]));
    assert_eq!(value["predicate"]["passedTests"].as_array().unwrap().len(), 2);
}

#[test]
fn other_tools_read_what_is_signed() {
    // Checked with sigstore's code by tests/gating; here that the files are of this code.
    for key in ["ed25519", "p256"] {
        let name = format!("{key}.json");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(format!("{FOLDER}{name}"), format!("{}\n", sealed(&passed(), key))).unwrap();
        }
        let payload = verify(&file(&name), &public(key)).unwrap();
        assert_eq!(payload, passed().bytes().unwrap(), "{name} is out of date: run with UPDATE_GOLDEN=1");
    }
}

#[test]
fn only_what_is_final_is_attested() {
    let of = |jobs: &[(&str, &str)]| statement(&report(jobs, None), Origin::Cluster, &[], at(2000));
    let failed = of(&[("build", "success"), ("unit", "failure")]).unwrap();
    assert_eq!(failed.predicate.result, "FAILED");
    assert_eq!(failed.predicate.failed_tests.len(), 1);
    assert_eq!(check(&failed, &wanted(), at(3000)).word, Word::Failed);
    let running = of(&[("build", "success"), ("unit", "in_progress")]).unwrap_err();
    assert_eq!(running.word, Word::Undecided);
    let red = of(&[("build", "failure"), ("unit", "in_progress")]).unwrap_err();
    assert!(red.message.contains("not final"), "{}", red.message);
    assert!(of(&[("build", "hatched")]).is_err());
    // Of another generation, deleted, or never looked at.
    let green = || report(&[("build", "success")], None);
    for change in [
        (|r| r.metadata.generation = Some(2)) as fn(&mut TestRunReport),
        |r| r.metadata.deletion_timestamp = Some(Time(at(1))),
        |r| r.status = None,
        |r| r.status.as_mut().unwrap().source = None,
        |r| r.status.as_mut().unwrap().source.as_mut().unwrap().sha = "abc".into(),
    ] {
        let mut report = green();
        change(&mut report);
        assert!(statement(&report, Origin::Cluster, &[], at(2000)).is_err());
    }
}

#[test]
fn a_pass_with_something_excused_says_so_and_ends_with_the_waiver() {
    let report = report(&[("build", "success"), ("unit", "failure")], Some(5000));
    let found = statement(&report, Origin::Cluster, &[], at(2000)).unwrap();
    assert_eq!(found.predicate.result, "WARNED");
    assert!(found.predicate.warned_tests[0].ends_with("/ unit"), "{:?}", found.predicate.warned_tests);
    assert!(found.predicate.failed_tests.is_empty());
    assert_eq!(found.predicate.verdict.waivers[0].workflow.as_deref(), Some("ci.yml"));
    assert_eq!(check(&found, &wanted(), at(4999)).word, Word::Passed);
    let ended = check(&found, &wanted(), at(5000));
    assert_eq!(ended.word, Word::Undecided);
    assert!(ended.message.contains("a waiver of unit that ended"), "{}", ended.message);
    let strict = Wanted { strict: true, ..wanted() };
    assert_eq!(check(&found, &strict, at(3000)).word, Word::Undecided);
    assert_eq!(check(&passed(), &strict, at(3000)).word, Word::Passed);
}

#[test]
fn it_holds_for_what_it_names_and_nothing_else() {
    let image: Image = format!("registry.example/shop@sha256:{}", "a".repeat(64)).parse().unwrap();
    let report = report(&[("build", "success")], None);
    let found = statement(&report, Origin::Cluster, std::slice::from_ref(&image), at(2000)).unwrap();
    let other: Image = format!("registry.example/shop@sha256:{}", "b".repeat(64)).parse().unwrap();
    let renamed: Image = format!("registry.example/shop2@sha256:{}", "a".repeat(64)).parse().unwrap();
    let hour = Some(jiff::SignedDuration::from_hours(1));
    for (ask, now, want, words) in [
        (Wanted { image: Some(&image), ..wanted() }, 3000, Word::Passed, ""),
        (Wanted { image: Some(&other), ..wanted() }, 3000, Word::Undecided, "not about the image"),
        (Wanted { image: Some(&renamed), ..wanted() }, 3000, Word::Undecided, "not about the image"),
        (Wanted { sha: Some(OTHER), ..wanted() }, 3000, Word::Undecided, "it is about commit"),
        (
            Wanted { repository: Some("mallory/shop"), ..wanted() },
            3000,
            Word::Undecided,
            "it is about acme/shop",
        ),
        (Wanted { server: "ghe.example", ..wanted() }, 3000, Word::Undecided, "of github.com, not of"),
        (Wanted { max_age: hour, ..wanted() }, 5600, Word::Passed, ""),
        (Wanted { max_age: hour, ..wanted() }, 5601, Word::Undecided, "--max-age"),
        (wanted(), 1000, Word::Undecided, "yet to come"),
        (wanted(), 1800, Word::Passed, ""),
    ] {
        let answer = check(&found, &ask, at(now));
        assert_eq!(answer.word, want, "{ask:?}: {}", answer.message);
        assert!(answer.message.contains(words), "{}", answer.message);
    }
    for bad in ["shop", "shop@sha256:abc", "@sha256:", "shop@sha512:aa"] {
        assert!(bad.parse::<Image>().is_err(), "{bad}");
    }
}

#[test]
fn a_statement_that_contradicts_itself_is_about_nothing() {
    let change = |f: &dyn Fn(&mut Statement)| {
        let mut statement = passed();
        f(&mut statement);
        check(&statement, &wanted(), at(3000)).word
    };
    assert_eq!(change(&|_| ()), Word::Passed);
    let second = passed().subject[0].clone();
    assert_eq!(change(&|s| s.subject.push(second.clone())), Word::Undecided, "two commits");
    assert_eq!(change(&|s| s.subject.clear()), Word::Undecided);
    assert_eq!(change(&|s| s.subject[0].name = None), Word::Undecided);
    assert_eq!(
        change(&|s| s.subject[0].name = Some("git+https://github.com/acme/other".into())),
        Word::Undecided
    );
    for result in ["FAILED", "passed", "PASSED ", ""] {
        assert_eq!(change(&|s| s.predicate.result = result.into()), Word::Failed, "{result:?}");
    }
}

#[test]
fn hostile_envelopes_are_refused() {
    let good = sealed(&passed(), "ed25519");
    let refused = |envelope: &Value, words: &str| {
        let error = open(envelope, "ed25519").unwrap_err().to_string();
        assert!(error.contains(words), "{envelope}: {error}");
    };
    let with = |path: &str, value: Value| {
        let mut envelope = good.clone();
        *envelope.pointer_mut(path).unwrap() = value;
        envelope
    };
    let none = "none of its signatures";
    // Another payload, another type, another key, no signature.
    let red = statement(&report(&[("a", "failure")], None), Origin::Cluster, &[], at(2000)).unwrap();
    refused(&with("/payload", json!(STANDARD.encode(red.bytes().unwrap()))), none);
    for kind in ["application/json", "application/vnd.in-toto+JSON", "", "application/vnd.in-toto+json "] {
        refused(&with("/payloadType", json!(kind)), "payloadType: expected");
    }
    refused(&sealed(&passed(), "p256"), none);
    refused(&with("/signatures", json!([])), "signatures: expected 1 to 16");
    let signature = good["signatures"][0].clone();
    refused(&with("/signatures", json!(vec![signature.clone(); 17])), "signatures: expected 1 to 16");
    for sig in ["", "AAAA", "not base64", &"A".repeat(86)] {
        refused(&with("/signatures/0/sig", json!(sig)), none);
    }
    // A key id is a hint: a wrong one harms nothing, and a right one proves nothing.
    let mut hinted = good.clone();
    hinted["signatures"][0]["keyid"] = json!("somebody's");
    open(&hinted, "ed25519").unwrap();
    let mut stolen = sealed(&passed(), "p256");
    stolen["signatures"][0]["keyid"] = json!(public("ed25519").id());
    refused(&stolen, none);
    // Signatures of others are no vote against it.
    let stranger = sealed(&passed(), "p256")["signatures"][0].clone();
    let both = with("/signatures", json!([stranger, signature]));
    open(&both, "ed25519").unwrap();
    open(&both, "p256").unwrap();
    // The signature covers type and payload with their lengths, and not the payload alone.
    let bare = private("ed25519").sign(&passed().bytes().unwrap()).unwrap();
    refused(&with("/signatures/0/sig", json!(STANDARD.encode(bare))), none);
    // Base64 that two readers may read differently.
    let payload = good["payload"].as_str().unwrap();
    for odd in
        [format!("{payload}="), format!(" {payload}"), format!("{payload}\n"), payload.replace('=', "")]
    {
        if odd != payload {
            assert!(open(&with("/payload", json!(odd)), "ed25519").is_err());
        }
    }
    let mut more = good.clone();
    more["extra"] = json!(1);
    refused(&more, "unknown field");
}

#[test]
fn a_name_that_is_there_twice_is_refused() {
    let good = serde_json::to_string(&sealed(&passed(), "ed25519")).unwrap();
    for twice in [
        good.replacen('{', r#"{"payload":"e30=","#, 1),
        good.replacen('{', r#"{"Payload":"e30=","#, 1),
        good.replacen(r#""sig":"#, r#""sig":"AAAA","sig":"#, 1),
    ] {
        let error = verify(twice.as_bytes(), &public("ed25519")).unwrap_err().to_string();
        assert!(error.contains("there twice"), "{error}");
    }
    // In the payload, where a signer that was fooled may have put it.
    let payload = String::from_utf8(passed().bytes().unwrap()).unwrap();
    for twice in [
        payload.replacen(r#""gitCommit":"#, &format!(r#""gitCommit":"{OTHER}","gitCommit":"#), 1),
        payload.replacen(r#""result":"#, r#""result":"FAILED","result":"#, 1),
        payload.replacen(r#""result":"#, r#""Result":"FAILED","result":"#, 1),
    ] {
        let envelope = sign(&private("ed25519"), twice.as_bytes()).unwrap();
        let error = open(&serde_json::to_value(envelope).unwrap(), "ed25519").unwrap_err().to_string();
        assert!(error.contains("there twice"), "{error}");
    }
    for other in [
        payload.replacen("Statement/v1", "Statement/v0.1", 1),
        payload.replacen("test-result/v0.1", "test-result/v1", 1),
        payload.replacen("https://testrun.dev/verdict/v1", "https://example.com/verdict", 1),
        "{}".to_owned(),
        "[]".to_owned(),
        "[".repeat(100_000),
    ] {
        let envelope = sign(&private("ed25519"), other.as_bytes()).unwrap();
        assert!(open(&serde_json::to_value(envelope).unwrap(), "ed25519").is_err(), "{:.60}", other);
    }
}

#[test]
fn keys_of_other_kinds_are_refused_with_what_to_give() {
    let text = |name: &str| String::from_utf8(file(name)).unwrap();
    // A P-256 key is none where its bytes are cut, or its curve is another.
    let pem = |der: &[u8]| {
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
    };
    let body: String = text("p256.pub").lines().filter(|l| !l.starts_with('-')).collect();
    let der = STANDARD.decode(body).unwrap();
    PublicKey::from_pem(pem(&der).as_bytes()).unwrap();
    let mut curve = der.clone();
    curve[22] = 0x22;
    for bad in [
        String::new(),
        text("p256.key"),
        format!("{}{}", text("p256.pub"), text("ed25519.pub")),
        pem(&der[..90]),
        pem(&[&der[..], &[0]].concat()),
        pem(&curve),
    ] {
        let error = PublicKey::from_pem(bad.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("expected one Ed25519 or ECDSA P-256 key"), "{error}");
    }
    for bad in [text("ed25519.pub"), String::new(), text("ed25519.key").replacen("MC4C", "MC4D", 1)] {
        let error = SigningKey::from_pem(bad.as_bytes()).err().unwrap().to_string();
        assert!(error.contains("PKCS#8 without a password"), "{error}");
    }
    // A key that is not on the curve verifies nothing.
    let mut off = der;
    *off.last_mut().unwrap() ^= 1;
    let off = PublicKey::from_pem(pem(&off).as_bytes()).unwrap();
    assert!(verify(&serde_json::to_vec(&sealed(&passed(), "p256")).unwrap(), &off).is_err());
}

#[test]
fn times_are_written_as_others_read_them() {
    let value = serde_json::to_value(passed()).unwrap();
    let verdict = &value["predicate"]["https://testrun.dev/verdict/v1"];
    assert_eq!(verdict["attestedAt"], "2026-01-23T16:33:20Z");
    assert!(verdict["decidedAt"].as_str().unwrap().parse::<Timestamp>().is_ok());
    assert_eq!(verdict["report"]["name"], "pr-20");
}
