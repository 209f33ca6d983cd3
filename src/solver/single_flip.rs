//! An instance as the single-flip kernels take it: which machines they know, and their state.

use super::Instance;
use crate::model::{Activation, Architecture, Storage, WeightKind};
use crate::simd::{FlipColumns, FlipState, Isa, UnitForm};

fn readout(activation: Activation, hidden: usize) -> Vec<i8> {
    (0..hidden).map(|unit| activation.readout(unit, hidden) as i8).collect()
}

/// The largest integer x with which a pattern is **not** stored at `storage`'s margin, in units of
/// the kernels (x² units: a quarter of those of [`Storage`]).
pub(super) fn threshold(storage: &Storage) -> i64 {
    match storage.activation().integer_form() {
        Some(UnitForm::Quadratic) => storage.threshold().div_euclid(4),
        _ => storage.threshold(),
    }
}

/// x of a real stability σΔ = 1, so that σΔ = x/scale.
pub(super) fn scale(activation: Activation, architecture: Architecture) -> f64 {
    let (hidden, n) = (architecture.hidden() as f64, architecture.unit_inputs() as f64);
    match activation.integer_form() {
        Some(UnitForm::Sign) => hidden.sqrt(),
        Some(UnitForm::Quadratic) => 0.25 * n * hidden.sqrt(),
        _ => (n * hidden).sqrt(),
    }
}

/// The largest |Δx| of a flip.
pub(super) fn largest_step(activation: Activation, architecture: Architecture) -> usize {
    match activation.integer_form() {
        Some(UnitForm::Quadratic) => architecture.unit_inputs().max(2),
        _ => 2,
    }
}

/// Whether the kernels take these machines, with a hinge energy up to x = `hinge`.
///
/// # Errors
/// Why not.
pub(super) fn check(
    solver: &str,
    kind: WeightKind,
    activation: Activation,
    architecture: Architecture,
    hinge: i64,
) -> Result<(), String> {
    let Some(form) = activation.integer_form().filter(|_| kind == WeightKind::Binary) else {
        return Err(format!(
            "{solver} flips binary weights of identity, ReLU, sign, |x| or x² units"
        ));
    };
    let readout = readout(activation, architecture.hidden());
    if form.range(architecture.unit_inputs(), &readout) + hinge.abs() >= i64::from(i16::MAX) {
        let inputs = architecture.inputs();
        return Err(format!("N = {inputs}: stabilities leave the 16 bits of {solver}'s kernels"));
    }
    Ok(())
}

/// Columns and a machine with all weights +1, for the hinge energy below x = `hinge` (lowered to
/// what fits beside the stabilities: margins beyond every stability need no distinction).
///
/// # Panics
/// If the machines did not pass [`check`].
pub(super) fn machine(isa: Isa, instance: &Instance, hinge: i64) -> (FlipColumns, FlipState) {
    let (storage, patterns) = (&instance.storage, &instance.patterns);
    let (architecture, activation) = (storage.architecture(), storage.activation());
    let n = architecture.unit_inputs();
    let columns = FlipColumns::new(patterns.rows(), patterns.label_bits(), patterns.groups(), n);
    let form = activation.integer_form().expect("the activation was validated");
    let readout = readout(activation, architecture.hidden());
    let room = i64::from(i16::MAX) - 1 - form.range(n, &readout);
    let hinge = hinge.clamp(-room, room);
    let state = FlipState::new(isa, &columns, form, &readout, threshold(storage), hinge)
        .expect("the range of stabilities was validated");
    (columns, state)
}
