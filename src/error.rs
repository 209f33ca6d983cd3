//! Every error the program reports, grouped by layer. Each variant knows its exit code, and each
//! message names the file, the key, the value and what was expected.

use crate::exit::Exit;
use std::path::PathBuf;
use thiserror::Error;

/// The result of anything that may fail with a reportable error.
pub type Result<T> = std::result::Result<T, Error>;

/// A reportable error.
#[derive(Debug, Error)]
pub enum Error {
    /// An argument outside its domain, or arguments that contradict each other (exit 2).
    #[error("{0}")]
    Usage(String),
    /// An invalid job file (exit 78).
    #[error(transparent)]
    Job(#[from] JobError),
    /// Data that does not match or is corrupt (exit 65).
    #[error("{path}: {detail}")]
    Data {
        /// The file concerned.
        path: PathBuf,
        /// What is wrong, what was expected and what to do.
        detail: String,
    },
    /// A theory point that does not exist or did not converge (exit 65).
    #[error(transparent)]
    Theory(#[from] TheoryError),
    /// A file could not be read or written (exit 74).
    #[error("{path}: cannot {action}: {detail}")]
    Io {
        /// The file concerned.
        path: PathBuf,
        /// What was tried: "read", "write", "rename", "lock".
        action: &'static str,
        /// The system's or the library's message.
        detail: String,
    },
    /// A broken invariant: a bug (exit 70).
    #[error("internal error: {0}")]
    Internal(String),
}

impl Error {
    /// The exit code of this error.
    pub fn exit(&self) -> Exit {
        match self {
            Error::Usage(_) => Exit::Usage,
            Error::Theory(TheoryError::Domain { .. } | TheoryError::Unavailable(_)) => Exit::Usage,
            Error::Job(_) => Exit::Job,
            Error::Data { .. } | Error::Theory(_) => Exit::Data,
            Error::Internal(_) => Exit::Internal,
            Error::Io { .. } => Exit::Io,
        }
    }

    /// An I/O error on `path`.
    pub fn io(path: impl Into<PathBuf>, action: &'static str, source: impl ToString) -> Self {
        Error::Io { path: path.into(), action, detail: source.to_string() }
    }

    /// Corrupt or mismatching data in `path`.
    pub fn data(path: impl Into<PathBuf>, detail: impl Into<String>) -> Self {
        Error::Data { path: path.into(), detail: detail.into() }
    }
}

/// An invalid job file: where, which key, what was found and what was expected.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("{file}{}: {}{message}", line.map(|l| format!(":{l}")).unwrap_or_default(),
        if key.is_empty() { String::new() } else { format!("`{key}`: ") })]
pub struct JobError {
    /// The job file.
    pub file: String,
    /// 1-based line, where one can be named.
    pub line: Option<usize>,
    /// Dotted key, for instance `grid.N`; empty for errors of the whole file.
    pub key: String,
    /// What was found and what was expected.
    pub message: String,
}

/// A theory point that has no value.
#[derive(Debug, Error, Clone, PartialEq)]
pub enum TheoryError {
    /// An argument outside the domain of the quantity (exit 2).
    #[error("{argument} = {value} is outside its domain: expected {expected}")]
    Domain {
        /// The argument's name on the command line.
        argument: &'static str,
        /// The value given.
        value: String,
        /// The domain.
        expected: String,
    },
    /// The point does not exist: beyond capacity, no such branch, an unstable solution (exit 65).
    #[error("this point does not exist: {0}")]
    Absent(String),
    /// The equations did not converge (exit 65).
    #[error("did not converge: {0}")]
    NotConverged(String),
    /// The combination of options has no implementation (exit 2 at the command line).
    #[error("not available: {0}")]
    Unavailable(String),
}

impl TheoryError {
    /// The `kind` of the JSON error object.
    pub fn kind(&self) -> &'static str {
        match self {
            TheoryError::Domain { .. } => "domain",
            TheoryError::Absent(_) => "absent",
            TheoryError::NotConverged(_) => "not_converged",
            TheoryError::Unavailable(_) => "unavailable",
        }
    }
}
