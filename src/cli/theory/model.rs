//! The arguments that every sub-verb of `theory` shares: which machine.

use crate::error::TheoryError;
use crate::model::activation::Activation;
use crate::model::weights::WeightKind;
use crate::theory::Outcome;
use crate::theory::model::{Hidden, Model};
use crate::theory::table::Table;
use clap::ValueEnum;

/// Weight space on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WeightsArg {
    /// Weights ±1
    Binary,
    /// Real weights on a sphere, one a hidden unit
    Spherical,
}

/// Which machine.
#[derive(clap::Args, Clone, Debug)]
pub struct ModelArgs {
    /// Weight space
    #[arg(long, value_enum, default_value = "binary")]
    weights: WeightsArg,
    /// identity, relu, leaky_relu, sign, erf, tanh, gelu, quadratic or abs
    #[arg(long)]
    activation: String,
    /// Negative-side slope of leaky_relu [default: 0.01]
    #[arg(long, allow_negative_numbers = true)]
    slope: Option<f64>,
    /// Gain of erf [default: 1]
    #[arg(long)]
    scale: Option<f64>,
    /// Margin: stored means σΔ > κ
    #[arg(long, default_value_t = 0.0, allow_hyphen_values = true)]
    kappa: f64,
    /// Number of hidden units K, or `inf`
    #[arg(long, default_value = "inf")]
    hidden: String,
}

impl ModelArgs {
    /// The machine.
    ///
    /// # Errors
    /// `Domain`, naming the argument.
    pub fn model(&self) -> Outcome<Model> {
        let activation =
            Activation::parse(&self.activation, self.slope, self.scale).map_err(|expected| {
                TheoryError::Domain {
                    argument: "activation",
                    value: self.activation.clone(),
                    expected,
                }
            })?;
        let weights = match self.weights {
            WeightsArg::Binary => WeightKind::Binary,
            WeightsArg::Spherical => WeightKind::Spherical,
        };
        let hidden = match self.hidden.as_str() {
            "inf" | "infinite" | "infinity" => Hidden::Infinite,
            number => Hidden::Finite(number.parse().map_err(|_| TheoryError::Domain {
                argument: "hidden",
                value: number.into(),
                expected: "a positive integer or inf".into(),
            })?),
        };
        Model::new(weights, activation, self.kappa, hidden)
    }
}

/// The machine's parameters as attributes of a table.
pub(super) fn described(table: Table, model: &Model) -> Table {
    let table = table
        .text("weights", model.weights.name())
        .text("activation", model.activation.name())
        .number("kappa", model.kappa)
        .text("hidden", model.hidden.label());
    match model.activation.parameter() {
        Some((key, value)) => table.number(key, value),
        None => table,
    }
}
