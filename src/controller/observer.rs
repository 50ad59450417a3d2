//! Where the facts come from.

use futures::future::BoxFuture;
use secrecy::SecretString;

use super::Deed;
use crate::api::TestRunReport;
use crate::verdict::facts::{Observations, Trouble};

/// Looks at the commit of a report. It never fails: what went wrong is part of what was observed.
pub trait Observer: Send + Sync + 'static {
    /// One look, with the token that this report may use.
    fn observe<'a>(
        &'a self,
        report: &'a TestRunReport,
        token: Option<SecretString>,
    ) -> BoxFuture<'a, Observations>;

    /// Changes something on GitHub, with the token that this report may use.
    fn act<'a>(
        &'a self,
        report: &'a TestRunReport,
        token: Option<SecretString>,
        deed: &'a Deed,
    ) -> BoxFuture<'a, Result<(), Trouble>>;
}
