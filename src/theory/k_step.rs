//! The capacity functional of spherical weights with k steps of replica-symmetry breaking.
//!
//! At capacity the innermost overlap tends to 1 with m_i = μ_i(1−q_k). With q_k = 1, χ_k = 1,
//!
//! $$ \alpha_c = \min_{q_0 < \dots < q_{k-1} < 1,\ \mu_1 < \dots < \mu_k}
//!    \frac{\mathcal S}{-\int Dz\ g_0(\sqrt{Q_0} z)}, \qquad
//!    \mathcal S = \frac12 \left[\frac{q_0}{\chi_0} +
//!    \sum_{i=1}^k \frac{1}{\mu_i} \ln \frac{\chi_{i-1}}{\chi_i}\right], $$
//!
//! $$ \chi_{i-1} = \chi_i + \mu_i (q_i - q_{i-1}), \qquad g_k(v) = -\frac{\max(0, \kappa - v)^2}{2 f_1}, \qquad
//!    g_{i-1}(v) = \frac{1}{\mu_i} \ln \int Dz\ e^{\mu_i g_i(v + \sqrt{Q_i - Q_{i-1}} z)} . $$
//!
//! The innermost integral is closed: g_{k−1}(v) = ln I(κ−v)/μ_k,
//! I(s) = H(s/√D) + c^{−1/2} e^{−a's²/2c} H(−s/√(Dc)), D = Qd − Q_{k−1}, a' = μ_k/f1, c = 1 + a'D.
//! Hence k = 1 costs a single, k = 2 a double integral; from k = 3 on g_1 is tabulated on a
//! sinh-spaced grid and interpolated there. Sources: Monasson, Zecchina, PRL 75, 2432
//! (1995); Stojnic, arXiv:2402.05719. 20 µs, 1 ms, 3 ms for k = 1, 2, 3. Deterministic.

use super::covariance::{Covariance, Overlap};
use super::gaussian;
use super::interpolant::Interpolant;
use super::quadrature::{HALF_WIDTH, Legendre};

/// ln √(2π).
const LN_SQRT_2PI: f64 = 0.918_938_533_204_672_7;

/// Numbers of nodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolution {
    /// A panel of the outer integral (about ten panels).
    pub outer: usize,
    /// A panel of each inner integral (about twelve panels).
    pub inner: usize,
    /// Points of the table of g_1.
    pub grid: usize,
}

/// The functional of one machine at one resolution.
#[derive(Clone, Debug)]
pub struct KStepFunctional {
    covariance: Covariance,
    kappa: f64,
    slope: f64,
    diagonal: f64,
    outer: Legendre,
    inner: Legendre,
    grid: usize,
}

/// g_{k−1}: the closed innermost integral.
#[derive(Clone, Copy, Debug)]
struct Innermost {
    kappa: f64,
    root_gap: f64,
    root_scaled_gap: f64,
    half_ln_c: f64,
    stiffness: f64,
    inverse_mu: f64,
}

impl Innermost {
    /// (ln H(s/√D), ln of the second term of I) at s = κ − v.
    fn terms(&self, v: f64) -> (f64, f64) {
        let s = self.kappa - v;
        (
            gaussian::ln_tail(s / self.root_gap),
            gaussian::ln_tail(-s / self.root_scaled_gap) - self.half_ln_c - self.stiffness * s * s,
        )
    }

    fn value(&self, v: f64) -> f64 {
        let (satisfied, violated) = self.terms(v);
        self.inverse_mu * gaussian::ln_add_exp(satisfied, violated)
    }
}

/// What the integrals of g are taken over.
trait Level {
    fn value(&self, v: f64) -> f64;
    /// −g'' well below κ.
    fn stiffness(&self) -> f64;
}

impl Level for Innermost {
    fn value(&self, v: f64) -> f64 {
        Innermost::value(self, v)
    }

    fn stiffness(&self) -> f64 {
        2.0 * self.stiffness * self.inverse_mu
    }
}

/// A tabulated level.
struct Tabulated {
    table: Interpolant,
    stiffness: f64,
}

impl Level for Tabulated {
    fn value(&self, v: f64) -> f64 {
        self.table.value(v)
    }

    fn stiffness(&self) -> f64 {
        self.stiffness
    }
}

impl KStepFunctional {
    /// For `covariance` with finite f1, margin `kappa`.
    pub fn new(covariance: Covariance, kappa: f64, resolution: Resolution) -> Self {
        let (slope, diagonal) = (covariance.slope_at_one(), covariance.diagonal());
        debug_assert!(slope.is_finite());
        Self {
            covariance,
            kappa,
            slope,
            diagonal,
            outer: Legendre::new(resolution.outer),
            inner: Legendre::new(resolution.inner),
            grid: resolution.grid,
        }
    }

    /// χ_0 and S of the overlaps q_0 … q_{k−1} and μ_1 … μ_k.
    pub fn entropic(q: &[Overlap], mu: &[f64]) -> (f64, f64) {
        let mut chi = 1.0;
        let mut sum = 0.0;
        for i in (0..q.len()).rev() {
            let difference = match q.get(i + 1) {
                Some(next) => q[i].complement() - next.complement(),
                None => q[i].complement(),
            };
            // ln(χ_{i−1}/χ_i) without cancellation for small μ.
            let increment = mu[i] * difference;
            sum += libm::log1p(increment / chi) / mu[i];
            chi += increment;
        }
        (chi, 0.5 * (q[0].value() / chi + sum))
    }

    fn innermost(&self, q: Overlap, mu: f64) -> Innermost {
        let gap = self.covariance.gap(q);
        let a = mu / self.slope;
        let c = 1.0 + a * gap;
        Innermost {
            kappa: self.kappa,
            root_gap: gap.sqrt(),
            root_scaled_gap: (gap * c).sqrt(),
            half_ln_c: 0.5 * libm::log1p(a * gap),
            stiffness: 0.5 * a / c,
            inverse_mu: 1.0 / mu,
        }
    }

    /// (1/μ) ln ∫Dz exp[μ g(v + σz)].
    ///
    /// g vanishes well above κ and is −½ stiffness (κ−v)² well below, with a layer of width
    /// `layer` at κ. The integrand is a Gaussian around 0 beyond the boundary z = (κ−v)/σ and a
    /// narrower one before it; each falls from the boundary at a rate of at least the boundary's
    /// distance. Panels follow both, however far the boundary is.
    fn convolve(&self, g: &impl Level, mu: f64, sigma: f64, layer: f64, v: f64) -> f64 {
        const REACH: f64 = 9.0;
        let boundary = (self.kappa - v) / sigma;
        let ratio = mu * sigma * sigma * g.stiffness();
        let (centre, width) = (boundary * ratio / (1.0 + ratio), 1.0 / (1.0 + ratio).sqrt());
        // How far beyond the boundary the Gaussian centred on the other side still counts.
        let overhang = |width: f64| (40.0 / boundary.abs()).min(REACH * width);
        let (low, high) = if boundary >= 0.0 {
            ((centre - REACH * width).max(-REACH), boundary + overhang(1.0))
        } else {
            ((boundary - overhang(width)).max(-REACH), REACH)
        };
        let scale = layer / sigma;
        let mut breaks = [0.0; 20];
        let mut count = 0;
        let mut split = |z: f64| {
            breaks[count] = z.clamp(low, high);
            count += 1;
        };
        split(low);
        split(high);
        for x in [-5.0, -1.5, 0.0, 1.5, 5.0] {
            split(boundary + x * scale);
        }
        for x in [-4.0, -1.5, 1.5, 4.0] {
            // The two Gaussians, each on its own side.
            split((centre + x * width).min(boundary));
            split(x.max(boundary));
        }
        for x in [0.08, 0.3] {
            split(boundary + x * (high - boundary).max(0.0));
            split(boundary - x * (boundary - low).max(0.0));
        }
        let mut norm = 0.0;
        let exponents: Vec<(f64, f64)> = self
            .inner
            .panels(&breaks[..count])
            .nodes()
            .iter()
            .map(|&(z, weight)| {
                norm += weight * libm::exp(-0.5 * z * z);
                (weight, mu * g.value(v + sigma * z) - 0.5 * z * z)
            })
            .collect();
        let ln_sum = gaussian::ln_sum_exp(exponents.iter().copied());
        // Relative to the rule's own norm where it covers the Gaussian: its error must not be
        // divided by a small μ.
        let covered = low <= -REACH + 1e-12 && high >= REACH - 1e-12;
        let ln_norm = if covered { libm::log(norm) } else { LN_SQRT_2PI };
        (ln_sum - ln_norm) / mu
    }

    /// −∫Dz g_0(√Q0 z).
    fn energetic(&self, q: &[Overlap], mu: &[f64]) -> f64 {
        let last = q.len() - 1;
        let innermost = self.innermost(q[last], mu[last]);
        let gaps: Vec<f64> = q.iter().map(|&x| self.covariance.gap(x)).collect();
        let sigma = |i: usize| (gaps[i - 1] - gaps[i]).max(0.0).sqrt();
        let layer = |i: usize| gaps[i].sqrt();
        match q.len() {
            1 => self.outermost(q[0], gaps[0], |v| innermost.value(v)),
            2 => self.outermost(q[0], gaps[0], |v| {
                self.convolve(&innermost, mu[0], sigma(1), layer(1), v)
            }),
            _ => {
                // −g'' of the level after the convolution with width σ and parameter μ.
                let softened = |k: f64, mu: f64, sigma: f64| k / (1.0 + mu * sigma * sigma * k);
                let stiffness = softened(innermost.stiffness(), mu[last - 1], sigma(last));
                let mut level = self.tabulate(gaps[last - 1], stiffness, |v| {
                    self.convolve(&innermost, mu[last - 1], sigma(last), layer(last), v)
                });
                for i in (1..last - 1).rev() {
                    let stiffness = softened(level.stiffness, mu[i], sigma(i + 1));
                    level = self.tabulate(gaps[i], stiffness, |v| {
                        self.convolve(&level, mu[i], sigma(i + 1), layer(i + 1), v)
                    });
                }
                self.outermost(q[0], gaps[0], |v| {
                    self.convolve(&level, mu[0], sigma(1), layer(1), v)
                })
            }
        }
    }

    /// g on a grid that is fine around κ, where it changes over √gap.
    fn tabulate(&self, gap: f64, stiffness: f64, g: impl Fn(f64) -> f64) -> Tabulated {
        let reach = (HALF_WIDTH + 9.0) * self.diagonal.sqrt() + self.kappa.abs();
        let table = Interpolant::new(self.kappa, 0.5 * gap.sqrt(), reach, self.grid, g);
        Tabulated { table, stiffness }
    }

    fn outermost(&self, q0: Overlap, gap: f64, g: impl Fn(f64) -> f64) -> f64 {
        let root_signal = self.covariance.value(q0).max(0.0).sqrt();
        let (centre, width) = (self.kappa / root_signal, gap.sqrt() / root_signal);
        let layer = [-6.0, -2.0, 0.0, 2.0, 6.0].map(|x| centre + x * width);
        let splits = [layer, [-5.0, -2.0, 0.0, 2.0, 5.0]].concat();
        -self.outer.gaussian(HALF_WIDTH, &splits).mean(|z| g(root_signal * z))
    }

    /// S/(−∫Dz g_0), whose minimum is the capacity.
    pub fn load(&self, q: &[Overlap], mu: &[f64]) -> f64 {
        Self::entropic(q, mu).1 / self.energetic(q, mu)
    }

    /// For k = 1, the two replicon eigenvalues (ρ_0 between states, ρ_1 within a state) at load
    /// `alpha`; the solution is unstable if either exceeds 1.
    /// ρ_0 = α χ0²[Q'(q0)² ∫Dz g_0''² + Q''(q0) ∫Dz g_0'²],
    /// ρ_1 = α ∫Dz ⟨θ(violated)⟩ + (Q''(1)/f1)[(1−q0)/χ0 + q0/χ0²].
    pub fn one_step_replicons(&self, alpha: f64, q0: Overlap, mu: f64) -> (f64, f64) {
        let g = self.innermost(q0, mu);
        let chi = 1.0 + mu * q0.complement();
        let root_signal = self.covariance.value(q0).max(0.0).sqrt();
        let (centre, width) = (self.kappa / root_signal, g.root_gap / root_signal);
        let splits = [centre, centre - 6.0 * width, centre + 6.0 * width];
        let rule = self.outer.gaussian(HALF_WIDTH, &splits);
        let [squared_slope, squared_curvature, violated] = rule.means(|z| {
            let v = root_signal * z;
            let s = self.kappa - v;
            let (satisfied, not) = g.terms(v);
            let total = gaussian::ln_add_exp(satisfied, not);
            // d/dv of the two terms of I, relative to I; d/dv = −d/ds. The boundary densities of
            // both terms are equal up to the factor 1/c, which gives their sum.
            let weight = libm::exp(not - total);
            let density = gaussian::density(s / g.root_gap) / g.root_gap;
            let boundary = libm::exp(libm::log(density.max(f64::MIN_POSITIVE)) - total);
            let c = (g.root_scaled_gap / g.root_gap) * (g.root_scaled_gap / g.root_gap);
            let stiffness = 2.0 * g.stiffness;
            // I' (by s) = −stiffness s·V − boundary (1 − 1/c), V the second term.
            let by_s = -stiffness * s * weight - boundary * (1.0 - 1.0 / c);
            // V' = −stiffness s V + boundary/c; boundary' = −s/D boundary.
            let weight_by_s = -stiffness * s * weight + boundary / c;
            let second = -stiffness * (weight + s * weight_by_s)
                + (1.0 - 1.0 / c) * boundary * s / (g.root_gap * g.root_gap);
            let curvature = second - by_s * by_s;
            [by_s * by_s, curvature * curvature, weight]
        });
        let per_mu = g.inverse_mu * g.inverse_mu;
        let (first, second) = (self.covariance.first(q0), self.covariance.second(q0));
        let between = alpha
            * chi
            * chi
            * per_mu
            * (first * first * squared_curvature + second * squared_slope);
        let limit = self.covariance.second(Overlap::from_complement(0.0)) / self.slope;
        let within = alpha * violated + limit * (q0.complement() / chi + q0.value() / (chi * chi));
        (between, within)
    }
}
