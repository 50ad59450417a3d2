//! Views of a report: pure functions from the object to text.
//!
//! Names, messages and log lines come from strangers. Every view escapes for where it is shown.

mod bundles;
mod describe;
pub(crate) mod history;
pub mod html;
mod markdown;
pub mod markup;
mod parquet;
mod progress;
pub mod sheet;
mod table;
pub(crate) mod text;
mod trial;

use clap::ValueEnum;

pub use describe::describe;
pub use history::{commits, commits_sheet, results, results_sheet, top, top_sheet};
pub use html::html;
pub use markdown::markdown;
pub use parquet::parquet;
pub use progress::{board, news};
pub use table::{Columns, artifact_table, table};
pub(super) use trial::{trial, trial_sheet};

use crate::api::TestRunReport;

/// Form of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One line for each report
    #[default]
    Table,
    /// One longer line for each report
    Wide,
    /// The object
    Yaml,
    /// The object
    Json,
    /// A summary for people, as GitHub shows it
    Markdown,
    /// A page that needs nothing else
    Html,
}

/// Renders one or several reports. `now` is for ages.
pub fn render(
    format: Format,
    reports: &[TestRunReport],
    columns: Columns,
    now: jiff::Timestamp,
) -> anyhow::Result<String> {
    Ok(match format {
        Format::Table => table(reports, columns, now),
        Format::Wide => table(reports, Columns { wide: true, ..columns }, now),
        Format::Json => format!("{}\n", structured(reports, |v| Ok(serde_json::to_string_pretty(v)?))?),
        Format::Yaml => structured(reports, |v| Ok(serde_saphyr::to_string(v)?))?,
        Format::Html => html(reports),
        Format::Markdown => reports.iter().map(markdown).collect::<Vec<_>>().join("\n---\n\n"),
    })
}

/// One object as itself, several as a `List`, as kubectl does.
fn structured(
    reports: &[TestRunReport],
    write: impl Fn(&serde_json::Value) -> anyhow::Result<String>,
) -> anyhow::Result<String> {
    let mut items = reports.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
    for item in &mut items {
        if let Some(metadata) = item.get_mut("metadata").and_then(|m| m.as_object_mut()) {
            metadata.remove("managedFields");
        }
    }
    if items.len() == 1
        && let Some(one) = items.first()
    {
        return write(one);
    }
    write(&serde_json::json!({"apiVersion": "v1", "kind": "List", "items": items}))
}
