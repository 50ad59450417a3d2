//! One report.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Html;

use super::{NoPage, frame};
use crate::api::TestRunReport;
use crate::cli::render::html::{headline, report_in};
use crate::serve::auth::User;
use crate::serve::{Refusal, Site, is_name};
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
    frame::page(&headline(report), None, |out| report_in(out, report))
}

/// What may not be seen looks as if it were not there.
fn hidden(refusal: Refusal) -> NoPage {
    match refusal.status {
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => nothing(),
        _ => NoPage(refusal),
    }
}

fn nothing() -> NoPage {
    NoPage(Refusal::new(StatusCode::NOT_FOUND, "There is no such report, or you may not read it."))
}
