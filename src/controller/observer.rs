//! Where the facts come from.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;

use super::{Access, Deed};
use crate::api::TestRunReport;
use crate::collect::{Candidate, Candidates, Look, SetSurvey, Sightings, Survey};
use crate::connections::Connection;
use crate::github::{App, Ask, Fetched, Unfetched};
use crate::verdict::facts::{Observations, Trouble};

/// Looks at the commit of a report. It never fails: what went wrong is part of what was observed.
pub trait Observer: Send + Sync + 'static {
    /// One look, with the connection and credential that this report may use.
    fn observe<'a>(
        &'a self,
        report: &'a TestRunReport,
        access: Access,
        look: Look,
    ) -> BoxFuture<'a, Observations>;

    /// What a repository shows of all its commits.
    fn survey<'a>(
        &'a self,
        access: &'a Access,
        survey: &'a Survey,
        ask: Ask,
    ) -> BoxFuture<'a, Result<Sightings, Trouble>>;

    /// What a repository has to make reports for.
    fn candidates<'a>(
        &'a self,
        access: &'a Access,
        wanted: &'a SetSurvey,
        ask: Ask,
    ) -> BoxFuture<'a, Result<Candidates, Trouble>>;

    /// Some pull requests as they are now, and None of those that are not open.
    fn pulls<'a>(
        &'a self,
        access: &'a Access,
        wanted: &'a SetSurvey,
        numbers: &'a [i64],
        ask: Ask,
    ) -> BoxFuture<'a, Result<BTreeMap<i64, Option<Candidate>>, Trouble>>;

    /// Those of some pull requests that are not open any more, or not in the queue, and since when.
    fn closed<'a>(
        &'a self,
        access: &'a Access,
        wanted: &'a SetSurvey,
        numbers: &'a [i64],
        ask: Ask,
    ) -> BoxFuture<'a, Result<BTreeMap<i64, Timestamp>, Trouble>>;

    /// The archive of an artifact, if it has the digest that GitHub says and is at most `limit` bytes.
    fn archive<'a>(
        &'a self,
        access: &'a Access,
        repository: &'a str,
        artifact: i64,
        digest: Option<&'a str>,
        limit: u64,
    ) -> BoxFuture<'a, Result<Fetched, Unfetched>>;

    /// The App of a connection's own credential, as it asks for itself; None where it is none. All who
    /// speak for it share its limits.
    fn app<'a>(
        &'a self,
        _connection: &'a Arc<Connection>,
    ) -> BoxFuture<'a, Result<Option<Arc<App>>, String>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Changes something on GitHub.
    fn act<'a>(
        &'a self,
        report: &'a TestRunReport,
        access: Access,
        deed: &'a Deed,
    ) -> BoxFuture<'a, Result<(), Trouble>>;
}
