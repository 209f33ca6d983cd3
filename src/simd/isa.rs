//! Which instruction set the kernels use: detected once, chosen once above the epoch loop.
//!
//! Results do not depend on the choice (same bits), so it is never part of a fingerprint; it is
//! recorded in a result file's provenance. The best of AVX-512, AVX2 and portable code is taken that the
//! processor has. NEON has not run on hardware yet: it is used only when `RELUSCAPE_ISA` asks for it.

use crate::{Error, Result};
use std::sync::OnceLock;

/// Environment variable that overrides the choice.
pub const OVERRIDE: &str = "RELUSCAPE_ISA";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Set {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "aarch64")]
    Neon,
}

/// An instruction set that this processor has: a value of this type is the proof, so kernels that
/// take one need no further check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Isa(pub(super) Set);

/// A piece of work for [`Isa::run`]; its method must be `#[inline(always)]`, and so must all that it
/// calls, to be compiled for the instruction set (a closure is not inlined reliably).
pub trait Work {
    /// Does it.
    fn run(self);
}

/// One known instruction set, for listings.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Listing {
    /// Name as `RELUSCAPE_ISA` takes it.
    pub name: &'static str,
    /// Whether this processor (and this build) can use it.
    pub available: bool,
    /// Whether it is taken when nothing is asked for.
    pub automatic: bool,
    /// Whether its kernels have passed the oracle tests on hardware.
    pub tested: bool,
}

/// All names, best last.
pub const NAMES: [&str; 4] = ["scalar", "neon", "avx2", "avx512"];

impl Isa {
    /// Portable code: the oracle of all tests.
    pub const SCALAR: Isa = Isa(Set::Scalar);

    /// The instruction set to use: `RELUSCAPE_ISA` if set and not empty, else the best tested one.
    ///
    /// # Errors
    /// [`Error::Usage`] if the variable names an unknown or an unsupported instruction set.
    pub fn detect() -> Result<Self> {
        match std::env::var_os(OVERRIDE) {
            Some(name) if !name.is_empty() => {
                let name = name.to_string_lossy();
                Self::named(&name).map_err(|reason| Error::Usage(format!("{OVERRIDE}: {reason}")))
            }
            _ => Ok(Self::automatic()),
        }
    }

    /// [`Self::detect`], once a process. The command line calls `detect` before any verb runs.
    ///
    /// # Panics
    /// If `detect` fails.
    pub fn selected() -> Self {
        static SELECTED: OnceLock<Isa> = OnceLock::new();
        *SELECTED.get_or_init(|| {
            Self::detect().expect("RELUSCAPE_ISA is checked before kernels are chosen")
        })
    }

    /// The best tested instruction set of this processor.
    pub fn automatic() -> Self {
        let automatic = listings().into_iter().rev().find(|l| l.available && l.automatic);
        automatic.and_then(|listing| Self::named(listing.name).ok()).unwrap_or(Self::SCALAR)
    }

    /// The instruction set called `name`.
    ///
    /// # Errors
    /// A message if there is no such name or this processor does not have it.
    pub fn named(name: &str) -> std::result::Result<Self, String> {
        if !NAMES.contains(&name) {
            return Err(format!(
                "unknown instruction set \"{name}\": expected one of {}",
                NAMES.join(", ")
            ));
        }
        Self::all().into_iter().find(|isa| isa.name() == name).ok_or_else(|| {
            let have: Vec<_> = Self::all().iter().map(|isa| isa.name()).collect();
            format!("this processor does not support {name}: it has {}", have.join(", "))
        })
    }

    /// All instruction sets of this processor, tested on hardware or not; scalar first.
    pub fn all() -> Vec<Self> {
        #[allow(unused_mut)]
        let mut sets = vec![Self::SCALAR];
        #[cfg(target_arch = "x86_64")]
        {
            // Old processors report AVX2 without FMA, POPCNT or BMI only under emulation; ask for all.
            if is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("popcnt")
            {
                sets.push(Isa(Set::Avx2));
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512vpopcntdq")
                {
                    sets.push(Isa(Set::Avx512));
                }
            }
        }
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("neon") {
            sets.push(Isa(Set::Neon));
        }
        sets
    }

    /// Runs `work`, compiled for this instruction set: what is inlined into it is vectorised with its
    /// registers. Only element-wise or integer loops belong there; Rust never reorders or fuses
    /// float operations, and `mul_add` rounds once on every set (by a slow function where it is no instruction),
    /// so the bytes do not depend on the set.
    #[inline]
    pub fn run<W: Work>(self, work: W) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 | Set::Avx512 => super::x86_64::avx2_run(work),
            _ => work.run(),
        }
    }

    /// Its name, as `RELUSCAPE_ISA` takes it.
    pub fn name(self) -> &'static str {
        match self.0 {
            Set::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "avx512",
            #[cfg(target_arch = "aarch64")]
            Set::Neon => "neon",
        }
    }
}

/// Every instruction set the program knows, best last.
pub fn listings() -> Vec<Listing> {
    let all = Isa::all();
    NAMES
        .into_iter()
        .map(|name| Listing {
            name,
            available: all.iter().any(|isa| isa.name() == name),
            automatic: matches!(name, "scalar" | "avx2" | "avx512"),
            tested: matches!(name, "scalar" | "avx2" | "avx512"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_bad_ones_say_what_was_expected() {
        for isa in Isa::all() {
            assert_eq!(Isa::named(isa.name()), Ok(isa));
        }
        let unknown = Isa::named("AVX2").unwrap_err();
        assert!(unknown.contains("scalar, neon, avx2, avx512"), "{unknown}");
        let foreign = if cfg!(target_arch = "x86_64") { "neon" } else { "avx2" };
        assert!(Isa::named(foreign).unwrap_err().contains("does not support"));
    }

    #[test]
    fn untested_sets_are_never_automatic() {
        assert!(listings().iter().all(|listing| listing.tested || !listing.automatic));
        assert_ne!(Isa::automatic().name(), "neon");
        assert!(Isa::all().contains(&Isa::automatic()));
    }
}
