//! Trees of named arrays ([`Group`]) to and from HDF5 groups.
//!
//! What is written is a function of the values alone: no times, no creation order. Datasets from
//! 64 KiB on are chunked, shuffled and deflated (level 4); strings are variable-length UTF-8.
//! Reading trusts nothing: sizes are held against what the file can hold before memory is taken,
//! booleans are read as integers, and unknown types are refused by name.

use super::crash::Guard;
use super::tree::{Array, Dataset, Group, Node};
use hdf5::file::LibraryVersion;
use hdf5::types::{FloatSize, IntSize, TypeDescriptor, VarLenAscii, VarLenUnicode};
use hdf5::{Container, H5Type, Location};
use std::collections::BTreeMap;

/// Datasets of at least so many bytes are compressed.
const LARGE: usize = 64 << 10;
/// Bytes of a chunk before compression.
const CHUNK: usize = 512 << 10;
/// The largest ratio that deflate reaches (1032 : 1), rounded up.
const DEFLATE_RATIO: u64 = 1100;

/// Creates the group `name` in `parent` and writes `group` into it.
pub fn write_group(parent: &hdf5::Group, name: &str, group: &Group) -> hdf5::Result<()> {
    let target = parent.create_group_builder().obj_track_times(false).create(name)?;
    write_attributes(&target, &group.attributes)?;
    for (name, node) in &group.members {
        match node {
            Node::Group(child) => write_group(&target, name, child)?,
            Node::Dataset(dataset) => write_dataset(&target, name, dataset)?,
        }
    }
    Ok(())
}

/// Writes one dataset with its attributes.
pub fn write_dataset(parent: &hdf5::Group, name: &str, dataset: &Dataset) -> hdf5::Result<()> {
    let shape = &dataset.shape;
    let written = match &dataset.values {
        Array::Bool(v) => create(parent, name, v, shape),
        Array::I8(v) => create(parent, name, v, shape),
        Array::U8(v) => create(parent, name, v, shape),
        Array::I32(v) => create(parent, name, v, shape),
        Array::U32(v) => create(parent, name, v, shape),
        Array::I64(v) => create(parent, name, v, shape),
        Array::U64(v) => create(parent, name, v, shape),
        Array::F32(v) => create(parent, name, v, shape),
        Array::F64(v) => create(parent, name, v, shape),
        Array::Text(v) => create(parent, name, &unicode(name, v)?, shape),
    }?;
    write_attributes(&written, &dataset.attributes)
}

fn create<T: H5Type>(
    parent: &hdf5::Group,
    name: &str,
    values: &[T],
    shape: &[usize],
) -> hdf5::Result<hdf5::Dataset> {
    let mut builder = parent.new_dataset::<T>().obj_track_times(false);
    let compressible = !std::mem::needs_drop::<T>() && hdf5::filters::deflate_available();
    if compressible && !shape.is_empty() && std::mem::size_of_val(values) >= LARGE {
        let row = (std::mem::size_of_val(values) / shape[0]).max(1);
        let mut chunk = shape.to_vec();
        chunk[0] = (CHUNK / row).clamp(1, shape[0]);
        builder = builder.chunk(chunk).shuffle().deflate(4);
    }
    let dataset = builder.shape(shape).create(name)?;
    if !values.is_empty() {
        dataset.write_raw(values)?;
    }
    Ok(dataset)
}

/// Writes attributes; none of them may exist.
pub fn write_attributes(
    location: &Location,
    attributes: &BTreeMap<String, Dataset>,
) -> hdf5::Result<()> {
    fn put<T: H5Type>(at: &Location, name: &str, v: &[T], shape: &[usize]) -> hdf5::Result<()> {
        let attribute = at.new_attr::<T>().shape(shape).create(name)?;
        if v.is_empty() { Ok(()) } else { attribute.write_raw(v) }
    }
    for (name, value) in attributes {
        let shape = &value.shape;
        match &value.values {
            Array::Bool(v) => put(location, name, v, shape),
            Array::I8(v) => put(location, name, v, shape),
            Array::U8(v) => put(location, name, v, shape),
            Array::I32(v) => put(location, name, v, shape),
            Array::U32(v) => put(location, name, v, shape),
            Array::I64(v) => put(location, name, v, shape),
            Array::U64(v) => put(location, name, v, shape),
            Array::F32(v) => put(location, name, v, shape),
            Array::F64(v) => put(location, name, v, shape),
            Array::Text(v) => put(location, name, &unicode(name, v)?, shape),
        }?;
    }
    Ok(())
}

fn unicode(name: &str, strings: &[String]) -> hdf5::Result<Vec<VarLenUnicode>> {
    let convert = |text: &String| {
        text.parse().map_err(|error| hdf5::Error::from(format!("{name}: {error}").as_str()))
    };
    strings.iter().map(convert).collect()
}

/// Reads a group with everything in it. `size` is the file's, which bounds what it can hold.
///
/// # Errors
/// A message that names the object.
pub fn read_group(group: &hdf5::Group, size: u64) -> Result<Group, String> {
    let at = |error: hdf5::Error| format!("{}: {error}", group.name());
    let mut tree = Group { attributes: read_attributes(group, size)?, ..Group::default() };
    for name in group.member_names().map_err(at)? {
        let node = match group.dataset(&name) {
            Ok(dataset) => Node::Dataset(read_dataset(&dataset, size)?),
            Err(_) => Node::Group(read_group(&group.group(&name).map_err(at)?, size)?),
        };
        tree.members.insert(name, node);
    }
    Ok(tree)
}

/// Reads a dataset with its attributes.
///
/// # Errors
/// A message that names the dataset.
pub fn read_dataset(dataset: &hdf5::Dataset, size: u64) -> Result<Dataset, String> {
    let (values, shape) = read_array(dataset, size.min(dataset.storage_size()))
        .map_err(|error| format!("{}: {error}", dataset.name()))?;
    Ok(Dataset { values, shape, attributes: read_attributes(dataset, size)? })
}

/// Reads the attributes of an object.
///
/// # Errors
/// A message that names the attribute.
pub fn read_attributes(
    location: &Location,
    size: u64,
) -> Result<BTreeMap<String, Dataset>, String> {
    let names = location.attr_names().map_err(|error| format!("{}: {error}", location.name()))?;
    let read = |name: String| {
        let attribute = location.attr(&name).map_err(|error| error.to_string());
        let (values, shape) = attribute
            .and_then(|attribute| read_array(&attribute, size))
            .map_err(|error| format!("{}@{name}: {error}", location.name()))?;
        Ok((name, Dataset { values, shape, attributes: BTreeMap::new() }))
    };
    names.into_iter().map(read).collect()
}

/// Values and shape of a dataset or attribute that occupies `stored` bytes.
fn read_array(container: &Container, stored: u64) -> Result<(Array, Vec<usize>), String> {
    use TypeDescriptor as T;
    let text = |error: hdf5::Error| error.to_string();
    let descriptor = container.dtype().and_then(|kind| kind.to_descriptor()).map_err(text)?;
    let shape = container.get_shape().map_err(text)?;
    let bytes = shape
        .iter()
        .try_fold(descriptor.size() as u64, |bytes, &extent| bytes.checked_mul(extent as u64))
        .ok_or("its shape overflows")?;
    if bytes > stored.saturating_mul(DEFLATE_RATIO).max(1 << 20) {
        return Err(format!("it claims {bytes} bytes, of which only {stored} are in the file"));
    }
    let values = match descriptor {
        T::Boolean => Array::Bool(booleans(container)?),
        T::Integer(IntSize::U1) => Array::I8(container.read_raw().map_err(text)?),
        T::Unsigned(IntSize::U1) => Array::U8(container.read_raw().map_err(text)?),
        T::Integer(IntSize::U2 | IntSize::U4) => Array::I32(container.read_raw().map_err(text)?),
        T::Unsigned(IntSize::U2 | IntSize::U4) => Array::U32(container.read_raw().map_err(text)?),
        T::Integer(IntSize::U8) => Array::I64(container.read_raw().map_err(text)?),
        T::Unsigned(IntSize::U8) => Array::U64(container.read_raw().map_err(text)?),
        T::Float(FloatSize::U4) => Array::F32(container.read_raw().map_err(text)?),
        T::Float(FloatSize::U8) => Array::F64(container.read_raw().map_err(text)?),
        T::VarLenUnicode => {
            let strings = container.read_raw::<VarLenUnicode>().map_err(text)?;
            Array::Text(
                strings.iter().map(|s| checked_text(s.as_bytes())).collect::<Result<_, _>>()?,
            )
        }
        T::VarLenAscii => {
            let strings = container.read_raw::<VarLenAscii>().map_err(text)?;
            Array::Text(
                strings.iter().map(|s| checked_text(s.as_bytes())).collect::<Result<_, _>>()?,
            )
        }
        other => return Err(format!("its type ({other}) is not one that this program reads")),
    };
    Ok((values, shape))
}

fn checked_text(bytes: &[u8]) -> Result<String, String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| "it is not UTF-8 text".into())
}

/// A byte of a damaged file need be neither 0 nor 1, which no `bool` may be.
fn booleans(container: &Container) -> Result<Vec<bool>, String> {
    let values: Vec<i8> = container.read_raw().map_err(|error| error.to_string())?;
    values
        .into_iter()
        .map(|value| match value {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(format!("{other} is no boolean")),
        })
        .collect()
}

/// What went wrong, without the library's offsets and addresses where the system says it itself.
pub fn reason(error: &hdf5::Error) -> String {
    let text = error.to_string();
    let system = text.split_once("error message = '").and_then(|(_, rest)| rest.split_once('\''));
    system.map_or_else(|| text.clone(), |(message, _)| message.to_owned())
}

/// Creates an HDF5 file in the format of HDF5 1.10, whose metadata carries checksums: damage is
/// found, where the older format lets the library follow damaged pointers.
pub fn create_file(path: &std::path::Path) -> hdf5::Result<hdf5::File> {
    hdf5::File::with_options()
        .with_fapl(|access| access.libver_bounds(LibraryVersion::V110, LibraryVersion::V110))
        .with_fcpl(|creation| creation.obj_track_times(false))
        .create(path)
}

/// An HDF5 file open for reading. As long as it lives, a crash of the library on its thread is
/// laid to damage of this file.
pub struct Opened {
    file: hdf5::File,
    /// Bytes of the file, which bound what it can hold.
    pub size: u64,
    _guard: Guard,
}

impl std::ops::Deref for Opened {
    type Target = hdf5::File;

    fn deref(&self) -> &hdf5::File {
        &self.file
    }
}

/// Opens an HDF5 file for reading.
///
/// # Errors
/// `Io` if it cannot be read, `Data` if it is not a whole HDF5 file.
pub fn open(path: &std::path::Path) -> crate::Result<Opened> {
    use crate::Error;
    use std::io::Read;
    const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";
    let io = |error: std::io::Error| Error::io(path, "read", error);
    let mut file = std::fs::File::open(path).map_err(io)?;
    let size = file.metadata().map_err(io)?.len();
    if file.metadata().map_err(io)?.is_dir() {
        return Err(Error::io(path, "read", "it is a folder"));
    }
    let mut start = [0; 8];
    // A user block may stand before the signature: then the library decides.
    let begins = size >= 8 && file.read_exact(&mut start).is_ok() && start == SIGNATURE;
    let guard = Guard::new(path);
    hdf5::File::open(path).map(|file| Opened { file, size, _guard: guard }).map_err(|error| {
        Error::data(
            path,
            if size == 0 {
                "the file is empty: expected an HDF5 file".to_owned()
            } else if begins {
                format!("damaged or truncated HDF5 file: {error}")
            } else {
                "not an HDF5 file".to_owned()
            },
        )
    })
}
