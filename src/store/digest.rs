//! *Same bytes*: two result files agree iff every dataset and attribute of `/cells`, `/samples`
//! and `/results`, in sorted path order, has the same name, type, shape and little-endian values.
//! Compression and place in the file do not count.
//!
//! The digest is SHA-256 over, for each such array in that order: path (attributes as
//! `object@name`), type name, number of dimensions, extents, values; strings and the three leading
//! items with their byte length before them, lengths and extents as little-endian u64, a boolean
//! as one byte.

use super::tree::{Array, Dataset, Group, Node};
use super::{hdf, schema};
use crate::{Error, Result};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// The groups that the contract covers.
pub const GROUPS: [&str; 3] = ["cells", "results", "samples"];

/// The digest of a file: 64 hexadecimal digits.
///
/// # Errors
/// `Io` if it cannot be read; `Data` if it is no result file or is damaged.
pub fn digest(path: &Path) -> Result<String> {
    let groups = read_groups(path)?;
    Ok(of_groups(groups.iter().map(|(name, group)| (*name, group))))
}

/// The digest that the last commit stored in the file: differs from [`digest`] if the file was
/// changed or damaged since.
///
/// # Errors
/// As [`digest`].
pub fn stored(path: &Path) -> Result<String> {
    let file = hdf::open(path)?;
    schema::check_schema(path, &file)?;
    let provenance = file.group("provenance").map_err(|error| Error::data(path, error.to_string()));
    let attributes = hdf::read_attributes(&*provenance?, file.size);
    let attributes = attributes.map_err(|error| Error::data(path, error))?;
    match attributes.get("digest").and_then(Dataset::texts) {
        Some([digest]) => Ok(digest.clone()),
        _ => Err(Error::data(path, "no digest in /provenance")),
    }
}

/// The digest of named groups.
pub fn of_groups<'a>(groups: impl Iterator<Item = (&'a str, &'a Group)>) -> String {
    let mut entries = BTreeMap::new();
    groups.for_each(|(name, group)| collect(&format!("/{name}"), group, &mut entries));
    let mut hash = Sha256::new();
    for (path, dataset) in entries {
        feed(&mut hash, &path, dataset);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first difference of two files, `None` if they agree.
///
/// # Errors
/// As [`digest`].
pub fn first_difference(a: &Path, b: &Path) -> Result<Option<String>> {
    let (left, right) = (read_groups(a)?, read_groups(b)?);
    let (mut left_entries, mut right_entries) = (BTreeMap::new(), BTreeMap::new());
    for (groups, entries) in [(&left, &mut left_entries), (&right, &mut right_entries)] {
        groups.iter().for_each(|(name, group)| collect(&format!("/{name}"), group, entries));
    }
    let mut paths: Vec<&String> = left_entries.keys().chain(right_entries.keys()).collect();
    paths.sort();
    paths.dedup();
    let difference = |path: &String| match (left_entries.get(path), right_entries.get(path)) {
        (Some(x), Some(y)) => differs(x, y).map(|how| format!("{path}: {how}")),
        (Some(_), None) => Some(format!("{path}: only in {}", a.display())),
        _ => Some(format!("{path}: only in {}", b.display())),
    };
    Ok(paths.into_iter().find_map(difference))
}

fn read_groups(path: &Path) -> Result<Vec<(&'static str, Group)>> {
    let file = hdf::open(path)?;
    schema::check_schema(path, &file)?;
    let read = |name: &'static str| {
        let group = file.group(name).map_err(|_| format!("group /{name} is missing"))?;
        Ok((name, hdf::read_group(&group, file.size)?))
    };
    let groups: std::result::Result<_, String> = GROUPS.into_iter().map(read).collect();
    groups.map_err(|error| Error::data(path, format!("damaged result file: {error}")))
}

/// Every array under `group` by its path, attributes included.
fn collect<'a>(path: &str, group: &'a Group, entries: &mut BTreeMap<String, &'a Dataset>) {
    let mut attributes = |path: &str, attributes: &'a BTreeMap<String, Dataset>| {
        for (name, value) in attributes {
            entries.insert(format!("{path}@{name}"), value);
        }
    };
    attributes(path, &group.attributes);
    for (name, node) in &group.members {
        if let Node::Dataset(dataset) = node {
            attributes(&format!("{path}/{name}"), &dataset.attributes);
        }
    }
    for (name, node) in &group.members {
        let path = format!("{path}/{name}");
        match node {
            Node::Group(child) => collect(&path, child, entries),
            Node::Dataset(dataset) => drop(entries.insert(path, dataset)),
        }
    }
}

fn type_name(values: &Array) -> &'static str {
    match values {
        Array::Bool(_) => "bool",
        Array::I8(_) => "int8",
        Array::U8(_) => "uint8",
        Array::I32(_) => "int32",
        Array::U32(_) => "uint32",
        Array::I64(_) => "int64",
        Array::U64(_) => "uint64",
        Array::F32(_) => "float32",
        Array::F64(_) => "float64",
        Array::Text(_) => "string",
    }
}

fn feed(hash: &mut Sha256, path: &str, dataset: &Dataset) {
    let text = |hash: &mut Sha256, text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    text(hash, path);
    text(hash, type_name(&dataset.values));
    hash.update((dataset.shape.len() as u64).to_le_bytes());
    for &extent in &dataset.shape {
        hash.update((extent as u64).to_le_bytes());
    }
    macro_rules! values {
        ($values:expr) => {{
            // In blocks: an update a value would cost more than the hashing.
            let mut block = Vec::with_capacity(1 << 16);
            for values in $values.chunks(1 << 13) {
                block.clear();
                values.iter().for_each(|value| block.extend(value.to_le_bytes()));
                hash.update(&block);
            }
        }};
    }
    match &dataset.values {
        Array::Bool(v) => v.iter().for_each(|&flag| hash.update([u8::from(flag)])),
        Array::I8(v) => values!(v),
        Array::U8(v) => hash.update(v),
        Array::I32(v) => values!(v),
        Array::U32(v) => values!(v),
        Array::I64(v) => values!(v),
        Array::U64(v) => values!(v),
        Array::F32(v) => values!(v),
        Array::F64(v) => values!(v),
        Array::Text(v) => v.iter().for_each(|value| text(hash, value)),
    }
}

/// How two arrays differ: bit for bit, so that −0 is not 0.
fn differs(a: &Dataset, b: &Dataset) -> Option<String> {
    let (left, right) = (type_name(&a.values), type_name(&b.values));
    if left != right {
        return Some(format!("type {left} and {right}"));
    }
    if a.shape != b.shape {
        return Some(format!("shape {:?} and {:?}", a.shape, b.shape));
    }
    let at = |i: usize| {
        let mut index = vec![0; a.shape.len()];
        let mut rest = i;
        for (place, &extent) in index.iter_mut().zip(&a.shape).rev() {
            (*place, rest) = (rest % extent, rest / extent);
        }
        index
    };
    macro_rules! first {
        ($a:expr, $b:expr, $same:expr) => {
            $a.iter()
                .zip($b)
                .position(|(x, y)| !$same(x, y))
                .map(|i| format!("{:?} and {:?} at {:?}", $a[i], $b[i], at(i)))
        };
    }
    match (&a.values, &b.values) {
        (Array::Bool(a), Array::Bool(b)) => first!(a, b, |x, y| x == y),
        (Array::I8(a), Array::I8(b)) => first!(a, b, |x, y| x == y),
        (Array::U8(a), Array::U8(b)) => first!(a, b, |x, y| x == y),
        (Array::I32(a), Array::I32(b)) => first!(a, b, |x, y| x == y),
        (Array::U32(a), Array::U32(b)) => first!(a, b, |x, y| x == y),
        (Array::I64(a), Array::I64(b)) => first!(a, b, |x, y| x == y),
        (Array::U64(a), Array::U64(b)) => first!(a, b, |x, y| x == y),
        (Array::F32(a), Array::F32(b)) => {
            first!(a, b, |x: &f32, y: &f32| x.to_bits() == y.to_bits())
        }
        (Array::F64(a), Array::F64(b)) => {
            first!(a, b, |x: &f64, y: &f64| x.to_bits() == y.to_bits())
        }
        (Array::Text(a), Array::Text(b)) => first!(a, b, |x, y| x == y),
        _ => unreachable!("equal type names"),
    }
}
