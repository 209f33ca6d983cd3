//! The solver table of a job file, as a closed list.

use super::message_passing::params::expected_seconds;
use super::message_passing::{self, FbpParams, MessagePassing, RbpParams, Settings};
use super::rsgd::Preset;
use super::{Extent, Instance, Solver};
use super::{annealing, edmc, entropy_sgd, exact, rsgd, spherical, tempering};
use crate::model::{Activation, Architecture, WeightKind};
use crate::record::Column;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Solver tables that a job file may hold.
pub const SOLVER_NAMES: [&str; 10] =
    ["edmc", "entropy_sgd", "exact", "fbp", "lal", "rbp", "rsa", "rsgd", "sgd", "tempering"];

/// A solver with its parameters: the content of `[solver.NAME]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
// A job holds one a cell: boxing would buy nothing.
#[allow(clippy::large_enum_variant)]
pub enum SolverSpec {
    /// Replicated SGD.
    Rsgd(rsgd::Params),
    /// Replicated SGD with one replica and a gradient rule.
    Sgd(rsgd::Params),
    /// Replicated SGD with one replica and least action.
    Lal(rsgd::Params),
    /// Replicated SGD for spherical weights: `[solver.rsgd]` where the job's weights are spherical,
    /// which the job's resolution decides.
    #[serde(rename = "rsgd", skip_deserializing)]
    SphericalRsgd(spherical::Params),
    /// Entropy-SGD.
    EntropySgd(entropy_sgd::Params),
    /// Exact enumeration.
    Exact(exact::Params),
    /// Focusing belief propagation.
    Fbp(FbpParams),
    /// Reinforced belief propagation.
    Rbp(RbpParams),
    /// Replicated simulated annealing.
    Rsa(annealing::Params),
    /// Entropy-driven Monte Carlo.
    Edmc(edmc::Params),
    /// Replica exchange: typical solutions.
    Tempering(tempering::Params),
}

impl SolverSpec {
    /// The table's name.
    pub fn name(&self) -> &'static str {
        match self {
            SolverSpec::Rsgd(_) | SolverSpec::SphericalRsgd(_) => "rsgd",
            SolverSpec::Sgd(_) => "sgd",
            SolverSpec::Lal(_) => "lal",
            SolverSpec::EntropySgd(_) => "entropy_sgd",
            SolverSpec::Exact(_) => "exact",
            SolverSpec::Fbp(_) => "fbp",
            SolverSpec::Rbp(_) => "rbp",
            SolverSpec::Rsa(_) => "rsa",
            SolverSpec::Edmc(_) => "edmc",
            SolverSpec::Tempering(_) => "tempering",
        }
    }

    /// Stable key of the solver's streams and of the observables measured on its solutions.
    pub fn tag(&self) -> u64 {
        match self {
            // One tag: a preset is rsgd with one replica, byte for byte.
            SolverSpec::Rsgd(_) | SolverSpec::Sgd(_) | SolverSpec::Lal(_) => rsgd::TAG,
            SolverSpec::SphericalRsgd(_) => spherical::TAG,
            SolverSpec::EntropySgd(_) => entropy_sgd::TAG,
            SolverSpec::Exact(_) => exact::TAG,
            SolverSpec::Fbp(_) => message_passing::params::FBP_TAG,
            SolverSpec::Rbp(_) => message_passing::params::RBP_TAG,
            SolverSpec::Rsa(_) => annealing::TAG,
            SolverSpec::Edmc(_) => edmc::TAG,
            SolverSpec::Tempering(_) => tempering::TAG,
        }
    }

    /// The same solver with every parameter written out: the defaults depend on the kind of weights and
    /// on `activation`.
    pub fn resolved(&self, kind: WeightKind, activation: Activation) -> Self {
        match self {
            SolverSpec::Rsgd(params) => SolverSpec::Rsgd(params.resolved(activation)),
            SolverSpec::Sgd(params) => {
                SolverSpec::Sgd(params.preset(Preset::Sgd).resolved(activation))
            }
            SolverSpec::Lal(params) => {
                SolverSpec::Lal(params.preset(Preset::Lal).resolved(activation))
            }
            SolverSpec::SphericalRsgd(params) => {
                SolverSpec::SphericalRsgd(params.resolved(activation))
            }
            SolverSpec::EntropySgd(params) => {
                SolverSpec::EntropySgd(params.resolved(kind, activation))
            }
            SolverSpec::Rsa(params) => SolverSpec::Rsa(params.resolved(activation)),
            SolverSpec::Exact(_) | SolverSpec::Edmc(_) | SolverSpec::Tempering(_) => self.clone(),
            SolverSpec::Fbp(params) => SolverSpec::Fbp(FbpParams {
                max_epochs: Some(Settings::from(params).max_epochs),
                ..params.clone()
            }),
            SolverSpec::Rbp(params) => SolverSpec::Rbp(RbpParams {
                max_epochs: Some(Settings::from(params).max_epochs),
                ..params.clone()
            }),
        }
    }

    /// Checks the parameters, alone and against the model.
    ///
    /// # Errors
    /// (key within the solver table, message).
    pub fn validate(
        &self,
        kind: WeightKind,
        activation: Activation,
        architecture: Architecture,
    ) -> Result<(), (String, String)> {
        match self {
            SolverSpec::Rsgd(params) => params.validate(kind, activation, architecture),
            SolverSpec::Sgd(params) => {
                params.validate_preset(Preset::Sgd)?;
                params.preset(Preset::Sgd).validate(kind, activation, architecture)
            }
            SolverSpec::Lal(params) => {
                params.validate_preset(Preset::Lal)?;
                params.preset(Preset::Lal).validate(kind, activation, architecture)
            }
            SolverSpec::SphericalRsgd(params) => params.validate(kind, activation, architecture),
            SolverSpec::EntropySgd(params) => params.validate(kind, activation, architecture),
            SolverSpec::Exact(params) => params.validate(kind, activation, architecture),
            SolverSpec::Fbp(params) => params.validate(kind, activation, architecture),
            SolverSpec::Rbp(params) => params.validate(kind, activation, architecture),
            SolverSpec::Rsa(params) => params.validate(kind, activation, architecture),
            SolverSpec::Edmc(params) => params.validate(kind, activation, architecture),
            SolverSpec::Tempering(params) => params.validate(kind, activation, architecture),
        }
    }

    /// Columns beyond [`super::common_columns`], for all cells of a job.
    pub fn columns(&self, extent: &Extent) -> Vec<Column> {
        match self {
            SolverSpec::Rsgd(_) | SolverSpec::Sgd(_) | SolverSpec::Lal(_) => rsgd::columns(),
            SolverSpec::SphericalRsgd(_) => spherical::columns(),
            SolverSpec::EntropySgd(_) => entropy_sgd::columns(),
            SolverSpec::Exact(_) => exact::columns(extent),
            SolverSpec::Rsa(_) => annealing::columns(),
            SolverSpec::Edmc(_) => edmc::columns(),
            SolverSpec::Tempering(_) => tempering::columns(extent),
            SolverSpec::Fbp(_) | SolverSpec::Rbp(_) => message_passing::params::columns(),
        }
    }

    /// Builds the solver.
    ///
    /// # Panics
    /// May panic if [`Self::validate`] was not passed.
    pub fn build(&self, instance: Arc<Instance>) -> Box<dyn Solver> {
        match self {
            SolverSpec::Rsgd(params) => Box::new(rsgd::Rsgd::new(instance, params)),
            SolverSpec::Sgd(params) => {
                Box::new(rsgd::Rsgd::new(instance, &params.preset(Preset::Sgd)))
            }
            SolverSpec::Lal(params) => {
                Box::new(rsgd::Rsgd::new(instance, &params.preset(Preset::Lal)))
            }
            SolverSpec::SphericalRsgd(params) => {
                Box::new(spherical::SphericalRsgd::new(instance, params))
            }
            SolverSpec::EntropySgd(params) => entropy_sgd::build(instance, params),
            SolverSpec::Exact(params) => Box::new(exact::Exact::new(instance, params)),
            SolverSpec::Fbp(params) => Box::new(MessagePassing::new(instance, params.into())),
            SolverSpec::Rbp(params) => Box::new(MessagePassing::new(instance, params.into())),
            SolverSpec::Rsa(params) => Box::new(annealing::Rsa::new(instance, params)),
            SolverSpec::Edmc(params) => Box::new(edmc::Edmc::new(instance, params)),
            SolverSpec::Tempering(params) => Box::new(tempering::Tempering::new(instance, params)),
        }
    }

    /// Bytes that solver and instance hold for P = `patterns`; of resolved parameters.
    pub fn bytes(&self, kind: WeightKind, architecture: Architecture, patterns: usize) -> u128 {
        match self {
            SolverSpec::Rsgd(params) | SolverSpec::Sgd(params) | SolverSpec::Lal(params) => {
                params.bytes(architecture, patterns)
            }
            SolverSpec::SphericalRsgd(params) => params.bytes(architecture, patterns),
            SolverSpec::EntropySgd(params) => params.bytes(kind, architecture, patterns),
            SolverSpec::Exact(params) => params.bytes(architecture, patterns),
            SolverSpec::Rsa(params) => params.bytes(architecture, patterns),
            SolverSpec::Edmc(params) => params.bytes(architecture, patterns),
            SolverSpec::Tempering(params) => params.bytes(architecture, patterns),
            SolverSpec::Fbp(_) | SolverSpec::Rbp(_) => {
                message_passing::params::bytes(architecture, patterns)
            }
        }
    }

    /// Rough expected seconds on one core of a 2021 server, for scheduling and `check`; of
    /// resolved parameters.
    pub fn expected_seconds(
        &self,
        kind: WeightKind,
        architecture: Architecture,
        patterns: usize,
    ) -> f64 {
        match self {
            SolverSpec::Rsgd(params) | SolverSpec::Sgd(params) | SolverSpec::Lal(params) => {
                params.expected_seconds(architecture, patterns)
            }
            SolverSpec::SphericalRsgd(params) => params.expected_seconds(architecture, patterns),
            SolverSpec::EntropySgd(params) => params.expected_seconds(kind, architecture, patterns),
            SolverSpec::Exact(params) => params.expected_seconds(architecture, patterns),
            SolverSpec::Rsa(params) => params.expected_seconds(architecture, patterns),
            SolverSpec::Edmc(params) => params.expected_seconds(architecture, patterns),
            SolverSpec::Tempering(params) => params.expected_seconds(architecture, patterns),
            SolverSpec::Fbp(params) => {
                expected_seconds(&Settings::from(params), architecture, patterns)
            }
            SolverSpec::Rbp(params) => {
                expected_seconds(&Settings::from(params), architecture, patterns)
            }
        }
    }
}
