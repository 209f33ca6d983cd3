//! Approximate message passing for binary weights: state P·K + N, one sweep O(PN).
//!
//! With s = 1/√n, m_i the magnetisations, V_l = 1 − |m_l|²/n (at least 1e-4):
//!   ω_l^μ = s Σ_i ξ_i m_i − V_l g_l^μ(previous),
//!   (g, −∂g)_l^μ from the pattern node,
//!   h_i = s Σ_μ ξ_i g_l^μ + a_l m_i,   a_l = (1/n) Σ_μ (−∂g_l^μ).
//! What is done with the fields h (focusing, reinforcement, an external field) is the caller's.
//! At a fixed point m = tanh h of the plain iteration the Bethe entropy is in [`super::bethe`].
//! Both products are table look-ups ([`super::products`]); nothing allocates after `new`.
//! Deterministic: fixed order, f32 for fields, f64 for sums over patterns.

use super::node::{Block, LANES, Lanes, Node, NodeKind, Spread};
use super::products::Tables;
use crate::model::{Columns, Patterns, Storage};

/// Least variance of a preactivation.
const LEAST_VARIANCE: f64 = 1e-4;

/// Message passing on one instance.
pub struct Amp {
    hidden: usize,
    inputs: usize,
    patterns: usize,
    /// P, padded to whole words.
    stride: usize,
    /// s.
    scale: f32,
    /// Patterns by unit word: group, word of the unit, pattern.
    rows: Vec<u64>,
    /// The transpose: input of the pattern's group, grouped as group, word of patterns, input.
    columns: Vec<u64>,
    groups: usize,
    labels: Vec<f32>,
    node: Node,
    tables: Tables,
    spreads: Vec<Spread>,
    curvature: Vec<Lanes>,
    onsager: Vec<f32>,
    omega: Vec<f32>,
    /// Magnetisations m, N.
    pub magnetization: Vec<f32>,
    /// g, K × stride.
    pub gradient: Vec<f32>,
    /// Fields h, N: the outcome of [`Self::sweep`].
    pub field: Vec<f32>,
}

impl Amp {
    /// Message passing with m = 0, g = 0. `None` if the activation has no node.
    pub fn new(storage: &Storage, patterns: &Patterns, kind: NodeKind) -> Option<Self> {
        let node = Node::new(storage, kind)?;
        let architecture = storage.architecture();
        let (hidden, n) = (architecture.hidden(), architecture.unit_inputs());
        let (groups, words) = (patterns.groups(), patterns.group_words());
        let count = patterns.count();
        let pattern_words = count.div_ceil(64);
        let stride = pattern_words * 64;
        let mut rows = vec![0; groups * words * stride];
        for group in 0..groups {
            for mu in 0..count {
                for (word, &bits) in patterns.unit_row(mu, group).iter().enumerate() {
                    rows[(group * words + word) * stride + mu] = bits;
                }
            }
        }
        let transposed = Columns::new(patterns);
        let mut columns = vec![0; groups * pattern_words * n];
        for group in 0..groups {
            for i in 0..n {
                for (word, &bits) in transposed.column(group * n + i).iter().enumerate() {
                    columns[(group * pattern_words + word) * n + i] = bits;
                }
            }
        }
        let label = |mu| if mu < count { patterns.label(mu) as f32 } else { 0.0 };
        Some(Self {
            hidden,
            inputs: n,
            patterns: count,
            stride,
            scale: (1.0 / (n as f64).sqrt()) as f32,
            rows,
            columns,
            groups,
            labels: (0..stride).map(label).collect(),
            node,
            tables: Tables::default(),
            spreads: vec![Spread::default(); hidden],
            curvature: vec![[0.0; LANES]; hidden],
            onsager: vec![0.0; hidden],
            omega: vec![0.0; hidden * stride],
            magnetization: vec![0.0; hidden * n],
            gradient: vec![0.0; hidden * stride],
            field: vec![0.0; hidden * n],
        })
    }

    /// One sweep: the fields h of the present magnetisations.
    pub fn sweep(&mut self) {
        self.preactivations();
        self.nodes();
        self.fields();
    }

    /// ω, with the reaction of the previous g.
    #[inline(always)]
    fn preactivations(&mut self) {
        let (n, stride) = (self.inputs, self.stride);
        let words = n.div_ceil(64);
        for l in 0..self.hidden {
            let m = &self.magnetization[l * n..(l + 1) * n];
            let norm2: f64 = m.iter().map(|&m| f64::from(m) * f64::from(m)).sum();
            let spread = Spread::new((1.0 - norm2 / n as f64).max(LEAST_VARIANCE));
            self.spreads[l] = spread;
            let row = l * stride..(l + 1) * stride;
            let omega = &mut self.omega[row.clone()];
            omega.fill(0.0);
            let group = if self.groups == 1 { 0 } else { l };
            for (word, chunk) in m.chunks(64).enumerate() {
                let at = (group * words + word) * stride;
                self.tables.accumulate(chunk, &self.rows[at..at + stride], omega);
            }
            for (omega, &g) in omega.iter_mut().zip(&self.gradient[row]) {
                *omega = self.scale * *omega - spread.variance * g;
            }
        }
    }

    #[inline(always)]
    fn nodes(&mut self) {
        self.curvature.fill([0.0; LANES]);
        for at in (0..self.stride).step_by(LANES) {
            let label = self.labels[at..at + LANES].try_into().expect("a block has LANES labels");
            self.node.block(
                &self.spreads,
                Block {
                    omega: &self.omega,
                    g: &mut self.gradient,
                    curvature: &mut self.curvature,
                    stride: self.stride,
                    at,
                    label,
                },
            );
        }
        for (onsager, lanes) in self.onsager.iter_mut().zip(&self.curvature) {
            let sum: f64 = lanes.iter().map(|&x| f64::from(x)).sum();
            *onsager = (sum / self.inputs as f64) as f32;
        }
    }

    #[inline(always)]
    fn fields(&mut self) {
        let (n, pattern_words) = (self.inputs, self.stride / 64);
        self.field.fill(0.0);
        for l in 0..self.hidden {
            let unit = l * n..(l + 1) * n;
            let field = &mut self.field[unit.clone()];
            let group = if self.groups == 1 { 0 } else { l };
            for word in 0..pattern_words {
                let at = (group * pattern_words + word) * n;
                let g = &self.gradient[l * self.stride + 64 * word..][..64];
                self.tables.accumulate(g, &self.columns[at..at + n], field);
            }
            for (field, &m) in field.iter_mut().zip(&self.magnetization[unit]) {
                *field = self.scale * *field + self.onsager[l] * m;
            }
        }
    }

    /// Σ_μ [ln Z_μ + ½ Σ_l V_l g_l²]: what the patterns add to the Bethe free entropy
    /// ([`super::bethe`]), at the messages of the last sweep.
    pub fn pattern_terms(&mut self) -> f64 {
        let mut sum = self.reaction();
        for mu in 0..self.patterns {
            let at = (self.stride, mu);
            sum += self.node.ln_z(&self.spreads, &self.omega, at, self.labels[mu]);
        }
        sum
    }

    /// ½ Σ_μl V_l g_l².
    pub fn reaction(&self) -> f64 {
        let rows = self.gradient.chunks(self.stride.max(1)).zip(&self.spreads);
        rows.map(|(row, spread)| {
            let sum: f64 = row.iter().map(|&g| f64::from(g) * f64::from(g)).sum();
            0.5 * f64::from(spread.variance) * sum
        })
        .sum()
    }

    /// P.
    pub fn patterns(&self) -> usize {
        self.patterns
    }
}
