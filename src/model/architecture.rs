//! The tree committee machine's shape: N inputs in K disjoint groups of n = N/K.

use serde::{Deserialize, Serialize};

/// Whether hidden units see disjoint inputs or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Connectivity {
    /// Unit l sees inputs [l·n, (l+1)·n): the model of the theory.
    #[default]
    Tree,
    /// Every unit sees all inputs of the pattern; N then counts all *weights*, so that the
    /// pattern has n = N/K entries. Used to meet published programs on their own problem.
    Full,
}

/// Shape of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Architecture {
    inputs: usize,
    hidden: usize,
    connectivity: Connectivity,
}

impl Architecture {
    /// A tree of `inputs` = N inputs and `hidden` = K units. `None` unless 1 ≤ K and K divides N.
    pub fn tree(inputs: usize, hidden: usize) -> Option<Self> {
        Self::new(inputs, hidden, Connectivity::Tree)
    }

    /// A machine with `inputs` = N weights in all. `None` unless 1 ≤ K and K divides N ≥ K.
    pub fn new(inputs: usize, hidden: usize, connectivity: Connectivity) -> Option<Self> {
        (hidden >= 1 && inputs >= hidden && inputs.is_multiple_of(hidden)).then_some(Self {
            inputs,
            hidden,
            connectivity,
        })
    }

    /// N: weights in all (for a tree also the inputs in all).
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// K: hidden units.
    pub fn hidden(&self) -> usize {
        self.hidden
    }

    /// n = N/K: inputs of one unit.
    pub fn unit_inputs(&self) -> usize {
        self.inputs / self.hidden
    }

    /// Entries of one pattern: N for a tree, n for full connectivity.
    pub fn pattern_len(&self) -> usize {
        match self.connectivity {
            Connectivity::Tree => self.inputs,
            Connectivity::Full => self.unit_inputs(),
        }
    }

    /// Tree or full.
    pub fn connectivity(&self) -> Connectivity {
        self.connectivity
    }
}
