//! One instance from the command line, random or from a file: the options that `solve`, `enumerate`
//! and `measure` share, under the checks of a job file.

use crate::job::{Job, ModelSpec, Point};
use crate::model::{Architecture, Patterns, Storage};
use crate::solver::Instance;
use crate::store::instance::{OwnPatterns, read_patterns};
use crate::{Error, Result};
use std::path::PathBuf;

/// The machine and its patterns.
#[derive(clap::Args)]
pub struct InstanceArgs {
    /// Hidden units' activation.
    #[arg(long)]
    activation: String,
    /// Slope of leaky_relu.
    #[arg(long, allow_hyphen_values = true)]
    slope: Option<f64>,
    /// Scale of erf.
    #[arg(long)]
    scale: Option<f64>,
    /// K, hidden units.
    #[arg(long)]
    hidden: u64,
    /// N, inputs (weights in all).
    #[arg(long, required_unless_present = "patterns", conflicts_with = "patterns")]
    inputs: Option<u64>,
    /// P/N of random patterns.
    #[arg(long, conflicts_with = "patterns", allow_negative_numbers = true)]
    alpha: Option<f64>,
    /// Disorder sample.
    #[arg(long, default_value_t = 0)]
    sample: u64,
    /// Own patterns instead of random ones.
    #[arg(long, value_name = "FILE.h5")]
    patterns: Option<PathBuf>,
    /// Margin.
    #[arg(long, default_value_t = 0.0, allow_hyphen_values = true)]
    kappa: f64,
    /// Seed of all streams.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// tree or full.
    #[arg(long, default_value = "tree")]
    connectivity: String,
}

impl InstanceArgs {
    /// The point of the grid and its instance, for a verb without a solver; random patterns have
    /// the load `default_alpha` where none was asked.
    ///
    /// # Errors
    /// `Usage` for arguments outside their domain; `Io` and `Data` of the pattern file.
    pub fn point(
        &self,
        weights: &str,
        default_alpha: Option<f64>,
        observe: Option<toml::Table>,
    ) -> Result<(Point, Instance)> {
        let own = self.own()?;
        let mut table = self.table(weights, own.as_ref(), default_alpha)?;
        if let Some(observe) = observe {
            table.insert("observe".into(), observe.into());
        }
        let point =
            Point::parse("command line", &table.to_string()).map_err(|e| self.as_usage(e))?;
        let instance = self.pose(&point.model, point.architecture, point.patterns, own)?;
        Ok((point, instance))
    }

    /// The job of one cell with `solver` (its table's name and content), and its instance.
    ///
    /// # Errors
    /// As [`Self::point`].
    pub fn job(&self, weights: &str, solver: (&str, toml::Table)) -> Result<(Job, Instance)> {
        let own = self.own()?;
        let mut table = self.table(weights, own.as_ref(), None)?;
        table.insert("schema".into(), crate::job::SCHEMA.into());
        table.insert("name".into(), "solve".into());
        table.insert("seed".into(), integer("--seed", self.seed)?);
        let solvers = toml::Table::from_iter([(solver.0.to_owned(), solver.1.into())]);
        table.insert("solver".into(), solvers.into());
        let job = Job::parse("command line", &table.to_string()).map_err(|e| self.as_usage(e))?;
        let cell = &job.cells[0];
        let instance = self.pose(&job.model, cell.architecture, cell.patterns, own)?;
        Ok((job, instance))
    }

    /// An invalid job from the command line is a usage error, which names the option.
    fn as_usage(&self, error: Error) -> Error {
        match error {
            Error::Job(error) if error.key.is_empty() => Error::Usage(error.message),
            Error::Job(error) => {
                let option = option(&error.key, self.patterns.is_some());
                Error::Usage(format!("{option}: {}", error.message))
            }
            other => other,
        }
    }

    fn own(&self) -> Result<Option<OwnPatterns>> {
        self.patterns.as_deref().map(read_patterns).transpose()
    }

    /// `[model]` and `[grid]`.
    fn table(
        &self,
        weights: &str,
        own: Option<&OwnPatterns>,
        default_alpha: Option<f64>,
    ) -> Result<toml::Table> {
        let (inputs, alpha) = match (own, self.inputs, self.alpha.or(default_alpha)) {
            (Some(own), ..) => {
                let inputs = match self.connectivity.as_str() {
                    "full" => (own.len as u64).saturating_mul(self.hidden),
                    _ => own.len as u64,
                };
                (inputs, own.count as f64 / inputs as f64)
            }
            (None, Some(inputs), Some(alpha)) => (inputs, alpha),
            _ => return Err(Error::Usage("give --inputs and --alpha, or --patterns".into())),
        };
        let mut model = toml::Table::new();
        model.insert("weights".into(), weights.into());
        model.insert("activation".into(), self.activation.clone().into());
        model.insert("kappa".into(), self.kappa.into());
        model.insert("connectivity".into(), self.connectivity.clone().into());
        for (key, value) in [("slope", self.slope), ("scale", self.scale)] {
            if let Some(value) = value {
                model.insert(key.into(), value.into());
            }
        }
        let grid = toml::Table::from_iter([
            ("N".to_owned(), integer("--inputs", inputs)?),
            ("K".to_owned(), integer("--hidden", self.hidden)?),
            ("alpha".to_owned(), alpha.into()),
            ("samples".to_owned(), 1.into()),
        ]);
        Ok(toml::Table::from_iter([
            ("model".to_owned(), model.into()),
            ("grid".to_owned(), grid.into()),
        ]))
    }

    fn pose(
        &self,
        model: &ModelSpec,
        architecture: Architecture,
        count: usize,
        own: Option<OwnPatterns>,
    ) -> Result<Instance> {
        let storage = Storage::new(architecture, model.activation, model.kappa);
        let (kind, seed, sample) = (model.weights, self.seed, self.sample);
        let Some(own) = own else {
            return Ok(Instance::random(storage, kind, count, seed, sample));
        };
        let patterns = Patterns::from_signs(architecture, &own.inputs, &own.labels)
            .map_err(|detail| Error::data(self.patterns.clone().unwrap_or_default(), detail))?;
        Ok(Instance { storage, kind, patterns, seed, sample, trial: 0 })
    }
}

fn integer(name: &str, value: u64) -> Result<toml::Value> {
    i64::try_from(value)
        .map(toml::Value::Integer)
        .map_err(|_| Error::Usage(format!("{name} = {value}: expected at most {}", i64::MAX)))
}

/// The option of the command line behind the key of a job file; with `own` patterns N and P are theirs.
fn option(key: &str, own: bool) -> String {
    let parts: Vec<&str> = key.split('.').collect();
    match parts[..] {
        ["grid", "N" | "alpha"] if own => "--patterns".into(),
        ["grid", "N"] => "--inputs".into(),
        ["grid", "K"] => "--hidden".into(),
        ["grid", "alpha"] => "--alpha".into(),
        ["model", name] => format!("--{name}"),
        ["solver"] | ["solver", _] => "--solver".into(),
        ["solver", _, ref parameter @ ..] => format!("--set {}", parameter.join(".")),
        ["observe", ref names @ ..] => format!("--observe {}", names.join(".")),
        _ => format!("--{key}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_options() {
        for (key, own, expected) in [
            ("grid.K", false, "--hidden"),
            ("grid.N", false, "--inputs"),
            ("grid.N", true, "--patterns"),
            ("grid.alpha", false, "--alpha"),
            ("model.activation", true, "--activation"),
            ("solver.rsgdd", false, "--solver"),
            ("solver.rsgd.replicas", false, "--set replicas"),
            ("solver.rsgd.protocol.rate", false, "--set protocol.rate"),
            ("observe.local_energy.trials", true, "--observe local_energy.trials"),
            ("seed", false, "--seed"),
        ] {
            assert_eq!(option(key, own), expected, "{key}");
        }
    }
}
