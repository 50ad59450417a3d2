//! Where the facts come from.

use futures::future::BoxFuture;

use super::{Access, Deed};
use crate::api::TestRunReport;
use crate::collect::Look;
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

    /// Changes something on GitHub.
    fn act<'a>(
        &'a self,
        report: &'a TestRunReport,
        access: Access,
        deed: &'a Deed,
    ) -> BoxFuture<'a, Result<(), Trouble>>;
}
