//! Who sees what.

use http::Method;

use super::super::{access, ask_over};
use super::person::led;
use super::provider::Person;
use super::{Scene, until};

/// The way to everything leads by the provider, and what goes round the proxy has no token.
pub(super) async fn nobody_without_a_login(scene: &Scene) {
    let mut tab = scene.tab();
    for path in ["/", "/reports/no-such/r", &format!("/reports/{}/r", scene.ours), "/grid?namespace=x"] {
        let shown = tab.get(&scene.page(path)).await;
        let to = led(&shown).unwrap_or_else(|| panic!("{path}: {shown:?}"));
        assert!(to.starts_with(&format!("{}/authorize?", scene.provider.url())), "{path}: {to}");
        assert!(!shown.body.contains("testrunreports") && !shown.body.contains("acme"), "{}", shown.body);
    }
    let (there, shown) = tab.open(&scene.page("/")).await;
    assert!(there.starts_with(scene.provider.url()) && shown.body.contains("Who are you?"), "{there}");

    let asked = scene.reviews();
    let names: Vec<(&str, &str)> = forged().iter().map(|(name, value)| (*name, *value)).collect();
    for headers in [&[][..], &names] {
        let straight = ask_over(&scene.straight, Some(scene.roots.clone()), Method::GET, "/", headers).await;
        access::assert_headers(&straight, "round the proxy");
        assert_eq!(straight.status, 401);
        assert!(
            straight.body.contains("<a href=\"/oauth2/start?rd=%2F\">Log in again</a>"),
            "{}",
            straight.body
        );
    }
    assert_eq!(scene.reviews(), asked, "nothing to ask about");
}

pub(super) async fn each_their_namespaces(scene: &Scene) {
    // The API server reads of the provider a moment after its file has changed.
    scene.provider.seat(Person::new("alice", &[]));
    let mut first = scene.tab();
    first.open(&scene.page("/")).await;
    until("the API server to take the provider's tokens", &mut first, &scene.page("/"), |s| s.status == 200)
        .await;

    let (ours, theirs) = (scene.ours.as_str(), scene.theirs.as_str());
    for (name, groups, sees) in [
        ("alice", &[][..], Some(ours)),
        ("bob", &["developers"], Some(ours)),
        ("carol", &["qa"], Some(theirs)),
        ("dave", &["other"], None),
        // Names that mean much in a cluster mean nothing with a prefix.
        ("eve", &["system:masters", "oidc:developers"], None),
    ] {
        // Straight to what they want, as a link in a mail does.
        scene.provider.seat(Person::new(name, groups));
        let mut tab = scene.tab();
        let wanted = scene.report(sees.unwrap_or(ours));
        let (there, shown) = tab.open(&wanted).await;
        assert_eq!((there, shown.status), (wanted, if sees.is_some() { 200 } else { 404 }), "{name}");
        assert_eq!(shown.body.contains("PR #20"), sees.is_some(), "{name}");
        access::assert_headers(&shown, name);

        let row = |namespace: &str| format!("<a href=\"/reports/{namespace}/r\">#20");
        let overview = until(name, &mut tab, &scene.page("/"), |shown| {
            sees.is_none_or(|namespace| shown.body.contains(&row(namespace)))
        })
        .await;
        let missing = tab.get(&scene.page("/reports/no-such/r")).await;
        for namespace in [ours, theirs] {
            let seen = sees == Some(namespace);
            assert_eq!(overview.body.contains(namespace), seen, "{name}: {namespace}");
            if seen {
                continue;
            }
            // Addresses of what they may not see, as of what is not there.
            for path in [
                format!("/reports/{namespace}/r"),
                format!("/grid?namespace={namespace}&repository=acme/shop"),
                format!("/history?namespace={namespace}&repository=acme/shop"),
                format!("/patterns?namespace={namespace}&repository=acme/shop"),
            ] {
                let hidden = tab.get(&scene.page(&path)).await;
                assert_eq!((hidden.status, &hidden.body), (404, &missing.body), "{name}: {path}");
            }
        }
        let count = if sees.is_some() { "1 report, page 1 of 1" } else { "No report that you may see" };
        assert!(overview.body.contains(count), "{name}: {}", overview.body);
        // Verdicts for tools have an audience of their own, for which nobody's login is good.
        let verdict = format!("/apis/v1alpha1/namespaces/{ours}/testrunreports/r/verdict");
        assert_eq!(tab.get(&scene.page(&verdict)).await.status, 401, "{name}");
    }
    scene.provider.seat(None);
}

/// What a browser could send to be taken for somebody else.
fn forged() -> [(&'static str, &'static str); 11] {
    [
        ("x-forwarded-user", "alice@example.com"),
        ("x-forwarded-email", "alice@example.com"),
        ("x-forwarded-preferred-username", "alice"),
        ("x-forwarded-groups", "developers"),
        ("x-auth-request-user", "oidc:alice@example.com"),
        ("x-auth-request-email", "alice@example.com"),
        ("x-auth-request-groups", "developers"),
        ("x-remote-user", "oidc:alice@example.com"),
        ("x-remote-group", "oidc:developers"),
        ("impersonate-user", "oidc:alice@example.com"),
        ("gap-auth", "alice@example.com"),
    ]
}

pub(super) async fn nothing_by_headers(scene: &Scene) {
    let alices = scene.provider.id_token(&Person::new("alice", &[]));
    let with = |tokens: bool| {
        let mut all = forged().map(|(name, value)| (name, value.to_owned())).to_vec();
        if tokens {
            // Even a good one: the proxy takes logins, and the operator what the proxy hands on.
            all.push(("authorization", format!("Bearer {alices}")));
            all.push(("x-forwarded-access-token", alices.clone()));
            all.push(("x-auth-request-access-token", alices.clone()));
        }
        all
    };
    let report = scene.report(&scene.ours);
    let mut nobody = scene.tab();
    for tokens in [false, true] {
        nobody.forged = with(tokens);
        let shown = nobody.get(&report).await;
        assert!(led(&shown).is_some_and(|to| to.starts_with(scene.provider.url())), "{shown:?}");
    }
    let mut dave = scene.logged_in(Person::new("dave", &["other"])).await;
    for tokens in [false, true] {
        dave.forged = with(tokens);
        assert_eq!(dave.get(&report).await.status, 404);
        let overview = dave.get(&scene.page("/")).await;
        assert!(overview.body.contains("No report that you may see"), "{}", overview.body);
    }
}

/// Some providers put every group of a person into the token: it fills several cookies.
pub(super) async fn with_many_groups(scene: &Scene) {
    // Names that no compression makes small.
    let mut random = fastrand::Rng::with_seed(1);
    let ids: Vec<String> = std::iter::repeat_with(|| format!("{:032x}", random.u128(..))).take(400).collect();
    let member = |n: usize| {
        let mut all: Vec<&str> = ids.iter().take(n).map(String::as_str).collect();
        all.push("developers");
        Person::new("frank", &all)
    };
    let mut tab = scene.logged_in(member(200)).await;
    assert!(tab.cookies() > 1, "{}", tab.cookies());
    assert_eq!(tab.get(&scene.report(&scene.ours)).await.status, 200);
    // Beyond what is looked at the page says why, and not that there is no login.
    scene.provider.seat(member(400));
    let (_, shown) = scene.tab().open(&scene.page("/")).await;
    assert!(shown.status == 401 && shown.body.contains("the token has more than 16 KiB"), "{shown:?}");
    scene.provider.seat(None);
}
