//! `[solver.sgd]` and `[solver.lal]`: replicated SGD with one replica and a fixed rule, so that a
//! replicated run and its plain counterpart differ in `replicas` alone.

use super::{Params, Rule};
use crate::model::{Activation, Architecture, WeightKind};
use crate::record::Column;
use crate::solver::{Extent, Instance, Method, Solver};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Refuses what the name of a preset fixes to something else.
fn check(params: &Params, rule: Rule) -> Result<(), (String, String)> {
    if params.replicas.is_some_and(|replicas| replicas != 1) {
        let message = "this solver is rsgd with one replica: for more use [solver.rsgd]";
        return Err(("replicas".into(), message.into()));
    }
    if params.rule.is_some_and(|other| other != rule) {
        let message = "this solver's name fixes the rule: for another use [solver.rsgd]";
        return Err(("rule".into(), message.into()));
    }
    Ok(())
}

macro_rules! preset {
    ($(#[$doc:meta])* $name:ident, $rule:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Params);

        impl $name {
            /// The parameters of `[solver.rsgd]` that it stands for.
            pub fn full(&self) -> Params {
                Params { rule: Some($rule), replicas: Some(1), ..self.0.clone() }
            }
        }

        /// As [`Params`] throughout, streams included: a preset is rsgd byte for byte.
        impl Method for $name {
            fn tag(&self) -> u64 {
                self.full().tag()
            }

            fn validate(
                &self,
                kind: WeightKind,
                activation: Activation,
                architecture: Architecture,
            ) -> Result<(), (String, String)> {
                check(&self.0, $rule)?;
                self.full().validate(kind, activation, architecture)
            }

            fn resolved(&self, kind: WeightKind, activation: Activation) -> Self {
                Self(self.full().resolved(kind, activation))
            }

            fn columns(&self, extent: &Extent) -> Vec<Column> {
                self.full().columns(extent)
            }

            fn build(&self, instance: Arc<Instance>) -> Box<dyn Solver> {
                self.full().build(instance)
            }

            fn bytes(&self, kind: WeightKind, architecture: Architecture, patterns: usize) -> u128 {
                self.full().bytes(kind, architecture, patterns)
            }

            fn expected_seconds(
                &self,
                kind: WeightKind,
                architecture: Architecture,
                patterns: usize,
            ) -> f64 {
                self.full().expected_seconds(kind, architecture, patterns)
            }
        }
    };
}

preset!(
    /// `[solver.sgd]`: rule = "gradient", replicas = 1.
    Sgd,
    Rule::Gradient
);
preset!(
    /// `[solver.lal]`: rule = "least_action", replicas = 1.
    Lal,
    Rule::LeastAction
);
