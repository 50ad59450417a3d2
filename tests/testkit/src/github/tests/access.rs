//! Tokens, permissions, installations.

use serde_json::{Value, json};

use super::client::{Ask, clean};
use super::{secs, sha_of, shop};
use crate::github::{GitHub, OPERATOR_APP, Token};

const REPO: &str = "/repos/acme/shop";

#[test]
fn what_a_token_may_not_do_is_told_apart_from_what_it_cannot_see() {
    let gh = GitHub::start(shop().setup(|s| {
        s.add_repo("acme/secret").private();
        let token = |value: &str, repositories: Option<Vec<u64>>, permissions: &[(&str, &str)]| Token {
            value: value.into(),
            app: Some(OPERATOR_APP),
            installation: None,
            repositories,
            permissions: Some(
                permissions.iter().map(|(name, level)| ((*name).into(), (*level).into())).collect(),
            ),
            expires: None,
        };
        let shop = s.repo("acme/shop").id();
        s.tokens.push(token("ghs_reader", None, &[("actions", "read")]));
        s.tokens.push(token("ghs_shop_only", Some(vec![shop]), &[("actions", "write"), ("checks", "write")]));
    }));
    let ask = |token: Option<&str>, method: &str, path: &str, body: Option<Value>| {
        let mut ask = Ask::new(method, format!("{}{path}", gh.url())).token(token);
        ask.body = body;
        ask.send().unwrap()
    };
    let gate = json!({ "name": "gate", "head_sha": sha_of("head") });
    assert_eq!(ask(None, "GET", REPO, None).status, 401);
    assert_eq!(ask(Some("ghs_wrong"), "GET", REPO, None).status, 401);
    let refused = ask(Some("ghs_reader"), "POST", "/repos/acme/shop/check-runs", Some(gate.clone()));
    assert_eq!(
        (refused.status, refused.json()["message"].as_str()),
        (403, Some("Resource not accessible by integration"))
    );
    assert_eq!(ask(Some("ghs_reader"), "GET", "/repos/acme/secret/actions/runs", None).status, 200);
    assert_eq!(ask(Some("ghs_reader"), "GET", "/repos/acme/secret/pulls", None).status, 403);
    assert_eq!(ask(Some("ghs_shop_only"), "GET", "/repos/acme/secret/actions/runs", None).status, 404);
    assert_eq!(ask(Some("ghs_shop_only"), "POST", "/repos/acme/shop/check-runs", Some(gate)).status, 201);
    gh.revoke_token("ghs_shop_only");
    assert_eq!(ask(Some("ghs_shop_only"), "GET", REPO, None).status, 401);
    gh.update(|s| s.anonymous = true);
    assert_eq!(ask(None, "GET", REPO, None).status, 200);
    assert_eq!(ask(None, "GET", "/repos/acme/secret", None).status, 404);
    clean(&gh);
}

/// A JWT with these claims; the signature is not looked at.
fn jwt(issued: i64, expires: i64) -> String {
    let encode = |text: String| {
        const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut out = String::new();
        for chunk in text.as_bytes().chunks(3) {
            let number =
                chunk.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
            for index in 0..=chunk.len() {
                out.push(char::from(DIGITS[(number >> (18 - 6 * index)) as usize & 63]));
            }
        }
        out
    };
    let header = encode(r#"{"alg":"RS256","typ":"JWT"}"#.into());
    let claims = encode(format!(r#"{{"iat":{issued},"exp":{expires},"iss":"{OPERATOR_APP}"}}"#));
    format!("{header}.{claims}.c2ln")
}

/// A JWT that is valid now.
pub fn jwt_now(gh: &GitHub) -> String {
    let now = gh.now().seconds();
    jwt(now - 60, now + 540)
}

#[test]
fn an_installation_token_is_made_narrowed_and_dies_after_an_hour() {
    let gh = GitHub::start(shop().setup(|s| {
        s.add_repo("acme/secret").private();
        s.install("acme");
    }));
    let now = gh.now().seconds();
    let good = jwt(now - 60, now + 540);
    let ask = |token: &str, method: &str, path: &str, body: Option<Value>| {
        let mut ask = Ask::new(method, format!("{}{path}", gh.url())).token(Some(token));
        ask.body = body;
        ask.send().unwrap()
    };
    for bad in [jwt(now + 120, now + 540), jwt(now - 60, now - 1), jwt(now - 60, now + 3600)] {
        assert_eq!(ask(&bad, "GET", "/repos/acme/shop/installation", None).status, 401);
    }
    let found = ask(&good, "GET", "/repos/acme/shop/installation", None).json();
    let path = format!("/app/installations/{}/access_tokens", found["id"]);
    let shop = gh.read(|s| s.repos[0].id);
    let beyond = ask(&good, "POST", &path, Some(json!({ "permissions": { "administration": "write" } })));
    assert_eq!(beyond.status, 422);
    let made = ask(
        &good,
        "POST",
        &path,
        Some(json!({ "repository_ids": [shop], "permissions": { "actions": "read" } })),
    );
    assert_eq!(made.status, 201);
    let token = made.json()["token"].as_str().unwrap().to_owned();
    assert!(
        token.len() > 400 && made.json()["permissions"] == json!({ "actions": "read", "metadata": "read" })
    );
    assert_eq!(ask(&token, "GET", "/repos/acme/shop/actions/runs", None).status, 200);
    assert_eq!(ask(&token, "GET", "/repos/acme/secret/actions/runs", None).status, 404);
    assert_eq!(ask(&token, "GET", "/installation/repositories", None).json()["total_count"], 1);
    assert_eq!(ask(&token, "GET", "/app", None).status, 401);
    assert_eq!(ask(&good, "GET", "/app", None).json()["slug"], "testrun-operator");
    assert_eq!(ask(&good, "GET", "/app/installations", None).json().as_array().unwrap().len(), 1);
    gh.advance(secs(3601));
    assert_eq!(ask(&token, "GET", "/repos/acme/shop/actions/runs", None).status, 401);
    let later = jwt_now(&gh);
    gh.update(|s| s.installations[0].suspended = true);
    assert_eq!(ask(&later, "POST", &path, None).status, 403);
    clean(&gh);
}
