//! Single flips of binary weights: ΔE in one pass over a bit column, accepted flips in O(P).
//!
//! Flipping W_li changes h_l^μ by d = −2 W_li ξ_li^μ = ±2 and the stability
//! x^μ = σ^μ Σ_l c_l g(h_l^μ) by σ^μ c_l [g(h_l^μ + d) − g(h_l^μ)]; the energies are
//!   errors Σ_μ [x^μ ≤ T]   and   hinge Σ_μ max(0, b − x^μ),
//! all in integers (T as in [`crate::model::Storage::threshold`]). h_l and x lie as 16-bit integers
//! side by side over the patterns, so that a proposal reads one column of bits, one row each of h, x
//! and σ c_l, and only compares. Patterns are padded to whole blocks of 32; a padding slot has side 0
//! and an x that is stored and costs nothing, so that the loop needs no mask.
//!
//! Bound: the vector ports; 13 instructions per 16 patterns (AVX2, ReLU, errors): three for the
//! bits, three for h + d, three for the change of g, two for x, two for the energy, at four a cycle.
//! With few patterns the call and the final sum come on top; the 6.1 bytes a pattern come from the
//! first-level cache. Integer, exact, deterministic. Cost O(P/32) a
//! proposal or flip, O(NP/32) for [`FlipState::load`]. Nothing allocates after construction.

use super::isa::{Isa, Set};
use super::scalar;
use super::transpose::transpose64;
use serde::{Deserialize, Serialize};

/// Patterns of a block.
pub(super) const SLOTS: usize = 32;

/// One 16-bit value for each pattern of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub(super) struct Slots(pub [i16; SLOTS]);

/// Input-major bits and labels of all patterns; shared by all replicas.
#[derive(Clone, Debug)]
pub struct FlipColumns {
    inputs: usize,
    groups: usize,
    count: usize,
    blocks: usize,
    /// Column after column, one word a block; bit 1 means ξ = −1.
    bits: Vec<u32>,
    /// σ c for c = +1 and, behind it, c = −1; 0 in padding.
    sides: Vec<Slots>,
}

impl FlipColumns {
    /// Columns of all patterns of `rows`: a row is `groups` × ⌈n/64⌉ words (K groups for a tree, 1
    /// for full connectivity) with n = `inputs`, zero padding; `labels` has one bit a pattern, 1
    /// means −1 (the rows and label bits of [`crate::model::Patterns`]).
    ///
    /// # Panics
    /// If n is above 32,767, there are more than 1,000,000 patterns or `labels` are too few.
    pub fn new(rows: &[u64], labels: &[u64], groups: usize, inputs: usize) -> Self {
        assert!(inputs >= 1 && groups >= 1, "a pattern has at least one entry");
        assert!(inputs <= i16::MAX as usize, "units have at most 32767 inputs, not {inputs}");
        let words = inputs.div_ceil(64);
        let count = rows.len() / (groups * words);
        assert!(
            count <= 1 << 20 && labels.len() * 64 >= count,
            "a label for each of 2^20 patterns"
        );
        let blocks = count.div_ceil(SLOTS);
        let mut sides = vec![Slots([0; SLOTS]); 2 * blocks];
        for mu in 0..count {
            let label = 1 - 2 * (labels[mu / 64] >> (mu % 64) & 1) as i16;
            sides[mu / SLOTS].0[mu % SLOTS] = label;
            sides[blocks + mu / SLOTS].0[mu % SLOTS] = -label;
        }
        let mut bits = vec![0; groups * inputs * blocks];
        for block in 0..blocks {
            for group in 0..groups {
                for word in 0..words {
                    let mut square = [0u64; 64];
                    for (entry, mu) in square[..SLOTS].iter_mut().zip(block * SLOTS..count) {
                        *entry = rows[(mu * groups + group) * words + word];
                    }
                    transpose64(&mut square);
                    for (offset, &entry) in square.iter().enumerate().take(inputs - word * 64) {
                        let column = group * inputs + word * 64 + offset;
                        bits[column * blocks + block] = entry as u32;
                    }
                }
            }
        }
        Self { inputs, groups, count, blocks, bits, sides }
    }

    /// P.
    pub fn count(&self) -> usize {
        self.count
    }

    /// n.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// σ c of all slots.
    fn sides(&self, readout: i8) -> &[Slots] {
        let (plus, minus) = self.sides.split_at(self.blocks);
        if readout > 0 { plus } else { minus }
    }

    fn column(&self, unit: usize, input: usize) -> &[u32] {
        let group = if self.groups == 1 { 0 } else { unit };
        &self.bits[(group * self.inputs + input) * self.blocks..][..self.blocks]
    }
}

/// Integer form g of a unit's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnitForm {
    /// h.
    Identity,
    /// max(0, h).
    Relu,
    /// sign(h), 0 at 0.
    Sign,
    /// |h|.
    Abs,
    /// ⌊h²/4⌋: h² up to factor and parity term, which cancels between units with c_l = ±1.
    Quadratic,
}

/// All integer forms.
pub const UNIT_FORMS: [UnitForm; 5] =
    [UnitForm::Identity, UnitForm::Relu, UnitForm::Sign, UnitForm::Abs, UnitForm::Quadratic];

impl UnitForm {
    /// g(h).
    pub fn value(self, h: i32) -> i32 {
        match self {
            UnitForm::Identity => h,
            UnitForm::Relu => h.max(0),
            UnitForm::Sign => h.signum(),
            UnitForm::Abs => h.abs(),
            UnitForm::Quadratic => (h * h) >> 2,
        }
    }

    /// Largest |x| of n inputs a unit with these readout signs.
    pub fn range(self, inputs: usize, readout: &[i8]) -> i64 {
        let n = inputs as i64;
        let plus = readout.iter().filter(|&&c| c > 0).count() as i64;
        let one_sided = plus.max(readout.len() as i64 - plus);
        match self {
            UnitForm::Identity => n * readout.len() as i64,
            UnitForm::Sign => readout.len() as i64,
            UnitForm::Relu | UnitForm::Abs => n * one_sided,
            UnitForm::Quadratic => n * n / 4 * one_sided,
        }
    }
}

/// What a proposal is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Energy {
    /// Patterns that are not stored: Σ_μ [x^μ ≤ T].
    Errors,
    /// Σ_μ max(0, b − x^μ).
    Hinge,
}

/// One machine with binary weights and its integer preactivations and stabilities.
#[derive(Clone, Debug)]
pub struct FlipState {
    form: UnitForm,
    readout: Vec<i8>,
    inputs: usize,
    count: usize,
    blocks: usize,
    threshold: i16,
    hinge: i16,
    weights: Vec<u64>,
    h: Vec<Slots>,
    x: Vec<Slots>,
    energies: Energies,
}

/// Both energies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Energies {
    pub errors: i64,
    pub hinge: i64,
}

/// One row of h with x, the column of a weight and the constants of the energies.
pub(super) struct Pass<'a> {
    pub form: UnitForm,
    pub bits: &'a [u32],
    /// Bits are counted the other way round where the weight is −1.
    pub negative: bool,
    /// σ c_l.
    pub sides: &'a [Slots],
    pub threshold: i16,
    pub hinge: i16,
}

impl FlipState {
    /// K = `readout.len()` units of the given form with readout signs c_l, all weights +1 (until
    /// [`Self::load`]). A pattern is stored iff x > `threshold`; `hinge` is b. Both are in units of
    /// x, which for [`UnitForm::Quadratic`] are a quarter of those of Σ c h².
    ///
    /// # Errors
    /// A message if x or b − x may leave 16 bits, or the readout signs of quadratic units do not
    /// cancel.
    pub fn new(
        isa: Isa,
        columns: &FlipColumns,
        form: UnitForm,
        readout: &[i8],
        threshold: i64,
        hinge: i64,
    ) -> Result<Self, String> {
        assert!(columns.groups == 1 || columns.groups == readout.len(), "groups of a pattern");
        let (inputs, blocks) = (columns.inputs, columns.blocks);
        let range = form.range(inputs, readout);
        if range + hinge.abs() >= i64::from(i16::MAX) {
            return Err(format!(
                "stabilities up to {range} with a margin of {hinge} do not fit into 16 bits"
            ));
        }
        let balance: i32 = readout.iter().map(|&c| i32::from(c)).sum();
        if form == UnitForm::Quadratic && balance != 0 {
            return Err("quadratic units need as many readout signs +1 as -1".to_owned());
        }
        let mut state = Self {
            form,
            readout: readout.to_vec(),
            inputs,
            count: columns.count,
            blocks,
            // Beyond the range of x it makes no difference.
            threshold: threshold.clamp(-range - 1, range) as i16,
            hinge: hinge as i16,
            weights: vec![0; readout.len() * inputs.div_ceil(64)],
            h: vec![Slots([0; SLOTS]); readout.len() * blocks],
            x: vec![Slots([0; SLOTS]); blocks],
            energies: Energies::default(),
        };
        state.recompute(isa, columns);
        Ok(state)
    }

    /// The weights: K × ⌈n/64⌉ words, bit 1 means −1, zero padding.
    pub fn weights(&self) -> &[u64] {
        &self.weights
    }

    /// W_li is −1.
    pub fn is_negative(&self, unit: usize, input: usize) -> bool {
        self.weights[unit * self.inputs.div_ceil(64) + input / 64] >> (input % 64) & 1 == 1
    }

    /// Patterns that are not stored.
    pub fn errors(&self) -> usize {
        self.energies.errors as usize
    }

    /// Σ_μ max(0, b − x^μ).
    pub fn hinge(&self) -> i64 {
        self.energies.hinge
    }

    /// The present value of `energy`.
    pub fn energy(&self, energy: Energy) -> i64 {
        match energy {
            Energy::Errors => self.energies.errors,
            Energy::Hinge => self.energies.hinge,
        }
    }

    /// x of all patterns.
    pub fn stabilities(&self) -> impl Iterator<Item = i16> {
        self.x.iter().flat_map(|slots| slots.0).take(self.count)
    }

    /// h_l of all patterns, l = `unit`.
    pub fn preactivations(&self, unit: usize) -> impl Iterator<Item = i16> {
        let h = &self.h[unit * self.blocks..][..self.blocks];
        h.iter().flat_map(|slots| slots.0).take(self.count)
    }

    /// Takes other weights: K × ⌈n/64⌉ words with zero padding.
    ///
    /// # Panics
    /// If the number of words is wrong.
    pub fn load(&mut self, isa: Isa, columns: &FlipColumns, weights: &[u64]) {
        self.weights.copy_from_slice(weights);
        self.recompute(isa, columns);
    }

    fn recompute(&mut self, isa: Isa, columns: &FlipColumns) {
        self.h.fill(Slots([0; SLOTS]));
        self.x.fill(Slots([0; SLOTS]));
        for unit in 0..self.readout.len() {
            for input in 0..self.inputs {
                let negative = self.is_negative(unit, input);
                let h = &mut self.h[unit * self.blocks..][..self.blocks];
                let bits = columns.column(unit, input);
                match isa.0 {
                    Set::Scalar => scalar::add_column(h, bits, negative),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx2 | Set::Avx512 => {
                        super::x86_64::avx2::add_column(h, bits, negative);
                    }
                    #[cfg(target_arch = "aarch64")]
                    Set::Neon => super::aarch64::neon::add_column(h, bits, negative),
                }
            }
            let h = &self.h[unit * self.blocks..][..self.blocks];
            let sides = columns.sides(self.readout[unit]);
            for ((x, h), side) in self.x.iter_mut().zip(h).zip(sides) {
                for ((x, &h), &side) in x.0.iter_mut().zip(&h.0).zip(&side.0) {
                    *x += (i32::from(side) * self.form.value(i32::from(h))) as i16;
                }
            }
        }
        let mut energies = Energies::default();
        for x in self.stabilities() {
            energies.errors += i64::from(x <= self.threshold);
            energies.hinge += i64::from(self.hinge - x).max(0);
        }
        self.energies = energies;
        // Padding: stored, and at or above the margin.
        if let (Some(last), tail @ 1..) = (self.x.last_mut(), self.count % SLOTS) {
            last.0[tail..].fill((self.threshold + 1).max(self.hinge));
        }
    }

    fn pass<'a>(&self, columns: &'a FlipColumns, unit: usize, input: usize) -> Pass<'a> {
        assert!(input < self.inputs, "input {input} of {}", self.inputs);
        Pass {
            form: self.form,
            bits: columns.column(unit, input),
            negative: self.is_negative(unit, input),
            sides: columns.sides(self.readout[unit]),
            threshold: self.threshold,
            hinge: self.hinge,
        }
    }

    /// What flipping W_li would change x of pattern `mu` by.
    #[inline]
    pub fn gain(&self, columns: &FlipColumns, unit: usize, input: usize, mu: usize) -> i32 {
        let pass = self.pass(columns, unit, input);
        let (block, slot) = (mu / SLOTS, mu % SLOTS);
        let h = i32::from(self.h[unit * self.blocks + block].0[slot]);
        let alike = (pass.bits[block] >> slot & 1 == 1) == pass.negative;
        let moved = if alike { h - 2 } else { h + 2 };
        i32::from(pass.sides[block].0[slot]) * (self.form.value(moved) - self.form.value(h))
    }

    /// What flipping W_li, l = `unit`, i = `input` of that unit, would change `energy` by.
    #[inline]
    pub fn propose(
        &self,
        isa: Isa,
        columns: &FlipColumns,
        energy: Energy,
        unit: usize,
        input: usize,
    ) -> i64 {
        let pass = self.pass(columns, unit, input);
        let h = &self.h[unit * self.blocks..][..self.blocks];
        let after = match isa.0 {
            Set::Scalar => scalar::propose(&pass, h, &self.x, energy),
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 | Set::Avx512 => super::x86_64::avx2::propose(&pass, h, &self.x, energy),
            #[cfg(target_arch = "aarch64")]
            Set::Neon => super::aarch64::neon::propose(&pass, h, &self.x, energy),
        };
        after - self.energy(energy)
    }

    /// Flips W_li.
    pub fn flip(&mut self, isa: Isa, columns: &FlipColumns, unit: usize, input: usize) {
        let pass = self.pass(columns, unit, input);
        let h = &mut self.h[unit * self.blocks..][..self.blocks];
        self.energies = match isa.0 {
            Set::Scalar => scalar::flip(&pass, h, &mut self.x),
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 | Set::Avx512 => super::x86_64::avx2::flip(&pass, h, &mut self.x),
            #[cfg(target_arch = "aarch64")]
            Set::Neon => super::aarch64::neon::flip(&pass, h, &mut self.x),
        };
        self.weights[unit * self.inputs.div_ceil(64) + input / 64] ^= 1 << (input % 64);
    }
}
