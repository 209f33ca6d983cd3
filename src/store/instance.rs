//! Own instances and solutions as HDF5 files: `/inputs` (P×N, ±1), `/labels` (P, ±1), `/weights`
//! (N, ±1 int8 or float32). int8 is what is written; any integer type is read, since that is what
//! other programs write by default.

use super::publish::replace_file;
use super::tree::{Array, Dataset, Group, Node};
use super::{hdf, schema};
use crate::model::{Architecture, Patterns, WeightKind, Weights};
use crate::{Error, Result};
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
    let file = hdf::open(path)?;
    let inputs = dataset(path, &file, "inputs")?;
    let labels = dataset(path, &file, "labels")?;
    let fail = |detail: String| Error::data(path, detail);
    let [count, len] = inputs.shape[..] else {
        let found = inputs.shape.len();
        return Err(fail(format!("/inputs has {found} dimensions: expected 2, patterns × inputs")));
    };
    if labels.shape != [count] {
        let found = labels.shape;
        return Err(fail(format!(
            "/labels has shape {found:?}: expected [{count}], one label a row of /inputs"
        )));
    }
    if count == 0 || len == 0 {
        return Err(fail(format!("/inputs is empty ({count} × {len})")));
    }
    Ok(OwnPatterns {
        count,
        len,
        inputs: signs(path, "inputs", &inputs)?,
        labels: signs(path, "labels", &labels)?,
    })
}

/// Writes patterns in the same form; an existing file is replaced.
///
/// # Errors
/// `Io`.
pub fn write_patterns(path: &Path, patterns: &Patterns) -> Result<()> {
    let (count, len) = (patterns.count(), patterns.architecture().pattern_len());
    let row = |mu: usize| (0..len).map(move |i| patterns.entry(mu, i) as i8);
    let inputs: Vec<i8> = (0..count).flat_map(row).collect();
    let labels: Vec<i8> = (0..count).map(|mu| patterns.label(mu) as i8).collect();
    let mut group = Group::default();
    let described = Dataset::shaped(inputs, &[count, len]);
    group.insert("inputs", described.described("pattern entries", "1"));
    group.insert("labels", Dataset::new(labels).described("desired outputs", "1"));
    write_file(path, &group)
}

/// What `/weights` holds: an integer dataset is binary, a float one spherical.
///
/// # Errors
/// `Io`; `Data` if there is no such dataset.
pub fn weight_kind(path: &Path) -> Result<WeightKind> {
    let file = hdf::open(path)?;
    Ok(match dataset(path, &file, "weights")?.values {
        Array::F32(_) | Array::F64(_) => WeightKind::Spherical,
        _ => WeightKind::Binary,
    })
}

/// Reads `/weights` for `architecture`: an integer dataset is binary, a float one spherical.
///
/// # Errors
/// `Io`; `Data` naming the dataset if it is missing, has not N entries, or a value is not allowed
/// (binary weights are ±1, real ones finite).
pub fn read_weights(path: &Path, architecture: Architecture) -> Result<Weights> {
    let file = hdf::open(path)?;
    let weights = dataset(path, &file, "weights")?;
    let expected = architecture.inputs();
    if weights.shape != [expected] {
        let found = weights.shape;
        return Err(Error::data(
            path,
            format!("/weights has shape {found:?}: expected [{expected}]"),
        ));
    }
    let reals = match &weights.values {
        Array::F32(values) => values.clone(),
        Array::F64(values) => values.iter().map(|&value| value as f32).collect(),
        _ => {
            let signs = signs(path, "weights", &weights)?;
            return Weights::from_signs(architecture, &signs)
                .map_err(|error| Error::data(path, error));
        }
    };
    match reals.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(Error::data(path, format!("/weights[{at}] is not a finite float32"))),
        None => Ok(Weights::Spherical(reals)),
    }
}

/// Writes `/weights`: N int8 for binary weights, N float32 for spherical ones; an existing file is
/// replaced.
///
/// # Errors
/// `Io`.
pub fn write_weights(path: &Path, architecture: Architecture, weights: &Weights) -> Result<()> {
    let dataset = match weights {
        Weights::Spherical(values) => Dataset::new(values.clone()),
        Weights::Binary(_) => {
            Dataset::new(weights.signs(architecture).expect("binary weights have signs"))
        }
    };
    let mut group = Group::default();
    group.insert("weights", dataset.described("weights, unit after unit", "1"));
    write_file(path, &group)
}

/// A result file is not replaced by patterns or weights, whatever it is named.
fn write_file(path: &Path, group: &Group) -> Result<()> {
    let result_file = hdf::open(path).is_ok_and(|file| schema::check_schema(path, &file).is_ok());
    if result_file {
        return Err(Error::data(path, "this is a result file: choose another name"));
    }
    replace_file(path, |temporary| {
        let write = || {
            let file = hdf::create_file(temporary)?;
            for (name, node) in &group.members {
                if let Node::Dataset(dataset) = node {
                    hdf::write_dataset(&file, name, dataset)?;
                }
            }
            file.flush()?;
            file.close()
        };
        write().map_err(|error: hdf5::Error| Error::io(path, "write", hdf::reason(&error)))
    })
}

fn dataset(path: &Path, file: &hdf::Opened, name: &str) -> Result<Dataset> {
    let dataset = file.dataset(name).map_err(|_| {
        let names = file.member_names().unwrap_or_default().join(", ");
        Error::data(path, format!("there is no dataset /{name} (the file has: {names})"))
    })?;
    hdf::read_dataset(&dataset, file.size).map_err(|error| Error::data(path, error))
}

/// The entries of an integer dataset, each ±1.
fn signs(path: &Path, name: &str, dataset: &Dataset) -> Result<Vec<i8>> {
    fn convert<T: Copy + std::fmt::Display + PartialEq + From<bool>>(
        values: &[T],
        minus: Option<T>,
    ) -> std::result::Result<Vec<i8>, (usize, String)> {
        let plus = T::from(true);
        let sign = |(i, &value): (usize, &T)| match value {
            v if v == plus => Ok(1),
            v if Some(v) == minus => Ok(-1),
            other => Err((i, other.to_string())),
        };
        values.iter().enumerate().map(sign).collect()
    }
    let converted = match &dataset.values {
        Array::I8(values) => convert(values, Some(-1)),
        Array::I32(values) => convert(values, Some(-1)),
        Array::I64(values) => convert(values, Some(-1)),
        Array::U8(values) => convert(values, None),
        Array::U32(values) => convert(values, None),
        Array::U64(values) => convert(values, None),
        Array::Bool(_) | Array::F32(_) | Array::F64(_) | Array::Text(_) => {
            return Err(Error::data(path, format!("/{name}: expected int8 values ±1")));
        }
    };
    converted.map_err(|(at, value)| {
        let place = match dataset.shape[..] {
            [_, columns] => format!("[{}, {}]", at / columns, at % columns),
            _ => format!("[{at}]"),
        };
        Error::data(path, format!("/{name}{place} = {value}: expected 1 or -1"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};

    fn architecture() -> Architecture {
        Architecture::tree(130, 2).unwrap()
    }

    #[test]
    fn patterns_and_weights_round_trip() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("instance.h5");
        let patterns = Patterns::random(architecture(), 67, 5, 2);
        write_patterns(&path, &patterns).unwrap();
        let own = read_patterns(&path).unwrap();
        assert_eq!((own.count, own.len), (67, 130));
        assert_eq!(Patterns::from_signs(architecture(), &own.inputs, &own.labels), Ok(patterns));
        let mut stream = Stream::new(1, Purpose::Solver, &[]);
        let binary = Weights::random_binary(architecture(), &mut stream);
        let spherical = Weights::Spherical((0..130).map(|i| i as f32 / 7.0).collect());
        for weights in [binary, spherical] {
            write_weights(&path, architecture(), &weights).unwrap();
            assert_eq!(read_weights(&path, architecture()).unwrap(), weights);
        }
        let small = Architecture::tree(128, 2).unwrap();
        let error = read_weights(&path, small).unwrap_err().to_string();
        assert!(error.contains("/weights has shape [130]: expected [128]"), "{error}");
    }

    /// What `read_patterns` says about a file with these datasets.
    fn complaint(inputs: Dataset, labels: Dataset) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.h5");
        let mut group = Group::default();
        group.insert("inputs", inputs);
        group.insert("labels", labels);
        write_file(&path, &group).unwrap();
        match read_patterns(&path) {
            Ok(own) => format!("{:?} {:?}", own.inputs, own.labels),
            Err(error) => {
                assert_eq!(error.exit().code(), 65);
                error.to_string()
            }
        }
    }

    #[test]
    fn every_integer_type_is_read_and_every_flaw_named() {
        let labels = || Dataset::new(vec![1i8, -1]);
        let shape = [2, 2];
        let good = "[1, -1, -1, 1] [1, -1]";
        assert_eq!(complaint(Dataset::shaped(vec![1i8, -1, -1, 1], &shape), labels()), good);
        assert_eq!(complaint(Dataset::shaped(vec![1i64, -1, -1, 1], &shape), labels()), good);
        assert_eq!(complaint(Dataset::shaped(vec![1i32, -1, -1, 1], &shape), labels()), good);
        for (inputs, labels, words) in [
            (Dataset::shaped(vec![1i8, -1, 0, 1], &shape), labels(), "/inputs[1, 0] = 0"),
            // 255 must not pass as −1, nor 257 as 1.
            (Dataset::shaped(vec![1u8, 255, 1, 1], &shape), labels(), "/inputs[0, 1] = 255"),
            (Dataset::shaped(vec![1i64, 257, 1, 1], &shape), labels(), "/inputs[0, 1] = 257"),
            (Dataset::shaped(vec![1f32; 4], &shape), labels(), "/inputs: expected int8"),
            (Dataset::new(vec![1i8; 4]), labels(), "1 dimensions"),
            (Dataset::shaped(Vec::<i8>::new(), &[0, 3]), Dataset::new(Vec::<i8>::new()), "empty"),
            (Dataset::shaped(vec![1i8; 4], &shape), Dataset::new(vec![1i8; 3]), "/labels"),
            (Dataset::shaped(vec![1i8; 4], &shape), Dataset::new(vec![1i8, 2]), "/labels[1] = 2"),
        ] {
            let text = complaint(inputs, labels);
            assert!(text.contains(words) && text.contains("own.h5"), "{text}");
        }
    }

    #[test]
    fn what_is_no_instance_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.h5");
        assert_eq!(read_patterns(&path).unwrap_err().exit().code(), 74);
        std::fs::write(&path, "").unwrap();
        assert!(read_patterns(&path).unwrap_err().to_string().contains("empty"));
        std::fs::write(&path, "some text").unwrap();
        assert!(read_patterns(&path).unwrap_err().to_string().contains("not an HDF5 file"));
        let mut group = Group::default();
        group.insert("inputs", Dataset::shaped(vec![1i8; 4], &[2, 2]));
        write_file(&path, &group).unwrap();
        let error = read_patterns(&path).unwrap_err().to_string();
        assert!(error.contains("no dataset /labels (the file has: inputs)"), "{error}");
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 100]).unwrap();
        let error = read_patterns(&path).unwrap_err();
        assert_eq!(error.exit().code(), 65);
        assert!(error.to_string().contains("truncated"), "{error}");
    }
}
