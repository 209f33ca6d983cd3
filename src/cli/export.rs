//! `export`: the samples of a result file as CSV or JSON.

use crate::record::{Kind, Value};
use crate::store::{Contents, read};
use crate::{Error, Exit, Result};
use std::io::Write;
use std::path::PathBuf;

/// Formats of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One row a sample; vector entries in columns of their own; missing values empty.
    Csv,
    /// One object a sample; missing values null.
    Json,
}

/// Export the samples with their cells to standard output. Stored weights are left out.
#[derive(clap::Args)]
#[command(
    after_help = "EXAMPLES\n  reluscape export demo.h5 --format csv > demo.csv\n  reluscape export demo.h5 --format json | jq '.[0]'"
)]
pub struct Args {
    /// The result file.
    file: PathBuf,
    /// csv or json.
    #[arg(long, value_enum)]
    format: Format,
}

/// Runs the verb.
pub fn run(args: Args) -> Result<Exit> {
    let contents = read(&args.file)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = match args.format {
        Format::Csv => csv(&contents, &mut out),
        Format::Json => json(&contents, &mut out),
    };
    match written.and_then(|()| out.flush()) {
        // A reader that has seen enough (head) is no error.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Exit::Done),
        Err(error) => Err(Error::io("standard output", "write", error)),
        Ok(()) => Ok(Exit::Done),
    }
}

fn csv(contents: &Contents, out: &mut impl Write) -> std::io::Result<()> {
    let mut header = vec!["N".to_owned(), "K".into(), "P".into(), "alpha".into(), "sample".into()];
    for column in &contents.columns {
        match &column.kind {
            Kind::Bytes(_) => {}
            Kind::Vector(axis) => {
                header.extend(axis.values.iter().map(|x| format!("{}[{x}]", column.name)));
            }
            _ => header.push(column.name.clone()),
        }
    }
    writeln!(out, "{}", header.join(","))?;
    for (unit, record) in &contents.records {
        let cell = &contents.cells[unit.cell as usize];
        write!(
            out,
            "{},{},{},{},{}",
            cell.inputs, cell.hidden, cell.patterns, cell.alpha, unit.sample
        )?;
        for (value, column) in record.iter().zip(&contents.columns) {
            match (&column.kind, value) {
                (Kind::Bytes(_), _) => {}
                (Kind::Vector(axis), value) => {
                    for at in 0..axis.values.len() {
                        match value.component(at) {
                            Some(x) => write!(out, ",{x}")?,
                            None => write!(out, ",")?,
                        }
                    }
                }
                (_, Value::Bool(b)) => write!(out, ",{}", u8::from(*b))?,
                (_, Value::Count(c)) => write!(out, ",{c}")?,
                (_, Value::Real(x)) => write!(out, ",{x}")?,
                _ => write!(out, ",")?,
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

fn json(contents: &Contents, out: &mut impl Write) -> std::io::Result<()> {
    write!(out, "[")?;
    for (at, (unit, record)) in contents.records.iter().enumerate() {
        let cell = &contents.cells[unit.cell as usize];
        let mut object = serde_json::json!({
            "N": cell.inputs,
            "K": cell.hidden,
            "P": cell.patterns,
            "alpha": cell.alpha,
            "sample": unit.sample,
        });
        for (value, column) in record.iter().zip(&contents.columns) {
            if !matches!(value, Value::Bytes(_)) {
                object[&column.name] = value.json();
            }
        }
        write!(out, "{}\n{object}", if at == 0 { "" } else { "," })?;
    }
    writeln!(out, "\n]")
}
