//! Which reports a `TestRunReportSet` wants, and what has to change for that. Pure: the controller brings what
//! there is, and carries out what is planned.
//!
//! What the author of a pull request chooses (branch, title) never decides what a report asks for, nor whether
//! there is one: it is put into marks only, and made fit for them. Which files are changed decides whether there is
//! one, where a set says so.

mod owner;
mod plan;
mod same;
mod select;
mod stay;
mod template;

#[cfg(test)]
mod tests;

pub use owner::{is_of, is_owned, owner_of, owner_reference, set_of};
pub use plan::{Plan, Taken, Update, plan};
pub use same::Compared;
pub use select::{may_select, selects};
pub use template::{Wanted, check, fits};
