//! Raw TOML → [`Job`]: every check that needs no machine but this one.

use super::grid::{axis, integers};
use super::locate::{Source, unknown};
use super::raw::{Raw, RawGrid, RawModel, RawOverride, RawPoint};
use super::{Cell, Job, ModelSpec, Point, SCHEMA};
use crate::error::JobError;
use crate::model::activation::ACTIVATION_NAMES;
use crate::model::{Activation, Architecture, WeightKind};
use crate::observable::ObserveSpec;
use crate::solver::{Extent, SOLVER_NAMES, SolverSpec};
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use toml::Value;

/// Largest N: preactivations are i32, and no one has patterns of this length.
const MOST_INPUTS: usize = 1 << 24;
/// Largest n: the kernels count in 16 bits.
const MOST_UNIT_INPUTS: usize = 32_767;
/// Most units of a job: the plan of all units is held in memory.
const MOST_UNITS: u64 = 100_000_000;

/// A selection of cells and what they get.
struct Override {
    key: String,
    inputs: Option<Vec<usize>>,
    hidden: Option<Vec<usize>>,
    alpha: Option<Vec<Decimal>>,
    samples: Option<u64>,
    solver: Option<toml::Table>,
    used: bool,
}

impl Override {
    fn matches(&self, inputs: usize, hidden: usize, alpha: Decimal) -> bool {
        self.inputs.as_ref().is_none_or(|v| v.contains(&inputs))
            && self.hidden.as_ref().is_none_or(|v| v.contains(&hidden))
            && self.alpha.as_ref().is_none_or(|v| v.contains(&alpha))
    }
}

/// Parses and validates.
pub fn resolve(file: &str, text: &str) -> Result<Job, JobError> {
    let source = Source::parse(file, text)?;
    let table = source.table()?;
    if let Some(other) = table.get("schema").filter(|v| **v != Value::Integer(SCHEMA)) {
        let message = format!("{other}: this version reads job files of schema = {SCHEMA}");
        return Err(source.error("schema", message));
    }
    let raw: Raw = source.decode("", Value::Table(table))?;
    debug_assert_eq!(raw.schema, SCHEMA, "checked before decoding, for a better message");
    let name_ok = !raw.name.is_empty()
        && !raw.name.starts_with(['.', '-'])
        && raw.name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if !name_ok {
        let message = format!("\"{}\": expected letters, digits, '.', '_' or '-'", raw.name);
        return Err(source.error("name", message));
    }
    let model = resolve_model(&source, &raw.model)?;
    let cells = resolve_cells(&source, &model, &raw.grid, &raw.solver, raw.overrides)?;
    let observe = resolve_observe(&source, raw.observe, &Extent::of(model.weights, &cells))?;
    let mut job = Job {
        text: text.to_owned(),
        name: raw.name,
        seed: raw.seed,
        model,
        cells,
        observe,
        run: raw.run,
        warnings: Vec::new(),
    };
    let units = job.cells.iter().map(|c| u128::from(c.samples)).sum::<u128>();
    if units > u128::from(MOST_UNITS) {
        let message = format!("{units} units in all: expected at most {MOST_UNITS}");
        return Err(source.error("grid.samples", message));
    }
    check_memory(&source, &job)?;
    job.warnings = warnings(&job);
    Ok(job)
}

/// Parses and validates `[model]`, `[observe]` and a grid of one point; other tables are ignored.
pub fn resolve_point(file: &str, text: &str) -> Result<Point, JobError> {
    let source = Source::parse(file, text)?;
    let raw: RawPoint = source.decode("", Value::Table(source.table()?))?;
    let model = resolve_model(&source, &raw.model)?;
    let first = |key: &str, value: &Value| {
        let values = integers(&source, key, value, MOST_INPUTS)?;
        Ok::<usize, JobError>(values[0])
    };
    let inputs = first("grid.N", &raw.grid.N)?;
    let architecture = shape(&source, &model, inputs, first("grid.K", &raw.grid.K)?)?;
    let alpha = axis(&source, "grid.alpha", &raw.grid.alpha)?[0];
    if alpha <= Decimal::ZERO {
        return Err(source.error("grid.alpha", format!("{alpha}: expected a positive number")));
    }
    let patterns = pattern_count(&source, alpha, inputs)?;
    // A row is padded to whole words in each unit.
    let row = 8 * architecture.hidden() * architecture.unit_inputs().div_ceil(64);
    fits_memory(patterns as u128 * row as u128)
        .map_err(|sizes| source.error("grid.alpha", format!("P = {patterns} patterns {sizes}")))?;
    let extent = Extent { kind: model.weights, max_inputs: inputs, max_patterns: patterns };
    let observe = resolve_observe(&source, raw.observe, &extent)?;
    Ok(Point { model, architecture, patterns, observe })
}

fn resolve_observe(
    source: &Source,
    raw: Option<Value>,
    extent: &Extent,
) -> Result<ObserveSpec, JobError> {
    let observe: ObserveSpec = match raw {
        Some(value) => source.decode("observe", value)?,
        None => ObserveSpec::default(),
    };
    for (name, observable) in observe.observables() {
        observable.validate(extent).map_err(|(key, message)| {
            source.error(&child(&format!("observe.{name}"), &key), message)
        })?;
    }
    Ok(observe)
}

/// The path of `key` within the table at `table`; of the table itself where `key` is empty.
fn child(table: &str, key: &str) -> String {
    if key.is_empty() { table.to_owned() } else { format!("{table}.{key}") }
}

fn resolve_model(source: &Source, raw: &RawModel) -> Result<ModelSpec, JobError> {
    if !ACTIVATION_NAMES.contains(&raw.activation.as_str()) {
        let message = unknown("activation", &raw.activation, ACTIVATION_NAMES);
        return Err(source.error("model.activation", message));
    }
    let activation =
        Activation::parse(&raw.activation, raw.slope, raw.scale).map_err(|message| {
            let key = if message.contains("slope") { "model.slope" } else { "model.scale" };
            source.error(key, message)
        })?;
    if !raw.kappa.is_finite() {
        let message = format!("{}: expected a finite number", raw.kappa);
        return Err(source.error("model.kappa", message));
    }
    Ok(ModelSpec {
        weights: raw.weights,
        activation,
        kappa: raw.kappa,
        connectivity: raw.connectivity,
    })
}

/// The one solver table of `solvers`, which stands at `key`.
fn solver_name(source: &Source, key: &str, solvers: &toml::Table) -> Result<String, JobError> {
    if let Some(name) = solvers.keys().find(|name| !SOLVER_NAMES.contains(&name.as_str())) {
        let message = unknown("solver", name, SOLVER_NAMES);
        return Err(source.error(&format!("{key}.{name}"), message));
    }
    let names: Vec<&String> = solvers.keys().collect();
    match names[..] {
        [name] => match &solvers[name] {
            Value::Table(_) => Ok(name.clone()),
            other => {
                let message = format!("found a {}: expected a table", other.type_str());
                Err(source.error(&format!("{key}.{name}"), message))
            }
        },
        [] => {
            let known = SOLVER_NAMES.join("], [solver.");
            Err(source.error(key, format!("no solver table: expected one of [solver.{known}]")))
        }
        [first, second, ..] => Err(source.error(
            &format!("{key}.{second}"),
            format!("a second solver table besides [solver.{first}]: expected exactly one"),
        )),
    }
}

fn resolve_override(
    source: &Source,
    index: usize,
    raw: RawOverride,
    job_solver: &str,
) -> Result<Override, JobError> {
    let key = format!("override[{index}]");
    if raw.samples.is_none() && raw.solver.is_none() {
        return Err(source.error(&key, "changes nothing: expected samples or solver"));
    }
    let solver = match raw.solver {
        None => None,
        Some(mut table) => {
            let name = solver_name(source, &format!("{key}.solver"), &table)?;
            if name != job_solver {
                let message = format!("expected the job's solver, {job_solver}");
                return Err(source.error(&format!("{key}.solver.{name}"), message));
            }
            table.remove(&name).and_then(|value| value.as_table().cloned())
        }
    };
    let integer_axis = |name: &str, value: Option<Value>| {
        value
            .map(|value| integers(source, &format!("{key}.where.{name}"), &value, MOST_INPUTS))
            .transpose()
    };
    Ok(Override {
        inputs: integer_axis("N", raw.r#where.N)?,
        hidden: integer_axis("K", raw.r#where.K)?,
        alpha: raw
            .r#where
            .alpha
            .map(|value| axis(source, &format!("{key}.where.alpha"), &value))
            .transpose()?,
        samples: raw.samples,
        solver,
        used: false,
        key,
    })
}

fn resolve_cells(
    source: &Source,
    model: &ModelSpec,
    grid: &RawGrid,
    solvers: &toml::Table,
    overrides: Vec<RawOverride>,
) -> Result<Vec<Cell>, JobError> {
    let solver = solver_name(source, "solver", solvers)?;
    let mut overrides = overrides
        .into_iter()
        .enumerate()
        .map(|(index, raw)| resolve_override(source, index, raw, &solver))
        .collect::<Result<Vec<_>, _>>()?;
    let all_hidden = integers(source, "grid.K", &grid.K, MOST_INPUTS)?;
    let alphas = axis(source, "grid.alpha", &grid.alpha)?;
    if let Some(alpha) = alphas.iter().find(|a| **a <= Decimal::ZERO) {
        return Err(source.error("grid.alpha", format!("{alpha}: expected positive numbers")));
    }
    let mut cells = Vec::new();
    for inputs in integers(source, "grid.N", &grid.N, MOST_INPUTS)? {
        for &hidden in &all_hidden {
            let architecture = shape(source, model, inputs, hidden)?;
            for &alpha in &alphas {
                let mut cell_solver = solvers[&solver].clone();
                let mut key = format!("solver.{solver}");
                let mut samples = (grid.samples, "grid.samples".to_owned());
                for change in overrides.iter_mut().filter(|o| o.matches(inputs, hidden, alpha)) {
                    change.used = true;
                    if let Some(count) = change.samples {
                        samples = (count, format!("{}.samples", change.key));
                    }
                    if let (Some(new), Value::Table(table)) = (&change.solver, &mut cell_solver) {
                        table.extend(new.clone());
                        key = format!("{}.solver.{solver}", change.key);
                    }
                }
                if samples.0 == 0 {
                    return Err(source.error(&samples.1, "0: expected at least one sample"));
                }
                let spec = if solver == "rsgd" && model.weights == WeightKind::Spherical {
                    SolverSpec::SphericalRsgd(source.decode(&key, cell_solver)?)
                } else {
                    let tagged = toml::Table::from_iter([(solver.clone(), cell_solver)]);
                    let parent = key.trim_end_matches(&format!(".{solver}"));
                    source.decode(parent, Value::Table(tagged))?
                };
                spec.method()
                    .validate(model.weights, model.activation, architecture)
                    .map_err(|(name, message)| source.error(&child(&key, &name), message))?;
                cells.push(Cell {
                    architecture,
                    patterns: pattern_count(source, alpha, inputs)?,
                    alpha_requested: alpha.to_f64().unwrap_or(f64::MAX),
                    samples: samples.0,
                    solver: spec.resolved(model.weights, model.activation),
                });
            }
        }
    }
    match overrides.iter().find(|o| !o.used) {
        Some(unused) => {
            let key = format!("{}.where", unused.key);
            Err(source.error(&key, "matches no point of the grid"))
        }
        None => Ok(cells),
    }
}

fn shape(
    source: &Source,
    model: &ModelSpec,
    inputs: usize,
    hidden: usize,
) -> Result<Architecture, JobError> {
    let activation = model.activation.name();
    if !model.activation.is_odd() && hidden % 2 == 1 {
        let message = format!(
            "K = {hidden} with {activation} units: expected an even K (half c = +1, half c = −1)"
        );
        return Err(source.error("grid.K", message));
    }
    let architecture = Architecture::new(inputs, hidden, model.connectivity).ok_or_else(|| {
        let message =
            format!("K = {hidden} does not divide N = {inputs}: expected n = N/K inputs a unit");
        source.error("grid.K", message)
    })?;
    if architecture.unit_inputs() > MOST_UNIT_INPUTS {
        let n = architecture.unit_inputs();
        let message = format!("n = N/K = {n} inputs a unit: expected at most {MOST_UNIT_INPUTS}");
        return Err(source.error("grid.N", message));
    }
    Ok(architecture)
}

/// P = round(alpha·N), half away from zero, in decimal arithmetic.
fn pattern_count(source: &Source, alpha: Decimal, inputs: usize) -> Result<usize, JobError> {
    let half_away = RoundingStrategy::MidpointAwayFromZero;
    let count = alpha
        .checked_mul(Decimal::from(inputs))
        .and_then(|product| product.round_dp_with_strategy(0, half_away).to_usize())
        .ok_or_else(|| {
            source.error("grid.alpha", format!("{alpha}·{inputs} patterns are out of range"))
        })?;
    if count == 0 {
        let message = format!("{alpha} gives P = 0 at N = {inputs}: expected at least one pattern");
        return Err(source.error("grid.alpha", message));
    }
    Ok(count)
}

/// Refuses what one rank of this machine could not hold.
fn check_memory(source: &Source, job: &Job) -> Result<(), JobError> {
    fits_memory(job.bytes_per_rank()).map_err(|sizes| {
        let largest = job
            .cells
            .iter()
            .max_by_key(|cell| {
                cell.solver.method().bytes(job.model.weights, cell.architecture, cell.patterns)
            })
            .map_or(String::new(), |cell| format!("N = {}, P = {}", cell.inputs(), cell.patterns));
        source.error("grid.alpha", format!("{largest} {sizes}"))
    })
}

/// Whether `needed` bytes fit into this machine.
///
/// # Errors
/// A message with both sizes.
fn fits_memory(needed: u128) -> Result<(), String> {
    let info = rustix::system::sysinfo();
    let physical = info.totalram as u128 * u128::from(info.mem_unit);
    if needed <= physical {
        return Ok(());
    }
    let gib = |bytes: u128| bytes as f64 / f64::from(1 << 30);
    Err(format!(
        "needs {:.1} GiB a rank: expected at most this machine's {:.1} GiB",
        gib(needed),
        gib(physical)
    ))
}

/// Legal, but probably not meant.
fn warnings(job: &Job) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut shapes: Vec<_> = job.cells.iter().map(|c| (c.inputs(), c.hidden())).collect();
    shapes.dedup();
    if job.model.activation == Activation::Sign {
        for (inputs, hidden) in shapes {
            if hidden % 2 == 0 {
                warnings.push(format!(
                    "sign units with even K = {hidden}: the output can tie, and ties are errors"
                ));
            }
            if inputs / hidden % 2 == 0 && job.model.weights == WeightKind::Binary {
                warnings.push(format!(
                    "sign units with even n = N/K = {} (N = {inputs}, K = {hidden}): \
                     preactivations can be 0, and sign(0) = 0",
                    inputs / hidden
                ));
            }
        }
    }
    for pair in job.cells.windows(2) {
        let same = pair[0].architecture == pair[1].architecture;
        if same && pair[0].patterns == pair[1].patterns {
            warnings.push(format!(
                "alpha = {} and alpha = {} are both P = {} at N = {}",
                pair[0].alpha_requested,
                pair[1].alpha_requested,
                pair[0].patterns,
                pair[0].inputs()
            ));
        }
    }
    warnings.sort();
    warnings.dedup();
    warnings
}
