//! The solvers of job files: the list.

use crate::model::{Activation, WeightKind};
use crate::solver::{self, Method};
use serde::{Deserialize, Serialize};

/// Makes [`SolverSpec`] of the list of solvers, `Variant(parameters) = "name"`; those behind the
/// semicolon are not named by job files but chosen while a job is resolved.
macro_rules! solvers {
    (
        $($(#[$doc:meta])* $variant:ident($params:ty) = $name:literal,)+
        ; $($(#[$other_doc:meta])* $other:ident($other_params:ty) = $other_name:literal,)+
    ) => {
        /// A solver with its parameters: the content of `[solver.NAME]`.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        // A job holds one a cell: boxing would buy nothing.
        #[allow(clippy::large_enum_variant)]
        pub enum SolverSpec {
            $($(#[$doc])* #[serde(rename = $name)] $variant($params),)+
            $($(#[$other_doc])* #[serde(rename = $other_name, skip_deserializing)]
              $other($other_params),)+
        }

        /// Solver tables that a job file may hold.
        pub const SOLVER_NAMES: &[&str] = &[$($name),+];

        impl SolverSpec {
            /// The table's name.
            pub fn name(&self) -> &'static str {
                match self {
                    $(SolverSpec::$variant(_) => $name,)+
                    $(SolverSpec::$other(_) => $other_name,)+
                }
            }

            /// The solver's parameters, as everything but job files sees them.
            pub fn method(&self) -> &dyn Method {
                match self {
                    $(SolverSpec::$variant(params) => params,)+
                    $(SolverSpec::$other(params) => params,)+
                }
            }

            /// [`Method::resolved`].
            #[must_use]
            pub fn resolved(&self, kind: WeightKind, activation: Activation) -> Self {
                match self {
                    $(SolverSpec::$variant(params) => {
                        SolverSpec::$variant(params.resolved(kind, activation))
                    })+
                    $(SolverSpec::$other(params) => {
                        SolverSpec::$other(params.resolved(kind, activation))
                    })+
                }
            }
        }
    };
}

solvers! {
    /// Entropy-driven Monte Carlo.
    Edmc(solver::edmc::Params) = "edmc",
    /// Entropy-SGD.
    EntropySgd(solver::entropy_sgd::Params) = "entropy_sgd",
    /// Exact enumeration.
    Exact(solver::exact::Params) = "exact",
    /// Focusing belief propagation.
    Fbp(solver::message_passing::FbpParams) = "fbp",
    /// Replicated SGD with one replica and least action.
    Lal(solver::rsgd::Lal) = "lal",
    /// Reinforced belief propagation.
    Rbp(solver::message_passing::RbpParams) = "rbp",
    /// Replicated simulated annealing.
    Rsa(solver::annealing::Params) = "rsa",
    /// Replicated SGD.
    Rsgd(solver::rsgd::Params) = "rsgd",
    /// Replicated SGD with one replica and a gradient rule.
    Sgd(solver::rsgd::Sgd) = "sgd",
    /// Replica exchange: typical solutions.
    Tempering(solver::tempering::Params) = "tempering",
    ;
    /// Replicated SGD for spherical weights: `[solver.rsgd]` where the job's weights are spherical.
    SphericalRsgd(solver::spherical::Params) = "rsgd",
}
