//! Chains of register instructions; see [`crate::simd::limits`].

#![allow(unsafe_code)]

use crate::simd::limits::Mix;
use std::arch::asm;

/// Twelve chains of the given instructions on ymm0 … ymm11, with ymm12 … ymm14 as constants (zero).
macro_rules! chains {
    ($steps:expr, $($line:literal),+) => {
        // SAFETY: the caller has checked for AVX2 and FMA; registers only, all named below; the
        // counter is at least 1.
        unsafe {
            asm!(
                "vzeroall",
                "2:",
                $(
                    chains!(@each $line),
                )+
                "dec {steps}",
                "jnz 2b",
                steps = inout(reg) $steps => _,
                out("ymm0") _, out("ymm1") _, out("ymm2") _, out("ymm3") _,
                out("ymm4") _, out("ymm5") _, out("ymm6") _, out("ymm7") _,
                out("ymm8") _, out("ymm9") _, out("ymm10") _, out("ymm11") _,
                out("ymm12") _, out("ymm13") _, out("ymm14") _, out("ymm15") _,
                options(nomem, nostack),
            );
        }
    };
    (@each $line:literal) => {
        concat!(
            ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11\n", $line, "\n.endr"
        )
    };
}

/// `steps` times twelve groups of the mix.
pub(in crate::simd) fn run(mix: Mix, steps: usize) {
    match mix {
        Mix::Add => chains!(steps, "vpaddb ymm\\n, ymm\\n, ymm12"),
        Mix::Shuffle => chains!(steps, "vpshufb ymm\\n, ymm\\n, ymm12"),
        Mix::ShuffleAdd => {
            chains!(steps, "vpshufb ymm\\n, ymm\\n, ymm12", "vpaddb ymm\\n, ymm\\n, ymm13")
        }
        Mix::Fma => chains!(steps, "vfmadd231ps ymm\\n, ymm12, ymm13"),
        Mix::XorAdd => {
            chains!(steps, "vxorps ymm\\n, ymm\\n, ymm12", "vaddps ymm\\n, ymm\\n, ymm13")
        }
        Mix::PermuteXorAdd => chains!(
            steps,
            "vpermps ymm\\n, ymm12, ymm\\n",
            "vxorps ymm\\n, ymm\\n, ymm13",
            "vaddps ymm\\n, ymm\\n, ymm14"
        ),
    }
}
