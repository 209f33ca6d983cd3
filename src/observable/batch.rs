//! Storage of the same patterns by many machines at once, on the forward kernels.
//!
//! The patterns are packed once; a call sets up to [`Batch::room`] machines as replicas and counts
//! how many patterns each of them does not store, by the conditions of [`Storage`]: integers for
//! binary weights and an integer activation, else f64 and the guard band (preactivations of real
//! weights are f32 sums). Cost of a machine: one forward pass, and O(KP). Same bits on every
//! instruction set; deterministic.

use crate::model::storage::GUARD_BAND;
use crate::model::{Patterns, Storage, Weights};
use crate::simd::{
    Isa, PatternBlock, SignMatrix, SumTable, UnitForm, WeightTable, Work, preactivations,
    sign_product,
};
use std::ops::{AddAssign, Mul};

/// Machines of one call: a forward pass shares the unpacking of the patterns among them.
const ROOM: usize = 16;

/// Patterns packed for the kernels, and room for machines.
pub(super) struct Batch {
    isa: Isa,
    rules: Rules,
    forward: Forward,
    totals: Totals,
}

enum Forward {
    Bits { block: PatternBlock, table: WeightTable, fields: Vec<i16> },
    Reals { matrix: SignMatrix, table: SumTable, fields: Vec<f32> },
}

/// Σ_l c_l g a pattern, of one machine, in the type that holds it exactly.
struct Totals {
    narrow: Vec<i32>,
    wide: Vec<i64>,
    real: Vec<f64>,
}

/// When a pattern is stored.
struct Rules {
    storage: Storage,
    /// σ a pattern.
    labels: Vec<i32>,
    /// Readout signs.
    readout: Vec<i32>,
    n: usize,
    /// g at h = −n … n, for binary weights without an integer form.
    table: Vec<f64>,
}

impl Batch {
    /// For the patterns `indices` of `patterns`, in their order.
    pub fn new(storage: &Storage, patterns: &Patterns, indices: &[u32], real: bool) -> Self {
        let isa = Isa::selected();
        let (architecture, activation) = (storage.architecture(), storage.activation());
        let (hidden, n) = (architecture.hidden(), architecture.unit_inputs());
        let (rows, groups, count) = (patterns.rows(), patterns.groups(), indices.len());
        let table = if real || activation.is_integer() {
            Vec::new()
        } else {
            let root = (n as f64).sqrt();
            (0..=2 * n).map(|i| activation.value((i as f64 - n as f64) / root)).collect()
        };
        let rules = Rules {
            storage: *storage,
            labels: indices.iter().map(|&mu| patterns.label(mu as usize)).collect(),
            readout: (0..hidden).map(|unit| activation.readout(unit, hidden)).collect(),
            n,
            table,
        };
        let forward = if real {
            let mut matrix = SignMatrix::new(groups, count, n);
            matrix.gather(rows, indices);
            let table = SumTable::new(n, hidden, ROOM);
            let fields = vec![0.0; table.len(&matrix)];
            Forward::Reals { matrix, table, fields }
        } else {
            let mut block = PatternBlock::new(n, groups, count);
            block.gather(isa, rows, indices);
            let table = WeightTable::new(n, hidden, ROOM);
            let fields = vec![0; table.len(&block)];
            Forward::Bits { block, table, fields }
        };
        let totals =
            Totals { narrow: vec![0; count], wide: vec![0; count], real: vec![0.0; count] };
        Self { isa, rules, forward, totals }
    }

    /// Replaces the patterns by as many others with the same labels.
    pub fn replace(&mut self, rows: &[u64]) {
        let indices: Vec<u32> = (0..self.rules.labels.len() as u32).collect();
        match &mut self.forward {
            Forward::Bits { block, .. } => block.gather(self.isa, rows, &indices),
            Forward::Reals { matrix, .. } => matrix.gather(rows, &indices),
        }
    }

    /// Machines of one call at most.
    pub fn room(&self) -> usize {
        ROOM
    }

    /// Patterns that `machines` do not store, summed over them.
    ///
    /// # Panics
    /// If there are more machines than room, or one has weights of another kind.
    pub fn lost(&mut self, machines: &[Weights]) -> u64 {
        assert!(machines.len() <= ROOM, "more machines than room");
        let (rules, totals, hidden) = (&self.rules, &mut self.totals, self.rules.readout.len());
        let mut lost = 0;
        match &mut self.forward {
            Forward::Bits { block, table, fields } => {
                for (replica, machine) in machines.iter().enumerate() {
                    let Weights::Binary(bits) = machine else { panic!("binary weights expected") };
                    table.set(replica, bits);
                }
                preactivations(self.isa, block, table, fields);
                let each = hidden * block.stride();
                for fields in fields.chunks_exact(each).take(machines.len()) {
                    let stride = block.stride();
                    let lost = &mut lost;
                    self.isa.run(CountBits { rules, totals, fields, stride, lost });
                }
            }
            Forward::Reals { matrix, table, fields } => {
                for (replica, machine) in machines.iter().enumerate() {
                    let Weights::Spherical(values) = machine else {
                        panic!("real weights expected")
                    };
                    for (unit, weights) in values.chunks_exact(rules.n).enumerate() {
                        table.set(self.isa, replica, unit, weights);
                    }
                }
                sign_product(self.isa, matrix, table, fields);
                for fields in fields.chunks_exact(hidden * matrix.stride()).take(machines.len()) {
                    lost += rules.lost_of_reals(fields, matrix.stride(), &mut totals.real);
                }
            }
        }
        lost
    }
}

impl Rules {
    fn lost_of_reals(&self, fields: &[f32], stride: usize, totals: &mut [f64]) -> u64 {
        let (activation, root) = (self.storage.activation(), (self.n as f64).sqrt());
        totals.fill(0.0);
        for (row, &c) in fields.chunks_exact(stride).zip(&self.readout) {
            for (total, &field) in totals.iter_mut().zip(row) {
                *total += f64::from(c) * activation.value(f64::from(field) / root);
            }
        }
        self.lost_of_totals(totals)
    }

    fn lost_of_totals(&self, totals: &[f64]) -> u64 {
        let (root, kappa) = ((self.readout.len() as f64).sqrt(), self.storage.kappa());
        let stored =
            |(&total, &label): (&f64, &i32)| f64::from(label) * (total / root) > kappa + GUARD_BAND;
        totals.iter().zip(&self.labels).filter(|&pair| !stored(pair)).count() as u64
    }
}

/// Counts the patterns that one machine loses, from its preactivations.
struct CountBits<'a> {
    rules: &'a Rules,
    totals: &'a mut Totals,
    fields: &'a [i16],
    stride: usize,
    lost: &'a mut u64,
}

impl Work for CountBits<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { rules, totals, fields, stride, lost } = self;
        let rows = (fields, stride);
        let Totals { narrow, wide, real } = totals;
        *lost += match rules.storage.activation().integer_form() {
            // |Σ_l c_l g| ≤ N < 2^31.
            Some(UnitForm::Identity) => count(rules, rows, narrow, i32::from),
            Some(UnitForm::Relu) => count(rules, rows, narrow, |h| i32::from(h.max(0))),
            Some(UnitForm::Sign) => count(rules, rows, narrow, |h| i32::from(h.signum())),
            Some(UnitForm::Abs) => count(rules, rows, narrow, |h| i32::from(h).abs()),
            Some(UnitForm::Quadratic) => count(rules, rows, wide, |h| i64::from(h) * i64::from(h)),
            None => {
                real.fill(0.0);
                for (row, &c) in fields.chunks_exact(stride).zip(&rules.readout) {
                    for (total, &h) in real.iter_mut().zip(row) {
                        let at = (i32::from(h) + rules.n as i32) as usize;
                        *total += f64::from(c) * rules.table[at];
                    }
                }
                rules.lost_of_totals(real)
            }
        };
    }
}

/// Σ_l c_l g(h_l) into `totals`, and how many are not above the threshold.
#[inline(always)]
fn count<T>(
    rules: &Rules,
    (fields, stride): (&[i16], usize),
    totals: &mut [T],
    g: impl Fn(i16) -> T,
) -> u64
where
    T: Copy + Default + AddAssign + Mul<Output = T> + From<i16> + Into<i64>,
{
    totals.fill(T::default());
    for (row, &c) in fields.chunks_exact(stride).zip(&rules.readout) {
        let c = T::from(c as i16);
        for (total, &h) in totals.iter_mut().zip(row) {
            *total += c * g(h);
        }
    }
    let threshold = rules.storage.threshold();
    totals
        .iter()
        .zip(&rules.labels)
        .map(|(&total, &label)| u64::from(i64::from(label) * total.into() <= threshold))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Activation, Architecture};
    use crate::rng::{Purpose, Stream};

    /// Every activation and both kinds of weights against the plain evaluator, on every instruction
    /// set.
    #[test]
    fn agrees_with_the_plain_evaluator() {
        use Activation::*;
        for (hidden, activation) in [
            (3, Identity),
            (3, Sign),
            (4, Relu),
            (4, Abs),
            (4, Quadratic),
            (3, Tanh),
            (3, Erf { scale: 1.3 }),
            (4, Gelu),
            (4, LeakyRelu { slope: 0.1 }),
        ] {
            for (n, kappa) in [(65, 0.0), (7, 0.3)] {
                let architecture = Architecture::tree(hidden * n, hidden).unwrap();
                let storage = Storage::new(architecture, activation, kappa);
                let patterns = Patterns::random(architecture, 133, 5, 1);
                let mut stream = Stream::new(5, Purpose::Test, &[hidden as u64, n as u64]);
                let bits: Vec<Weights> =
                    (0..5).map(|_| Weights::random_binary(architecture, &mut stream)).collect();
                let real = |stream: &mut Stream| {
                    Weights::Spherical(
                        (0..architecture.inputs()).map(|_| stream.normal() as f32).collect(),
                    )
                };
                let reals: Vec<Weights> = (0..5).map(|_| real(&mut stream)).collect();
                let chosen: Vec<u32> = (0..133).filter(|mu| mu % 3 != 1).collect();
                for machines in [bits, reals] {
                    let is_real = matches!(machines[0], Weights::Spherical(_));
                    let plain: usize = machines
                        .iter()
                        .map(|machine| {
                            let lost =
                                |&&mu: &&u32| !storage.is_stored(&patterns, machine, mu as usize);
                            chosen.iter().filter(lost).count()
                        })
                        .sum();
                    assert!(plain > 100, "the case is not trivial");
                    for isa in Isa::all() {
                        let mut batch = Batch::new(&storage, &patterns, &chosen, is_real);
                        batch.isa = isa;
                        let name = format!("{activation:?} n {n} real {is_real} {}", isa.name());
                        assert_eq!(batch.lost(&machines), plain as u64, "{name}");
                        // In other patterns' place and back again.
                        batch.replace(&vec![0; chosen.len() * patterns.row_words()]);
                        let of = |&mu: &u32| patterns.row(mu as usize).to_vec();
                        batch.replace(&chosen.iter().flat_map(of).collect::<Vec<_>>());
                        assert_eq!(
                            batch.lost(&machines[1..]) + batch.lost(&machines[..1]),
                            plain as u64
                        );
                    }
                }
            }
        }
    }
}
