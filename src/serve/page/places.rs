//! A namespace and a repository in it: who may see them, and what the watches know of them.

use std::cmp::Reverse;

use super::{NoPage, hidden, nothing};
use crate::api::TestRunReport;
use crate::cli::render::text::safe_url;
use crate::serve::auth::User;
use crate::serve::{Site, is_name};

/// Passes who may list the reports of a namespace.
pub(super) async fn allowed(site: &Site, user: &User, namespace: &str) -> Result<(), NoPage> {
    if !is_name(namespace) {
        return Err(nothing());
    }
    let guard = site.page.as_ref().unwrap_or(&site.guard);
    guard.may_read(user, namespace, None).await.map_err(hidden)
}

/// The newest reports about a repository.
pub(super) fn reports(site: &Site, namespace: &str, repository: &str, most: usize) -> Vec<TestRunReport> {
    let mut all = site.reports.all();
    all.retain(|kept| kept.in_namespace() == namespace && kept.repository().eq_ignore_ascii_case(repository));
    all.sort_by(|a, b| {
        let rank = |kept: &crate::cache::Kept| Reverse((kept.facts().created, kept.facts().pull_request));
        rank(a).cmp(&rank(b)).then_with(|| a.name().cmp(b.name()))
    });
    all.iter().take(most).filter_map(|kept| kept.open().ok()).collect()
}

/// Where the repository is on the web, by the page of what a report is about.
pub(super) fn web(report: &TestRunReport, repository: &str) -> Option<String> {
    let url = report.status.as_ref()?.source.as_ref()?.url.as_deref().filter(|url| safe_url(url))?;
    let end = url.find("/pull/").or_else(|| url.find("/commit/")).or_else(|| url.find("/tree/"))?;
    let web = url.get(..end)?;
    let own = web.to_ascii_lowercase().ends_with(&format!("/{}", repository.to_ascii_lowercase()));
    own.then(|| web.to_owned())
}
