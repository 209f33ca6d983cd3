//! Approximate message passing for binary weights: state P·K + N, one sweep O(PN).
//!
//! With s = 1/√n, m_i the magnetisations, V_l = 1 − |m_l|²/n (at least 1e-4), and g_l^μ, −∂g_l^μ from the
//! pattern node,
//!
//! $$ \omega_l^\mu(t) = s \sum_i \xi_i^\mu m_i - V_l\ g_l^\mu(t-1), \qquad
//!    h_i = s \sum_\mu \xi_i^\mu g_l^\mu + a_l m_i, \qquad
//!    a_l = \frac1n \sum_\mu \left(-\partial g_l^\mu\right) . $$
//! What is done with the fields h (focusing, reinforcement, an external field) is the caller's.
//! At a fixed point m = tanh h of the plain iteration the Bethe entropy is in [`super::bethe`].
//! Both products are those of the sign-matrix kernel ([`crate::simd::sign_product`]); nothing allocates
//! after `new`. Deterministic: fixed order, f32 for fields, f64 for sums over patterns.

use super::node::{Block, LANES, Lanes, Node, NodeKind, Spread};
use crate::model::{Patterns, Storage};
use crate::simd::{Isa, SignMatrix, SumTable, Work, sign_product};

/// Least variance of a preactivation.
const LEAST_VARIANCE: f64 = 1e-4;

/// Message passing on one instance.
pub struct Amp {
    hidden: usize,
    inputs: usize,
    patterns: usize,
    /// P, padded to whole blocks of lanes.
    stride: usize,
    /// s.
    scale: f32,
    isa: Isa,
    /// Σ_i ξ_i m_i: the signs, m as look-up tables, the products.
    forward: (SignMatrix, SumTable, Vec<f32>),
    /// Σ_μ ξ_i g^μ: likewise.
    transposed: (SignMatrix, SumTable, Vec<f32>),
    labels: Vec<f32>,
    node: Node,
    spreads: Vec<Spread>,
    curvature: Vec<Lanes>,
    onsager: Vec<f32>,
    /// Σ_μ g_l².
    squares: Vec<f64>,
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
        let count = patterns.count();
        let stride = count.next_multiple_of(LANES);
        let products = |matrix: SignMatrix| {
            let table = SumTable::new(matrix.columns(), hidden, 1);
            let out = vec![0.0; table.len(&matrix)];
            (matrix, table, out)
        };
        let (rows, groups) = (patterns.rows(), patterns.groups());
        let label = |mu| if mu < count { patterns.label(mu) as f32 } else { 0.0 };
        Some(Self {
            hidden,
            inputs: n,
            patterns: count,
            stride,
            scale: (1.0 / (n as f64).sqrt()) as f32,
            isa: Isa::selected(),
            forward: products(SignMatrix::forward(rows, groups, n)),
            transposed: products(SignMatrix::transposed(rows, groups, n)),
            labels: (0..stride).map(label).collect(),
            node,
            spreads: vec![Spread::default(); hidden],
            curvature: vec![[0.0; LANES]; hidden],
            onsager: vec![0.0; hidden],
            squares: vec![0.0; hidden],
            omega: vec![0.0; hidden * stride],
            magnetization: vec![0.0; hidden * n],
            gradient: vec![0.0; hidden * stride],
            field: vec![0.0; hidden * n],
        })
    }

    /// One sweep: the fields h of the present magnetisations.
    pub fn sweep(&mut self) {
        self.preactivations();
        self.isa.run(Nodes(self));
        self.fields();
    }

    /// ω, with the reaction of the previous g.
    fn preactivations(&mut self) {
        let (n, stride) = (self.inputs, self.stride);
        let (matrix, table, products) = &mut self.forward;
        for l in 0..self.hidden {
            let m = &self.magnetization[l * n..(l + 1) * n];
            let norm2: f64 = m.iter().map(|&m| f64::from(m) * f64::from(m)).sum();
            self.spreads[l] = Spread::new((1.0 - norm2 / n as f64).max(LEAST_VARIANCE));
            table.set(self.isa, 0, l, m);
        }
        sign_product(self.isa, matrix, table, products);
        for (l, spread) in self.spreads.iter().enumerate() {
            let row = l * stride..(l + 1) * stride;
            let omega = self.omega[row.clone()].iter_mut().zip(&self.gradient[row]);
            for ((omega, &g), &sum) in omega.zip(&products[table.at(matrix, 0, l)]) {
                *omega = self.scale * sum - spread.variance * g;
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

    fn fields(&mut self) {
        let n = self.inputs;
        let (matrix, table, products) = &mut self.transposed;
        for l in 0..self.hidden {
            table.set(self.isa, 0, l, &self.gradient[l * self.stride..][..self.patterns]);
        }
        sign_product(self.isa, matrix, table, products);
        for (l, &onsager) in self.onsager.iter().enumerate() {
            let unit = l * n..(l + 1) * n;
            let field = self.field[unit.clone()].iter_mut().zip(&self.magnetization[unit]);
            for ((field, &m), &sum) in field.zip(&products[table.at(matrix, 0, l)]) {
                *field = self.scale * sum + onsager * m;
            }
        }
    }

    /// Σ_μ [ln Z_μ + ½ Σ_l V_l g_l²]: what the patterns add to the Bethe free entropy
    /// ([`super::bethe`]), at the messages of the last sweep.
    pub fn pattern_terms(&mut self) -> f64 {
        self.reaction() + self.ln_z()
    }

    /// The same by one more sweep from the present m and g, as a function of these: stationary in
    /// both where the messages rest, since V g² and ω then hold the same g.
    pub fn stationary_terms(&mut self) -> f64 {
        let rows = self.gradient.chunks(self.stride.max(1));
        for (square, row) in self.squares.iter_mut().zip(rows) {
            *square = row.iter().map(|&g| f64::from(g) * f64::from(g)).sum();
        }
        self.sweep();
        let units = self.squares.iter().zip(&self.spreads);
        let reaction: f64 = units.map(|(g2, spread)| 0.5 * f64::from(spread.variance) * g2).sum();
        reaction + self.ln_z()
    }

    /// Σ_μ ln Z_μ at the ω of the last sweep.
    fn ln_z(&mut self) -> f64 {
        let mut sum = 0.0;
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

/// The pattern nodes, to be compiled for an instruction set.
struct Nodes<'a>(&'a mut Amp);

impl Work for Nodes<'_> {
    #[inline(always)]
    fn run(self) {
        self.0.nodes();
    }
}
