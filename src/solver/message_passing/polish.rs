//! The finish: a near miss of message passing (a few patterns not stored) is completed by annealed
//! single flips, focused on the patterns that fail.
//!
//! Energy E = Σ_μ max(0, b − x^μ), the shortfall of the integer stabilities below b, the first
//! value that stores. A proposal takes a failing pattern and a random weight whose flip raises its
//! x (Seitz, Alava, Orponen, J. Stat. Mech. P06006: focused Metropolis search) and accepts with
//! min(1, e^{−βΔE/2}), a flip changing x by two. Ends when no pattern fails or after a fixed
//! number of proposals. A proposal and a flip are one pass each of the kernels ([`crate::simd`]),
//! O(P). Integer state, deterministic, no allocation after construction.

use super::node::first_storing;
use crate::rng::Stream;
use crate::simd::{Energy, FlipColumns, FlipState, Isa};
use crate::solver::{Instance, single_flip};

/// A configuration with its integer preactivations and stabilities.
pub struct Polish {
    isa: Isa,
    columns: FlipColumns,
    state: FlipState,
    inputs: usize,
    sites: u64,
    threshold: i64,
    /// Patterns that fail.
    failing: Vec<u32>,
}

impl Polish {
    /// Work space for one instance.
    ///
    /// # Panics
    /// If the machine did not pass [`single_flip::check`].
    pub fn new(instance: &Instance) -> Self {
        let (isa, storage) = (Isa::selected(), &instance.storage);
        let (columns, state) = single_flip::machine(isa, instance, first_storing(storage));
        let architecture = storage.architecture();
        Self {
            isa,
            columns,
            state,
            inputs: architecture.unit_inputs(),
            sites: architecture.inputs() as u64,
            threshold: storage.threshold(),
            failing: Vec::with_capacity(instance.patterns.count()),
        }
    }

    /// The present weights, packed like [`crate::model::Weights::Binary`].
    pub fn weights(&self) -> &[u64] {
        self.state.weights()
    }

    /// Patterns that fail now.
    pub fn errors(&self) -> usize {
        self.state.errors()
    }

    /// Starts from `weights`.
    pub fn load(&mut self, weights: &[u64]) {
        self.state.load(self.isa, &self.columns, weights);
        self.list_failing();
    }

    /// Anneals from the present state with `proposals` proposals, β from `beta.0` to `beta.1`
    /// (linear). Returns the proposals made.
    pub fn anneal(&mut self, proposals: u64, beta: (f64, f64), stream: &mut Stream) -> u64 {
        for made in 0..proposals {
            if self.failing.is_empty() {
                return made;
            }
            let beta = beta.0 + (beta.1 - beta.0) * (made as f64 / proposals as f64);
            let chosen = stream.below(self.failing.len() as u64) as usize;
            let mu = self.failing[chosen] as usize;
            // A weight whose flip raises x of μ; a bounded number of tries.
            let Some((unit, input)) = (0..64).find_map(|_| {
                let site = stream.below(self.sites) as usize;
                let (unit, input) = (site / self.inputs, site % self.inputs);
                let gain = self.state.gain(&self.columns, unit, input, mu);
                (gain > 0).then_some((unit, input))
            }) else {
                continue;
            };
            let change = self.state.propose(self.isa, &self.columns, Energy::Hinge, unit, input);
            if change <= 0 || stream.uniform() < libm::exp(-0.5 * beta * change as f64) {
                self.state.flip(self.isa, &self.columns, unit, input);
                self.list_failing();
            }
        }
        proposals
    }

    fn list_failing(&mut self) {
        self.failing.clear();
        let stabilities = self.state.stabilities().enumerate();
        let failing = stabilities.filter(|&(_, x)| i64::from(x) <= self.threshold);
        self.failing.extend(failing.map(|(mu, _)| mu as u32));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Activation, Architecture, Storage, WeightKind, Weights};
    use crate::rng::Purpose;

    /// The incremental state is that of the definition, and a light load is all but stored
    /// from random weights.
    #[test]
    fn bookkeeping_matches_the_definition_and_light_loads_are_nearly_solved() {
        for (activation, hidden, n) in
            [(Activation::Relu, 4, 63), (Activation::Sign, 5, 51), (Activation::Identity, 1, 201)]
        {
            let architecture = Architecture::tree(hidden * n, hidden).unwrap();
            let storage = Storage::new(architecture, activation, 0.0);
            let kind = WeightKind::Binary;
            let instance = Instance::random(storage, kind, hidden * n / 8, 9, 0);
            let mut stream = Stream::new(9, Purpose::Test, &[hidden as u64]);
            let Weights::Binary(bits) = Weights::random_binary(architecture, &mut stream) else {
                panic!("binary weights")
            };
            let errors =
                |bits: &[u64]| storage.errors(&instance.patterns, &Weights::Binary(bits.to_vec()));
            let mut polish = Polish::new(&instance);
            polish.load(&bits);
            assert_eq!(polish.errors(), errors(&bits));
            let start = polish.errors();
            for _ in 0..40 {
                polish.anneal(50, (1.0, 1.0), &mut stream);
                assert_eq!(polish.errors(), errors(polish.weights()), "{activation:?}");
                assert_eq!(polish.failing.len(), polish.errors(), "{activation:?}");
            }
            // From half of the patterns failing; frozen or misdirected moves leave most of them.
            polish.anneal(20_000, (0.3, 3.0), &mut stream);
            assert!(2 * polish.errors() <= start, "{activation:?}: {}", polish.errors());
        }
    }
}
