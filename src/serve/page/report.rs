//! One report.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Html;

use super::{NoPage, frame, hidden, nothing};
use crate::api::TestRunReport;
use crate::cli::render::html::{headline, report_in};
use crate::serve::auth::User;
use crate::serve::{Site, is_name};
use crate::verdict::gate::{Word, judge};

pub(super) async fn page(
    State(site): State<Site>,
    Extension(user): Extension<User>,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<Html<String>, NoPage> {
    if !is_name(&namespace) || !is_name(&name) {
        return Err(nothing());
    }
    let guard = site.page.as_ref().unwrap_or(&site.guard);
    guard.may_read(&user, &namespace, Some(&name)).await.map_err(hidden)?;
    let passed = |report: &_| judge(report).word == Word::Passed;
    let report = site.reports.look(guard.client(), &namespace, &name, passed).await.map_err(hidden)?;
    Ok(Html(shown(&report)))
}

/// The page of a report.
pub fn shown(report: &TestRunReport) -> String {
    frame::page_of(&headline(report), None, "15", |out| report_in(out, report))
}
