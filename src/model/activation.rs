//! Hidden-unit activations g and the readout signs c_l.
//!
//! Output Δ = (1/√K) Σ_l c_l g(λ_l). Odd activations have all c_l = +1; the others need an even K,
//! the first half of the units with c_l = +1 and the second with −1 (BMZ, PRL 123, 170602).
//! One parser serves job files and the `theory` verbs.

use serde::{Deserialize, Serialize};

/// An activation with its parameter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum Activation {
    /// g(x) = x; with K = 1 the perceptron.
    Identity,
    /// g(x) = max(0, x).
    Relu,
    /// g(x) = max(0, x) + slope·min(0, x), −1 < slope < 1.
    LeakyRelu {
        /// Slope on the negative side.
        slope: f64,
    },
    /// g(x) = sign(x), sign(0) = 0.
    Sign,
    /// g(x) = erf(scale·x).
    Erf {
        /// Gain, > 0.
        scale: f64,
    },
    /// g(x) = tanh(x).
    Tanh,
    /// g(x) = x Φ(x), Φ the Gaussian distribution function.
    Gelu,
    /// g(x) = x².
    Quadratic,
    /// g(x) = |x|.
    Abs,
}

/// The names that [`Activation::parse`] knows, in the order of the documentation.
pub const ACTIVATION_NAMES: [&str; 9] =
    ["identity", "relu", "leaky_relu", "sign", "erf", "tanh", "gelu", "quadratic", "abs"];

impl Activation {
    /// Builds an activation from its name and the optional parameters `slope` (leaky_relu,
    /// default 0.01) and `scale` (erf, default 1).
    ///
    /// # Errors
    /// A message that says what was expected: unknown name, a parameter that the activation does
    /// not have, or one outside its domain.
    pub fn parse(name: &str, slope: Option<f64>, scale: Option<f64>) -> Result<Self, String> {
        if slope.is_some() && name != "leaky_relu" {
            return Err(format!("`slope` belongs to leaky_relu, not to {name}"));
        }
        if scale.is_some() && name != "erf" {
            return Err(format!("`scale` belongs to erf, not to {name}"));
        }
        Ok(match name {
            "identity" => Activation::Identity,
            "relu" => Activation::Relu,
            "leaky_relu" => {
                let slope = slope.unwrap_or(0.01);
                if !(slope > -1.0 && slope < 1.0) {
                    return Err(format!("slope = {slope}: expected a number in (-1, 1)"));
                }
                Activation::LeakyRelu { slope }
            }
            "sign" => Activation::Sign,
            "erf" => {
                let scale = scale.unwrap_or(1.0);
                if !(scale > 0.0 && scale.is_finite()) {
                    return Err(format!("scale = {scale}: expected a positive number"));
                }
                Activation::Erf { scale }
            }
            "tanh" => Activation::Tanh,
            "gelu" => Activation::Gelu,
            "quadratic" => Activation::Quadratic,
            "abs" => Activation::Abs,
            other => {
                return Err(format!(
                    "unknown activation \"{other}\": expected one of {}",
                    ACTIVATION_NAMES.join(", ")
                ));
            }
        })
    }

    /// The name without parameters.
    pub fn name(&self) -> &'static str {
        match self {
            Activation::Identity => "identity",
            Activation::Relu => "relu",
            Activation::LeakyRelu { .. } => "leaky_relu",
            Activation::Sign => "sign",
            Activation::Erf { .. } => "erf",
            Activation::Tanh => "tanh",
            Activation::Gelu => "gelu",
            Activation::Quadratic => "quadratic",
            Activation::Abs => "abs",
        }
    }

    /// Whether g(−x) = −g(x): all readout signs are then +1.
    pub fn is_odd(&self) -> bool {
        matches!(
            self,
            Activation::Identity | Activation::Sign | Activation::Erf { .. } | Activation::Tanh
        )
    }

    /// Readout sign c_l of unit `unit` (0-based) among `hidden` units.
    pub fn readout(&self, unit: usize, hidden: usize) -> i32 {
        if self.is_odd() || unit < hidden / 2 { 1 } else { -1 }
    }

    /// Whether storage with binary weights is decided by an integer comparison.
    pub fn is_integer(&self) -> bool {
        matches!(
            self,
            Activation::Identity
                | Activation::Relu
                | Activation::Sign
                | Activation::Quadratic
                | Activation::Abs
        )
    }

    /// g(x) in f64, by the pinned `libm` port (identical on every host).
    pub fn value(&self, x: f64) -> f64 {
        match *self {
            Activation::Identity => x,
            Activation::Relu => x.max(0.0),
            Activation::LeakyRelu { slope } => {
                if x > 0.0 {
                    x
                } else {
                    slope * x
                }
            }
            Activation::Sign => {
                if x > 0.0 {
                    1.0
                } else if x < 0.0 {
                    -1.0
                } else {
                    0.0
                }
            }
            Activation::Erf { scale } => libm::erf(scale * x),
            Activation::Tanh => libm::tanh(x),
            Activation::Gelu => 0.5 * x * libm::erfc(-x / std::f64::consts::SQRT_2),
            Activation::Quadratic => x * x,
            Activation::Abs => x.abs(),
        }
    }

    /// g'(x) in f64, by the pinned `libm` port; 0 at a kink of relu and abs, and everywhere for
    /// sign.
    pub fn derivative(&self, x: f64) -> f64 {
        use std::f64::consts::{FRAC_2_SQRT_PI, PI, SQRT_2};
        match *self {
            Activation::Identity => 1.0,
            Activation::Relu => f64::from(u8::from(x > 0.0)),
            Activation::LeakyRelu { slope } => {
                if x > 0.0 {
                    1.0
                } else {
                    slope
                }
            }
            Activation::Sign => 0.0,
            Activation::Erf { scale } => {
                scale * FRAC_2_SQRT_PI * libm::exp(-(scale * x) * (scale * x))
            }
            Activation::Tanh => {
                let t = libm::tanh(x);
                1.0 - t * t
            }
            Activation::Gelu => {
                0.5 * libm::erfc(-x / SQRT_2) + x * libm::exp(-0.5 * x * x) / (2.0 * PI).sqrt()
            }
            Activation::Quadratic => 2.0 * x,
            Activation::Abs => Activation::Sign.value(x),
        }
    }
}
