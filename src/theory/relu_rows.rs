//! K ReLU units: the rows whose scalar products are P(Δ > κ).
//!
//! P is a bilinear form in the characteristic functions of the two groups of K/2 units along the
//! contour of [`super::relu_contour`]. A row is that function for one multiset of nodes of a coset of
//! the lattice D_K^* ([`super::lattice`]), with its derivative by q; all pairs of rows of a coset
//! together are the lattice's points. Deterministic, whatever the instruction set.

use super::gaussian;
use super::lattice::Lattice;
use super::multiset::{Multiset, multisets};
use super::quadrature::Rule;
use super::relu_contour::{Contour, factor};
use crate::simd::Work;
use num_complex::Complex64;

/// The product rule over both groups.
#[derive(Clone, Debug)]
pub struct Fields {
    /// The cosets.
    pub cosets: [Coset; 2],
    /// Pairs of smaller weight are dropped.
    pub cut: f64,
}

/// One coset: its nodes, and multisets of them for one group, the heaviest first.
#[derive(Clone, Debug)]
pub struct Coset {
    /// x.
    pub nodes: Vec<f64>,
    /// The multisets.
    pub multisets: Vec<Multiset>,
}

impl Fields {
    /// The lattice D_K^* of step `step` without pairs of weight below `cut`.
    pub fn new(units: usize, step: f64, cut: f64) -> Self {
        let lattice = Lattice::new(units, step, cut);
        let cosets = lattice.cosets().each_ref().map(|nodes| {
            let rule = Rule::from_nodes(nodes.iter().map(|n| (n.x, n.weight)).collect());
            let mut multisets = multisets(&rule, units / 2);
            multisets.retain(|m| m.weight * lattice.cell() > cut);
            multisets.sort_by(|a, b| b.weight.total_cmp(&a.weight));
            Coset { nodes: nodes.iter().map(|n| n.x).collect(), multisets }
        });
        Self { cosets, cut: cut / lattice.cell() }
    }
}

/// Along the contour, one multiset of one group: F as (Re, Im) pairs, for the group that must be
/// the larger times the weights, so that Re ΣW F_a F_b is a dot product; and the probability that
/// all units are off. Each with its derivative by q.
#[derive(Clone, Debug)]
pub struct Row {
    /// Of the multiset.
    pub weight: f64,
    values: Vec<f64>,
    by_q: Vec<f64>,
    /// The probability that all units are off, and its derivative.
    pub off: [f64; 2],
}

/// What both groups share at one q.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The rule for P.
    pub contour: Contour,
    /// √(q/(1−q)).
    pub ratio: f64,
    /// Its derivative by q.
    pub ratio_by_q: f64,
}

/// The rows of every multiset of `coset`, for the larger or the smaller group.
pub fn rows(coset: &Coset, machine: &Machine, larger: bool, distance_by_q: f64) -> Vec<Row> {
    let &Machine { ref contour, ratio, ratio_by_q } = machine;
    // Per node: H(r), and along the contour ψ and E₊; by_q are derivatives by q.
    let off: Vec<[f64; 2]> = coset
        .nodes
        .iter()
        .map(|&x| {
            let r = ratio * x;
            [gaussian::tail(r), -gaussian::density(r) * x * ratio_by_q]
        })
        .collect();
    let unit: Vec<Vec<[Complex64; 3]>> = coset
        .nodes
        .iter()
        .map(|&x| {
            let psi = |&(s, _): &(Complex64, Complex64)| {
                let [psi, by_r, _, on] = factor(ratio * x, if larger { s } else { -s });
                [psi, by_r * (x * ratio_by_q), on]
            };
            contour.nodes.iter().map(psi).collect()
        })
        .collect();
    let make = |multiset: &Multiset| {
        let indices = multiset.indices();
        let all_off = indices.iter().fold([1.0, 0.0], |[h, by_q], &i| {
            let [own, own_by_q] = off[usize::from(i)];
            [h * own, by_q * own + h * own_by_q]
        });
        // Eight at a time.
        let width = (2 * contour.nodes.len()).next_multiple_of(LANES);
        let mut row = Row {
            weight: multiset.weight,
            values: Vec::with_capacity(width),
            by_q: Vec::with_capacity(width),
            off: all_off,
        };
        // Units that are all off exceed no k > 0: without that atom small probabilities do not arise
        // as differences. F − ΠH unit by unit, so that it does not either.
        let without_atom = larger && contour.base == 0.0;
        let (zero, one) = (Complex64::new(0.0, 0.0), Complex64::new(1.0, 0.0));
        let start = [if without_atom { zero } else { one }, zero];
        for (j, &(s, weight)) in contour.nodes.iter().enumerate() {
            let mut atom = [if without_atom { 1.0 } else { 0.0 }, 0.0];
            let [mut f, mut by_q] = indices.iter().fold(start, |[f, by_q], &i| {
                let [psi, psi_by_q, on] = unit[usize::from(i)][j];
                let [h, h_by_q] = off[usize::from(i)];
                let next = [
                    f * psi + on * atom[0],
                    by_q * psi + f * psi_by_q + on * atom[1] + (psi_by_q - h_by_q) * atom[0],
                ];
                atom = [atom[0] * h, atom[1] * h + atom[0] * h_by_q];
                next
            });
            if larger {
                // e^{−isk} depends on q too.
                by_q += f * Complex64::new(s.im, -s.re) * distance_by_q;
                (f, by_q) = ((f * weight).conj(), (by_q * weight).conj());
            }
            row.values.extend([f.re, f.im]);
            row.by_q.extend([by_q.re, by_q.im]);
        }
        row.values.resize(width, 0.0);
        row.by_q.resize(width, 0.0);
        row
    };
    coset.multisets.iter().map(make).collect()
}

/// A bound of P: the integrand near the saddle point, where the contour begins.
pub fn bound(contour: &Contour, row: &Row, other: &Row) -> f64 {
    if contour.base != 0.0 {
        return 1.0;
    }
    let size = |values: &[f64]| libm::hypot(values[0], values[1]);
    size(&row.values) * size(&other.values) / contour.nodes[0].1.norm() * contour.envelope
}

/// Partial sums of a dot product.
const LANES: usize = 8;

/// The bilinear forms of one row with others and, with `SLOPE`, their derivatives by q. Sums run
/// in [`LANES`] parts whatever the instruction set.
#[derive(Debug)]
pub struct Forms<'a, const SLOPE: bool> {
    /// Of the larger group.
    pub row: &'a Row,
    /// Of the smaller group.
    pub others: &'a [Row],
    /// Where they go.
    pub forms: &'a mut Vec<[f64; 2]>,
}

impl<const SLOPE: bool> Work for Forms<'_, SLOPE> {
    #[inline(always)]
    fn run(self) {
        self.forms.clear();
        for other in self.others {
            let (mut sums, mut slopes) = ([0.0; LANES], [0.0; LANES]);
            let rows = self.row.values.chunks_exact(LANES).zip(other.values.chunks_exact(LANES));
            if SLOPE {
                let by_q = self.row.by_q.chunks_exact(LANES).zip(other.by_q.chunks_exact(LANES));
                for ((a, b), (a_by_q, b_by_q)) in rows.zip(by_q) {
                    for i in 0..LANES {
                        sums[i] += a[i] * b[i];
                        slopes[i] += a_by_q[i] * b[i] + a[i] * b_by_q[i];
                    }
                }
            } else {
                for (a, b) in rows {
                    for i in 0..LANES {
                        sums[i] += a[i] * b[i];
                    }
                }
            }
            self.forms.push([total(sums), total(slopes)]);
        }
    }
}

#[inline(always)]
fn total(sums: [f64; LANES]) -> f64 {
    (sums[0] + sums[4]) + (sums[1] + sums[5]) + (sums[2] + sums[6]) + (sums[3] + sums[7])
}
