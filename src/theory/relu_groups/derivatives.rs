//! Which derivatives by the fields of a group have rows.

/// The rows of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derivatives {
    /// The function alone.
    None,
    /// Then its first derivatives by the fields, one by one.
    Gradient,
    /// Then the sum of its second derivatives by each of the fields.
    Laplacian,
}

/// What a row is of the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Derivative {
    Function,
    /// The first derivative by the field of a unit.
    By(usize),
    Laplacian,
}

impl Derivatives {
    /// The rows.
    pub(super) fn rows(self, units: usize) -> Vec<Derivative> {
        let mut rows = vec![Derivative::Function];
        if self != Self::None {
            rows.extend((0..units).map(Derivative::By));
        }
        if self == Self::Laplacian {
            rows.push(Derivative::Laplacian);
        }
        rows
    }
}
