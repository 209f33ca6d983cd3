//! Bethe entropy of an instance: of all its solutions, and of those at distance d from given weights.
//!
//! At a fixed point m of the messages of [`super::amp`] (the TAP form of the Bethe free entropy),
//!   S = Σ_i s(m_i) + Σ_μ [ln Z_μ(ω, V) + ½ Σ_l V_l g_l²],
//!   s(m) = ln 2cosh x − m x, x = atanh m,
//! which is ln of the number of solutions; with a field b·w̃ towards weights w̃ the same expression is
//! the Legendre transform ln Z(b) − b Σ w̃ m. The distance is held rather than the field: after every
//! sweep b solves (1/N) Σ w̃_i tanh(h_i + b w̃_i) = 1 − 2d, so that one run gives one distance, on
//! non-concave branches too. The number at *exactly* round(dN) flips is smaller by the width of the
//! shell, ½ ln(2πσ²) with σ² = ¼ Σ (1 − m²) (exact for P = 0 up to Stirling's series).
//!
//! Good where message passing is: large n, no frozen clusters. A run that does not settle has no
//! value. Cost O(PN) a sweep, some hundred sweeps a distance. Deterministic: f32 messages, f64 sums,
//! no random numbers.

use super::amp::Amp;
use super::node::NodeKind;
use crate::model::{Patterns, Storage};

/// Restlessness at which messages count as settled: f32 fields of size 10 resolve 1e-6.
const SETTLED: f64 = 1e-5;

/// Share of the old magnetisations at the start, and the largest.
const KEEP: (f64, f64) = (0.5, 0.95);

/// Message passing on one instance, for its entropies.
pub struct Bethe {
    amp: Amp,
    sweeps: u64,
}

impl Bethe {
    /// Work space for one instance; a run ends after `sweeps` at the latest. `None` if the
    /// activation has no message passing.
    pub fn new(
        storage: &Storage,
        patterns: &Patterns,
        kind: NodeKind,
        sweeps: u64,
    ) -> Option<Self> {
        Some(Self { amp: Amp::new(storage, patterns, kind)?, sweeps })
    }

    /// (1/N) ln of the number of solutions; `None` if the messages do not settle.
    pub fn total(&mut self) -> Option<f64> {
        self.amp.magnetization.fill(0.0);
        self.settle(|_| 0.0, &[])?;
        Some(self.entropy())
    }

    /// (1/N) ln of the number of solutions at exactly round(`distance`·N) flips from `signs` (±1, N
    /// of them); `None` if the messages do not settle.
    pub fn at_distance(&mut self, signs: &[i8], distance: f64) -> Option<f64> {
        let inputs = signs.len() as f64;
        let flips = (distance * inputs).round();
        let overlap = 1.0 - 2.0 * flips / inputs;
        if flips == 0.0 || flips == inputs {
            return None;
        }
        for (m, &sign) in self.amp.magnetization.iter_mut().zip(signs) {
            *m = f32::from(sign) * overlap as f32;
        }
        let mut b = 0.0;
        self.settle(
            |fields| {
                b = field_at(fields, signs, overlap, b);
                b
            },
            signs,
        )?;
        let m2 = |m: &f32| 1.0 - f64::from(*m) * f64::from(*m);
        let variance = 0.25 * self.amp.magnetization.iter().map(m2).sum::<f64>();
        let shell = 0.5 * libm::log(2.0 * std::f64::consts::PI * variance);
        Some(self.entropy() - shell / inputs)
    }

    /// The magnetisations at the end of the last run.
    pub fn magnetizations(&self) -> &[f32] {
        &self.amp.magnetization
    }

    /// Sweeps until the magnetisations rest, with the field `towards`(h)·sign.
    fn settle(&mut self, mut towards: impl FnMut(&[f32]) -> f64, signs: &[i8]) -> Option<()> {
        self.amp.gradient.fill(0.0);
        let (mut keep, mut last) = (KEEP.0, f64::INFINITY);
        for _ in 0..self.sweeps {
            self.amp.sweep();
            let b = towards(&self.amp.field);
            let mut moved = 0.0;
            for (i, m) in self.amp.magnetization.iter_mut().enumerate() {
                let pull = signs.get(i).map_or(0.0, |&sign| b * f64::from(sign));
                let new = libm::tanh(f64::from(self.amp.field[i]) + pull);
                let step = new - f64::from(*m);
                moved += step * step;
                *m = (new - keep * step) as f32;
            }
            let rest = (moved / self.amp.magnetization.len() as f64).sqrt();
            if rest < SETTLED {
                return Some(());
            }
            if !rest.is_finite() {
                return None;
            }
            // Oscillation: a step larger than the last one.
            let target = if rest > last { KEEP.1 } else { KEEP.0 };
            keep += (target - keep) * if rest > last { 0.2 } else { 0.02 };
            last = rest;
        }
        None
    }

    /// The functional at the present messages, per weight.
    fn entropy(&mut self) -> f64 {
        let own: f64 = self.amp.magnetization.iter().map(|&m| binary_entropy(f64::from(m))).sum();
        (own + self.amp.pattern_terms()) / self.amp.magnetization.len() as f64
    }
}

/// Entropy of a sign of mean `m`.
fn binary_entropy(m: f64) -> f64 {
    let term = |p: f64| if p > 0.0 { -p * libm::log(p) } else { 0.0 };
    term(0.5 * (1.0 + m)) + term(0.5 * (1.0 - m))
}

/// b with (1/N) Σ w tanh(h + b w) = `overlap`, from the guess `b`: safeguarded Newton steps.
fn field_at(fields: &[f32], signs: &[i8], overlap: f64, mut b: f64) -> f64 {
    // A magnetisation sign alone beyond these.
    let (mut low, mut high) = (-200.0, 200.0);
    for _ in 0..100 {
        let (mut sum, mut slope) = (0.0, 0.0);
        for (&h, &sign) in fields.iter().zip(signs) {
            let t = libm::tanh(f64::from(sign) * f64::from(h) + b);
            sum += t;
            slope += 1.0 - t * t;
        }
        let excess = sum / signs.len() as f64 - overlap;
        if excess.abs() < 1e-9 {
            break;
        }
        *(if excess > 0.0 { &mut high } else { &mut low }) = b;
        let newton = b - excess * signs.len() as f64 / slope;
        b = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
    }
    b
}

#[cfg(test)]
mod tests {
    use super::super::edge::{Edge, Exact, at_scale};
    use super::*;
    use crate::model::{Activation, Architecture};

    /// Without patterns every route is the binomial coefficient.
    #[test]
    fn without_patterns_the_entropy_is_that_of_the_binomial() {
        let architecture = Architecture::tree(120, 4).unwrap();
        let storage = Storage::new(architecture, Activation::Relu, 0.0);
        let patterns = Patterns::random(architecture, 0, 1, 0);
        let mut bethe = Bethe::new(&storage, &patterns, NodeKind::Exact, 100).unwrap();
        assert!((bethe.total().unwrap() - std::f64::consts::LN_2).abs() < 1e-6);
        let signs: Vec<i8> = (0..120).map(|i| if i % 3 == 0 { -1 } else { 1 }).collect();
        let exact = (libm::lgamma(121.0) - libm::lgamma(31.0) - libm::lgamma(91.0)) / 120.0;
        // Next term of Stirling's series: 1/(12·30)/120.
        let got = bethe.at_distance(&signs, 0.25).unwrap();
        assert!((got - exact).abs() < 1e-4, "{got} {exact}");
    }

    /// Entropies, total and 5 and 8 flips from a typical solution, of instances at N = 24 and 21
    /// against their count: mean |error| a weight over eight samples. Measured: ReLU K = 4, α = .29
    /// .017 and .016; sign K = 3, α = .33 .011 and .009; α = .57 .037 and .048, where full edge
    /// messages with exact convolution are .031 off themselves. Without the term ½ΣVg² the first
    /// two leave their tolerances.
    #[test]
    fn entropies_match_enumeration() {
        for (activation, hidden, inputs, count, tolerance) in [
            (Activation::Relu, 4, 24, 7, 0.025),
            (Activation::Sign, 3, 21, 7, 0.02),
            (Activation::Sign, 3, 21, 12, 0.06),
        ] {
            let (mut total, mut local, mut edges, mut broken) = (0.0, 0.0, 0.0, 0.0);
            let samples = 8;
            for sample in 0..samples {
                let (storage, patterns) = at_scale(activation, hidden, inputs, count, sample);
                let exact = Exact::new(&storage, &patterns);
                let mut bethe = Bethe::new(&storage, &patterns, NodeKind::Exact, 2000).unwrap();
                let got = bethe.total().unwrap();
                total += (got - exact.entropy()).abs();
                broken += (got - bethe.amp.reaction() / inputs as f64 - exact.entropy()).abs();
                let mut edge = Edge::new(&storage, &patterns);
                edges += (edge.settle(500).unwrap() - exact.entropy()).abs();
                let (signs, shells) = exact.typical(sample);
                for flips in [5usize, 8] {
                    let n = signs.len() as f64;
                    let got = bethe.at_distance(&signs, flips as f64 / n).unwrap();
                    // An empty shell counts as one machine.
                    local += 0.5 * (got - libm::log(shells[flips].max(1) as f64) / n).abs();
                }
            }
            let [total, local, edges, broken] =
                [total, local, edges, broken].map(|x| x / samples as f64);
            let what = format!("{activation:?} {total} {local} {edges} {broken}");
            assert!(total < tolerance && local < tolerance && edges < 0.04, "{what}");
            assert!(broken > tolerance, "{what}");
        }
    }
}
