//! e^x, ln x and the Gaussian tail H(x) of doubles as straight-line code, which the compiler vectorises inside
//! [`crate::simd::Isa::run`]. Relative error below 4e-16 (H: 1e-15 and the rounding of x²/2), absolute of ln
//! near 1 as well; the bytes do not depend on the instruction set.

use super::gaussian::INV_SQRT_2PI;
use crate::simd::Work;
use std::f64::consts::LOG2_E;

/// ln 2 in two parts, the first with few enough bits that its multiples are exact.
const LN2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// ln((1+s)/(1−s)) = 2s + s³(LN₀ + LN₁s² + …) to 2^−58, |s| ≤ 0.172: the minimax polynomial of fdlibm's `log`.
const LN: [f64; 7] = [
    0.666_666_666_666_673_5,
    0.399_999_999_994_094_2,
    0.285_714_287_436_623_9,
    0.222_221_984_321_497_84,
    0.181_835_721_616_180_5,
    0.153_138_376_992_093_73,
    0.147_981_986_051_165_86,
];

/// e^x for |x| ≤ 708; beyond, its value there.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    // Adding 1.5·2^52 leaves the integer in the low bits.
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    let inside = x.clamp(-708.0, 708.0);
    let shifted = inside.mul_add(LOG2_E, SHIFT);
    let count = shifted - SHIFT;
    let r = count.mul_add(-LN2_LOW, count.mul_add(-LN2_HIGH, inside));
    // Σ rⁿ/n! up to n = 13, |r| ≤ ½ ln 2.
    let mut p: f64 = 1.0 / 6_227_020_800.0;
    for factorial in [
        479_001_600.0,
        39_916_800.0,
        3_628_800.0,
        362_880.0,
        40_320.0,
        5_040.0,
        720.0,
        120.0,
        24.0,
        6.0,
        2.0,
        1.0f64,
    ] {
        p = p.mul_add(r, 1.0 / factorial);
    }
    let power = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1023 << 52));
    p.mul_add(r, 1.0) * power
}

/// [`exp`] of every value, in place.
pub struct Exponentials<'a>(pub &'a mut [f64]);

impl Work for Exponentials<'_> {
    #[inline(always)]
    fn run(self) {
        for x in self.0 {
            *x = exp(*x);
        }
    }
}

/// ln x for normal x > 0; without meaning elsewhere.
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    const ROOT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    // 2^52, in whose low bits an exponent becomes a float.
    const CARRIER: u64 = 0x4330_0000_0000_0000;
    let above = x.to_bits().wrapping_add(1024 << 52).wrapping_sub(ROOT_HALF);
    let exponent = above >> 52;
    let count = f64::from_bits(exponent | CARRIER) - (4_503_599_627_370_496.0 + 1024.0);
    let mantissa = x.to_bits().wrapping_sub(exponent << 52).wrapping_add(1024 << 52);
    // ln m = 2 artanh s, s = f/(2 + f), |s| ≤ 0.172.
    let f = f64::from_bits(mantissa) - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let mut p = LN[6];
    for coefficient in LN[..6].iter().rev() {
        p = p.mul_add(z, *coefficient);
    }
    let twice = s + s;
    count.mul_add(LN2_HIGH, twice + (s * z).mul_add(p, count * LN2_LOW))
}

/// ln(1 − x) for 0 ≤ x < 1.
#[inline(always)]
pub fn ln_complement(x: f64) -> f64 {
    let y = 1.0 - x;
    ln(y) + ((1.0 - y) - x) / y
}

/// (1 + x) H(x)/G(x) = Σ_n TAIL_n t^n, t = (x − 4)/(x + 4), to 4e-16 for x ≥ 0: interpolated at 23 Chebyshev nodes.
const TAIL: [f64; 23] = [
    1.183_261_914_567_803_4,
    -0.242_399_670_521_818_07,
    0.035_091_880_234_750_7,
    0.071_690_481_202_302_66,
    -0.080_708_009_679_275_83,
    0.044_959_129_054_788_71,
    -0.012_539_103_614_686_712,
    -0.000_715_950_640_091_662_9,
    0.001_741_848_705_711_217,
    -0.000_236_703_514_321_757_82,
    -0.000_220_215_123_945_316_82,
    5.327_407_666_103_598_4e-5,
    3.415_697_829_847_47e-5,
    -8.624_671_593_728_752e-6,
    -6.548_558_179_103_516e-6,
    1.051_023_528_748_415_6e-6,
    1.382_546_050_000_043_3e-6,
    -3.819_456_387_591_102e-8,
    -2.777_501_005_754_317e-7,
    -2.041_688_447_842_995_3e-8,
    4.433_762_985_649_264e-8,
    3.944_242_628_932_931_6e-9,
    -3.986_306_042_239_452e-9,
];

/// H(x) and G(x), for |x| ≤ 37; beyond, G is its value there.
#[inline(always)]
pub fn gaussian_tail(x: f64) -> (f64, f64) {
    let y = x.abs();
    let t = (y - 4.0) / (y + 4.0);
    let mut p = TAIL[22];
    for coefficient in TAIL[..22].iter().rev() {
        p = p.mul_add(t, *coefficient);
    }
    let density = INV_SQRT_2PI * exp(-0.5 * (x * x));
    let small = density * p / (1.0 + y);
    (if x >= 0.0 { small } else { 1.0 - small }, density)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::gaussian;

    /// Against the tail of the crate, on both sides.
    #[test]
    fn against_erfcx() {
        for i in -3700..=3700 {
            let x = 0.01 * f64::from(i) + 0.0007;
            let (tail, density) = gaussian_tail(x);
            let error = 3e-15 + 2e-16 * x * x;
            assert!((tail / gaussian::tail(x) - 1.0).abs() < error, "{x} {tail:e}");
            assert!((density / gaussian::density(x) - 1.0).abs() < error, "{x} {density:e}");
        }
    }

    /// Against libm, over the whole range.
    #[test]
    fn against_libm() {
        for i in -7000..=7000 {
            let x = 0.1 * f64::from(i) + 0.003;
            let (value, exact) = (exp(x), libm::exp(x));
            assert!((value / exact - 1.0).abs() < 4e-16, "exp {x}: {value:e} {exact:e}");
            let (value, exact) = (ln(exact), libm::log(exact));
            assert!((value - exact).abs() <= 3e-16 * exact.abs(), "ln {x}: {value:e} {exact:e}");
        }
        for i in -4000..4000 {
            let x = 1.0 + 1e-4 * f64::from(i);
            let (value, exact) = (ln(x), libm::log(x));
            assert!((value - exact).abs() <= 4e-16 * exact.abs(), "ln {x}: {value:e} {exact:e}");
        }
        for x in [0.0, 1e-300, 1e-17, 3e-9, 0.2, 0.999] {
            let exact = libm::log1p(-x);
            assert!((ln_complement(x) - exact).abs() <= 4e-16 * exact.abs(), "{x}");
        }
    }
}
