//! The binary forward pass of units of at most 127 inputs, where the start and the end of a loop over
//! the bytes of a unit would cost as much as the look-ups.
//!
//! h fits into a byte, so the tables hold Σ_i w_i x_i of four inputs instead of the number of
//! differing bits, and one comparison widens the sum. Eight bytes go without a loop, up to 3 × 3 or
//! 2 × 4 sums (tiles × replicas) stay in registers.
//!
//! Bound: the vector ports, as for [`super::preactivation`], with five instructions that widen and
//! store 32 sums. Exact.

#![allow(unsafe_code)]
// A pointer passes through an empty statement that reads nothing.
#![allow(clippy::pointers_in_nomem_asm_block)]
// Register blocks are indexed by the two names of their dimensions.
#![allow(clippy::needless_range_loop)]

use crate::simd::block::{ByteColumn, LANES, PatternBlock};
use crate::simd::preactivation::WeightTable;
use std::arch::asm;
use std::arch::x86_64::*;

/// Inputs of a unit whose h always fits into a byte.
pub(super) const MOST_INPUTS: usize = 127;

/// Entry (w, x) is Σ_i w_i x_i = 4 − 2|w xor x| for nibbles w and x, twice over for the two halves
/// of a register.
#[repr(C, align(32))]
struct Tables([[i8; 32]; 16]);

static TABLES: Tables = {
    let mut tables = [[0; 32]; 16];
    let mut w = 0;
    while w < 16 {
        let mut x = 0;
        while x < 32 {
            tables[w][x] = 4 - 2 * ((w ^ (x & 15)) as u8).count_ones() as i8;
            x += 1;
        }
        w += 1;
    }
    Tables(tables)
};

/// All preactivations of units of at most [`MOST_INPUTS`] inputs.
#[target_feature(enable = "avx2")]
pub(super) fn preactivations(block: &PatternBlock, table: &WeightTable, out: &mut [i16]) {
    assert!(block.inputs() <= MOST_INPUTS, "narrow units");
    let replicas = table.replicas();
    for (tile, width) in tile_blocks(block.used_tiles(), replicas) {
        for (replica, count) in pieces(replicas, if width < 3 { 4 } else { 3 }) {
            let job = Job { block, table, tile, replica };
            match (width, count) {
                (1, 1) => job.start::<1, 1>(out),
                (1, 2) => job.start::<1, 2>(out),
                (1, 3) => job.start::<1, 3>(out),
                (1, 4) => job.start::<1, 4>(out),
                (2, 1) => job.start::<2, 1>(out),
                (2, 2) => job.start::<2, 2>(out),
                (2, 3) => job.start::<2, 3>(out),
                (2, 4) => job.start::<2, 4>(out),
                (3, 1) => job.start::<3, 1>(out),
                (3, 2) => job.start::<3, 2>(out),
                (3, 3) => job.start::<3, 3>(out),
                (4, 1) => job.start::<4, 1>(out),
                _ => unreachable!("no block of {width} x {count} registers"),
            }
        }
    }
}

/// The tiles of the register blocks, (first, how many): threes where the replicas go into threes as
/// well as into fours, else twos and one three for an odd number; of one replica fours.
fn tile_blocks(tiles: usize, replicas: usize) -> impl Iterator<Item = (usize, usize)> {
    let (most, first) = match replicas {
        1 => (4, 0),
        _ if replicas.div_ceil(3) == replicas.div_ceil(4) => (3, 0),
        _ => (2, if tiles % 2 == 1 && tiles > 1 { 3 } else { 0 }),
    };
    let rest = pieces(tiles - first, most).map(move |(tile, width)| (first + tile, width));
    (first > 0).then_some((0, first)).into_iter().chain(rest)
}

/// `total` in as few pieces of at most `most` as there can be, nearly equal: (first, how many).
fn pieces(total: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = total.div_ceil(most);
    let mut next = 0;
    (0..count).map(move |piece| {
        let (first, length) = (next, (total - next).div_ceil(count - piece));
        next += length;
        (first, length)
    })
}

/// `sum + table[x]`, byte by byte.
///
/// One statement: the compiler would add two look-ups before it adds them to the sum, and then run out
/// of registers.
#[target_feature(enable = "avx2")]
#[inline]
fn add_entries(mut sum: __m256i, table: __m256i, x: __m256i) -> __m256i {
    // SAFETY: registers only, all named; AVX2 is enabled here.
    unsafe {
        asm!(
            "vpshufb {entries}, {table}, {x}",
            "vpaddb {sum}, {sum}, {entries}",
            entries = out(ymm_reg) _,
            table = in(ymm_reg) table,
            x = in(ymm_reg) x,
            sum = inout(ymm_reg) sum,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sum
}

/// The columns of V tiles and the table offsets of R replicas, from one byte of one unit on.
#[derive(Clone, Copy)]
struct Place<const V: usize, const R: usize> {
    columns: [*const ByteColumn; V],
    offsets: [*const u8; R],
}

impl<const V: usize, const R: usize> Place<V, R> {
    /// Columns and offsets further on.
    #[inline]
    fn after(self, columns: usize, offsets: usize) -> Self {
        Self {
            columns: self.columns.map(|column| column.wrapping_add(columns)),
            offsets: self.offsets.map(|offset| offset.wrapping_add(offsets)),
        }
    }
}

/// Looks up the bytes `$j`… behind `$place` and adds. A macro, since sums handed to a function that is
/// not inlined would go through memory; the caller has checked that all bytes are there.
macro_rules! look_up {
    ($place:expr, $sums:ident, $($j:literal)+) => {
        let Place { mut columns, offsets } = $place;
        let nibble = _mm256_set1_epi8(15);
        let tables: *const u8 = TABLES.0.as_ptr().cast();
        $(
            for half in 0..2 {
                let mut x = [_mm256_setzero_si256(); V];
                for v in 0..V {
                    // SAFETY: see above; columns are aligned.
                    let column = unsafe { _mm256_load_si256(columns[v].add($j).cast()) };
                    let bits = if half == 0 { column } else { _mm256_srli_epi16::<4>(column) };
                    x[v] = _mm256_and_si256(bits, nibble);
                    if V * R > 8 {
                        // SAFETY: no instruction. The pointer comes out as another, so that the
                        // column is loaded again instead of filling a register.
                        unsafe {
                            asm!(
                                "/* {0} */",
                                inout(reg) columns[v],
                                options(pure, nomem, nostack, preserves_flags),
                            );
                        }
                    }
                }
                for r in 0..R {
                    // SAFETY: see above; 8 × offset is 32 × a nibble (the only writer makes it so),
                    // inside the 512 aligned bytes of the tables.
                    let table = unsafe {
                        let offset = usize::from(*offsets[r].add(half * HALF + $j));
                        _mm256_load_si256(tables.add(8 * offset).cast())
                    };
                    for v in 0..V {
                        $sums[v][r] = add_entries($sums[v][r], table, x[v]);
                    }
                }
            }
        )+
    };
}

/// All units, starting at one tile and one replica.
struct Job<'a> {
    block: &'a PatternBlock,
    table: &'a WeightTable,
    tile: usize,
    replica: usize,
}

impl Job<'_> {
    /// V tiles × R replicas with all sums in registers, unit after unit.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn start<const V: usize, const R: usize>(&self, out: &mut [i16]) {
        let (block, table, units) = (self.block, self.table, self.table.units());
        let (bytes, half, stride) = (block.group_bytes(), table.half(), block.stride());
        let tile_columns = block.groups() * bytes;
        let mut columns = [std::ptr::null::<ByteColumn>(); V];
        for (v, columns) in columns.iter_mut().enumerate() {
            *columns = block.columns[(self.tile + v) * tile_columns..][..tile_columns].as_ptr();
        }
        let mut offsets = [std::ptr::null::<u8>(); R];
        let mut slots = [std::ptr::null_mut::<i16>(); R];
        let (base, len) = (out.as_mut_ptr(), out.len());
        for r in 0..R {
            let index = (self.replica + r) * units;
            offsets[r] = table.offsets[index * 2 * half..][..units * 2 * half].as_ptr();
            let at = index * stride + self.tile * LANES;
            assert!(at + (units - 1) * stride + V * LANES <= len, "room for all slots");
            slots[r] = base.wrapping_add(at);
        }
        let place = Place { columns, offsets };
        // SAFETY: all columns of the tiles, K × two halves of offsets, and K × V × 32 slots, `stride`
        // apart, have been checked.
        unsafe {
            match (bytes, half) {
                (8, 8) => self.run::<V, R, 8, true>(place, slots),
                (_, 8) => self.run::<V, R, 8, false>(place, slots),
                _ => self.run::<V, R, 16, false>(place, slots),
            }
        }
    }

    /// [`Self::start`] with `HALF` offsets in each half of a unit, all of them in use if `FULL`.
    ///
    /// # Safety
    /// The units of the job lie at `place` and their results at `slots`.
    #[target_feature(enable = "avx2")]
    #[inline(never)]
    unsafe fn run<const V: usize, const R: usize, const HALF: usize, const FULL: bool>(
        &self,
        place: Place<V, R>,
        slots: [*mut i16; R],
    ) {
        let (mut place, mut slots) = (place, slots);
        let (inputs, bytes) = (self.block.inputs(), self.block.group_bytes());
        // With full connectivity all units see the same columns.
        let step = if self.block.groups() == 1 { 0 } else { bytes };
        // The absent inputs of the last byte add one each.
        let absent = _mm256_set1_epi8((inputs as i16 - 8 * bytes as i16) as i8);
        for _ in 0..self.table.units() {
            let mut sums = [[absent; R]; V];
            if FULL {
                look_up!(place, sums, 0 1 2 3 4 5 6 7);
            } else {
                let (mut here, mut left) = (place, bytes);
                if HALF > 8 && left >= 8 {
                    look_up!(here, sums, 0 1 2 3 4 5 6 7);
                    (here, left) = (here.after(8, 8), left - 8);
                }
                while left > 0 {
                    look_up!(here, sums, 0);
                    (here, left) = (here.after(1, 1), left - 1);
                }
            }
            for r in 0..R {
                for v in 0..V {
                    let signs = _mm256_cmpgt_epi8(_mm256_setzero_si256(), sums[v][r]);
                    // Lanes lie such that both halves come out in the order of slots.
                    let low = _mm256_unpacklo_epi8(sums[v][r], signs);
                    let high = _mm256_unpackhi_epi8(sums[v][r], signs);
                    // SAFETY: 32 slots of two bytes; no alignment is asked for.
                    unsafe {
                        let slots = slots[r].add(v * LANES);
                        _mm256_storeu_si256(slots.cast(), low);
                        _mm256_storeu_si256(slots.add(16).cast(), high);
                    }
                }
            }
            place = place.after(step, 2 * HALF);
            slots = slots.map(|slots| slots.wrapping_add(self.block.stride()));
        }
    }
}
