//! A job file's tables as TOML gives them, before any check.

use super::RunOptions;
use crate::model::{Connectivity, WeightKind};
use serde::Deserialize;
use toml::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    pub schema: i64,
    pub name: String,
    pub seed: u64,
    pub model: RawModel,
    pub grid: RawGrid,
    #[serde(default, rename = "override")]
    pub overrides: Vec<RawOverride>,
    pub solver: toml::Table,
    pub observe: Option<Value>,
    #[serde(default)]
    pub run: RunOptions,
}

/// What a verb on one instance reads of the same text.
#[derive(Deserialize)]
pub(super) struct RawPoint {
    pub model: RawModel,
    pub grid: RawGrid,
    pub observe: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawModel {
    pub weights: WeightKind,
    pub activation: String,
    pub slope: Option<f64>,
    pub scale: Option<f64>,
    #[serde(default)]
    pub kappa: f64,
    #[serde(default)]
    pub connectivity: Connectivity,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(non_snake_case)]
pub(super) struct RawGrid {
    pub N: Value,
    pub K: Value,
    pub alpha: Value,
    pub samples: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOverride {
    pub r#where: RawWhere,
    pub samples: Option<u64>,
    pub solver: Option<toml::Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(non_snake_case)]
pub(super) struct RawWhere {
    pub N: Option<Value>,
    pub K: Option<Value>,
    pub alpha: Option<Value>,
}
