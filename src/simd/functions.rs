//! Transcendental functions in f32 with fixed polynomials: exponential, logarithm, tanh, ln cosh, the
//! Gaussian density and tail and what is made of them.
//!
//! Plain multiplications, additions, divisions and selections in a fixed order, no fused operation,
//! no branch, no library call: a loop over them inside [`super::Work`] is vectorised, and the bits
//! are the same on every instruction set. With φ the Gaussian density and H(x) = ½ erfc(x/√2):
//!
//! | function | reduction | largest error, ulp |
//! |---|---|---|
//! | [`exp`] | 2^k, Cody and Waite, degree 6 on ±½ ln 2 | 1.0 |
//! | [`exp2_coarse`] | 2^k, degree 4 on ±½ | 50 |
//! | [`ln`] | 2^k, degree 10 on [√½, √2] | 0.8 |
//! | [`tanh`] | x + x³P(x²) below 0.625, else 1 − 2/(e^2x + 1) | 1.3 |
//! | [`ln_cosh`] | x²P(x²) below 1, else x − ln 2 + ln(1 + e^−2x) | 1.9 |
//! | [`tail`] | e^{−x²/2}, the rounding of x² made good, times Mills' ratio, degree 10 in (x−3)/(x+3) | 3.6 |
//! | [`erfc`] | the same | 3.5 |
//! | [`ln_tail`] | ln of Mills' ratio − x²/2; below 0 ln(1 − H(−x)) | 4.0 |
//! | [`hazard`] | 1/Mills; below 0 φ/(1 − H(−x)) | 4.8 |
//!
//! The errors are measured against f64 on dense grids by the tests. The Gaussian family exceeds 2 ulp
//! because it multiplies an exponential by a quotient, each of which is within 2; its worst points lie
//! near 0. The variable of Mills' ratio is that of Shepherd and Laframboise (Math. Comp. 36, 249).
//! Results below 2^−125 are zero
//! (no subnormals). NaN gives NaN, but for [`exp2_coarse`]. Polynomials: weighted minimax fits,
//! coefficients rounded to f32 one after the other. Cost: 12 to 45 instructions a value, a register of
//! values at a time; bound by the latency of Horner's rule until a loop is unrolled twice, then by the
//! multiply and add ports.

use super::isa::{Isa, Work};

/// 1/√(2π).
pub const INV_SQRT_2PI: f32 = 0.398_942_3;

/// √(2π).
const SQRT_2PI: f32 = 2.506_628_3;

/// Adding 1.5·2^23 rounds to an integer in the low mantissa bits, on every IEEE machine.
const SHIFT: f32 = 12_582_912.0;

/// ln 2 in two parts, the first with few enough bits that its multiples are exact.
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;

/// e^x for e^x ≥ 2^−125, else 0; infinite from x = 88.723 on.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    exp_of_sum(x, 0.0)
}

/// e^(x + y), |y| ≤ 0.05.
#[inline(always)]
fn exp_of_sum(x: f32, y: f32) -> f32 {
    let inside = x.clamp(-88.0, 89.0);
    let shifted = inside * std::f32::consts::LOG2_E + SHIFT;
    let count = shifted - SHIFT;
    let r = ((inside - count * LN2_HIGH) - count * LN2_LOW) + y;
    let tail = 0.041_669_67 + r * (0.008_379_635 + r * 0.001_378_889_8);
    let tail = 0.499_999_85 + r * (0.166_664_17 + r * tail);
    let p = 1.0 + (r + (r * r) * tail);
    // Twice 2^(k−1), so that k = 128 is reached.
    let half = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f00_0000));
    let value = (p + p) * half;
    let value = if x < -86.64 { 0.0 } else { value };
    if x > 88.722_84 { f32::INFINITY } else { value }
}

/// 2^x to 3e-6 of the value, at half the cost of [`exp`]; 2^±100 beyond |x| = 100, 2^−100 of NaN.
#[inline(always)]
pub fn exp2_coarse(x: f32) -> f32 {
    let x = if x > -100.0 { x } else { -100.0 };
    let x = if x < 100.0 { x } else { 100.0 };
    let shifted = x + SHIFT;
    let f = x - (shifted - SHIFT);
    // Not Horner's rule: short chains are what a loop around it is bound by.
    let square = f * f;
    let high = (0.240_240_99 + f * 0.055_906_426) + square * 0.009_582_854;
    let p = (1.0 + f * 0.693_124_2) + square * high;
    f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// ln x for normal x > 0; without meaning elsewhere.
#[inline(always)]
pub fn ln(x: f32) -> f32 {
    const ROOT_HALF: u32 = 0x3f35_04f3;
    let above = x.to_bits().wrapping_sub(ROOT_HALF);
    let count = (above as i32 >> 23) as f32;
    let f = f32::from_bits((above & 0x007f_ffff) + ROOT_HALF) - 1.0;
    let square = f * f;
    let p = 0.142_016_28 + f * (-0.131_596_83 + f * (0.127_618_61 + f * -0.076_357_506));
    let p = 0.333_333_3 + f * (-0.250_008_2 + f * (0.200_012_4 + f * (-0.166_234_08 + f * p)));
    let small = (f * square) * p + count * LN2_LOW;
    (f + (small - 0.5 * square)) + count * LN2_HIGH
}

/// tanh x.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let size = x.abs();
    let t = x * x;
    let p = 0.133_314_1 + t * (-0.053_737_268 + t * (0.020_631_723 + t * -0.005_697_346));
    let near = size + (size * t) * (-0.333_332_8 + t * p);
    let capped = if size > 10.0 { 10.0 } else { size };
    let far = 1.0 - 2.0 / (exp(capped + capped) + 1.0);
    (if size < 0.625 { near } else { far }).copysign(x)
}

/// ln cosh x, without overflow.
#[inline(always)]
pub fn ln_cosh(x: f32) -> f32 {
    let size = x.abs();
    let t = x * x;
    let p = 0.002_082_521_3 + t * (-5.604_042_7e-4 + t * 8.786_553e-5);
    let near = t * (0.5 + t * (-0.083_333_1 + t * (0.022_217_449 + t * (-0.006_713_5 + t * p))));
    let z = exp(-(size + size));
    let p = 0.333_320_83 + z * (-0.249_570_58 + z * (0.193_467_89 + z * -0.119_868_31));
    let log = z + (z * z) * (-0.499_999_88 + z * p);
    let far = (size - LN2_HIGH) + (log - LN2_LOW);
    if size < 1.0 { near } else { far }
}

/// H(x)·e^(x²/2) for x ≥ 0: Mills' ratio over √(2π).
#[inline(always)]
fn scaled_tail(x: f32) -> f32 {
    let q = (x - 3.0) / (x + 3.0);
    let p = -3.655_433_5e-4 + q * (-4.761_126_8e-4 + q * (3.586_369e-5 + q * 6.045_380_4e-5));
    let p = -0.022_725_422 + q * (0.001_164_122_1 + q * (0.002_988_873_8 + q * p));
    let p = -0.096_526_74 + q * (-0.016_432_44 + q * (0.045_163_44 + q * p));
    (0.486_055_8 + q * p) / (1.0 + x)
}

/// Mills' ratio H(x)/φ(x) for x ≥ 0.
#[inline(always)]
pub fn mills(x: f32) -> f32 {
    SQRT_2PI * scaled_tail(x)
}

/// e^(−x²/2): the part of x² that a product in f32 loses is made good.
#[inline(always)]
fn exp_of_square(x: f32) -> f32 {
    // x is cut at 12 bits, whose square is exact.
    let high = f32::from_bits(x.to_bits() & 0xffff_f000);
    let rest = (x - high) * (x + high);
    // Beyond |x| = 13.2 the value is zero; the correction must stay small.
    exp_of_sum(-0.5 * (high * high), if x.abs() < 14.0 { -0.5 * rest } else { 0.0 })
}

/// φ(x), the Gaussian density.
#[inline(always)]
pub fn density(x: f32) -> f32 {
    INV_SQRT_2PI * exp_of_square(x)
}

/// φ(x), Φ(x) and H(x) = 1 − Φ(x), the smaller of the two without cancellation.
#[inline(always)]
pub fn density_and_tails(x: f32) -> (f32, f32, f32) {
    let exponential = exp_of_square(x);
    let small = exponential * scaled_tail(x.abs());
    let rest = 1.0 - small;
    let density = INV_SQRT_2PI * exponential;
    if x < 0.0 { (density, small, rest) } else { (density, rest, small) }
}

/// H(x) = ½ erfc(x/√2).
#[inline(always)]
pub fn tail(x: f32) -> f32 {
    density_and_tails(x).2
}

/// erfc(x).
#[inline(always)]
pub fn erfc(x: f32) -> f32 {
    let high = f32::from_bits(x.to_bits() & 0xffff_f000);
    let rest = (x - high) * (x + high);
    let square = exp_of_sum(-(high * high), if x.abs() < 10.0 { -rest } else { 0.0 });
    let small = 2.0 * square * scaled_tail(std::f32::consts::SQRT_2 * x.abs());
    if x < 0.0 { 2.0 - small } else { small }
}

/// ln H(x), finite for every x below 1e19.
#[inline(always)]
pub fn ln_tail(x: f32) -> f32 {
    let size = x.abs();
    let scaled = scaled_tail(size);
    let far = ln(scaled) - 0.5 * (size * size);
    // ln(1 − s): the rounding of 1 − s is made good to first order.
    let s = exp_of_square(size) * scaled;
    let u = 1.0 - s;
    let near = ln(u) - ((u - 1.0) + s) / u;
    if x < 0.0 { near } else { far }
}

/// φ(x)/H(x), the hazard of a Gaussian; no overflow or underflow above x = −13.
#[inline(always)]
pub fn hazard(x: f32) -> f32 {
    let scaled = scaled_tail(x.abs());
    let exponential = exp_of_square(x);
    let tail = exponential * scaled;
    INV_SQRT_2PI * if x < 0.0 { exponential / (1.0 - tail) } else { 1.0 / scaled }
}

/// A function of one variable, for [`apply`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// [`exp`].
    Exp,
    /// [`ln`].
    Ln,
    /// [`tanh`].
    Tanh,
    /// [`ln_cosh`].
    LnCosh,
    /// [`erfc`].
    Erfc,
    /// [`tail`].
    Tail,
    /// [`ln_tail`].
    LnTail,
    /// [`hazard`].
    Hazard,
}

/// All functions.
pub const FUNCTIONS: [Function; 8] = [
    Function::Exp,
    Function::Ln,
    Function::Tanh,
    Function::LnCosh,
    Function::Erfc,
    Function::Tail,
    Function::LnTail,
    Function::Hazard,
];

/// `out[i] = f(x[i])`.
///
/// # Panics
/// If the lengths differ.
pub fn apply(isa: Isa, function: Function, x: &[f32], out: &mut [f32]) {
    assert_eq!(x.len(), out.len(), "a result for each value");
    // A type for each function: a function passed as a value is not inlined reliably.
    macro_rules! run {
        ($($name:ident: $f:ident),+) => {
            match function {
                $(Function::$name => {
                    struct Value;
                    impl Pointwise for Value {
                        #[inline(always)]
                        fn at(x: f32) -> f32 {
                            $f(x)
                        }
                    }
                    isa.run(Map { x, out, value: Value });
                })+
            }
        };
    }
    run!(Exp: exp, Ln: ln, Tanh: tanh, LnCosh: ln_cosh, Erfc: erfc, Tail: tail, LnTail: ln_tail,
        Hazard: hazard);
}

trait Pointwise {
    fn at(x: f32) -> f32;
}

struct Map<'a, F> {
    x: &'a [f32],
    out: &'a mut [f32],
    #[expect(dead_code, reason = "chooses the type")]
    value: F,
}

impl<F: Pointwise> Work for Map<'_, F> {
    #[inline(always)]
    fn run(self) {
        for (out, &x) in self.out.iter_mut().zip(self.x) {
            *out = F::at(x);
        }
    }
}
