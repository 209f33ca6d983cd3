//! The laws compared by the joint fit: u(K) and a(K).

use crate::scaling::extrapolation::Approach;
use serde::{Serialize, Serializer};

/// How the limit N → ∞ approaches its own limit in K.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decay {
    /// K^(−1).
    Inverse,
    /// K^(−1/2).
    Root,
    /// 2^(−K).
    Halving,
}

impl Serialize for Decay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.formula())
    }
}

impl Decay {
    /// u(K).
    pub(super) fn at(self, hidden: u64) -> f64 {
        let k = hidden as f64;
        match self {
            Decay::Inverse => 1.0 / k,
            Decay::Root => 1.0 / k.sqrt(),
            Decay::Halving => libm::exp2(-k),
        }
    }

    /// u as a formula.
    pub fn formula(self) -> &'static str {
        match self {
            Decay::Inverse => "K^-1",
            Decay::Root => "K^-1/2",
            Decay::Halving => "2^-K",
        }
    }

    /// Those compared.
    pub(super) fn of(approach: Approach) -> &'static [Decay] {
        match approach {
            Approach::Ties => &[Decay::Inverse, Decay::Root, Decay::Halving],
            Approach::Unknown | Approach::Regular => &[Decay::Inverse, Decay::Root],
        }
    }
}

/// How the amplitude of the correction in N depends on K.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Amplitude {
    /// a_0 N^(−ω).
    Common,
    /// (a_0 + a_1 u(K)) N^(−ω).
    Varying,
    /// a_0 n^(−ω), n = N/K.
    InputsPerUnit,
}

impl Amplitude {
    /// The correction in N as a formula.
    pub fn formula(self) -> &'static str {
        match self {
            Amplitude::Common => "a N^-omega",
            Amplitude::Varying => "(a + a' u) N^-omega",
            Amplitude::InputsPerUnit => "a (N/K)^-omega",
        }
    }
}
