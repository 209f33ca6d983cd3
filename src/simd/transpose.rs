//! Transposition of bit matrices, 64 × 64 at a time: 6·32 exchanges of six logical
//! operations each, which bound it. Exact.

/// Transposes a 64×64 bit matrix: bit j of word i becomes bit i of word j (Hacker's Delight 7-3).
pub fn transpose64(block: &mut [u64; 64]) {
    let (mut half, mut mask) = (32, 0x0000_0000_ffff_ffffu64);
    while half != 0 {
        let mut k = 0;
        while k < 64 {
            let swap = ((block[k] >> half) ^ block[k + half]) & mask;
            block[k] ^= swap << half;
            block[k + half] ^= swap;
            k = (k + half + 1) & !half;
        }
        half >>= 1;
        mask ^= mask << half;
    }
}
