//! The `testrun.dev/v1alpha1` API: what people write (`spec`), what the operator answers
//! (`status`), and the vocabulary of conditions and reasons that merge tooling reads.
//!
//! These are plain data types. They carry the schema of the CRD and nothing else: no client, no
//! clock, no rule of the verdict.

pub mod answers;
pub mod conditions;
mod crd;
pub mod publish;
mod schema;
pub mod set;
pub mod spec;
pub mod status;
pub mod waiver;

pub use conditions::{ConditionType, Reason};
pub use crd::{Definition, crd, crd_yaml, definitions};
pub use set::{TestRunReportSet, TestRunReportSetSpec, TestRunReportSetStatus};
pub use spec::{TestRunReport, TestRunReportSpec};
pub use status::TestRunReportStatus;
pub use waiver::{TestRunWaiver, TestRunWaiverSpec};

/// API group of every type here.
pub const GROUP: &str = "testrun.dev";
/// The one served and stored version.
pub const VERSION: &str = "v1alpha1";
/// Field manager of every write to the API server.
pub const FIELD_MANAGER: &str = "testrun-operator";
/// Name of the connection that a report uses when it names none.
pub const DEFAULT_CONNECTION: &str = "github.com";
/// Annotation of a report that asks for a look now; its value only has to change.
pub const REQUESTED_AT: &str = "testrun.dev/requestedAt";
