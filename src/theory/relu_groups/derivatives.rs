//! Which derivatives by the fields of a group have rows.

use crate::theory::relu_fields::LARGEST;

/// Orders of a derivative by the fields of a group.
pub(super) type Orders = [usize; LARGEST];

/// The derivative of `order` by field `l`.
fn by(l: usize, order: usize) -> Orders {
    let mut orders = [0; LARGEST];
    orders[l] = order;
    orders
}

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

impl Derivatives {
    /// The rows, each a sum of derivatives.
    pub(super) fn rows(self, units: usize) -> Vec<Vec<Orders>> {
        let mut rows = vec![vec![[0; LARGEST]]];
        if self != Self::None {
            rows.extend((0..units).map(|l| vec![by(l, 1)]));
        }
        if self == Self::Laplacian {
            rows.push((0..units).map(|l| by(l, 2)).collect());
        }
        rows
    }

    /// All derivatives that the rows are sums of, lower ones first.
    pub(super) fn orders(self, units: usize) -> Vec<Orders> {
        let highest = self.highest();
        let derivatives = (0..units).flat_map(|l| (1..=highest).map(move |order| by(l, order)));
        std::iter::once([0; LARGEST]).chain(derivatives).collect()
    }

    /// The highest order.
    pub(super) fn highest(self) -> usize {
        match self {
            Self::None => 0,
            Self::Gradient => 1,
            Self::Laplacian => 2,
        }
    }
}
