//! The measure that is sampled against enumeration, energies against the definition, snapshots.
//!
//! Equilibrium is tested above the capacity of the instance, where a run never ends by solving.

use super::*;
use crate::exact::density_of_states;
use crate::model::{Activation, Architecture, Connectivity, WeightKind};
use crate::solver::protocol::Protocol;
use crate::solver::{Method, SolverSpec};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn instance(
    activation: Activation,
    connectivity: Connectivity,
    (inputs, hidden): (usize, usize),
    count: usize,
    sample: u64,
) -> Arc<Instance> {
    let architecture = Architecture::new(inputs, hidden, connectivity).unwrap();
    let storage = Storage::new(architecture, activation, 0.0);
    Arc::new(Instance::random(storage, WeightKind::Binary, count, 20191023, sample))
}

/// Integer energy of `weights` from the definition: unit by unit, input by input.
fn definition(instance: &Instance, settings: &Settings, weights: &Weights) -> i64 {
    let storage = &instance.storage;
    let architecture = storage.architecture();
    if settings.energy == Energy::Errors {
        return storage.errors(&instance.patterns, weights) as i64;
    }
    let activation = storage.activation();
    let demanding = Storage::new(architecture, activation, storage.kappa() + settings.margin);
    let n = (architecture.unit_inputs() as f64).sqrt();
    let short = |mu: usize| {
        let fields: Vec<i32> = (0..architecture.hidden())
            .map(|unit| {
                let lambda = storage.preactivation(&instance.patterns, weights, mu, unit);
                (lambda * n).round() as i32
            })
            .collect();
        let x = i64::from(instance.patterns.label(mu)) * storage.integer_total(&fields);
        // Quadratic units are counted in quarters, all outputs having the same parity.
        let unit = if activation == Activation::Quadratic { 4 } else { 1 };
        (demanding.threshold().div_euclid(unit) + 1 - x.div_euclid(unit)).max(0)
    };
    (0..instance.patterns.count()).map(short).sum()
}

/// χ² of `counts` against the law proportional to `weights`, cells with less than 20 expected
/// merged, and its five standard deviations above the mean.
fn chi2<K: Ord>(counts: &BTreeMap<K, f64>, weights: &BTreeMap<K, f64>) -> (f64, f64) {
    let total: f64 = counts.values().sum();
    let norm: f64 = weights.values().sum();
    assert!(counts.keys().all(|key| weights.contains_key(key)), "an impossible state");
    let (mut chi2, mut cells, mut merged) = (0.0, 0.0, (0.0, 0.0));
    for (key, weight) in weights {
        let (found, expected) = (counts.get(key).unwrap_or(&0.0), total * weight / norm);
        merged = (merged.0 + found, merged.1 + expected);
        if merged.1 >= 20.0 {
            chi2 += (merged.0 - merged.1).powi(2) / merged.1;
            cells += 1.0;
            merged = (0.0, 0.0);
        }
    }
    assert!(cells > 4.0, "{cells} cells");
    let freedom: f64 = cells - 1.0;
    (chi2, freedom + 5.0 * (2.0 * freedom).sqrt())
}

fn solver(instance: &Arc<Instance>, params: Params) -> Rsa {
    let architecture = instance.storage.architecture();
    params.validate(WeightKind::Binary, instance.storage.activation(), architecture).unwrap();
    Rsa::new(Arc::clone(instance), &params)
}

/// Runs sweeps and counts what `observe` sees every `spacing` of them: the correlation left must
/// not widen χ² noticeably.
fn histogram<K: Ord>(
    solver: &mut Rsa,
    (looks, spacing): (usize, usize),
    observe: impl Fn(&Rsa) -> K,
) -> BTreeMap<K, f64> {
    let mut counts = BTreeMap::new();
    for look in 0..looks + 10 {
        for _ in 0..spacing {
            assert_eq!(solver.epoch(), Progress::Running);
        }
        if look >= 10 {
            *counts.entry(observe(solver)).or_insert(0.0) += 1.0;
        }
    }
    counts
}

/// All machines with their integer energies.
fn all_energies(instance: &Instance, settings: &Settings) -> Vec<i64> {
    let space = crate::exact::MachineSpace::new(&instance.storage, &instance.patterns).unwrap();
    let inputs = instance.storage.architecture().inputs();
    (0..1u64 << inputs).map(|w| definition(instance, settings, &space.weights(w))).collect()
}

/// Plain annealing held at one temperature samples g(E)e^{−βE}, attempt by attempt and without
/// rejections; the test has power: a law at a temperature 10 % off is refused.
#[test]
fn energies_follow_the_density_of_states() {
    for (activation, inputs, hidden, count) in [
        (Activation::Sign, 15, 3, 30),
        (Activation::Relu, 16, 4, 30),
        (Activation::Quadratic, 14, 2, 30),
    ] {
        let instance = instance(activation, Connectivity::Tree, (inputs, hidden), count, 1);
        let density = density_of_states(&instance.storage, &instance.patterns).unwrap();
        assert_eq!(density[0], 0, "the instance has a solution");
        for (beta, rejection_free) in [(0.0, 0.0), (0.4, 0.0), (0.9, 0.0), (0.9, 1e9)] {
            let params = Params {
                rejection_free: Some(rejection_free),
                energy: Some(Energy::Errors),
                beta: Some(Protocol::constant(beta)),
                max_epochs: Some(u64::MAX),
                ..Params::default()
            };
            let law = |beta: f64| {
                let weight =
                    |(e, &g): (usize, &u64)| (e as i64, g as f64 * (-beta * e as f64).exp());
                density.iter().enumerate().filter(|(_, g)| **g > 0).map(weight).collect()
            };
            let counts = histogram(&mut solver(&instance, params), (12_000, 12), |solver| {
                solver.replicas[0].errors() as i64
            });
            let (value, limit) = chi2(&counts, &law(beta));
            assert!(value < limit, "{activation:?} at {beta}: {value} above {limit}");
            if beta > 0.0 {
                let (value, limit) = chi2(&counts, &law(1.1 * beta));
                assert!(value > limit, "{activation:?}: no power at {beta}, {value} {limit}");
            }
        }
    }
}

/// Two replicas and their centre, hinge energy: the joint law of the energies' sum and the overlap
/// with the centre (explicit) or of the replicas (traced), against the sum over all states. A law
/// with γ 15 % off is refused.
#[test]
fn ensembles_follow_brute_force() {
    for (activation, shape, connectivity) in [
        (Activation::Sign, (9, 3), Connectivity::Tree),
        (Activation::Relu, (8, 2), Connectivity::Full),
    ] {
        let (beta, gamma, inputs) = (0.35, 0.5, shape.0);
        let instance = instance(activation, connectivity, shape, 26, 3);
        let fields = Params {
            replicas: Some(2),
            beta: Some(Protocol::constant(beta)),
            gamma: Some(Protocol::constant(gamma)),
            max_epochs: Some(u64::MAX),
            ..Params::default()
        };
        let energies = all_energies(&instance, &fields.settings(activation));
        assert!(energies.iter().all(|&e| e > 0), "the instance has a solution");
        // The last one changes between both ways of selection all the time.
        for (center, rejection_free) in [
            (Center::Traced, 0.0),
            (Center::Explicit, 0.0),
            (Center::Traced, 1e9),
            (Center::Explicit, 4.0),
        ] {
            let rejection_free = Some(rejection_free);
            let params = Params { center: Some(center), rejection_free, ..fields.clone() };
            let mut solver = solver(&instance, params);
            let scale = solver.scale;
            let law = |gamma: f64| {
                let mut law = BTreeMap::new();
                for (a, &ea) in energies.iter().enumerate() {
                    for (b, &eb) in energies.iter().enumerate() {
                        // Σ_i S_i² = 4·(sites where the replicas agree).
                        let equal = inputs - (a ^ b).count_ones() as usize;
                        let base = (-beta * (ea + eb) as f64 / scale).exp();
                        match center {
                            Center::Traced => {
                                let weight = base * (2.0 * gamma).cosh().powi(equal as i32);
                                *law.entry((ea + eb, equal as i64)).or_insert(0.0) += weight;
                            }
                            // Where the replicas agree, the centre is with them or against them.
                            Center::Explicit => {
                                let mut ways = 1.0;
                                for with in (0..=equal).rev() {
                                    let pull = 2 * (2 * with as i64 - equal as i64);
                                    let free = 2f64.powi((inputs - equal) as i32);
                                    let weight = base * ways * free * (gamma * pull as f64).exp();
                                    *law.entry((ea + eb, pull)).or_insert(0.0) += weight;
                                    ways = ways * with as f64 / (equal - with + 1) as f64;
                                }
                            }
                        }
                    }
                }
                law
            };
            let observe = |solver: &Rsa| {
                let energy: i64 = solver.replicas.iter().map(|r| r.hinge()).sum();
                let n = solver.columns.inputs();
                let pull = |(site, &negatives): (usize, &u16)| {
                    let sum = 2 - 2 * i64::from(negatives);
                    let sign = if solver.center.is_negative(site / n, site % n) { -1 } else { 1 };
                    match center {
                        Center::Traced => i64::from(sum != 0),
                        Center::Explicit => sum * sign,
                    }
                };
                (energy, solver.negatives.iter().enumerate().map(pull).sum::<i64>())
            };
            let counts = histogram(&mut solver, (30_000, 16), observe);
            let (value, limit) = chi2(&counts, &law(gamma));
            assert!(value < limit, "{activation:?} {center:?}: {value} above {limit}");
            let (value, limit) = chi2(&counts, &law(1.15 * gamma));
            assert!(value > limit, "{activation:?} {center:?}: no power, {value} {limit}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// ΔE of proposals and the energies after sweeps are those of the definition.
    #[test]
    fn energies_are_those_of_the_definition(
        kind in 0usize..5, half in 1usize..4, n in 1usize..40, count in 1usize..80,
        full: bool, errors: bool, sample in 0u64..100, margin in 0.0f64..0.6,
    ) {
        let (activation, hidden) = [
            (Activation::Sign, 2 * half - 1),
            (Activation::Identity, half),
            (Activation::Relu, 2 * half),
            (Activation::Abs, 2 * half),
            (Activation::Quadratic, 2 * half),
        ][kind];
        let connectivity = if full { Connectivity::Full } else { Connectivity::Tree };
        let instance = instance(activation, connectivity, (n * hidden, hidden), count, sample);
        let params = Params {
            replicas: Some(2),
            energy: Some(if errors { Energy::Errors } else { Energy::Hinge }),
            margin: Some(margin),
            ..Params::default()
        };
        let mut solver = solver(&instance, params);
        for _ in 0..3 {
            let progress = solver.epoch();
            let energy = solver.settings.energy;
            let weights = solver.replicas();
            for (replica, weights) in solver.replicas.iter().zip(&weights) {
                let now = definition(&instance, &solver.settings, weights);
                prop_assert_eq!(replica.energy(energy), now);
                let site = sample as usize % (n * hidden);
                let (unit, input) = (site / n, site % n);
                let mut flipped = weights.clone();
                if let Weights::Binary(bits) = &mut flipped {
                    bits[unit * n.div_ceil(64) + input / 64] ^= 1 << (input % 64);
                }
                let change = replica.propose(solver.isa, &solver.columns, energy, unit, input);
                let after = definition(&instance, &solver.settings, &flipped);
                prop_assert_eq!(change, after - now);
                prop_assert!(change.unsigned_abs() as usize <= solver.boltzmann_reach());
            }
            if progress != Progress::Running {
                break;
            }
        }
    }
}

impl Rsa {
    /// Largest |ΔE| that the tables provide for.
    fn boltzmann_reach(&self) -> usize {
        let mut tables = self.boltzmann.clone();
        tables.set(0.0, 0.0);
        tables.len() - 1
    }
}

/// Every activation and both connectivities are solved at a light load, and claims hold.
#[test]
fn light_loads_are_solved() {
    use Activation::*;
    for (activation, connectivity, shape, alpha, replicas) in [
        (Sign, Connectivity::Tree, (315, 5), 0.2, 1),
        (Sign, Connectivity::Full, (315, 5), 0.1, 1),
        (Identity, Connectivity::Tree, (201, 1), 0.2, 1),
        (Relu, Connectivity::Tree, (312, 8), 0.3, 1),
        (Relu, Connectivity::Full, (312, 8), 0.2, 3),
        (Quadratic, Connectivity::Tree, (300, 4), 0.15, 1),
        (Abs, Connectivity::Tree, (300, 4), 0.15, 1),
        (Relu, Connectivity::Tree, (312, 8), 0.3, 3),
    ] {
        for center in [Center::Traced, Center::Explicit] {
            let count = (alpha * shape.0 as f64) as usize;
            let instance = instance(activation, connectivity, shape, count, 2);
            let params = Params {
                replicas: Some(replicas),
                center: Some(center),
                max_epochs: Some(600),
                ..Params::default()
            };
            let spec = SolverSpec::Rsa(params);
            let mut solver = spec.method().build(Arc::clone(&instance));
            let progress = loop {
                match solver.epoch() {
                    Progress::Running => {}
                    ended => break ended,
                }
            };
            assert_eq!(progress, Progress::Solved, "{activation:?} {connectivity:?} {center:?}");
            assert_eq!(instance.storage.errors(&instance.patterns, &solver.weights()), 0);
            let values = solver.values();
            assert_eq!(values.len(), columns().len());
            assert!(values.iter().zip(columns()).all(|(value, column)| value.fits(&column.kind)));
        }
    }
}

/// Interrupted after any sweep, restored into a fresh solver: the same end, byte for byte.
#[test]
fn snapshots_continue_identically() {
    for (center, energy, rejection_free) in [
        (Center::Traced, Energy::Hinge, 0.0),
        (Center::Explicit, Energy::Errors, 0.0),
        (Center::Traced, Energy::Hinge, 20.0),
    ] {
        let instance = instance(Activation::Relu, Connectivity::Tree, (260, 4), 110, 9);
        let params = Params {
            replicas: Some(3),
            center: Some(center),
            energy: Some(energy),
            rejection_free: Some(rejection_free),
            max_epochs: Some(60),
            ..Params::default()
        };
        let mut whole = solver(&instance, params.clone());
        let mut snapshots = vec![whole.snapshot()];
        while whole.epoch() == Progress::Running {
            snapshots.push(whole.snapshot());
        }
        let end = whole.snapshot();
        assert!(snapshots.len() > 10);
        for at in [0, 1, snapshots.len() / 2, snapshots.len() - 1] {
            let mut resumed = solver(&instance, params.clone());
            let _ = resumed.epoch();
            resumed.restore(&snapshots[at]).unwrap();
            while resumed.epoch() == Progress::Running {}
            assert!(resumed.snapshot() == end, "{center:?} from sweep {at}");
            assert_eq!((resumed.values(), resumed.weights()), (whole.values(), whole.weights()));
        }
        let other = solver(&instance, Params { replicas: Some(2), ..params }).snapshot();
        let mut longer = end.clone();
        longer.push(0);
        for bytes in [&[][..], &end[..end.len() / 2], &other, &longer] {
            assert!(whole.restore(bytes).is_err());
            assert!(whole.snapshot() == end);
        }
    }
}

/// Every instruction set gives the same state, byte for byte.
#[test]
fn instruction_sets_agree() {
    let instance = instance(Activation::Sign, Connectivity::Tree, (5 * 67, 5), 120, 3);
    let states: Vec<Vec<u8>> = Isa::all()
        .into_iter()
        .map(|isa| {
            let mut solver = solver(&instance, Params { replicas: Some(2), ..Params::default() });
            solver.isa = isa;
            (0..20).for_each(|_| assert_eq!(solver.epoch(), Progress::Running));
            solver.snapshot()
        })
        .collect();
    assert!(states.iter().all(|state| state == &states[0]));
}

#[test]
fn parameters_are_checked_and_resolve() {
    let tree = Architecture::tree(400, 8).unwrap();
    let key = |text: &str, kind, activation| {
        let params: Params = toml::from_str(text).unwrap();
        params.validate(kind, activation, tree).map_err(|(key, _)| key)
    };
    use WeightKind::{Binary, Spherical};
    assert_eq!(key("energy = \"errors\"", Binary, Activation::Relu), Ok(()));
    assert_eq!(key("", Spherical, Activation::Relu), Err(String::new()));
    assert_eq!(key("", Binary, Activation::Tanh), Err(String::new()));
    assert_eq!(key("replicas = 0", Binary, Activation::Relu), Err("replicas".into()));
    assert_eq!(key("max_epochs = 0", Binary, Activation::Relu), Err("max_epochs".into()));
    assert_eq!(key("margin = -0.1", Binary, Activation::Relu), Err("margin".into()));
    assert_eq!(key("beta = -1.0", Binary, Activation::Relu), Err("beta".into()));
    assert_eq!(
        key("rejection_free = -1.0", Binary, Activation::Relu),
        Err("rejection_free".into())
    );
    assert_eq!(key("gamma = 101", Binary, Activation::Relu), Err("gamma".into()));
    assert!(toml::from_str::<Params>("replica = 3").is_err());
    for activation in [Activation::Sign, Activation::Relu] {
        let resolved = Params::default().resolved(WeightKind::Binary, activation);
        assert_eq!(resolved.resolved(WeightKind::Binary, Activation::Identity), resolved);
        let text = toml::to_string(&resolved).unwrap();
        assert_eq!(toml::from_str::<Params>(&text).unwrap(), resolved, "{text}");
    }
}
