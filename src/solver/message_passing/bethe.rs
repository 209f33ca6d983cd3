//! Bethe entropy of an instance: of all its solutions, and of those at distance d from given weights.
//!
//! At a fixed point m of the messages of [`super::amp`] (the TAP form of the Bethe free entropy),
//!
//! $$ S = \sum_i s(m_i) + \sum_\mu \left[\ln Z_\mu(\omega, V) + \frac12 \sum_l V_l\ g_l^2\right], \qquad
//!    s(m) = \ln 2\cosh x - m x, \quad x = \operatorname{artanh} m , $$
//!
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
    settled: f64,
    made: u64,
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
        let amp = Amp::new(storage, patterns, kind)?;
        Some(Self { amp, sweeps, settled: SETTLED, made: 0 })
    }

    /// With another restlessness at which messages count as settled.
    #[must_use]
    pub fn settled_at(self, settled: f64) -> Self {
        Self { settled, ..self }
    }

    /// (1/N) ln of the number of solutions; `None` if the messages do not settle.
    pub fn total(&mut self) -> Option<f64> {
        self.amp.magnetization.fill(0.0);
        self.amp.gradient.fill(0.0);
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
        self.amp.gradient.fill(0.0);
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

    /// ln Z(γ) = ln Σ_w [w stores all patterns] e^{γ w̃·w} around `signs` = w̃, at fixed field γ and
    /// **from the present messages**; `None` if they do not settle. The value is taken where it is
    /// stationary in m and g, so that what is left of the restlessness r enters as N r².
    pub fn at_field(&mut self, signs: &[i8], gamma: f64) -> Option<f64> {
        self.settle(|_| gamma, signs)?;
        let patterns = self.amp.stationary_terms();
        self.made += 1;
        let m = self.amp.magnetization.iter().map(|&m| f64::from(m));
        let own = |(m, &sign): (f64, &i8)| binary_entropy(m) + gamma * f64::from(sign) * m;
        let own: f64 = m.zip(signs).map(own).sum();
        Some(own + patterns)
    }

    /// The magnetisations at the end of the last run.
    pub fn magnetizations(&self) -> &[f32] {
        &self.amp.magnetization
    }

    /// The messages (m, g) from which [`Self::at_field`] starts.
    pub fn messages(&self) -> (&[f32], &[f32]) {
        (&self.amp.magnetization, &self.amp.gradient)
    }

    /// Takes messages.
    ///
    /// # Panics
    /// If they are not as many as [`Self::messages`].
    pub fn set_messages(&mut self, (magnetization, gradient): (&[f32], &[f32])) {
        self.amp.magnetization.copy_from_slice(magnetization);
        self.amp.gradient.copy_from_slice(gradient);
    }

    /// Sweeps made so far.
    pub fn sweeps_made(&self) -> u64 {
        self.made
    }

    /// Sweeps until the magnetisations rest, with the field `towards`(h)·sign.
    fn settle(&mut self, mut towards: impl FnMut(&[f32]) -> f64, signs: &[i8]) -> Option<()> {
        let (mut keep, mut last) = (KEEP.0, f64::INFINITY);
        for _ in 0..self.sweeps {
            self.amp.sweep();
            self.made += 1;
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
            if rest < self.settled {
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
    use crate::rng::{Purpose, Stream};

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

    /// ln Z(γ) around random configurations, and its change by a flip, of instances at N = 24 and 21
    /// against the sum over all solutions; the change also as ln(cosh 2γ − w̃m sinh 2γ). Means of
    /// |error| over eight samples, the first a weight; measured ReLU .021, .17, .17, sign .026, .13, .14
    /// (of such small machines up to a tenth of the flips do not settle and are left out). Without the
    /// field's own term γ w̃·m, or with a flip's worth linear in the mean, −2γ w̃m, the tolerances are
    /// left.
    #[test]
    fn free_entropies_around_a_configuration_match_enumeration() {
        for (activation, hidden, inputs, count, gamma, tolerances) in [
            (Activation::Relu, 4, 24, 7, 0.6, [0.03, 0.22, 0.22]),
            (Activation::Sign, 3, 21, 7, 0.6, [0.035, 0.17, 0.17]),
        ] {
            let samples = 8;
            let [mut value, mut change, mut formula] = [0.0; 3];
            let (mut broken, mut linear, mut unsettled) = (0.0, 0.0, 0.0);
            for sample in 0..samples {
                let (storage, patterns) = at_scale(activation, hidden, inputs, count, sample);
                let exact = Exact::new(&storage, &patterns);
                let mut bethe = Bethe::new(&storage, &patterns, NodeKind::Exact, 2000).unwrap();
                let mut stream = Stream::new(9, Purpose::Test, &[sample]);
                let mut signs: Vec<i8> =
                    (0..inputs).map(|_| 1 - 2 * stream.below(2) as i8).collect();
                let before = bethe.at_field(&signs, gamma).unwrap();
                let truth = exact.at_field(&signs, gamma);
                let m: Vec<f64> = bethe.magnetizations().iter().map(|&m| f64::from(m)).collect();
                let own: f64 = m.iter().zip(&signs).map(|(m, &s)| m * f64::from(s)).sum();
                value += (before - truth).abs() / inputs as f64;
                broken += (before - gamma * own - truth).abs() / inputs as f64;
                for i in 0..inputs {
                    let t = f64::from(signs[i]) * m[i];
                    signs[i] = -signs[i];
                    let Some(after) = bethe.at_field(&signs, gamma) else {
                        signs[i] = -signs[i];
                        unsettled += 1.0 / (samples as f64 * inputs as f64);
                        continue;
                    };
                    let difference = exact.at_field(&signs, gamma) - truth;
                    signs[i] = -signs[i];
                    let worth = libm::log((2.0 * gamma).cosh() - t * (2.0 * gamma).sinh());
                    let each = 1.0 / inputs as f64;
                    change += each * (after - before - difference).abs();
                    formula += each * (worth - difference).abs();
                    linear += each * (-2.0 * gamma * t - difference).abs();
                }
            }
            let [value, change, formula, broken, linear] =
                [value, change, formula, broken, linear].map(|x| x / samples as f64);
            let what = format!("{activation:?} {value} {change} {formula}, {broken} {linear}");
            assert!(unsettled < 0.1, "{activation:?} {unsettled}");
            assert!(value < tolerances[0] && broken > tolerances[0], "{what}");
            assert!(change < tolerances[1] && formula < tolerances[2], "{what}");
            assert!(linear > tolerances[2], "{what}");
        }
    }

    /// A value at messages that rest to 1e-3 only is that of the fixed point, up to N r².
    #[test]
    fn free_entropies_are_stationary() {
        for (activation, hidden, inputs) in [(Activation::Sign, 5, 505), (Activation::Relu, 8, 512)]
        {
            let architecture = Architecture::tree(inputs, hidden).unwrap();
            let storage = Storage::new(architecture, activation, 0.0);
            let patterns = Patterns::random(architecture, inputs / 3, 1, 0);
            let mut stream = Stream::new(9, Purpose::Test, &[77]);
            let signs: Vec<i8> = (0..inputs).map(|_| 1 - 2 * stream.below(2) as i8).collect();
            let value = |settled: f64| {
                let bethe = Bethe::new(&storage, &patterns, NodeKind::Exact, 2000).unwrap();
                bethe.settled_at(settled).at_field(&signs, 0.5).unwrap()
            };
            let (fine, coarse, rough) = (value(1e-5), value(1e-3), value(1e-2));
            assert!((coarse - fine).abs() < 0.01, "{fine} {coarse}");
            assert!((rough - fine).abs() < 0.3, "{fine} {rough}");
        }
    }
}
