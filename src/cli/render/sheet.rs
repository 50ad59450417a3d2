//! Rows and typed columns, for programs that analyse: CSV (RFC 4180) and, in `parquet`, Parquet.

use super::history::time;
use super::text::line;

/// Values of one column, in the order of the rows.
pub enum Column {
    Text(Vec<Option<String>>),
    Whole(Vec<Option<i64>>),
    Real(Vec<Option<f64>>),
    Flag(Vec<Option<bool>>),
    /// Seconds since 1970.
    Time(Vec<Option<i64>>),
}

/// A table of typed columns.
pub struct Sheet {
    pub rows: usize,
    pub columns: Vec<(&'static str, Column)>,
}

/// Makes a sheet of rows, column by column.
pub struct Maker<'a, T> {
    rows: &'a [T],
    sheet: Sheet,
}

impl Sheet {
    pub fn of<T>(rows: &[T]) -> Maker<'_, T> {
        Maker { rows, sheet: Self { rows: rows.len(), columns: Vec::new() } }
    }

    /// As CSV. A name of a stranger must not become a formula where it is opened.
    pub fn csv(&self) -> String {
        let mut out = self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(",");
        out.push('\n');
        for row in 0..self.rows {
            for (i, (_, column)) in self.columns.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                column.write(row, &mut out);
            }
            out.push('\n');
        }
        out
    }
}

impl Column {
    fn write(&self, row: usize, out: &mut String) {
        fn shown<T: Clone>(values: &[Option<T>], row: usize) -> Option<T> {
            values.get(row).cloned().flatten()
        }
        let cell = match self {
            Self::Text(values) => match shown(values, row) {
                Some(text) => return quoted(&text, out),
                None => None,
            },
            Self::Whole(values) => shown(values, row).map(|n| n.to_string()),
            Self::Real(values) => shown(values, row).map(|x| x.to_string()),
            Self::Flag(values) => shown(values, row).map(|b| b.to_string()),
            Self::Time(values) => shown(values, row).map(time),
        };
        out.push_str(&cell.unwrap_or_default());
    }
}

fn quoted(text: &str, out: &mut String) {
    let cell = line(text);
    let guard = if cell.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    match cell.contains([',', '"']) {
        true => out.push_str(&format!("\"{guard}{}\"", cell.replace('"', "\"\""))),
        false => out.push_str(&format!("{guard}{cell}")),
    }
}

impl<T> Maker<'_, T> {
    fn column<V>(
        mut self,
        name: &'static str,
        kind: impl Fn(Vec<Option<V>>) -> Column,
        value: impl Fn(&T) -> Option<V>,
    ) -> Self {
        self.sheet.columns.push((name, kind(self.rows.iter().map(value).collect())));
        self
    }

    pub fn text(self, name: &'static str, value: impl Fn(&T) -> Option<String>) -> Self {
        self.column(name, Column::Text, value)
    }

    pub fn whole(self, name: &'static str, value: impl Fn(&T) -> Option<i64>) -> Self {
        self.column(name, Column::Whole, value)
    }

    pub fn real(self, name: &'static str, value: impl Fn(&T) -> Option<f64>) -> Self {
        self.column(name, Column::Real, value)
    }

    pub fn flag(self, name: &'static str, value: impl Fn(&T) -> Option<bool>) -> Self {
        self.column(name, Column::Flag, value)
    }

    pub fn time(self, name: &'static str, value: impl Fn(&T) -> Option<i64>) -> Self {
        self.column(name, Column::Time, value)
    }

    pub fn end(self) -> Sheet {
        self.sheet
    }
}
