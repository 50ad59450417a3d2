//! Logins that end.

use super::person::{Tab, led};
use super::provider::{Person, Refresh};
use super::{Scene, until};
use crate::cluster::eventually;

/// Who is locked out at the provider has to log in again, once their token has to be renewed; till then it is renewed without
/// that they see it.
pub(super) async fn who_is_locked_out(scene: &Scene) {
    let mut short = scene.logged_in(Person::new("alice", &[]).with(2, Refresh::Never)).await;
    let mut long = scene.logged_in(Person::new("bob", &["developers"]).with(2, Refresh::Whole)).await;
    let login =
        |shown: &super::super::Shown| led(shown).is_some_and(|to| to.starts_with(scene.provider.url()));

    let ended =
        until("a token that has expired to ask for a login", &mut short, &scene.page("/"), login).await;
    assert!(!ended.body.contains(&scene.ours), "{}", ended.body);
    // Longer than a token lives.
    let (report, logins) = (scene.report(&scene.ours), scene.provider.logins());
    let renewed = async || {
        let shown = long.get(&report).await;
        assert_eq!(shown.status, 200, "{}", scene.proxy.log());
        (scene.provider.refreshes() >= 4).then_some(())
    };
    eventually(|| "the token to be renewed four times", renewed).await;
    assert_eq!(scene.provider.logins(), logins);
    scene.provider.change("bob@example.com", Refresh::Refused);
    let ended = until("a login of who is locked out", &mut long, &report, login).await;
    assert!(!ended.body.contains("PR #20"), "{}", ended.body);
    let (there, shown) = long.open(&report).await;
    assert!(there.starts_with(scene.provider.url()) && shown.body.contains("Who are you?"), "{there}");
}

/// Somebody of whom the provider gives no new ID token.
pub(super) async fn with_a_token_that_is_not_renewed(scene: &Scene) -> Tab {
    scene.logged_in(Person::new("grace", &["developers"]).with(4, Refresh::WithoutIdToken)).await
}

/// The proxy goes on with it, and nobody is known by it any more. It takes a click then, and no browser asks for a password.
pub(super) async fn an_old_token(scene: &Scene, mut tab: Tab) {
    let report = scene.report(&scene.ours);
    // The API server and the operator both remember a good token for ten seconds.
    let ended = until("the operator to refuse an old token", &mut tab, &report, |s| s.status != 200).await;
    assert_eq!(ended.status, 401, "{ended:?}");
    super::super::access::assert_headers(&ended, "an old token");
    let schemes: Vec<_> = ended.headers.get_all("www-authenticate").iter().collect();
    assert_eq!(schemes, ["Bearer realm=\"testrun-operator\""]);
    let link = format!("/oauth2/start?rd=%2Freports%2F{}%2Fr", scene.ours);
    assert!(ended.body.contains(&format!("<a href=\"{link}\">Log in again</a>")), "{}", ended.body);
    assert!(!ended.body.contains("PR #20"), "{}", ended.body);

    scene.provider.seat(Person::new("grace", &["developers"]));
    let (there, shown) = tab.open(&scene.page(&link)).await;
    assert_eq!((there, shown.status), (report, 200), "{}", scene.proxy.log());
    scene.provider.seat(None);
}
