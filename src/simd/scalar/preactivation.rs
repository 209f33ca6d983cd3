//! The binary forward pass, eight patterns a 64-bit word.

use crate::simd::block::{ByteColumn, Chosen, LANES, PatternBlock, slot};
use crate::simd::preactivation::{NIBBLE_SCALE, ONES, WeightTable};

/// Byte columns of one tile from 32 rows.
pub(in crate::simd) fn gather(chosen: &Chosen, group_bytes: usize, columns: &mut [ByteColumn]) {
    let words = group_bytes.div_ceil(8);
    for (group, columns) in columns.chunks_exact_mut(group_bytes).enumerate() {
        for (word, columns) in columns.chunks_mut(8).enumerate() {
            for lane in 0..LANES {
                let bytes = chosen.row(lane)[group * words + word].to_le_bytes();
                for (column, byte) in columns.iter_mut().zip(bytes) {
                    column.0[lane] = byte;
                }
            }
        }
    }
}

/// See [`crate::simd::preactivations`]. Counts in bytes, eight patterns a word.
pub(in crate::simd) fn preactivations(block: &PatternBlock, table: &WeightTable, out: &mut [i16]) {
    let (bytes, half, stride) = (block.group_bytes(), table.half(), block.stride());
    for (index, out) in out.chunks_exact_mut(stride).enumerate() {
        let unit = index % table.units();
        let group = if block.groups() == 1 { 0 } else { unit };
        let (low, high) = table.offsets[index * 2 * half..][..2 * half].split_at(half);
        for tile in 0..block.used_tiles() {
            let columns = &block.columns[(tile * block.groups() + group) * bytes..][..bytes];
            let mut differing = [0i16; LANES];
            // 31 bytes hold at most 248 differing bits: a byte counts them.
            for ((columns, low), high) in
                columns.chunks(31).zip(low.chunks(31)).zip(high.chunks(31))
            {
                let mut counts = [0u64; LANES / 8];
                for ((column, low), high) in columns.iter().zip(low).zip(high) {
                    let weight =
                        u64::from(low / NIBBLE_SCALE + ((high / NIBBLE_SCALE) << 4)) * ONES;
                    for (count, chunk) in counts.iter_mut().zip(column.0.chunks_exact(8)) {
                        let pattern =
                            u64::from_le_bytes(chunk.try_into().expect("chunks of eight"));
                        let x = pattern ^ weight;
                        let x = x - ((x >> 1) & (0x55 * ONES));
                        let x = (x & (0x33 * ONES)) + ((x >> 2) & (0x33 * ONES));
                        *count += (x + (x >> 4)) & (0x0f * ONES);
                    }
                }
                for (lane, total) in differing.iter_mut().enumerate() {
                    *total += i16::from(counts[lane / 8].to_le_bytes()[lane % 8]);
                }
            }
            let inputs = block.inputs() as i16;
            let out = &mut out[tile * LANES..][..LANES];
            for (lane, differing) in differing.into_iter().enumerate() {
                out[slot(lane)] = (inputs - differing) - differing;
            }
        }
    }
}
