//! Loops whose speed is a limit of the machine: what the benchmarks measure the kernels against.
//!
//! Twelve independent chains of register instructions without a load, so that nothing but the
//! execution ports bounds them; and a read of contiguous memory. Not used by any solver.

use super::isa::{Isa, Work};

/// A mix of instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mix {
    /// Integer addition: the number of vector instructions a cycle.
    Add,
    /// Byte shuffle.
    Shuffle,
    /// Byte shuffle and byte addition: the mix of the binary forward pass.
    ShuffleAdd,
    /// Fused multiply-add of f32 (two operations).
    Fma,
    /// Sign change and addition of f32: a product with ±1, entry by entry.
    XorAdd,
    /// Permutation, sign change and addition of f32: the mix of the sign product.
    PermuteXorAdd,
}

/// All mixes.
pub const MIXES: [Mix; 6] =
    [Mix::Add, Mix::Shuffle, Mix::ShuffleAdd, Mix::Fma, Mix::XorAdd, Mix::PermuteXorAdd];

/// Instruction groups (one of each kind in the mix, on one register) of a step.
pub const CHAINS: usize = 12;

/// Runs `steps` × [`CHAINS`] groups of the mix on AVX2 registers; false if the processor has no AVX2
/// and FMA.
pub fn run(mix: Mix, steps: usize) -> bool {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && steps > 0 {
        super::x86_64::limits::run(mix, steps);
        return true;
    }
    let _ = (mix, steps);
    false
}

/// Reads all of `words` once, in order.
pub fn read(isa: Isa, words: &[u64]) -> u64 {
    let mut total = 0;
    isa.run(Read { words, total: &mut total });
    total
}

struct Read<'a> {
    words: &'a [u64],
    total: &'a mut u64,
}

impl Work for Read<'_> {
    #[inline(always)]
    fn run(self) {
        let mut lanes = [0u64; 16];
        for words in self.words.chunks_exact(16) {
            for (lane, word) in lanes.iter_mut().zip(words) {
                *lane ^= word;
            }
        }
        *self.total = lanes.iter().fold(0, |all, lane| all ^ lane);
    }
}
