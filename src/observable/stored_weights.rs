//! `weights = true`: the solution itself, bit-packed (input i is bit i%8 of byte i/8, 1 means −1)
//! or little-endian f32.

use super::{Observable, Solution};
use crate::model::{WeightKind, Weights};
use crate::record::{Column, Estimator, Kind, Value};
use crate::solver::Extent;
use serde::{Deserialize, Deserializer, Serialize};

/// Solutions are stored; no parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "bool")]
pub struct StoredWeights;

impl From<StoredWeights> for bool {
    fn from(_: StoredWeights) -> Self {
        true
    }
}

/// What `weights = true` and `weights = false` ask for.
pub(super) fn asked<'de, D: Deserializer<'de>>(
    value: D,
) -> Result<Option<StoredWeights>, D::Error> {
    Ok(bool::deserialize(value)?.then_some(StoredWeights))
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
