//! Multisets of quadrature nodes: a K-fold product rule for symmetric integrands.
//!
//! Over K exchangeable variables, with multiplicities m_i,
//!
//! $$ \int \prod_{l=1}^K Dx_l\ f = \sum_{i_1 \le \dots \le i_K} \frac{K!}{\prod_i m_i!}
//!    \prod_{l=1}^K w_{i_l}\ f(x_{i_1}, \dots, x_{i_K}) : $$
//!
//! C(n+K−1, K) terms instead of n^K.

use super::quadrature::Rule;

/// Largest K.
const LARGEST: usize = 9;
/// Terms of smaller weight are dropped: their sum is below the rounding of the total.
const NEGLIGIBLE: f64 = 1e-22;

/// One multiset and its weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Multiset {
    indices: [u8; LARGEST],
    size: u8,
    /// Multinomial coefficient times the product of weights.
    pub weight: f64,
}

impl Multiset {
    /// Node indices, ascending.
    pub fn indices(&self) -> &[u8] {
        &self.indices[..usize::from(self.size)]
    }
}

/// All multisets of `size` ≤ 9 nodes of `rule` (at most 256 nodes).
pub fn multisets(rule: &Rule, size: usize) -> Vec<Multiset> {
    assert!(size <= LARGEST && rule.nodes().len() <= 256, "K-fold quadrature out of range");
    let mut found = Vec::new();
    let start = Multiset { indices: [0; LARGEST], size: size as u8, weight: 1.0 };
    extend(rule, start, 0, 0, 0, &mut found);
    found
}

/// Appends node `first` or a later one at position `depth`; `run` equal nodes precede.
fn extend(
    rule: &Rule,
    partial: Multiset,
    depth: usize,
    first: usize,
    run: usize,
    found: &mut Vec<Multiset>,
) {
    if depth == usize::from(partial.size) {
        found.push(partial);
        return;
    }
    for i in first..rule.nodes().len() {
        let run = if depth > 0 && i == first { run + 1 } else { 1 };
        let mut next = partial;
        next.indices[depth] = i as u8;
        // (depth + 1)/run builds up K!/Π m_i!.
        next.weight *= rule.nodes()[i].1 * (depth + 1) as f64 / run as f64;
        if next.weight > NEGLIGIBLE {
            extend(rule, next, depth + 1, i, run, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::quadrature::hermite;

    /// A symmetric function, against the plain product rule; the norm for every K.
    #[test]
    fn equals_the_product_rule() {
        let rule = hermite(7);
        let f = |x: &[f64]| {
            libm::exp(0.3 * x.iter().sum::<f64>()) * x.iter().map(|v| v * v).sum::<f64>()
        };
        let mut product = 0.0;
        for &(a, wa) in rule.nodes() {
            for &(b, wb) in rule.nodes() {
                for &(c, wc) in rule.nodes() {
                    product += wa * wb * wc * f(&[a, b, c]);
                }
            }
        }
        let sum: f64 = multisets(&rule, 3)
            .iter()
            .map(|m| {
                let x: Vec<f64> =
                    m.indices().iter().map(|&i| rule.nodes()[usize::from(i)].0).collect();
                m.weight * f(&x)
            })
            .sum();
        assert!((sum / product - 1.0).abs() < 1e-13);
        for size in 1..=9 {
            let norm: f64 = multisets(&rule, size).iter().map(|m| m.weight).sum();
            assert!((norm - 1.0).abs() < 1e-13, "{size}");
        }
    }
}
