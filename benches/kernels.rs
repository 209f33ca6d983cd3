//! Kernels against the machine's own limits, measured in the same run on one core.
//!
//! `cargo bench --bench kernels` prints criterion's figures and, at the end, a table of fractions;
//! how to read it is in `benches/README.md`. Times are those of the thread's CPU clock, the best of
//! criterion's samples: other processes then do not count.

use criterion::Criterion;
use reluscape::rng::{Purpose, Stream};
use reluscape::simd::functions::{FUNCTIONS, apply};
use reluscape::simd::limits::{self, CHAINS, MIXES, Mix};
use reluscape::simd::{
    Descent, Energy, FlipColumns, FlipState, Isa, PatternBlock, SignMatrix, SumTable, UnitForm,
    WeightTable, count_signs, descend, descend_voted, differing, majority, preactivations,
    sign_product,
};
use rustix::time::{ClockId, clock_gettime};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

/// CPU seconds of this thread.
fn clock() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + 1e-9 * now.tv_nsec as f64
}

struct Bench {
    criterion: Criterion,
    isa: Isa,
    stream: Stream,
    /// Best seconds a call by name.
    seconds: BTreeMap<String, f64>,
    table: Vec<String>,
}

impl Bench {
    /// Seconds of one call of `work`; `None` if the command line's filter leaves it out.
    fn time(&mut self, name: &str, mut work: impl FnMut()) -> Option<f64> {
        let mut best = f64::MAX;
        self.criterion.bench_function(name, |bencher| {
            bencher.iter_custom(|count| {
                let start = clock();
                for _ in 0..count {
                    work();
                }
                let seconds = clock() - start;
                best = best.min(seconds / count as f64);
                Duration::from_secs_f64(seconds)
            });
        });
        (best < f64::MAX).then(|| {
            self.seconds.insert(name.to_owned(), best);
            best
        })
    }

    /// One line of the table: `rate` in `unit`, and its fraction of `limit` (same unit).
    fn line(&mut self, name: &str, rate: f64, unit: &str, bound: &str, limit: Option<f64>) {
        let fraction =
            limit.map_or("".to_owned(), |limit| format!("{:.0} %", 100.0 * rate / limit));
        self.table.push(format!("| {name} | {:.3e} {unit} | {bound} | {fraction} |", rate));
    }

    fn bits(&mut self, count: usize) -> Vec<u64> {
        (0..count).map(|_| self.stream.bits()).collect()
    }

    /// Packed rows of n entries in `groups` with zero padding.
    fn rows(&mut self, n: usize, groups: usize, count: usize) -> Vec<u64> {
        let words = n.div_ceil(64);
        let tail = if n.is_multiple_of(64) { u64::MAX } else { (1 << (n % 64)) - 1 };
        let mut rows = self.bits(words * groups * count);
        rows.iter_mut().skip(words - 1).step_by(words).for_each(|word| *word &= tail);
        rows
    }
}

/// What the machine can do: instructions, bits and bytes a second.
#[derive(Default)]
struct Limits {
    /// Groups of each mix a second.
    mixes: BTreeMap<&'static str, f64>,
    /// Contiguous xor + popcount, bits a second, from L1.
    popcount: Option<f64>,
    /// The same from L2.
    popcount_l2: Option<f64>,
    /// Bytes a second read from memory.
    memory: Option<f64>,
}

fn mix_name(mix: Mix) -> &'static str {
    match mix {
        Mix::Add => "add",
        Mix::Shuffle => "shuffle",
        Mix::ShuffleAdd => "shuffle+add",
        Mix::Fma => "fma",
        Mix::XorAdd => "xor+add",
        Mix::PermuteXorAdd => "permute+xor+add",
    }
}

const STEPS: usize = 10_000;
/// Words of an array beyond the last cache: 128 MiB.
const FAR: usize = 16 << 20;

fn limits(bench: &mut Bench) -> Limits {
    let mut limits = Limits::default();
    for mix in MIXES {
        if !limits::run(mix, 1) {
            continue;
        }
        let name = mix_name(mix);
        if let Some(seconds) = bench.time(&format!("limit/{name}"), || {
            limits::run(black_box(mix), STEPS);
        }) {
            let rate = (STEPS * CHAINS) as f64 / seconds;
            limits.mixes.insert(name, rate);
            bench.line(&format!("limit: {name}"), rate, "registers/s", "execution ports", None);
        }
    }
    let isa = bench.isa;
    for (place, words) in [("L1", 1 << 10), ("L2", 1 << 13), ("memory", FAR / 2)] {
        let (a, b) = (bench.bits(words), bench.bits(words));
        let name = format!("limit/xor+popcount/{place}");
        let time = bench.time(&name, || {
            black_box(differing(isa, black_box(&a), &b));
        });
        if let Some(seconds) = time {
            let rate = (64 * words) as f64 / seconds;
            match place {
                "L1" => limits.popcount = Some(rate),
                "L2" => limits.popcount_l2 = Some(rate),
                _ => {}
            }
            bench.line(
                &format!("limit: xor+popcount, {place}"),
                rate,
                "bits/s",
                "Harley–Seal",
                None,
            );
        }
    }
    let words = bench.bits(FAR);
    let time = bench.time("limit/memory read", || {
        black_box(limits::read(isa, black_box(&words)));
    });
    limits.memory = time.map(|seconds| (8 * FAR) as f64 / seconds);
    if let Some(rate) = limits.memory {
        bench.line("limit: read from memory", rate, "bytes/s", "memory", None);
    }
    limits
}

/// Seconds that the binary forward pass needs at least for 32 patterns × one unit of n inputs × one
/// of y replicas, on the vector ports: per byte of inputs two shuffles with two additions, a 1/y share
/// (at most 1/4: four replicas share) of the three instructions that split the byte, and for each 31
/// bytes begun eight instructions that widen, sum and store the counts; five up to n = 127, where the
/// result fits into a byte.
fn forward_bound(limits: &Limits, n: usize, y: usize) -> Option<f64> {
    let (add, pair) = (limits.mixes.get("add")?, limits.mixes.get("shuffle+add")?);
    let bytes = n.div_ceil(8) as f64;
    let split = 3.0 / y.min(4) as f64;
    let sums = if n <= 127 { 5.0 } else { 8.0 * (bytes / 31.0).ceil() };
    Some(bytes * (2.0 / pair + split / add) + sums / add)
}

fn forward(bench: &mut Bench, limits: &Limits) {
    let isa = bench.isa;
    for (n, units, y, patterns) in [
        (64, 16, 7, 96),
        (64, 16, 1, 96),
        (321, 5, 7, 96),
        (321, 5, 1, 96),
        (1024, 1, 1, 1920),
        (1024, 1, 7, 1920),
        (10_048, 1, 7, 192),
    ] {
        let rows = bench.rows(n, units, patterns);
        let mut block = PatternBlock::new(n, units, patterns);
        block.gather_all(isa, &rows);
        let mut table = WeightTable::new(n, units, y);
        for replica in 0..y {
            let weights = bench.rows(n, units, 1);
            table.set(replica, &weights);
        }
        let mut h = vec![0; table.len(&block)];
        let name = format!("forward/n {n}, K {units}, y {y}, P {patterns}");
        let time = bench.time(&name, || preactivations(isa, &block, &table, black_box(&mut h)));
        if let Some(seconds) = time {
            let rate = (n * units * y * patterns) as f64 / seconds;
            // A block beyond 24 KiB lives in the second-level cache.
            if 8 * rows.len() > 24 << 10 {
                bench.line(&name, rate, "bits/s", "xor+popcount, L2", limits.popcount_l2);
            } else {
                bench.line(&name, rate, "bits/s", "xor+popcount, L1", limits.popcount);
            }
            let work = (patterns.div_ceil(32) * units * y) as f64;
            let bound = forward_bound(limits, n, y).map(|bound| (n * 32) as f64 / bound);
            bench.line(
                &name,
                work * (n * 32) as f64 / seconds,
                "bits/s",
                "ports, sums included",
                bound,
            );
        }
    }
    // Patterns of 128 MiB.
    let (n, patterns) = (1024, FAR / 16);
    let rows = bench.rows(n, 1, patterns);
    let mut block = PatternBlock::new(n, 1, patterns);
    block.gather_all(isa, &rows);
    for y in [1, 3, 7] {
        let mut table = WeightTable::new(n, 1, y);
        for replica in 0..y {
            let weights = bench.rows(n, 1, 1);
            table.set(replica, &weights);
        }
        let mut h = vec![0; table.len(&block)];
        let name = format!("forward from memory/n {n}, y {y}");
        let time = bench.time(&name, || preactivations(isa, &block, &table, black_box(&mut h)));
        if let Some(seconds) = time {
            // The preactivations are written (and their lines read before) once.
            let bytes = (8 * rows.len() + 4 * h.len()) as f64;
            bench.line(&name, bytes / seconds, "bytes/s", "read from memory", limits.memory);
            let rate = (n * patterns * y) as f64 / seconds;
            bench.line(&name, rate, "bits/s", "xor+popcount, L2", limits.popcount_l2);
        }
    }
}

fn product(bench: &mut Bench, limits: &Limits) {
    let isa = bench.isa;
    for (n, patterns) in [(1024, 1024), (10_000, 10_000)] {
        let rows = bench.rows(n, 1, patterns);
        for (what, matrix) in [
            ("forward", SignMatrix::forward(&rows, 1, n)),
            ("transpose", SignMatrix::transposed(&rows, 1, n)),
        ] {
            for y in [1, 4, 7, 16] {
                let mut table = SumTable::new(matrix.columns(), 1, y);
                let x: Vec<f32> =
                    (0..matrix.columns()).map(|_| bench.stream.normal() as f32).collect();
                let mut out = vec![0.0; table.len(&matrix)];
                let name = format!("sign product/{what} {n}x{patterns}, y {y}");
                // With the tables, which a solver renews for each product.
                let time = bench.time(&name, || {
                    for replica in 0..y {
                        table.set(isa, replica, 0, black_box(&x));
                    }
                    sign_product(isa, &matrix, &table, black_box(&mut out));
                });
                if let Some(seconds) = time {
                    let rate = (n * patterns * y) as f64 / seconds;
                    let entry = limits.mixes.get("xor+add").map(|rate| 8.0 * rate);
                    bench.line(&name, rate, "entries/s", "xor+add an entry", entry);
                    let mix = limits.mixes.get("permute+xor+add").map(|rate| 32.0 * rate);
                    bench.line(&name, rate, "entries/s", "permute+xor+add, 4 entries", mix);
                }
            }
        }
    }
}

fn flips(bench: &mut Bench, limits: &Limits) {
    let isa = bench.isa;
    let (n, units) = (64, 16);
    for patterns in [482, 2048, 16_384] {
        let rows = bench.rows(n, units, patterns);
        let labels = bench.bits(patterns.div_ceil(64));
        let columns = FlipColumns::new(&rows, &labels, units, n);
        let proposals: Vec<(usize, usize)> = (0..1024)
            .map(|_| (bench.stream.below(16) as usize, bench.stream.below(64) as usize))
            .collect();
        for (form, energy, instructions) in [
            (UnitForm::Relu, Energy::Errors, 13.0),
            (UnitForm::Sign, Energy::Errors, 13.0),
            (UnitForm::Identity, Energy::Errors, 9.0),
            (UnitForm::Relu, Energy::Hinge, 15.0),
        ] {
            let odd = form != UnitForm::Relu;
            let readout: Vec<i8> = (0..units).map(|l| if odd || l < 8 { 1 } else { -1 }).collect();
            let mut state = FlipState::new(isa, &columns, form, &readout, 0, 10)
                .expect("1024 inputs fit into 16 bits");
            let bound = |instructions: f64| {
                let registers = (patterns as f64 / 16.0) * instructions;
                limits.mixes.get("add").map(|rate| rate / registers)
            };
            let name = format!("flip/propose, {form:?}, {energy:?}, P {patterns}");
            let time = bench.time(&name, || {
                for &(unit, input) in &proposals {
                    black_box(state.propose(isa, &columns, energy, unit, input));
                }
            });
            if let Some(seconds) = time {
                let rate = proposals.len() as f64 / seconds;
                bench.line(&name, rate, "proposals/s", "vector ports", bound(instructions));
            }
            if energy == Energy::Errors {
                let name = format!("flip/accept, {form:?}, P {patterns}");
                let time = bench.time(&name, || {
                    for &(unit, input) in &proposals {
                        state.flip(isa, &columns, unit, input);
                    }
                });
                if let Some(seconds) = time {
                    let rate = proposals.len() as f64 / seconds;
                    // Two stores and the other energy besides.
                    bench.line(&name, rate, "flips/s", "vector ports", bound(instructions + 6.0));
                }
            }
        }
    }
}

fn rest(bench: &mut Bench, limits: &Limits) {
    let isa = bench.isa;
    for y in [3u32, 7, 16] {
        let rows: Vec<Vec<u64>> = (0..y).map(|_| bench.bits(256)).collect();
        let replicas: Vec<&[u64]> = rows.iter().map(Vec::as_slice).collect();
        let (ties, mut out) = (bench.bits(256), vec![0; 256]);
        let name = format!("majority/y {y}");
        let time = bench.time(&name, || majority(isa, &replicas, &ties, black_box(&mut out)));
        if let Some(seconds) = time {
            // A half adder (two logical operations) a plane and replica, then the comparison.
            let planes = f64::from(u32::BITS - y.leading_zeros()).max(2.0);
            let work = 2.0 * planes * f64::from(y) + 5.0 * planes + 3.0;
            let bound = limits.mixes.get("add").map(|rate| rate * 256.0 * f64::from(y) / work);
            let rate = f64::from(y) * 256.0 * 64.0 / seconds;
            bench.line(&name, rate, "bits/s", "vector ports", bound);
        }
    }
    let x: Vec<f32> =
        (0..4096).map(|_| (2.0 * bench.stream.normal().abs() + 0.01) as f32).collect();
    let mut out = vec![0.0; x.len()];
    for function in FUNCTIONS {
        let name = format!("function/{function:?}");
        let time = bench.time(&name, || apply(isa, function, black_box(&x), black_box(&mut out)));
        if let Some(seconds) = time {
            bench.line(&name, x.len() as f64 / seconds, "values/s", "Horner's rule", None);
        }
    }
}

/// What a mini-batch of least action consists of beside the forward pass: n = 321, K = 5, batch 80.
fn least_action(bench: &mut Bench, limits: &Limits) {
    let isa = bench.isa;
    let (n, count) = (321, 482);
    let rows = bench.rows(n, 1, count);
    let shuffle = limits.mixes.get("shuffle").copied();
    let add = limits.mixes.get("add").copied();
    let indices: Vec<u32> = (0..80).map(|_| bench.stream.below(count as u64) as u32).collect();
    let mut block = PatternBlock::new(n, 1, indices.len());
    let name = format!("gather/n {n}, batch {}", indices.len());
    if let Some(seconds) = bench.time(&name, || block.gather(isa, black_box(&rows), &indices)) {
        // 16 + 8 insertions, 8 shuffles and 24 unpackings for 32 patterns × 64 inputs.
        let words = (indices.len().div_ceil(32) * n.div_ceil(64)) as f64;
        let bound = shuffle.map(|rate| rate / 56.0);
        bench.line(&name, words / seconds, "32 × 64 bits/s", "shuffle ports", bound);
    }
    let mut counts = vec![0i8; 64 * n.div_ceil(64)];
    let row = bench.rows(n, 1, 1);
    let name = format!("count signs/n {n}");
    let time =
        bench.time(&name, || count_signs(isa, black_box(&row), false, black_box(&mut counts)));
    if let Some(seconds) = time {
        let rate = counts.len() as f64 / seconds;
        bench.line(&name, rate, "lanes/s", "vector ports", add.map(|rate| rate * 32.0 / 5.0));
    }
    let lanes = 64 * n.div_ceil(64);
    let mut fields: Vec<f32> = (0..lanes).map(|_| 20.0 * bench.stream.normal() as f32).collect();
    let pulls: Vec<f32> = vec![0.0; lanes];
    let mut bits = vec![0; lanes / 64];
    counts.fill(0);
    let descent = Descent { eta: 2.0, own: 0.0 };
    let name = format!("descend/n {n}");
    let time = bench.time(&name, || {
        descend(isa, descent, n, &counts, &pulls, black_box(&mut fields), black_box(&mut bits));
    });
    if let Some(seconds) = time {
        let bound = add.map(|rate| rate * 8.0 / 9.0);
        bench.line(&name, n as f64 / seconds, "lanes/s", "vector ports", bound);
    }
    let mut votes = vec![1i16; lanes];
    let name = format!("descend with votes/n {n}");
    let time = bench.time(&name, || {
        let voted = (&[0.0; 8], black_box(&mut votes[..]));
        descend_voted(isa, descent, n, &counts, voted, &mut fields, black_box(&mut bits));
    });
    if let Some(seconds) = time {
        let bound = add.map(|rate| rate * 8.0 / 16.0);
        bench.line(&name, n as f64 / seconds, "lanes/s", "vector ports", bound);
    }
}

fn main() {
    let criterion = Criterion::default()
        .without_plots()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(60))
        .measurement_time(Duration::from_millis(250))
        .configure_from_args();
    let isa = Isa::selected();
    let stream = Stream::new(1, Purpose::Test, &[]);
    let mut bench = Bench { criterion, isa, stream, seconds: BTreeMap::new(), table: Vec::new() };
    let limits = limits(&mut bench);
    forward(&mut bench, &limits);
    product(&mut bench, &limits);
    flips(&mut bench, &limits);
    least_action(&mut bench, &limits);
    rest(&mut bench, &limits);
    println!("\nInstruction set {}, one core\n", isa.name());
    println!("| kernel | rate | bound | fraction |\n|---|---|---|---|");
    for line in &bench.table {
        println!("{line}");
    }
}
