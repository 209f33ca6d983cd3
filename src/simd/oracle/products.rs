//! Products of sign matrices with real vectors.

use super::*;

/// Results of all vectors `x` (replica-major, unit next), rows in order.
fn products(isa: Isa, matrix: &SignMatrix, units: usize, x: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let y = x.len() / units;
    let mut table = SumTable::new(matrix.columns(), units, y);
    for (index, x) in x.iter().enumerate() {
        table.set(isa, index / units, index % units, x);
    }
    // Behind an odd entry: no alignment may be assumed.
    let mut out = vec![f32::NAN; table.len(matrix) + 1];
    let out = &mut out[1..];
    sign_product(isa, matrix, &table, out);
    (0..x.len()).map(|index| out[table.at(matrix, index / units, index % units)].to_vec()).collect()
}

/// Both orientations of random patterns against f64 sums, entry by entry; and the same bits from
/// every instruction set, from one replica alone and from one row alone.
fn check_sign_product(n: usize, units: usize, full: bool, y: usize, batch: usize) {
    let (groups, words, scale) = (if full { 1 } else { units }, n.div_ceil(64), 3.0);
    let mut stream = stream(&[n as u64, units as u64, full.into(), y as u64, batch as u64]);
    let count = batch + 3;
    let rows = random_rows(n, groups, count, &mut stream);
    let indices: Vec<u32> = (0..batch).map(|_| stream.below(count as u64) as u32).collect();
    let entry = |mu: usize, group: usize, i: usize| {
        f64::from(sign(&rows[(indices[mu] as usize * groups + group) * words..][..words], i))
    };
    let mut forward = SignMatrix::new(groups, batch, n);
    forward.gather(&rows, &indices);
    let mut transposed = SignMatrix::new(groups, n, batch);
    transposed.gather_transposed(&rows, &indices);
    for (matrix, is_forward) in [(&forward, true), (&transposed, false)] {
        let columns = matrix.columns();
        let mut normal = || (scale * stream.normal()) as f32;
        let x: Vec<Vec<f32>> =
            (0..y * units).map(|_| (0..columns).map(|_| normal()).collect()).collect();
        let reference = products(Isa::SCALAR, matrix, units, &x);
        // √C terms of size `scale`, 2^−24 a rounding: 20 of these is generous, while one wrong
        // sign (2·scale typically) is far outside.
        let bound = 20.0 * scale * (columns as f64 + 1.0).sqrt() / f64::from(1 << 24);
        for (index, (x, sums)) in x.iter().zip(&reference).enumerate() {
            let group = if full { 0 } else { index % units };
            for (r, &sum) in sums.iter().enumerate() {
                let sign = |c| if is_forward { entry(r, group, c) } else { entry(c, group, r) };
                let expected: f64 =
                    x.iter().enumerate().map(|(c, &x)| sign(c) * f64::from(x)).sum();
                let off = (f64::from(sum) - expected).abs();
                assert!(off <= bound, "n {n} y {y} batch {batch}: {sum} for {expected}");
            }
        }
        every_isa(|isa| {
            assert_eq!(bits(&products(isa, matrix, units, &x)), bits(&reference), "{isa:?}");
            let last = &x[(y - 1) * units..];
            let alone = products(isa, matrix, units, last);
            assert_eq!(bits(&alone), bits(&reference[(y - 1) * units..]), "{isa:?}");
            if is_forward && batch > 0 {
                let mut single = SignMatrix::new(groups, 1, n);
                single.gather(&rows, &indices[batch - 1..]);
                for (one, all) in products(isa, &single, units, &x).iter().zip(&reference) {
                    assert_eq!(one[0].to_bits(), all[batch - 1].to_bits(), "{isa:?}");
                }
            }
        });
    }
}

fn bits(values: &[Vec<f32>]) -> Vec<Vec<u32>> {
    values.iter().map(|v| v.iter().map(|x| x.to_bits()).collect()).collect()
}

#[test]
fn sign_products_at_all_lengths() {
    for n in 1..=4 * 32 + 1 {
        check_sign_product(n, 1, false, 1, 3);
        check_sign_product(5, 2, n % 2 == 0, 1, n);
    }
    for n in [511, 512, 513, 1023, 1025, 2049] {
        check_sign_product(n, 1, false, 2, 9);
    }
}

#[test]
fn sign_products_of_all_batch_and_replica_counts() {
    for batch in 0..=4 * 8 + 1 {
        check_sign_product(37, 3, batch % 2 == 0, 1 + batch % 5, batch);
    }
    for y in 1..=17 {
        check_sign_product(65, 2, y % 2 == 0, y, 20);
    }
}

/// Subnormal, largest and infinite entries: the same bits everywhere, and signs that cancel exactly.
#[test]
fn sign_products_of_extreme_values() {
    let n = 67;
    let rows = random_rows(n, 1, 9, &mut stream(&[9]));
    let matrix = SignMatrix::forward(&rows, 1, n);
    let tiny = f32::from_bits(1);
    for values in [[tiny, -tiny], [0.0, -0.0], [f32::MAX, tiny], [f32::MAX, 1e30], [1.0, tiny]] {
        let x: Vec<f32> = (0..n).map(|i| values[i % 2]).collect();
        let reference = products(Isa::SCALAR, &matrix, 1, std::slice::from_ref(&x));
        every_isa(|isa| {
            let same = products(isa, &matrix, 1, std::slice::from_ref(&x));
            for (a, b) in same[0].iter().zip(&reference[0]) {
                // ∞ − ∞ may have any payload.
                assert!(
                    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
                    "{isa:?} {values:?}"
                );
            }
        });
        for (row, &sum) in rows.chunks_exact(n.div_ceil(64)).zip(&reference[0]) {
            let exact: f64 = (0..n).map(|i| f64::from(sign(row, i)) * f64::from(x[i])).sum();
            // Integer multiples of the least subnormal add without rounding.
            if values.iter().all(|x| x.abs() <= tiny) {
                assert_eq!(f64::from(sum), exact, "{values:?}");
            }
        }
    }
}
