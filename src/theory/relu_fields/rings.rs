//! Rings of points for symmetric functions of three deviations.
//!
//! Deviations of zero sum are a plane, in polar coordinates x_l = √(2/3) ρ cos(φ − 2πl/3). Sorted
//! descending, 0 ≤ φ ≤ π/3, with x₂ = x₃ at φ = 0 and x₁ = x₂ at π/3. f continues evenly beyond both, and
//! its mean over φ is an even function f̄(ρ), so that both integrals are sums at equal steps of
//!
//! $$ \rho = r \sinh\frac{u}{r}, \qquad \tan\tfrac32\varphi = \varepsilon \tan\tfrac32 s : $$
//!
//! u at multiples of a step h with the weights h²c_i of |u|,
//! c_i = (2/π)(i Si(iπ) + (−1)^i/π), exact for even band-limited functions; s in the middle of N intervals,
//! whose error e^{−6Ny} comes from the zero of P nearest to the real axis, at Im s = y. Zeros lie
//! at a distance `sharp` from x₂ = x₃, where two units compete for being the second one on, and no nearer than
//! [`WIDE`] elsewhere; ε moves both equally far away. Deterministic.

use super::LARGEST;
use crate::theory::quadrature::Legendre;
use std::f64::consts::{FRAC_PI_3, PI};

/// Distance of the zeros of P from x₁ = x₂.
const WIDE: f64 = 3.0;
/// r, beyond which rings lie further apart.
const BEND: f64 = 2.0;

/// How densely the rings lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rings {
    /// Distance of the zeros of P from x₂ = x₃.
    pub sharp: f64,
    /// −ln of the relative error.
    pub digits: f64,
}

impl Rings {
    /// Calls `each` with points and their areas, for ∫f e^{−ρ²/2} over the plane; h = `step`.
    pub fn visit(self, step: f64, mut each: impl FnMut([f64; LARGEST], f64)) {
        // Beyond this radius the Gaussian weight alone is below the error.
        let furthest = BEND * libm::asinh((2.0 * self.digits).sqrt() / BEND);
        for (i, of_radius) in moduli((furthest / step) as usize).into_iter().enumerate() {
            let u = i as f64 * step;
            let radius = BEND * libm::sinh(u / BEND);
            // ρ dρ = |u| du · this.
            let stretch = if i == 0 { 1.0 } else { radius / u * libm::cosh(u / BEND) };
            let area = 2.0 * PI * of_radius * step * step * stretch;
            self.ring(radius, |fields, share| each(fields, area * share));
        }
    }

    /// The mean over φ.
    fn ring(self, radius: f64, mut each: impl FnMut([f64; LARGEST], f64)) {
        let tangent = |distance: f64| libm::tanh(1.5 * distance / radius);
        let (sharp, wide) = (tangent(self.sharp), tangent(WIDE));
        let epsilon = (sharp / wide).sqrt();
        let y = libm::atanh((sharp * wide).sqrt()) / 1.5;
        let digits = self.digits - 0.5 * radius * radius;
        let count = (digits / (6.0 * y)).ceil().max(1.0);
        for j in 0..count as u32 {
            let tan = libm::tan(1.5 * FRAC_PI_3 * (f64::from(j) + 0.5) / count);
            let phi = libm::atan(epsilon * tan) / 1.5;
            let slope = epsilon * (1.0 + tan * tan) / (1.0 + epsilon * epsilon * tan * tan);
            let field = |turn: f64| (2.0f64 / 3.0).sqrt() * radius * libm::cos(phi + turn);
            each([0.0, -2.0 * FRAC_PI_3, 2.0 * FRAC_PI_3].map(field), slope / count);
        }
    }
}

/// ½c_0, then c_i up to `last`: ∫_0^∞ u f(u) du ≈ h² Σ_i c_i f(ih).
fn moduli(last: usize) -> Vec<f64> {
    let sine = Legendre::new(14);
    let mut integral = 0.0;
    let weight = |i: usize| {
        if i > 0 {
            let [from, to] = [i - 1, i].map(|i| i as f64 * PI);
            integral += sine.panels(&[from, to]).mean(|t| libm::sin(t) / t);
        }
        let sign = if i.is_multiple_of(2) { 1.0 } else { -1.0 };
        let half = if i == 0 { 0.5 } else { 1.0 };
        half * 2.0 / PI * (i as f64 * integral + sign / PI)
    };
    (0..=last).map(weight).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E ln Σ e^{−βx_l}, which has the zeros of two competing units where x₂ = x₃, against a fine hexagonal
    /// lattice; without the points drawn towards x₂ = x₃ it is missed by far.
    #[test]
    fn competing_units() {
        const BETA: f64 = 6.0;
        let f = |x: [f64; LARGEST]| {
            let least = x.iter().copied().fold(f64::INFINITY, f64::min);
            libm::log(x.iter().map(|x| libm::exp(-BETA * (x - least))).sum()) - BETA * least
        };
        let weight =
            |x: [f64; LARGEST]| libm::exp(-0.5 * x.iter().map(|x| x * x).sum::<f64>()) / (2.0 * PI);
        // (x₁ − x₂, x₂ − x₃) ∈ step·Z², in cells of the area step²/√3.
        let step = 0.06;
        let mut exact = 0.0;
        for (i, j) in (-200..=200).flat_map(|i| (-200..=200).map(move |j| (i, j))) {
            let (a, b) = (f64::from(i) * step, f64::from(j) * step);
            let x = [(2.0 * a + b) / 3.0, (b - a) / 3.0, -(a + 2.0 * b) / 3.0];
            exact += step * step / 3f64.sqrt() * weight(x) * f(x);
        }
        let by_rings = |sharp: f64, digits: f64| {
            let (mut total, mut points) = (0.0, 0);
            Rings { sharp, digits }.visit(0.1, |x, area| {
                total += area * weight(x) * f(x);
                points += 1;
            });
            (total / exact - 1.0, points)
        };
        // Zeros at x₂ − x₃ = ±iπ/β.
        let sharp = PI / BETA / 2f64.sqrt();
        let (error, points) = by_rings(sharp, 29.0);
        assert!(error.abs() < 1e-9 && points < 600, "{error:e} {points}");
        let (error, more) = by_rings(WIDE, 60.0);
        assert!(error.abs() > 1e-6, "{error:e} {more}");
    }

    /// ∫_0^∞ u e^{−u²/2} cos(bu) du is even in u but for |u|.
    #[test]
    fn weights_of_the_modulus() {
        let h = 0.35;
        let mean = |f: &dyn Fn(f64) -> f64| -> f64 {
            let moduli = moduli(60).into_iter().enumerate();
            moduli.map(|(i, c)| h * h * c * f(i as f64 * h)).sum()
        };
        let gaussian = |u: f64| libm::exp(-0.5 * u * u);
        assert!((mean(&gaussian) - 1.0).abs() < 1e-14);
        // 1 − b e^{−b²/2} ∫_0^b e^{t²/2} dt.
        let b = 1.5;
        let dawson = Legendre::new(30).panels(&[0.0, b]).mean(|t| libm::exp(0.5 * t * t));
        let exact = 1.0 - b * gaussian(b) * dawson;
        assert!((mean(&|u| gaussian(u) * libm::cos(b * u)) - exact).abs() < 1e-13);
    }
}
