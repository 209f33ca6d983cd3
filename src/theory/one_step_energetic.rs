//! The energetic part with one step of breaking, at finite α and K → ∞.
//!
//! $$ \mathcal G_E = \frac1m \int Dz_0 \ln \int Dz_1\ H(x)^m, \qquad
//!    x = \frac{\kappa - \sqrt{Q_0} z_0 - \sqrt{Q_1 - Q_0} z_1}{\sqrt{\Delta_1}} ; $$
//!
//! with ⟨·⟩ the inner average of weight H^m: J0 = ∫Dz0⟨h/√Δ1⟩², J1 = ∫Dz0⟨h²/Δ1⟩, and ∫Dz0⟨ln H⟩ for
//! derivatives by m. For the
//! two replicon eigenvalues, with l = ∂²ln H by the field: C1 = ∫Dz0⟨l²⟩ and
//! C0 = ∫Dz0(⟨l⟩ + m(⟨h²⟩−⟨h⟩²)/Δ1)².
//! Inner panels follow the boundary z1 = (κ−√Q0 z0)/√(Q1−Q0). About 1 ms. Deterministic.

use super::covariance::{Covariance, Overlap};
use super::gaussian::{self, Tail};
use super::quadrature::{HALF_WIDTH, Legendre};

/// The averages at one (q0, q1, m).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Averages {
    /// G_E.
    pub g_e: f64,
    /// ∫Dz0⟨ln H⟩.
    pub ln_h: f64,
    /// J0.
    pub j0: f64,
    /// J1.
    pub j1: f64,
    /// C0, the squared curvature between states.
    pub c0: f64,
    /// C1, the squared curvature within a state.
    pub c1: f64,
}

/// The energetic part of one machine.
#[derive(Clone, Debug)]
pub struct OneStepEnergy {
    /// Q and its relatives.
    pub covariance: Covariance,
    kappa: f64,
    legendre: Legendre,
}

impl OneStepEnergy {
    /// With `nodes` Gauss–Legendre nodes a panel, about ten panels in z0 and five in z1.
    pub fn new(covariance: Covariance, kappa: f64, nodes: usize) -> Self {
        Self { covariance, kappa, legendre: Legendre::new(nodes) }
    }

    /// At 0 ≤ q0 ≤ q1 < 1 and m > 0.
    pub fn averages(&self, q0: Overlap, q1: Overlap, m: f64) -> Averages {
        let (gap0, gap1) = (self.covariance.gap(q0), self.covariance.gap(q1));
        let root_signal = self.covariance.value(q0).max(0.0).sqrt();
        let (spread, root_gap) = ((gap0 - gap1).max(0.0).sqrt(), gap1.sqrt());
        let (centre, width) = (self.kappa / root_signal, gap0.sqrt() / root_signal);
        let layer = [-6.0, -2.0, 0.0, 2.0, 6.0].map(|x| centre + x * width);
        let outer =
            self.legendre.gaussian(HALF_WIDTH, &[layer, [-5.0, -2.0, 0.0, 2.0, 5.0]].concat());
        let mut terms: Vec<(f64, f64, f64, Tail)> = Vec::new();
        let [g_e, ln_h, j0, j1, c0, c1] = outer.means(|z0| {
            let field = self.kappa - root_signal * z0;
            let (boundary, layer) = (field / spread, 5.0 * root_gap / spread);
            let (low, high) = (-9.0, boundary.max(0.0) + 9.0);
            // Before the boundary H^m narrows the Gaussian to this centre and width.
            let ratio = m * (spread / root_gap) * (spread / root_gap);
            let (peak, wide) = (boundary * ratio / (1.0 + ratio), 1.0 / (1.0 + ratio).sqrt());
            let breaks = [
                low,
                -5.0,
                -2.0,
                0.0,
                2.0,
                5.0,
                boundary - layer,
                boundary - 0.3 * layer,
                boundary,
                boundary + 0.3 * layer,
                boundary + layer,
                (peak - 6.0 * wide).min(boundary),
                (peak - 2.0 * wide).min(boundary),
                (peak + 2.0 * wide).min(boundary),
                (peak + 6.0 * wide).min(boundary),
                high,
            ];
            let inner = self.legendre.panels(&breaks.map(|z| z.clamp(low, high)));
            terms.clear();
            // The rule's own norm: its error must not be divided by a small m.
            let norm = inner.mean(|z1| libm::exp(-0.5 * z1 * z1));
            terms.extend(inner.nodes().iter().map(|&(z1, weight)| {
                let x = (field - spread * z1) / root_gap;
                let tail = Tail::at(x);
                (weight, m * tail.ln_tail - 0.5 * z1 * z1, x, tail)
            }));
            let ln_sum = gaussian::ln_sum_exp(terms.iter().map(|&(w, e, ..)| (w, e)));
            let (mut ln_h, mut mean, mut square) = (0.0, 0.0, 0.0);
            let (mut bend, mut bend2) = (0.0, 0.0);
            for &(weight, exponent, x, tail) in &terms {
                let share = weight * libm::exp(exponent - ln_sum);
                let curvature = tail.hazard * (tail.hazard - x);
                ln_h += share * tail.ln_tail;
                mean += share * tail.hazard;
                square += share * tail.hazard * tail.hazard;
                bend += share * curvature;
                bend2 += share * curvature * curvature;
            }
            let between = m * (square - mean * mean) - bend;
            [(ln_sum - libm::log(norm)) / m, ln_h, mean * mean, square, between * between, bend2]
        });
        let (j0, j1) = (j0 / gap1, j1 / gap1);
        Averages { g_e, ln_h, j0, j1, c0: c0 / (gap1 * gap1), c1: c1 / (gap1 * gap1) }
    }
}
