//! HDF5 groups as plain values: named typed arrays with attributes.

use std::collections::BTreeMap;

/// Values of one of the types a file may hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Array {
    /// `bool` (h5py's boolean).
    Bool(Vec<bool>),
    /// `int8`.
    I8(Vec<i8>),
    /// `uint8`.
    U8(Vec<u8>),
    /// `int32`.
    I32(Vec<i32>),
    /// `uint32`.
    U32(Vec<u32>),
    /// `int64`.
    I64(Vec<i64>),
    /// `uint64`.
    U64(Vec<u64>),
    /// `float32`.
    F32(Vec<f32>),
    /// `float64`.
    F64(Vec<f64>),
    /// UTF-8 strings of any length.
    Text(Vec<String>),
}

/// A typed array with its shape and attributes.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Values, row-major.
    pub values: Array,
    /// Shape; empty for a scalar.
    pub shape: Vec<usize>,
    /// Attributes (without attributes of their own).
    pub attributes: BTreeMap<String, Dataset>,
}

/// A group: names to datasets and groups.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Attributes.
    pub attributes: BTreeMap<String, Dataset>,
    /// Members.
    pub members: BTreeMap<String, Node>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A group.
    Group(Group),
    /// A dataset.
    Dataset(Dataset),
}

macro_rules! array_from {
    ($($variant:ident: $type:ty),*) => {$(
        impl From<Vec<$type>> for Array {
            fn from(values: Vec<$type>) -> Self {
                Array::$variant(values)
            }
        }
        impl From<$type> for Dataset {
            fn from(value: $type) -> Self {
                Self { values: vec![value].into(), shape: Vec::new(), attributes: BTreeMap::new() }
            }
        }
    )*};
}
array_from!(Bool: bool, I8: i8, U8: u8, I32: i32, U32: u32, I64: i64, U64: u64, F32: f32, F64: f64,
    Text: String);

impl From<&str> for Dataset {
    fn from(value: &str) -> Self {
        value.to_owned().into()
    }
}

impl<T> From<Vec<T>> for Dataset
where
    Array: From<Vec<T>>,
{
    fn from(values: Vec<T>) -> Self {
        Dataset::new(values)
    }
}

impl From<Dataset> for Node {
    fn from(dataset: Dataset) -> Self {
        Node::Dataset(dataset)
    }
}

impl From<Group> for Node {
    fn from(group: Group) -> Self {
        Node::Group(group)
    }
}

impl Array {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Array::Bool(v) => v.len(),
            Array::I8(v) => v.len(),
            Array::U8(v) => v.len(),
            Array::I32(v) => v.len(),
            Array::U32(v) => v.len(),
            Array::I64(v) => v.len(),
            Array::U64(v) => v.len(),
            Array::F32(v) => v.len(),
            Array::F64(v) => v.len(),
            Array::Text(v) => v.len(),
        }
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Dataset {
    /// A one-dimensional dataset.
    pub fn new<T>(values: Vec<T>) -> Self
    where
        Array: From<Vec<T>>,
    {
        let values = Array::from(values);
        Self { shape: vec![values.len()], values, attributes: BTreeMap::new() }
    }

    /// A dataset of any shape, row-major.
    ///
    /// # Panics
    /// If the number of values does not fit the shape.
    pub fn shaped<T>(values: Vec<T>, shape: &[usize]) -> Self
    where
        Array: From<Vec<T>>,
    {
        let values = Array::from(values);
        assert_eq!(values.len(), shape.iter().product::<usize>(), "as many values as the shape");
        Self { values, shape: shape.to_vec(), attributes: BTreeMap::new() }
    }

    /// The values as strings, if they are.
    pub fn texts(&self) -> Option<&[String]> {
        match &self.values {
            Array::Text(values) => Some(values),
            _ => None,
        }
    }

    /// The values as non-negative integers, if they are.
    pub fn counts(&self) -> Option<Vec<u64>> {
        match &self.values {
            Array::U8(v) => Some(v.iter().map(|&x| u64::from(x)).collect()),
            Array::U32(v) => Some(v.iter().map(|&x| u64::from(x)).collect()),
            Array::U64(v) => Some(v.clone()),
            Array::I32(v) => v.iter().map(|&x| u64::try_from(x).ok()).collect(),
            Array::I64(v) => v.iter().map(|&x| u64::try_from(x).ok()).collect(),
            _ => None,
        }
    }

    /// The string attribute `name`.
    ///
    /// # Errors
    /// A message if it is missing or something else.
    pub fn text_attribute(&self, name: &str) -> Result<&str, String> {
        one_text(&self.attributes, name)
    }

    /// With the attributes `long_name` and `units` ("1" for pure numbers).
    pub fn described(self, long_name: &str, units: &str) -> Self {
        self.with("long_name", long_name).with("units", units)
    }

    /// With an attribute.
    pub fn with(mut self, name: &str, value: impl Into<Dataset>) -> Self {
        self.attributes.insert(name.to_owned(), value.into());
        self
    }
}

impl Group {
    /// The dataset `name`.
    ///
    /// # Errors
    /// A message if there is none.
    pub fn dataset(&self, name: &str) -> Result<&Dataset, String> {
        match self.members.get(name) {
            Some(Node::Dataset(dataset)) => Ok(dataset),
            Some(Node::Group(_)) => Err(format!("{name} is a group: expected a dataset")),
            None => Err(format!("dataset {name} is missing")),
        }
    }

    /// The group `name`.
    ///
    /// # Errors
    /// A message if there is none.
    pub fn group(&self, name: &str) -> Result<&Group, String> {
        match self.members.get(name) {
            Some(Node::Group(group)) => Ok(group),
            Some(Node::Dataset(_)) => Err(format!("{name} is a dataset: expected a group")),
            None => Err(format!("group {name} is missing")),
        }
    }

    /// The strings of the dataset `name`.
    ///
    /// # Errors
    /// A message if it is missing or holds something else.
    pub fn texts(&self, name: &str) -> Result<&[String], String> {
        self.dataset(name)?.texts().ok_or_else(|| format!("{name}: expected strings"))
    }

    /// The non-negative integers of the dataset `name`.
    ///
    /// # Errors
    /// A message if it is missing or holds something else.
    pub fn counts(&self, name: &str) -> Result<Vec<u64>, String> {
        let counts = self.dataset(name)?.counts();
        counts.ok_or_else(|| format!("{name}: expected non-negative integers"))
    }

    /// The float64 values of the dataset `name`.
    ///
    /// # Errors
    /// A message if it is missing or holds something else.
    pub fn reals(&self, name: &str) -> Result<&[f64], String> {
        match &self.dataset(name)?.values {
            Array::F64(values) => Ok(values),
            _ => Err(format!("{name}: expected float64 values")),
        }
    }

    /// The booleans of the dataset `name`.
    ///
    /// # Errors
    /// A message if it is missing or holds something else.
    pub fn flags(&self, name: &str) -> Result<&[bool], String> {
        match &self.dataset(name)?.values {
            Array::Bool(values) => Ok(values),
            _ => Err(format!("{name}: expected booleans")),
        }
    }

    /// The string attribute `name`.
    ///
    /// # Errors
    /// A message if it is missing or something else.
    pub fn text_attribute(&self, name: &str) -> Result<&str, String> {
        one_text(&self.attributes, name)
    }

    /// Sets an attribute.
    pub fn attribute(&mut self, name: &str, value: impl Into<Dataset>) {
        self.attributes.insert(name.to_owned(), value.into());
    }

    /// Adds or replaces a member.
    pub fn insert(&mut self, name: &str, member: impl Into<Node>) {
        self.members.insert(name.to_owned(), member.into());
    }

    /// Adds real values of which some are missing, as `name` (0 where missing) and `name_mask`
    /// (true where missing; always there). `describe` adds attributes.
    pub fn insert_partial(
        &mut self,
        name: &str,
        values: &[Option<f64>],
        describe: impl FnOnce(Dataset) -> Dataset,
    ) {
        let filled: Vec<f64> = values.iter().map(|value| value.unwrap_or(0.0)).collect();
        let mask: Vec<bool> = values.iter().map(Option::is_none).collect();
        self.insert(name, describe(Dataset::new(filled)));
        self.insert(&format!("{name}_mask"), Dataset::new(mask));
    }
}

fn one_text<'a>(attributes: &'a BTreeMap<String, Dataset>, name: &str) -> Result<&'a str, String> {
    match attributes.get(name).and_then(Dataset::texts) {
        Some([text]) => Ok(text),
        _ => Err(format!("attribute {name}: expected one string")),
    }
}
