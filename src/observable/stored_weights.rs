//! `weights = true`: the solution itself, bit-packed (input i is bit i%8 of byte i/8, 1 means −1)
//! or little-endian f32.

use super::{Observable, Solution};
use crate::model::{WeightKind, Weights};
use crate::record::{Column, Estimator, Kind, Value};
use crate::solver::Extent;
use serde::{Deserialize, Serialize};

/// Whether solutions are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoredWeights(pub bool);

impl StoredWeights {
    /// Not asked for.
    pub fn is_off(&self) -> bool {
        !self.0
    }
}

impl Observable for StoredWeights {
    fn validate(&self, _extent: &Extent) -> Result<(), (String, String)> {
        Ok(())
    }

    fn columns(&self, extent: &Extent) -> Vec<Column> {
        let kind = Kind::Bytes(match extent.kind {
            WeightKind::Binary => extent.max_inputs.div_ceil(8),
            WeightKind::Spherical => 4 * extent.max_inputs,
        });
        vec![Column::new("weights", "solution", kind, Estimator::None)]
    }

    fn measure(&self, solution: &Solution) -> Vec<Value> {
        let bytes = match solution.weights {
            Weights::Binary(_) => {
                let signs = solution
                    .weights
                    .signs(solution.instance.storage.architecture())
                    .expect("binary weights have signs");
                let mut bytes = vec![0u8; signs.len().div_ceil(8)];
                for (i, &sign) in signs.iter().enumerate() {
                    bytes[i / 8] |= u8::from(sign < 0) << (i % 8);
                }
                bytes
            }
            Weights::Spherical(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        };
        vec![Value::Bytes(bytes)]
    }
}
