//! The two-dimensional Gaussian integrals of the Franz–Parisi entropy.
//!
//! Energetic, with X = (√F(q̃) x − κ)/s̃, v = ax + σy, weight H(−(σX+by)/√γ)/H(−X) of norm 1:
//! G_E = E ln H((κ−v)/s), E h², E h̃h, where h = (1/s)(G/H)((κ−v)/s) and h̃ = (1/s̃)(G/H)(−X).
//! Entropic, with A = √q̃̂ x, B = (t̂/√q̃̂)x + √(q̂−t̂²/q̃̂) z, weight 2/(1+e^{−2A}).
//! In both the inner integral has layers of known place and width, where its Gauss–Legendre
//! panels are split; the outer one is smooth but for the crossing of two layers at X = 0.
//! About 1 ms and 0.2 ms. Deterministic.

use super::super::gaussian::{self, Tail};
use super::super::quadrature::{Legendre, splits_around};
use super::super::reference::Reference;
use super::super::{Outcome, covariance::Overlap};
use crate::error::TheoryError;

/// Half-width of the Gaussian measures.
const HALF_WIDTH: f64 = 8.5;
/// Splits around a layer, in units of its width.
const LAYER: [f64; 5] = [-5.0, -1.6, 0.0, 1.6, 5.0];

/// Gauss–Legendre rules at one resolution.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    outer: Legendre,
    inner: Legendre,
}

impl Grid {
    pub(super) fn new(outer: usize, inner: usize) -> Self {
        Self { outer: Legendre::new(outer), inner: Legendre::new(inner) }
    }

    pub(super) fn coarse() -> Self {
        Self::new(10, 8)
    }

    pub(super) fn fine() -> Self {
        Self::new(16, 14)
    }
}

/// Energetic averages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Energetic {
    pub(super) norm: f64,
    /// G_E.
    pub(super) ln_h: f64,
    /// E h².
    pub(super) h2: f64,
    /// E h̃h.
    pub(super) cross: f64,
}

/// Entropic averages at the p̂ that gives p.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entropic {
    pub(super) p_hat: f64,
    /// E ln 2cosh.
    pub(super) ln_2cosh: f64,
    /// 1 − q = E sech².
    pub(super) complement: f64,
    /// t = E tanh A tanh.
    pub(super) t: f64,
}

/// Splits at a layer `centre` ± widths.
fn layer(centre: f64, width: f64) -> impl Iterator<Item = f64> {
    LAYER.into_iter().map(move |x| centre + x * width)
}

/// Energetic averages at reference overlap p, self-overlap q and cross overlap t.
///
/// # Errors
/// `Absent` if the three overlaps are not those of any fields (γ ≤ 0).
pub(super) fn energetic(
    reference: &Reference,
    grid: &Grid,
    p: f64,
    q: Overlap,
    t: f64,
) -> Outcome<Energetic> {
    let covariance = reference.covariance();
    let kappa = reference.model().kappa;
    let (root, spread) = (reference.root_signal(), reference.spread());
    let a = reference.projection(t);
    let b = (covariance.value(p) - covariance.value(t)) / spread;
    let sigma2 = covariance.value(q) - a * a;
    let gamma = sigma2 - b * b;
    let gap = covariance.gap(q);
    if gamma.is_nan() || gamma <= 0.0 || gap.is_nan() || gap <= 0.0 {
        return Err(TheoryError::Absent(format!(
            "overlaps p = {p}, t = {t} exceed q = {}",
            q.value()
        )));
    }
    let (sigma, root_gamma, s) = (sigma2.sqrt(), gamma.sqrt(), gap.sqrt());
    let centre = if root > 0.0 { kappa / root } else { 0.0 };
    let offsets = [-4.0, -2.0, -0.8, -0.25, -0.06, 0.0, 0.06, 0.25, 0.8, 2.0, 4.0];
    let outer = grid.outer.gaussian(HALF_WIDTH, &splits_around(centre, &offsets));
    let [norm, ln_h, h2, cross] = outer.means(|x| {
        let big_x = (root * x - kappa) / spread;
        let reference_tail = Tail::at(-big_x);
        // Where the reference rarely stores (X < 0) the weight's mass lies at y = −bX/σ.
        let drift = -b * big_x.min(0.0) / sigma;
        let (low, high) = (drift.min(0.0) - HALF_WIDTH, drift.max(0.0) + HALF_WIDTH);
        let mut breaks: Vec<f64> = [-4.0, -1.5, 1.5, 4.0].map(|y| drift + y).to_vec();
        breaks.extend(layer((kappa - a * x) / sigma, s / sigma));
        breaks.extend(layer(-sigma * big_x / b, root_gamma / b.abs()));
        breaks.retain(|y| *y > low && *y < high);
        breaks.extend([low, high]);
        let inner = grid.inner.panels(&breaks);
        let [norm, ln_h, hazard2, hazard] = inner.means(|y| {
            // G(y)H(…)/H(−X) together: neither may underflow alone.
            let ln_weight = gaussian::ln_tail(-(sigma * big_x + b * y) / root_gamma)
                - reference_tail.ln_tail
                - 0.5 * y * y;
            let weight = gaussian::INV_SQRT_2PI * libm::exp(ln_weight);
            let there = Tail::at((kappa - a * x - sigma * y) / s);
            let weighted = weight * there.hazard;
            [weight, weight * there.ln_tail, weighted * there.hazard, weighted]
        });
        [norm, ln_h, hazard2, hazard * reference_tail.hazard]
    });
    Ok(Energetic { norm, ln_h, h2: h2 / (s * s), cross: cross / (s * spread) })
}

/// Entropic averages at conjugate parameters q̂ and t̂, with p̂ from p = E tanh.
///
/// # Errors
/// `NotConverged` if no p̂ is found.
pub(super) fn entropic(
    reference: &Reference,
    grid: &Grid,
    p: f64,
    q_hat: f64,
    t_hat: f64,
    start: f64,
) -> Outcome<Entropic> {
    let field = reference.point().q_hat.sqrt();
    let slope = if field > 0.0 { t_hat / field } else { 0.0 };
    let noise = (q_hat - slope * slope).max(0.0).sqrt();
    let outer = grid.outer.gaussian(HALF_WIDTH, &[-4.0, -1.5, 0.0, 1.5, 4.0]);
    // p̂ enters the place of the inner layer, so the nodes follow it once it is roughly known.
    let nodes = |p_hat: f64| -> Vec<[f64; 3]> {
        let mut nodes = Vec::new();
        for &(x, outer_weight) in outer.nodes() {
            let angle = libm::exp(-2.0 * field * x);
            let weight = 2.0 * outer_weight / (1.0 + angle);
            let tanh_a = (1.0 - angle) / (1.0 + angle);
            let mean = slope * x - t_hat;
            let mut splits: Vec<f64> = vec![-4.0, -1.5, 1.5, 4.0];
            splits.extend(layer(-(mean + p_hat) / noise, 1.0 / noise));
            for &(z, inner_weight) in grid.inner.gaussian(HALF_WIDTH, &splits).nodes() {
                nodes.push([weight * inner_weight, tanh_a, mean + noise * z]);
            }
        }
        nodes
    };
    let mut p_hat = start;
    let mut points = nodes(p_hat);
    let mut placed = p_hat;
    // E tanh rises with p̂: the root lies in between.
    let (mut below, mut above) = (f64::NEG_INFINITY, f64::INFINITY);
    for _ in 0..200 {
        let (mut excess, mut response) = (1.0 - p, 0.0);
        for &[weight, _, b] in &points {
            let (tanh, sech2) = gaussian::tanh_sech2(b + p_hat);
            // 1 − tanh without cancellation: p may be within rounding of 1.
            let rest = if tanh > 0.0 { sech2 / (1.0 + tanh) } else { 1.0 - tanh };
            excess -= weight * rest;
            response += weight * sech2;
        }
        if excess > 0.0 {
            above = p_hat;
        } else {
            below = p_hat;
        }
        let mut step = (-excess / response).clamp(-1.0, 1.0);
        let outside = p_hat + step <= below || p_hat + step >= above;
        if outside && step.abs() > 1e-9 && (above - below).is_finite() {
            step = 0.5 * (below + above) - p_hat;
        }
        p_hat += step;
        if (p_hat - placed).abs() > 0.2 {
            points = nodes(p_hat);
            placed = p_hat;
            (below, above) = (f64::NEG_INFINITY, f64::INFINITY);
            continue;
        }
        if step.abs() < 1e-12 * (1.0 + p_hat.abs()) {
            let [mut ln_2cosh, mut complement, mut t] = [0.0; 3];
            for &[weight, tanh_a, b] in &points {
                let (tanh, sech2) = gaussian::tanh_sech2(b + p_hat);
                ln_2cosh += weight * gaussian::ln_2cosh(b + p_hat);
                complement += weight * sech2;
                t += weight * tanh_a * tanh;
            }
            return Ok(Entropic { p_hat, ln_2cosh, complement, t });
        }
        if !p_hat.is_finite() || p_hat.abs() > 1e3 {
            break;
        }
    }
    Err(TheoryError::NotConverged(format!("no conjugate field gives the overlap p = {p}")))
}
