//! Where the facts come from.

use futures::future::BoxFuture;

use super::{Access, Deed};
use crate::api::TestRunReport;
use crate::collect::{Look, Sightings, Survey};
use crate::github::Ask;
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

    /// Changes something on GitHub.
    fn act<'a>(
        &'a self,
        report: &'a TestRunReport,
        access: Access,
        deed: &'a Deed,
    ) -> BoxFuture<'a, Result<(), Trouble>>;
}
