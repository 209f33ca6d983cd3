//! Mini-batches as sign matrices: forward pass, errors and gradient of the cross-entropy.
//!
//! Of one mini-batch M, with the stability x = σΔ − κ, the loss ℓ(x) = ln(1 + e^(−2βx))/(2β) and
//! λ_l = n^(−1/2) Σ_i W_li ξ_li:
//! G_li = −√N ∂/∂W_li Σ_{μ∈M} ℓ(x_μ) = c_l Σ_{μ∈M} ½[1 − tanh(βx_μ)] σ_μ g'(λ_l^μ) ξ_li^μ.
//! λ is one sign product with the weights, G one with the transpose, so that patterns stay one bit
//! an entry. The mini-batches are packed once and only their order changes until [`Deck::deal`]
//! packs anew. Cost O(N|M|/4) look-ups each way; deterministic, the same bits on every instruction
//! set.

use crate::model::activation::{HiddenUnit, WithUnit};
use crate::model::{Activation, Patterns, Storage, Weights};
use crate::simd::functions::exp2_coarse;
use crate::simd::{Isa, SignMatrix, SumTable, Work, sign_product};
use crate::solver::Instance;

/// All patterns, packed as mini-batches of nearly equal size.
pub struct Deck {
    batches: Vec<Packed>,
}

struct Packed {
    forward: SignMatrix,
    transposed: SignMatrix,
    /// σ a pattern, 0 in padding rows.
    labels: Vec<f32>,
}

impl Deck {
    /// Room for `patterns` in mini-batches of at most `batch`.
    pub fn new(patterns: &Patterns, batch: usize) -> Self {
        let count = patterns.count().div_ceil(batch);
        let room = patterns.count().div_ceil(count);
        let (groups, n) = (patterns.groups(), patterns.architecture().unit_inputs());
        let batches = (0..count)
            .map(|_| {
                let forward = SignMatrix::new(groups, room, n);
                let labels = vec![0.0; forward.stride()];
                Packed { forward, transposed: SignMatrix::new(groups, n, room), labels }
            })
            .collect();
        Self { batches }
    }

    /// Packs `patterns` in the order `members`.
    pub fn deal(&mut self, patterns: &Patterns, members: &[u32]) {
        let count = self.batches.len();
        for (b, packed) in self.batches.iter_mut().enumerate() {
            let chosen = &members[b * members.len() / count..(b + 1) * members.len() / count];
            packed.forward.gather(patterns.rows(), chosen);
            packed.transposed.gather_transposed(patterns.rows(), chosen);
            packed.labels.fill(0.0);
            for (label, &mu) in packed.labels.iter_mut().zip(chosen) {
                *label = patterns.label(mu as usize) as f32;
            }
        }
    }

    /// Number of mini-batches.
    pub fn len(&self) -> usize {
        self.batches.len()
    }
}

/// The machine and the room that a pass needs.
pub struct Pass {
    isa: Isa,
    activation: Activation,
    readout: Vec<f32>,
    n: usize,
    /// Entries from unit to unit of weights and gradient: n, rounded up to whole registers.
    stride: usize,
    kappa: f32,
    /// β of the loss.
    beta: f32,
    /// Gain of smoothed units.
    gain: f32,
    weights: SumTable,
    coefficients: SumTable,
    fields: Vec<f32>,
    totals: Vec<f32>,
    /// G of the last mini-batch, K × stride; padding is zero.
    pub gradient: Vec<f32>,
}

impl Pass {
    /// For the mini-batches of `deck`.
    pub fn new(isa: Isa, storage: &Storage, deck: &Deck) -> Self {
        let (architecture, activation) = (storage.architecture(), storage.activation());
        let (hidden, n) = (architecture.hidden(), architecture.unit_inputs());
        let packed = &deck.batches[0];
        let (rows, stride) = (packed.forward.stride(), packed.transposed.stride());
        Self {
            isa,
            activation,
            readout: (0..hidden).map(|unit| activation.readout(unit, hidden) as f32).collect(),
            n,
            stride,
            kappa: storage.kappa() as f32,
            beta: 1.0,
            gain: 1.0,
            weights: SumTable::new(n, hidden, 1),
            coefficients: SumTable::new(rows, hidden, 1),
            fields: vec![0.0; hidden * rows],
            totals: vec![0.0; rows],
            gradient: vec![0.0; hidden * stride],
        }
    }

    /// Entries from unit to unit of weights and gradient.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// `weights` (K × stride) without padding.
    pub fn unpadded(&self, weights: &[f32]) -> Weights {
        let mut values = vec![0.0; self.n * self.readout.len()];
        unpad(weights, self.stride, self.n, &mut values);
        Weights::Spherical(values)
    }

    /// Sets the slope of the loss and the gain of smoothed units.
    pub fn set(&mut self, beta: f64, gain: f64) {
        (self.beta, self.gain) = (beta as f32, gain as f32);
    }

    /// Sets the margin that patterns are stored with.
    pub fn set_kappa(&mut self, kappa: f64) {
        self.kappa = kappa as f32;
    }

    #[cfg(test)]
    pub fn set_isa(&mut self, isa: Isa) {
        self.isa = isa;
    }

    /// Σ_i W_li ξ_li of mini-batch `packed` into `fields`.
    fn forward(&mut self, packed: &Packed, weights: &[f32]) {
        self.weights.set_all(self.isa, 0, (weights, self.stride, self.n));
        sign_product(self.isa, &packed.forward, &self.weights, &mut self.fields);
    }

    /// Leaves G of mini-batch `index` at `weights` (K × stride) in [`Self::gradient`]; returns how
    /// many of its patterns the smoothed units do not store.
    pub fn learn(&mut self, deck: &Deck, index: usize, weights: &[f32]) -> u64 {
        let packed = &deck.batches[index];
        self.forward(packed, weights);
        let mut errors = 0;
        let (isa, activation) = (self.isa, self.activation);
        let scale = Scale::new(self.n, self.readout.len());
        let (beta, gain, kappa) = (self.beta, self.gain, self.kappa);
        let Self { readout, fields, totals, .. } = self;
        let labels = &packed.labels;
        let slopes = Slopes {
            readout,
            labels,
            fields,
            totals,
            scale,
            beta,
            gain,
            kappa,
            errors: &mut errors,
        };
        activation.with(OnIsa { isa, work: slopes });
        let fields = (&self.fields[..], labels.len(), packed.forward.rows());
        self.coefficients.set_all(isa, 0, fields);
        sign_product(isa, &packed.transposed, &self.coefficients, &mut self.gradient);
        if self.n < self.stride {
            self.gradient.chunks_exact_mut(self.stride).for_each(|unit| unit[self.n..].fill(0.0));
        }
        u64::from(errors)
    }

    /// Number of patterns that `weights` (K × stride) do not store, or at least `limit` if there are
    /// as many. In f32.
    pub(super) fn errors_up_to(&mut self, limit: u64, deck: &Deck, weights: &[f32]) -> u64 {
        let mut errors = 0;
        let scale = Scale::new(self.n, self.readout.len());
        for packed in &deck.batches {
            self.forward(packed, weights);
            let mut here = 0;
            let kappa = self.kappa;
            let Self { readout, fields, totals, .. } = self;
            let labels = &packed.labels;
            let errors_of_batch =
                Judge { readout, labels, fields, totals, scale, kappa, errors: &mut here };
            self.activation.with(OnIsa { isa: self.isa, work: errors_of_batch });
            errors += u64::from(here);
            if errors >= limit {
                break;
            }
        }
        errors
    }
}

/// What a configuration is held to, and room for it as the verifier takes it.
pub struct Verifier {
    claimed: Weights,
}

impl Verifier {
    /// For the machines of `storage`.
    pub fn new(storage: &Storage) -> Self {
        Self { claimed: Weights::Spherical(vec![0.0; storage.architecture().inputs()]) }
    }

    /// Number of patterns of `instance` that `weights` (K × stride) do not store under `storage`, or
    /// at least `limit` if there are as many. Counted in f32; 0 only if the f64 verifier stores all
    /// patterns beyond its guard band, else 1.
    pub fn errors_up_to(
        &mut self,
        limit: u64,
        (instance, storage): (&Instance, &Storage),
        (pass, deck): (&mut Pass, &Deck),
        weights: &[f32],
    ) -> u64 {
        pass.set_kappa(storage.kappa());
        let errors = pass.errors_up_to(limit, deck, weights);
        if errors > 0 {
            return errors;
        }
        if let Weights::Spherical(values) = &mut self.claimed {
            unpad(weights, pass.stride, pass.n, values);
        }
        let stored = |mu| storage.is_stored(&instance.patterns, &self.claimed, mu);
        u64::from(!(0..instance.patterns.count()).all(stored))
    }
}

/// Copies K × stride to K × n.
fn unpad(weights: &[f32], stride: usize, n: usize, values: &mut [f32]) {
    for (from, to) in weights.chunks_exact(stride).zip(values.chunks_exact_mut(n)) {
        to.copy_from_slice(&from[..n]);
    }
}

/// 1/√n and 1/√K.
#[derive(Clone, Copy)]
struct Scale {
    unit: f32,
    output: f32,
}

impl Scale {
    fn new(n: usize, hidden: usize) -> Self {
        let root = |x: usize| (1.0 / (x as f64).sqrt()) as f32;
        Self { unit: root(n), output: root(hidden) }
    }
}

/// Element-wise work on the fields that knows the kind of unit.
trait OnUnit {
    fn run<U: HiddenUnit + Copy>(self, unit: U);
}

/// Such work, compiled for an instruction set.
struct OnIsa<W> {
    isa: Isa,
    work: W,
}

impl<W: OnUnit> WithUnit for OnIsa<W> {
    type Output = ();

    fn with<U: HiddenUnit + Copy>(self, unit: U) {
        self.isa.run(Inlined { unit, work: self.work });
    }
}

struct Inlined<U, W> {
    unit: U,
    work: W,
}

impl<U: HiddenUnit + Copy, W: OnUnit> Work for Inlined<U, W> {
    #[inline(always)]
    fn run(self) {
        self.work.run(self.unit);
    }
}

/// Patterns that are worked on at a time: a register of f32, and what a tile of rows is made of.
const LANES: usize = 8;

/// Fields → c_l ½[1 − tanh(βx)] σ g'(λ_l), in place. In three passes, eight patterns at a time: what
/// hangs together in one of them is short enough for the processor to work on several at once.
struct Slopes<'a> {
    readout: &'a [f32],
    labels: &'a [f32],
    fields: &'a mut [f32],
    totals: &'a mut [f32],
    scale: Scale,
    beta: f32,
    gain: f32,
    kappa: f32,
    errors: &'a mut u32,
}

impl OnUnit for Slopes<'_> {
    #[inline(always)]
    fn run<U: HiddenUnit + Copy>(self, unit: U) {
        let Self { readout, labels, fields, totals, scale, beta, gain, kappa, errors } = self;
        let rows = labels.len() / LANES;
        let fields = fields.as_chunks_mut::<LANES>().0;
        for (block, totals) in totals.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let mut total = [0.0; LANES];
            for (row, &c) in fields.chunks_exact_mut(rows).zip(readout) {
                let x = &mut row[block];
                for lane in 0..LANES {
                    let (value, slope) = unit.learnt(scale.unit * x[lane], gain);
                    total[lane] += c * value;
                    x[lane] = slope;
                }
            }
            *totals = total;
        }
        *errors = count(labels, totals, scale, kappa);
        // ½[1 − tanh(βx)] = 1/(1 + 2^(steep·x)).
        let steep = 2.0 * std::f32::consts::LOG2_E * beta;
        for (total, &label) in totals.iter_mut().zip(labels) {
            let x = label * (scale.output * *total) - kappa;
            *total = label / (1.0 + exp2_coarse(steep * x));
        }
        let totals = totals.as_chunks::<LANES>().0;
        for (row, &c) in fields.chunks_exact_mut(rows).zip(readout) {
            for (x, drive) in row.iter_mut().zip(totals) {
                for lane in 0..LANES {
                    x[lane] *= c * drive[lane];
                }
            }
        }
    }
}

/// Counts the patterns that are not stored.
struct Judge<'a> {
    readout: &'a [f32],
    labels: &'a [f32],
    fields: &'a [f32],
    totals: &'a mut [f32],
    scale: Scale,
    kappa: f32,
    errors: &'a mut u32,
}

impl OnUnit for Judge<'_> {
    #[inline(always)]
    fn run<U: HiddenUnit + Copy>(self, unit: U) {
        let Self { readout, labels, fields, totals, scale, kappa, errors } = self;
        totals.fill(0.0);
        for (row, &c) in fields.chunks_exact(labels.len()).zip(readout) {
            for (&x, total) in row.iter().zip(&mut *totals) {
                *total += c * unit.judged(scale.unit * x);
            }
        }
        *errors = count(labels, totals, scale, kappa);
    }
}

#[inline(always)]
fn count(labels: &[f32], totals: &[f32], scale: Scale, kappa: f32) -> u32 {
    let missed = |(&label, &total): (&f32, &f32)| {
        let stored = label * (scale.output * total) > kappa;
        u32::from(!stored) & u32::from(label != 0.0)
    };
    labels.iter().zip(totals).map(missed).sum()
}
