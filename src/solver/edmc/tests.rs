//! The measure of the chain, its solutions, snapshots and parameters. The objective is tested against
//! enumeration beside [`crate::solver::message_passing::bethe`].

use super::*;
use crate::model::{Activation, Architecture, Storage, WeightKind};
use crate::rng::Purpose;
use crate::solver::protocol::Protocol;
use crate::solver::{Method, SolverSpec};

fn instance(
    activation: Activation,
    (inputs, hidden): (usize, usize),
    count: usize,
    sample: u64,
) -> Arc<Instance> {
    let architecture = Architecture::tree(inputs, hidden).unwrap();
    let storage = Storage::new(architecture, activation, 0.0);
    Arc::new(Instance::random(storage, WeightKind::Binary, count, 20191023, sample))
}

fn solver(instance: &Arc<Instance>, params: &Params) -> Edmc {
    let storage = &instance.storage;
    params.validate(WeightKind::Binary, storage.activation(), storage.architecture()).unwrap();
    Edmc::new(Arc::clone(instance), params)
}

fn run(solver: &mut dyn Solver) -> Progress {
    loop {
        match solver.epoch() {
            Progress::Running => {}
            ended => return ended,
        }
    }
}

/// The configurations of a chain at fixed β and γ, whatever it solves, follow e^{βF} with F from
/// messages started anew at each of them: χ² over all 2^N. A law with β 10 % off is refused, and so is
/// the chain whose proposals are not weighed by q'/q.
#[test]
fn configurations_follow_the_local_entropy() {
    let instance = instance(Activation::Identity, (9, 1), 3, 1);
    let (beta, gamma) = (6.0, 0.5);
    let params = Params { settled: 1e-5, flips: 3.0, sweeps: 500, ..Params::default() };
    let storage = &instance.storage;
    let values: Vec<f64> = (0..512u32)
        .map(|w| {
            let signs: Vec<i8> = (0..9).map(|i| 1 - 2 * (w >> i & 1) as i8).collect();
            let mut bethe =
                Bethe::new(storage, &instance.patterns, params.node, params.sweeps).unwrap();
            bethe.at_field(&signs, gamma).unwrap()
        })
        .collect();
    let law = |beta: f64| {
        let weights: Vec<f64> = values.iter().map(|f| (beta * (f - values[0])).exp()).collect();
        let norm: f64 = weights.iter().sum();
        weights.into_iter().map(|w| w / norm).collect::<Vec<f64>>()
    };
    let chain = |weighed: bool| {
        let mut solver = solver(&instance, &params);
        let value = solver.evaluate(gamma).0;
        solver.keep(value);
        let m = solver.state.magnetization.clone();
        solver.forward.set(&m, &solver.signs, beta, gamma, params.flips);
        let (looks, spacing) = (15_000, 4);
        let mut counts = vec![0.0; 512];
        for look in 0..looks + 100 {
            for _ in 0..spacing {
                if !weighed {
                    // Every block as likely there as back.
                    solver.forward.set(&m, &solver.signs, 0.0, gamma, params.flips);
                }
                solver.propose(beta, gamma);
            }
            if look >= 100 {
                let word = |w, (i, &s): (usize, &i8)| w | usize::from(s < 0) << i;
                counts[solver.signs.iter().enumerate().fold(0, word)] += 1.0;
            }
        }
        let State { made, accepted, unsettled, .. } = solver.state;
        assert!(unsettled == 0 && accepted > made / 5, "{made} {accepted} {unsettled}");
        counts
    };
    let chi2 = |counts: &[f64], law: &[f64]| {
        let total: f64 = counts.iter().sum();
        let (mut chi2, mut cells, mut merged) = (0.0, 0.0, (0.0, 0.0));
        for (found, p) in counts.iter().zip(law) {
            merged = (merged.0 + found, merged.1 + total * p);
            if merged.1 >= 20.0 {
                chi2 += (merged.0 - merged.1).powi(2) / merged.1;
                cells += 1.0;
                merged = (0.0, 0.0);
            }
        }
        let freedom: f64 = cells - 1.0;
        (chi2, freedom + 5.0 * (2.0 * freedom).sqrt())
    };
    let counts = chain(true);
    let (value, limit) = chi2(&counts, &law(beta));
    assert!(value < limit, "{value} above {limit}");
    let (value, limit) = chi2(&counts, &law(1.1 * beta));
    assert!(value > limit, "no power: {value} {limit}");
    let (value, limit) = chi2(&chain(false), &law(beta));
    assert!(value > limit, "the unweighed chain passes: {value} {limit}");
}

/// The chances of all blocks add up to one, and draws have them.
#[test]
fn proposals_have_the_law_that_is_stated() {
    let signs = [1, -1, 1, 1, -1, -1];
    let m = [0.9, 0.2, -0.4, 0.0, -0.99, 0.7];
    let mut proposal = Proposal::new(6);
    proposal.set(&m, &signs, 3.0, 0.8, 2.0);
    let sites = |block: u32| (0..6).filter(|i| block >> i & 1 == 1).collect::<Vec<u32>>();
    let law: Vec<f64> = (0..64).map(|block| proposal.ln(&sites(block)).exp()).collect();
    assert!((law.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    let mean: f64 = (0..64u32).map(|b| f64::from(b.count_ones()) * law[b as usize]).sum();
    assert!(mean <= 2.0 + 1e-9, "{mean}");
    let (mut stream, mut drawn) = (Stream::new(4, Purpose::Test, &[3]), Vec::new());
    let (mut counts, draws) = ([0.0f64; 64], 100_000.0);
    for _ in 0..draws as usize {
        proposal.draw(&mut stream, &mut drawn);
        counts[drawn.iter().fold(0, |block, site| block | 1 << site)] += 1.0;
    }
    for (count, p) in counts.iter().zip(&law) {
        assert!((count - draws * p).abs() < 5.0 * (draws * p).sqrt() + 5.0, "{count} {p}");
    }
}

/// Loads at which a short plain annealing gets stuck are solved, and claims hold.
#[test]
fn loads_are_solved() {
    for (activation, shape, alpha) in [
        (Activation::Sign, (315, 5), 0.5),
        (Activation::Relu, (384, 8), 0.55),
        (Activation::Identity, (201, 1), 0.5),
    ] {
        let instance = instance(activation, shape, (alpha * shape.0 as f64) as usize, 2);
        let spec = SolverSpec::Edmc(Params::default());
        let mut solver = spec.method().build(Arc::clone(&instance));
        assert_eq!(run(&mut *solver), Progress::Solved, "{activation:?}");
        assert_eq!(instance.storage.errors(&instance.patterns, &solver.weights()), 0);
        let values = solver.values();
        assert_eq!(values.len(), columns().len());
        assert!(values.iter().zip(columns()).all(|(value, column)| value.fits(&column.kind)));
    }
}

/// Interrupted after any epoch, restored into a fresh solver: the same end, byte for byte.
#[test]
fn snapshots_continue_identically() {
    let instance = instance(Activation::Relu, (256, 4), 140, 3);
    let params = Params {
        gamma: Protocol::linear_step(0.3, 0.03),
        proposals: 3,
        max_epochs: 30,
        ..Params::default()
    };
    let mut whole = solver(&instance, &params);
    let mut snapshots = vec![whole.snapshot()];
    while whole.epoch() == Progress::Running {
        snapshots.push(whole.snapshot());
    }
    let end = whole.snapshot();
    assert!(snapshots.len() > 8, "{}", snapshots.len());
    for at in [0, 1, snapshots.len() / 2, snapshots.len() - 1] {
        let mut resumed = solver(&instance, &params);
        let _ = resumed.epoch();
        resumed.restore(&snapshots[at]).unwrap();
        run(&mut resumed);
        assert!(resumed.snapshot() == end, "from epoch {at}");
        assert_eq!((resumed.values(), resumed.weights()), (whole.values(), whole.weights()));
    }
    let mut longer = end.clone();
    longer.push(0);
    for bytes in [&[][..], &end[..end.len() / 2], &longer] {
        assert!(whole.restore(bytes).is_err());
        assert!(whole.snapshot() == end);
    }
}

/// Every instruction set gives the same state, byte for byte.
#[test]
fn instruction_sets_agree() {
    let instance = instance(Activation::Sign, (5 * 67, 5), 200, 3);
    let states: Vec<Vec<u8>> = Isa::all()
        .into_iter()
        .map(|isa| {
            let mut solver = solver(&instance, &Params::default());
            solver.isa = isa;
            (0..4).for_each(|_| assert_eq!(solver.epoch(), Progress::Running));
            solver.snapshot()
        })
        .collect();
    assert!(states.iter().all(|state| state == &states[0]));
}

#[test]
fn parameters_are_checked() {
    let tree = Architecture::tree(400, 8).unwrap();
    let key = |text: &str, kind, activation| {
        let params: Params = toml::from_str(text).unwrap();
        params.validate(kind, activation, tree).map_err(|(key, _)| key)
    };
    use WeightKind::{Binary, Spherical};
    assert_eq!(key("", Binary, Activation::Relu), Ok(()));
    assert_eq!(key("", Spherical, Activation::Relu), Err(String::new()));
    assert_eq!(key("", Binary, Activation::Quadratic), Err(String::new()));
    for (text, name) in [
        ("flips = 0.0", "flips"),
        ("proposals = 0", "proposals"),
        ("sweeps = 0", "sweeps"),
        ("settled = 0.5", "settled"),
        ("max_epochs = 0", "max_epochs"),
        ("beta = -1.0", "beta"),
        ("gamma = 21", "gamma"),
    ] {
        assert_eq!(key(text, Binary, Activation::Sign), Err(name.into()), "{text}");
    }
    assert!(toml::from_str::<Params>("field = 3").is_err());
    let text = toml::to_string(&Params::default()).unwrap();
    assert_eq!(toml::from_str::<Params>(&text).unwrap(), Params::default(), "{text}");
}
