//! Loops over padded lanes: one f32 a weight, 64 lanes a word of bits, unit after unit.
//!
//! Lane (l·⌈n/64⌉ + w)·64 + b belongs to bit b of word w of unit l. Lanes of padding bits are kept
//! at +1, so that their weight bit is always zero. All loops are element-wise in a fixed order and
//! without fused multiply-add: the same bits on every instruction set.

/// Bit b of a 32-bit half word, as a mask.
const BITS: [u32; 32] = {
    let mut bits = [0; 32];
    let mut b = 0;
    while b < 32 {
        bits[b] = 1 << b;
        b += 1;
    }
    bits
};

/// The f32 sign bit where `half` has bit b set.
#[inline(always)]
fn sign_bit(half: u32, b: usize) -> u32 {
    if half & BITS[b] != 0 { 0x8000_0000 } else { 0 }
}

/// x_i += step·ξ_i over the words of one unit (bit 1 means ξ = −1).
#[inline(always)]
pub fn add_signed(sums: &mut [f32], row: &[u64], step: f32) {
    let step = step.to_bits();
    for (lanes, &word) in sums.chunks_exact_mut(64).zip(row) {
        let (low, high) = lanes.split_at_mut(32);
        for (half, lanes) in [(word as u32, low), ((word >> 32) as u32, high)] {
            for (b, x) in lanes.iter_mut().enumerate() {
                *x += f32::from_bits(step ^ sign_bit(half, b));
            }
        }
    }
}

/// W = sign H of the 64 lanes of a word: bit b is set where lane b is negative.
#[inline(always)]
pub fn negative_bits(lanes: &[f32]) -> u64 {
    let (low, high) = lanes.split_at(32);
    u64::from(negative_half(low)) | u64::from(negative_half(high)) << 32
}

#[inline(always)]
fn negative_half(lanes: &[f32]) -> u32 {
    let mut bits = 0;
    for (b, h) in lanes.iter().enumerate().take(32) {
        bits |= (h.to_bits() >> 31) << b;
    }
    bits
}

/// W as ±1 f32, lane by lane.
#[inline(always)]
pub fn expand(word: u64, lanes: &mut [f32; 64]) {
    let (low, high) = lanes.split_at_mut(32);
    for (half, lanes) in [(word as u32, low), ((word >> 32) as u32, high)] {
        for (b, w) in lanes.iter_mut().enumerate() {
            *w = f32::from_bits(1f32.to_bits() | sign_bit(half, b));
        }
    }
}

/// `value` in the padding lanes of a unit with `inputs` = n weights.
#[inline(always)]
pub fn reset_padding(unit: &mut [f32], inputs: usize, value: f32) {
    unit[inputs..].fill(value);
}

/// The first 64 lanes.
#[inline(always)]
pub fn word_mut<T>(lanes: &mut [T]) -> &mut [T; 64] {
    (&mut lanes[..64]).try_into().expect("64 lanes a word")
}
