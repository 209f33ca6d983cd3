//! Local entropy S(d) = (1/N) ln of the number of solutions at distance exactly round(d·N)/N from
//! the solution.
//!
//! $$ S(d) = \frac1N \ln \sum_{W^\prime} \delta_{d(W, W^\prime),\ d} \prod_\mu
//!    \Theta\left(\sigma^\mu \Delta^\mu(W^\prime) - \kappa\right) $$
//!
//! Routes, by `method`:
//! - `enumeration`: all 2^N binary machines are swept ([`crate::exact`]), N ≤ 34; exact. A distance
//!   without a solution has no entropy (missing) and the number 0. Cost: one enumeration.
//!
//! - `bethe`: message passing at that distance ([`crate::solver::message_passing::bethe`]), any N,
//!   ReLU, sign and identity units; also the entropy of all solutions, `bethe_entropy`. Missing where
//!   the messages do not settle. Cost: some hundred sweeps of O(PN) a distance.
//!
//! A further route is a variant of [`Method`] with its own file. Over typical solutions the mean is
//! the Franz–Parisi entropy (restricted to samples with a solution at that distance; the logarithm
//! of the mean number is the annealed one).

use super::{Observable, Solution, check_fractions, default_fractions};
use crate::exact::{Enumeration, distances_from};
use crate::model::WeightKind;
use crate::record::{Axis, Column, Estimator, Kind, Value};
use crate::solver::Extent;
use crate::solver::message_passing::bethe::Bethe;
use crate::solver::message_passing::node::NodeKind;
use serde::{Deserialize, Serialize};

/// How the number of solutions is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// By counting them.
    #[default]
    Enumeration,
    /// By the Bethe entropy of message passing.
    Bethe,
}

/// Parameters of the local entropy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalEntropy {
    /// Distances d in (0, 0.5].
    #[serde(default = "default_fractions")]
    pub distances: Vec<f64>,
    /// The route.
    #[serde(default)]
    pub method: Method,
}

/// Largest N of an enumeration a unit: some seconds.
const MAX_INPUTS: usize = 34;

impl Observable for LocalEntropy {
    fn validate(&self, extent: &Extent) -> Result<(), (String, String)> {
        check_fractions("distances", &self.distances)?;
        let problem = |message: String| Err(("method".into(), message));
        match self.method {
            Method::Enumeration if extent.kind != WeightKind::Binary => {
                problem("enumeration counts binary weights".into())
            }
            Method::Enumeration if extent.max_inputs > MAX_INPUTS => {
                let inputs = extent.max_inputs;
                problem(format!("enumeration takes N up to {MAX_INPUTS}, not {inputs}"))
            }
            Method::Bethe if extent.kind != WeightKind::Binary => {
                problem("message passing works on binary weights".into())
            }
            Method::Enumeration | Method::Bethe => Ok(()),
        }
    }

    fn columns(&self, _extent: &Extent) -> Vec<Column> {
        let axis = || {
            Kind::Vector(Axis {
                name: "distance".into(),
                units: "1".into(),
                values: self.distances.clone(),
            })
        };
        let mut entropy = Column::new(
            "local_entropy",
            "entropy per weight of solutions at weight distance d",
            axis(),
            Estimator::Mean,
        );
        entropy.units = "nat".into();
        let second = match self.method {
            Method::Enumeration => {
                let count = "number of solutions at weight distance d";
                Column::new("local_solutions", count, axis(), Estimator::Mean)
            }
            Method::Bethe => {
                let name = "Bethe entropy per weight of all solutions";
                Column::new("bethe_entropy", name, Kind::Real, Estimator::Mean)
            }
        };
        vec![entropy, second]
    }

    fn measure(&self, solution: &Solution) -> Vec<Value> {
        let instance = solution.instance;
        if self.method == Method::Bethe {
            return bethe(solution, &self.distances);
        }
        let inputs = instance.storage.architecture().inputs();
        let enumeration = Enumeration::new(&instance.storage, &instance.patterns)
            .expect("N was validated against the limit of enumeration");
        let Some(machine) = enumeration.space().machine(solution.weights) else {
            return vec![Value::Missing; 2];
        };
        let shells = distances_from(&enumeration, machine);
        let counts: Vec<u64> =
            self.distances.iter().map(|d| shells[(d * inputs as f64).round() as usize]).collect();
        let entropy = |&count: &u64| (count > 0).then(|| libm::log(count as f64) / inputs as f64);
        vec![
            Value::partial(counts.iter().map(entropy).collect()),
            Value::Vector(counts.iter().map(|&count| count as f64).collect()),
        ]
    }
}

/// Sweeps of one run.
const SWEEPS: u64 = 2000;

fn bethe(solution: &Solution, distances: &[f64]) -> Vec<Value> {
    let instance = solution.instance;
    let signs = solution.weights.signs(instance.storage.architecture());
    let bethe = Bethe::new(&instance.storage, &instance.patterns, NodeKind::Exact, SWEEPS);
    let (Some(signs), Some(mut bethe)) = (signs, bethe) else {
        return vec![Value::Missing; 2];
    };
    let local = distances.iter().map(|&d| bethe.at_distance(&signs, d)).collect();
    vec![Value::partial(local), bethe.total().map_or(Value::Missing, Value::Real)]
}
