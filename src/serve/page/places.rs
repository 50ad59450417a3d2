//! A namespace and a repository in it: who may see them, and what the watches know of them.

use std::cmp::Reverse;

use axum::Extension;
use axum::extract::{FromRequestParts, Query};
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::{NoPage, hidden, nothing, read_query};
use crate::api::TestRunReport;
use crate::cli::render::text::safe_url;
use crate::serve::auth::User;
use crate::serve::history::fits;
use crate::serve::{Refusal, Site, is_name};

/// A question about a namespace.
pub(super) trait About: DeserializeOwned + Send {
    /// What it may have, in words.
    const MAY_HAVE: &'static str;

    fn namespace(&self) -> &str;

    /// What else is text in it.
    fn texts(&self) -> Vec<&str>;
}

/// A question of somebody who may list the reports of the namespace that it is about.
pub(super) struct Allowed<T>(pub T);

impl<T: About> FromRequestParts<Site> for Allowed<T> {
    type Rejection = NoPage;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, NoPage> {
        let question = read_query(Query::<T>::from_request_parts(parts, site).await, T::MAY_HAVE)?;
        fits(&question.texts())?;
        if !is_name(question.namespace()) {
            return Err(nothing());
        }
        let Extension(user) = Extension::<User>::from_request_parts(parts, site)
            .await
            .map_err(|rejected| NoPage(Refusal::new(rejected.status(), "It is not known who asks.")))?;
        let guard = site.page.as_ref().unwrap_or(&site.guard);
        guard.may_read(&user, question.namespace(), None).await.map_err(hidden)?;
        Ok(Self(question))
    }
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
