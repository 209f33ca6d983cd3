//! Results as plain tables: named columns with units, and the parameters they belong to.
//!
//! A [`Table`] becomes text, and the group `/theory/<quantity>/<label>` of an HDF5 file (written
//! by `store`). Missing values are `None`, stored as a mask.

/// A parameter of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A word.
    Text(String),
    /// A number.
    Number(f64),
}

/// One column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Name, as the JSON key.
    pub name: String,
    /// Units: "1" for pure numbers, "nat" for entropies per weight.
    pub units: &'static str,
    /// What it is, for a reader of the file.
    pub long_name: &'static str,
    /// One value a row, `None` where it does not exist.
    pub values: Vec<Option<f64>>,
}

/// Columns of equal length.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The sub-verb: `capacity`, `entropy`, `franz-parisi`, ….
    pub quantity: &'static str,
    /// Which machine and options; unique within the quantity.
    pub label: String,
    /// Parameters and scalar results.
    pub attributes: Vec<(String, Attribute)>,
    /// The columns.
    pub columns: Vec<Column>,
}

impl Table {
    /// An empty table.
    pub fn new(quantity: &'static str, label: impl Into<String>) -> Self {
        Self { quantity, label: label.into(), attributes: Vec::new(), columns: Vec::new() }
    }

    /// Adds a word.
    pub fn text(mut self, name: &str, value: impl Into<String>) -> Self {
        self.attributes.push((name.into(), Attribute::Text(value.into())));
        self
    }

    /// Adds a number.
    pub fn number(mut self, name: &str, value: f64) -> Self {
        self.attributes.push((name.into(), Attribute::Number(value)));
        self
    }

    /// Adds a column of numbers that all exist.
    pub fn column(
        self,
        name: &str,
        units: &'static str,
        long_name: &'static str,
        values: Vec<f64>,
    ) -> Self {
        self.partial(name, units, long_name, values.into_iter().map(Some).collect())
    }

    /// Adds a column with missing values.
    pub fn partial(
        mut self,
        name: &str,
        units: &'static str,
        long_name: &'static str,
        values: Vec<Option<f64>>,
    ) -> Self {
        self.columns.push(Column { name: name.into(), units, long_name, values });
        self
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |column| column.values.len())
    }

    /// The table as text: parameters, then aligned columns of `%.10g`-like numbers.
    pub fn to_text(&self) -> String {
        let mut text = format!("# {} {}\n", self.quantity, self.label);
        for (name, value) in &self.attributes {
            match value {
                Attribute::Text(word) => text += &format!("{name} = {word}\n"),
                Attribute::Number(number) => text += &format!("{name} = {}\n", show(*number)),
            }
        }
        if self.columns.is_empty() {
            return text;
        }
        let widths: Vec<usize> = self.columns.iter().map(|c| c.name.len().max(16)).collect();
        let line = |cells: Vec<String>| {
            let padded: Vec<String> =
                cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:>width$}")).collect();
            padded.join(" ") + "\n"
        };
        text += &line(self.columns.iter().map(|c| c.name.clone()).collect());
        for row in 0..self.rows() {
            let cell = |c: &Column| c.values[row].map_or("-".into(), show);
            text += &line(self.columns.iter().map(cell).collect());
        }
        text
    }
}

/// Ten significant digits, plain where short enough.
fn show(x: f64) -> String {
    if x != 0.0 && !(1e-4..1e10).contains(&x.abs()) {
        return format!("{x:.9e}");
    }
    let digits = if x == 0.0 { 1 } else { libm::floor(libm::log10(x.abs())) as i32 + 1 };
    let decimals = usize::try_from(10 - digits).unwrap_or(0);
    format!("{x:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_every_value() {
        let table = Table::new("entropy", "binary-relu")
            .text("weights", "binary")
            .number("kappa", 0.1)
            .column("alpha", "1", "load", vec![0.5, 1e-7])
            .partial("q1", "1", "overlap", vec![None, Some(123.25)]);
        let text = table.to_text();
        for part in ["binary-relu", "kappa = 0.1000000000", "0.5000000000", "1.000000000e-7", "-"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(text.contains("123.2500000"));
        assert_eq!(table.rows(), 2);
    }
}
