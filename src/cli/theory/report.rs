//! What a sub-verb of `theory` computed, and how it is delivered: text, JSON, HDF5.

use crate::error::TheoryError;
use crate::theory::table::Table;
use crate::{Exit, Result};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Where results go.
#[derive(clap::Args, Clone, Debug)]
pub struct OutputArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Also write the table to /theory in this HDF5 file; other groups of the file are kept
    #[arg(short, long, value_name = "FILE.h5")]
    output: Option<PathBuf>,
}

/// The result of a sub-verb.
pub(crate) struct Report {
    /// The JSON object, keys as documented.
    pub json: Value,
    /// The same as a table.
    pub table: Table,
    /// Why a point of a curve is missing, if one is: the report is delivered, the exit is the error's.
    pub missing: Option<TheoryError>,
}

impl Report {
    /// A report in which nothing is missing.
    pub(crate) fn complete(json: Value, table: Table) -> Self {
        Self { json, table, missing: None }
    }
}

impl OutputArgs {
    /// Prints the report and writes it to the file asked for.
    ///
    /// # Errors
    /// What is missing in it; a file that cannot be written.
    pub(crate) fn deliver(&self, report: &Report) -> Result<Exit> {
        if let Some(path) = &self.output {
            crate::store::theory::write(path, &report.table)?;
        }
        if self.json {
            println!("{}", report.json);
        } else {
            print!("{}", report.table.to_text());
        }
        if let Some(reason) = &report.missing {
            return Err(reason.clone().into());
        }
        Ok(Exit::Done)
    }
}

/// `{"error": {"kind", "detail"}}`.
pub(crate) fn error_object(error: &TheoryError) -> Value {
    json!({ "error": reason(error) })
}

/// `{"kind", "detail"}`.
pub(crate) fn reason(error: &TheoryError) -> Value {
    json!({ "kind": error.kind(), "detail": error.to_string() })
}
