//! Own instances and solutions as HDF5 files: `/inputs` (P×N, ±1), `/labels` (P, ±1), `/weights`
//! (N, ±1 int8 or float32).

use crate::Result;
use crate::model::{Architecture, Patterns, Weights};
use std::path::Path;

/// Patterns as they stand in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPatterns {
    /// P.
    pub count: usize,
    /// Entries of a pattern.
    pub len: usize,
    /// P × len, row-major, ±1.
    pub inputs: Vec<i8>,
    /// P entries ±1.
    pub labels: Vec<i8>,
}

/// Reads `/inputs` and `/labels`.
///
/// # Errors
/// `Io` if the file cannot be read; `Data` naming the dataset if it is missing, has the wrong
/// shape or type, or an entry is not ±1.
pub fn read_patterns(path: &Path) -> Result<OwnPatterns> {
    let _ = path;
    todo!()
}

/// Writes patterns in the same form; an existing file is replaced.
///
/// # Errors
/// `Io`.
pub fn write_patterns(path: &Path, patterns: &Patterns) -> Result<()> {
    let _ = (path, patterns);
    todo!()
}

/// Reads `/weights` for `architecture`: an integer dataset is binary, a float one spherical.
///
/// # Errors
/// `Io`; `Data` naming the dataset if it is missing, has not N entries, or a value is not allowed.
pub fn read_weights(path: &Path, architecture: Architecture) -> Result<Weights> {
    let _ = (path, architecture);
    todo!()
}

/// Writes `/weights`: N int8 for binary weights, N float32 for spherical ones.
///
/// # Errors
/// `Io`.
pub fn write_weights(path: &Path, architecture: Architecture, weights: &Weights) -> Result<()> {
    let _ = (path, architecture, weights);
    todo!()
}
