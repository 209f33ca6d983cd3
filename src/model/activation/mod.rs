//! Hidden-unit activations g and the readout signs c_l: one file an activation.
//!
//! $$ \Delta = \frac{1}{\sqrt K} \sum_{l=1}^{K} c_l\, g(\lambda_l) $$
//!
//! Odd activations have all c_l = +1; the others need an even K, the first half of the units with
//! c_l = +1 and the second with −1 (BMZ, PRL 123, 170602). What the program knows of an activation is
//! its [`HiddenUnit`]; storage, streams, solvers, theory and job files ask that. Where some activation
//! is treated specially by a solver or by the theory, the others take the general way.
//!
//! To add one: a file here, its `mod` line and its line in the list below; see [`crate::guide`].

mod abs;
mod erf;
mod gelu;
mod identity;
mod kernel;
mod leaky_relu;
mod quadratic;
mod relu;
mod sign;
mod tanh;
mod unit;

pub use kernel::Kernel;
pub use unit::{HiddenUnit, Parameter, WithUnit};

use crate::simd::UnitForm;
use serde::{Deserialize, Serialize};

/// Makes [`Activation`] of the list of activations, `Variant { parameter } = file`; the file's name is
/// the activation's. `$d` is a dollar sign, for the macro within.
macro_rules! activations {
    ($d:tt $($(#[$doc:meta])* $variant:ident $({ $parameter:ident })? = $file:ident,)+) => {
        /// An activation with its parameter.
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
        pub enum Activation {
            $($(#[$doc])* $variant $({
                /// Its parameter.
                $parameter: f64
            })?,)+
            /// One that a program brings along which uses this library; job files cannot name it.
            #[serde(skip)]
            Custom(&'static dyn HiddenUnit),
        }

        /// The names that [`Activation::parse`] knows, in the order of the documentation.
        pub const ACTIVATION_NAMES: &[&str] = &[$(stringify!($file)),+];

        /// Activations with a parameter: (its name, the parameter's, the parameter).
        const PARAMETERS: &[(&str, &str, Parameter)] =
            &[$($((stringify!($file), stringify!($parameter), $file::PARAMETER),)?)+];

        impl Activation {
            /// The activation `name`; `parameter` is ignored by those that have none.
            fn named(name: &str, parameter: f64) -> Option<Self> {
                match name {
                    $(stringify!($file) => {
                        Some(Activation::$variant $({ $parameter: parameter })?)
                    })+
                    _ => None,
                }
            }
        }

        /// The value of an expression of the unit behind an activation, compiled for each of them.
        macro_rules! of_unit {
            ($d activation:expr, $d unit:ident => $d value:expr) => {
                match $d activation {
                    $(Activation::$variant $({ $parameter })? => {
                        let $d unit = $file::$variant $({ $parameter })?;
                        $d value
                    })+
                    Activation::Custom($d unit) => $d value,
                }
            };
        }
    };
}

activations! { $
    /// g(x) = x; with K = 1 the perceptron.
    Identity = identity,
    /// g(x) = max(0, x).
    Relu = relu,
    /// g(x) = max(0, x) + slope·min(0, x), −1 < slope < 1.
    LeakyRelu { slope } = leaky_relu,
    /// g(x) = sign(x), sign(0) = 0.
    Sign = sign,
    /// g(x) = erf(scale·x), scale > 0.
    Erf { scale } = erf,
    /// g(x) = tanh(x).
    Tanh = tanh,
    /// g(x) = x Φ(x), Φ the Gaussian distribution function.
    Gelu = gelu,
    /// g(x) = x².
    Quadratic = quadratic,
    /// g(x) = |x|.
    Abs = abs,
}

impl Activation {
    /// Builds an activation from its name and the optional parameters `slope` (leaky_relu,
    /// default 0.01) and `scale` (erf, default 1). One parser serves job files and the `theory` verbs.
    ///
    /// # Errors
    /// A message that says what was expected: unknown name, a parameter that the activation does
    /// not have, or one outside its domain.
    pub fn parse(name: &str, slope: Option<f64>, scale: Option<f64>) -> Result<Self, String> {
        let given = [("slope", slope), ("scale", scale)];
        let own = PARAMETERS.iter().find(|(activation, ..)| *activation == name);
        for (key, _) in given.iter().filter(|(_, value)| value.is_some()) {
            if own.is_none_or(|(_, parameter, _)| parameter != key) {
                let owners = PARAMETERS.iter().filter(|(_, parameter, _)| parameter == key);
                let owners: Vec<&str> = owners.map(|(activation, ..)| *activation).collect();
                return Err(format!("`{key}` belongs to {}, not to {name}", owners.join(", ")));
            }
        }
        let value = match own {
            None => 0.0,
            Some((_, key, parameter)) => {
                let value = given.iter().find_map(|(k, value)| value.filter(|_| k == key));
                let value = value.unwrap_or(parameter.default);
                if !(parameter.accepts)(value) {
                    return Err(format!("{key} = {value}: expected {}", parameter.expected));
                }
                value
            }
        };
        Self::named(name, value).ok_or_else(|| {
            let known = ACTIVATION_NAMES.join(", ");
            format!("unknown activation \"{name}\": expected one of {known}")
        })
    }

    /// The name without parameters.
    pub fn name(&self) -> &'static str {
        of_unit!(*self, unit => unit.name())
    }

    /// Name and value of the parameter, if there is one.
    pub fn parameter(&self) -> Option<(&'static str, f64)> {
        of_unit!(*self, unit => unit.parameter())
    }

    /// Stable key of the activation in random streams, with the value of its parameter or 0.
    pub fn key(&self) -> (u64, f64) {
        let parameter = self.parameter().map_or(0.0, |(_, value)| value);
        (of_unit!(*self, unit => unit.key()), parameter)
    }

    /// Whether g(−x) = −g(x): all readout signs are then +1.
    pub fn is_odd(&self) -> bool {
        of_unit!(*self, unit => unit.is_odd())
    }

    /// Readout sign c_l of unit `unit` (0-based) among `hidden` units.
    pub fn readout(&self, unit: usize, hidden: usize) -> i32 {
        if self.is_odd() || unit < hidden / 2 { 1 } else { -1 }
    }

    /// The integer form by which storage with binary weights is decided, if there is one.
    pub fn integer_form(&self) -> Option<UnitForm> {
        of_unit!(*self, unit => unit.integer_form())
    }

    /// Whether storage with binary weights is decided by an integer comparison.
    pub fn is_integer(&self) -> bool {
        self.integer_form().is_some()
    }

    /// g(x) in f64, by the pinned `libm` port (identical on every host).
    pub fn value(&self, x: f64) -> f64 {
        of_unit!(*self, unit => unit.value(x))
    }

    /// g'(x) in f64, by the pinned `libm` port; 0 at a kink of relu and abs, and everywhere for
    /// sign.
    pub fn derivative(&self, x: f64) -> f64 {
        of_unit!(*self, unit => unit.derivative(x))
    }

    /// Which form its Gaussian covariance has.
    pub fn kernel(&self) -> Kernel {
        of_unit!(*self, unit => unit.kernel())
    }

    /// Does `work` with the unit, compiled for each activation: for loops that call it often.
    pub fn with<W: WithUnit>(self, work: W) -> W::Output {
        of_unit!(self, unit => work.with(unit))
    }
}

#[cfg(test)]
pub(crate) mod tests;
