//! How the solutions of one sample lie: pair distances, isolated solutions, connected clusters.
//!
//! For the set S of Z solutions, with Hamming distance d (fraction d/N of the weights):
//! B(d) = #{unordered pairs at distance d}; profile N(d) = 2B(d)/Z, the mean number of solutions at
//! distance d from a solution, whose logarithm over N is the *annealed* local entropy; the quenched
//! one, ⟨ln N_w(d)⟩/N over typical references w, is the Franz–Parisi entropy (physics of
//! `theory franz-parisi`). Isolated: no solution at distance 1. Components: clusters under single
//! flips.
//!
//! B is exact by the Walsh–Hadamard transform f̂ of the indicator of S where N ≤ 24,
//! $$ 2 B(d) + Z \delta_{d0} = 2^{-N} \sum_{k=0}^N K_d(k) \sum_{|u| = k} \hat f(u)^2 $$
//!
//! with Krawtchouk polynomials K_d (MacWilliams),
//! O(N 2^N) and 64 MiB at most; by all pairs where Z ≤ 10^5; else estimated from solutions drawn
//! uniformly. Isolated and components are exact up to Z = 10^7 (at most 130 MB); beyond, isolated is
//! estimated and components are not known. Deterministic.

use super::capacity::Enumeration;
use crate::rng::Stream;

/// All pairs are visited up to this Z.
const PAIRS_LIMIT: u64 = 100_000;
/// The transform is used up to this N.
const TRANSFORM_INPUTS: usize = 24;
/// Solutions are listed up to this Z.
const LIST_LIMIT: u64 = 10_000_000;
/// References of the Franz–Parisi average, and of estimates.
const REFERENCES: usize = 1000;
/// Solutions drawn against the references in an estimate.
const PARTNERS: usize = 50_000;

/// Geometry of the solutions of one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Geometry {
    /// Z.
    pub solutions: u64,
    /// Whether pair distances are exact; otherwise from [`Self::references`] drawn references.
    pub exact_pairs: bool,
    /// Unordered pairs at distance d = 0 … N (integers where exact).
    pub pairs: Vec<f64>,
    /// Mean number of solutions at distance d from a solution, itself included at d = 0.
    pub profile: Vec<f64>,
    /// Mean over references of ln N_w(d), and the fraction of references with N_w(d) > 0 that it is
    /// restricted to; 0 where the fraction is 0.
    pub mean_log_profile: Vec<(f64, f64)>,
    /// References behind [`Self::mean_log_profile`] (all Z where there are no more than these).
    pub references: usize,
    /// Solutions without another at distance 1.
    pub isolated: f64,
    /// Whether [`Self::isolated`] is exact.
    pub exact_isolated: bool,
    /// Connected components under single flips; `None` above Z = 10^7.
    pub components: Option<u64>,
}

/// Geometry of the solutions that `enumeration`, complete, has counted. `stream` draws references.
pub fn geometry(enumeration: &Enumeration, stream: &mut Stream) -> Geometry {
    let inputs = enumeration.space().architecture().inputs();
    let total = *enumeration.counts().solutions.last().expect("Z(0) is always there");
    let listed = (total <= LIST_LIMIT).then(|| {
        let mut list = Vec::with_capacity(total as usize);
        enumeration.for_each_solution(|machine| list.push(machine));
        list.sort_unstable();
        list
    });
    let (isolated, exact_isolated, components) = match &listed {
        Some(list) => {
            let (isolated, components) = clusters(list, inputs);
            (isolated as f64, true, Some(components))
        }
        None => (estimate_isolated(enumeration, total, stream), false, None),
    };
    let pairs = match &listed {
        Some(list) if inputs <= TRANSFORM_INPUTS => Some(pairs_by_transform(list, inputs)),
        Some(list) if total <= PAIRS_LIMIT => Some(all_pairs(list, inputs)),
        _ => None,
    };
    let references = match &listed {
        Some(list) if list.len() <= REFERENCES => list.clone(),
        _ => enumeration.sample(REFERENCES, stream),
    };
    // Rows N_w(d) of the references: against all solutions where few enough, else an estimate.
    let partners = match &listed {
        Some(list) if total <= PAIRS_LIMIT => list.clone(),
        _ => enumeration.sample(PARTNERS, stream),
    };
    let all = partners.len() as u64 == total;
    let scale = if all { 1.0 } else { total as f64 / partners.len() as f64 };
    let (mut mean_row, mean_log_profile) = profiles(&references, &partners, scale, inputs);
    let exact_pairs = pairs.is_some();
    let (pairs, profile) = match pairs {
        Some(pairs) => {
            let mut profile: Vec<f64> =
                pairs.iter().map(|&b| 2.0 * b as f64 / total.max(1) as f64).collect();
            profile[0] = f64::from(u8::from(total > 0));
            (pairs.into_iter().map(|b| b as f64).collect(), profile)
        }
        None => {
            // Chance hits of a reference on itself say nothing of other solutions.
            mean_row[0] = 1.0;
            let mut pairs: Vec<f64> = mean_row.iter().map(|n| 0.5 * total as f64 * n).collect();
            pairs[0] = 0.0;
            (pairs, mean_row)
        }
    };
    Geometry {
        solutions: total,
        exact_pairs,
        pairs,
        profile,
        mean_log_profile,
        references: references.len(),
        isolated,
        exact_isolated,
        components,
    }
}

/// Over `references`, the mean of N_w(d), and the mean of ln N_w(d) where it is not −∞ with the
/// fraction of references where it is not; N_w(d) counts `partners`, each for `scale` solutions.
fn profiles(
    references: &[u64],
    partners: &[u64],
    scale: f64,
    inputs: usize,
) -> (Vec<f64>, Vec<(f64, f64)>) {
    let count = references.len() as f64;
    let mut means = vec![0.0; inputs + 1];
    let mut logs = vec![(0.0, 0.0); inputs + 1];
    let mut row = vec![0u64; inputs + 1];
    for &reference in references {
        row.fill(0);
        for &partner in partners {
            row[(reference ^ partner).count_ones() as usize] += 1;
        }
        for (distance, &hits) in row.iter().enumerate() {
            means[distance] += scale * hits as f64 / count;
            if hits > 0 {
                logs[distance].0 += libm::log(scale * hits as f64);
                logs[distance].1 += 1.0;
            }
        }
    }
    let logs = logs
        .into_iter()
        .map(|(sum, hits)| if hits > 0.0 { (sum / hits, hits / count) } else { (0.0, 0.0) })
        .collect();
    (means, logs)
}

/// Number of solutions at each distance 0 … N from `reference` (any machine), by a full sweep.
pub fn distances_from(enumeration: &Enumeration, reference: u64) -> Vec<u64> {
    let mut counts = vec![0; enumeration.space().architecture().inputs() + 1];
    enumeration.for_each_solution(|machine| {
        counts[(machine ^ reference).count_ones() as usize] += 1;
    });
    counts
}

/// (isolated solutions, connected components) of a sorted list: for each bit i, the pairs
/// (w, w + 2^i) by one merge, since adding 2^i keeps the order of those that lack it.
fn clusters(list: &[u64], inputs: usize) -> (u64, u64) {
    let mut parent: Vec<u32> = (0..list.len() as u32).collect();
    let mut has_neighbour = vec![false; list.len()];
    let mut components = list.len() as u64;
    for bit in 0..inputs {
        let mut upper = 0;
        for (lower, &machine) in list.iter().enumerate() {
            if machine >> bit & 1 == 1 {
                continue;
            }
            let partner = machine | 1 << bit;
            while upper < list.len() && list[upper] < partner {
                upper += 1;
            }
            if upper < list.len() && list[upper] == partner {
                (has_neighbour[lower], has_neighbour[upper]) = (true, true);
                let (a, b) = (root(&mut parent, lower as u32), root(&mut parent, upper as u32));
                if a != b {
                    parent[a.max(b) as usize] = a.min(b);
                    components -= 1;
                }
            }
        }
    }
    (has_neighbour.iter().filter(|&&has| !has).count() as u64, components)
}

/// Root in a union–find forest, with path halving.
fn root(parent: &mut [u32], mut node: u32) -> u32 {
    while parent[node as usize] != node {
        parent[node as usize] = parent[parent[node as usize] as usize];
        node = parent[node as usize];
    }
    node
}

fn all_pairs(list: &[u64], inputs: usize) -> Vec<u64> {
    let mut pairs = vec![0; inputs + 1];
    for (index, &a) in list.iter().enumerate() {
        for &b in &list[..index] {
            pairs[(a ^ b).count_ones() as usize] += 1;
        }
    }
    pairs
}

fn pairs_by_transform(list: &[u64], inputs: usize) -> Vec<u64> {
    let mut values = vec![0i32; 1 << inputs];
    list.iter().for_each(|&machine| values[machine as usize] = 1);
    for bit in 0..inputs {
        for half in values.chunks_exact_mut(2 << bit) {
            let (low, high) = half.split_at_mut(1 << bit);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
    }
    // Σ f̂² = 2^N Z ≤ 2^48.
    let mut spectrum = vec![0i64; inputs + 1];
    for (u, &value) in values.iter().enumerate() {
        spectrum[u.count_ones() as usize] += i64::from(value) * i64::from(value);
    }
    (0..=inputs)
        .map(|distance| {
            let ordered: i128 = (0..=inputs)
                .map(|k| krawtchouk(inputs, distance, k) * i128::from(spectrum[k]))
                .sum();
            let ordered = (ordered >> inputs) as u64;
            if distance == 0 { 0 } else { ordered / 2 }
        })
        .collect()
}

/// K_d(k) = Σ_j (−1)^j C(k, j) C(N − k, d − j): Σ of (−1)^{u·x} over |x| = d, for |u| = k.
fn krawtchouk(inputs: usize, distance: usize, k: usize) -> i128 {
    (0..=distance.min(k))
        .map(|j| {
            let term = binomial(k, j) * binomial(inputs - k, distance - j);
            if j % 2 == 0 { term } else { -term }
        })
        .sum()
}

fn binomial(n: usize, k: usize) -> i128 {
    if k > n {
        return 0;
    }
    (0..k).fold(1, |value, i| value * (n - i) as i128 / (i + 1) as i128)
}

/// Z times the fraction of isolated solutions among some drawn uniformly.
fn estimate_isolated(enumeration: &Enumeration, total: u64, stream: &mut Stream) -> f64 {
    let space = enumeration.space();
    let inputs = space.architecture().inputs();
    let drawn = enumeration.sample(REFERENCES, stream);
    let solves = |machine: u64| (0..space.count()).all(|mu| space.stores(machine, mu));
    let isolated =
        drawn.iter().filter(|&&machine| (0..inputs).all(|bit| !solves(machine ^ 1 << bit))).count();
    total as f64 * isolated as f64 / drawn.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Activation, Architecture, Patterns, Storage};
    use crate::rng::Purpose;

    fn enumeration(inputs: usize, count: usize) -> Enumeration {
        let architecture = Architecture::tree(inputs, 2).unwrap();
        let storage = Storage::new(architecture, Activation::Relu, 0.0);
        let patterns = Patterns::random(architecture, count, 3, 1);
        let mut enumeration = Enumeration::new(&storage, &patterns).unwrap();
        enumeration.complete();
        enumeration
    }

    /// Everything against loops over all pairs of machines.
    #[test]
    fn geometry_agrees_with_brute_force() {
        for count in [0, 3, 5, 7, 40] {
            let enumeration = enumeration(12, count);
            let space = enumeration.space();
            let solves = |machine: u64| (0..count).all(|mu| space.stores(machine, mu));
            let solutions: Vec<u64> = (0..1 << 12).filter(|&machine| solves(machine)).collect();
            let found = geometry(&enumeration, &mut Stream::new(1, Purpose::Test, &[]));
            assert_eq!(found.solutions, solutions.len() as u64);
            let mut pairs = vec![0.0; 13];
            for (i, a) in solutions.iter().enumerate() {
                solutions[..i].iter().for_each(|b| pairs[(a ^ b).count_ones() as usize] += 1.0);
            }
            assert_eq!(found.pairs, pairs);
            assert!(found.exact_pairs && found.exact_isolated);
            assert_eq!(
                all_pairs(&solutions, 12).into_iter().map(|b| b as f64).collect::<Vec<_>>(),
                pairs
            );
            let isolated =
                solutions.iter().filter(|&&w| (0..12).all(|bit| !solves(w ^ 1 << bit))).count();
            assert_eq!(found.isolated, isolated as f64);
            // Components by repeated flooding.
            let mut left: std::collections::BTreeSet<u64> = solutions.iter().copied().collect();
            let mut components = 0;
            while let Some(start) = left.pop_first() {
                components += 1;
                let mut front = vec![start];
                while let Some(w) = front.pop() {
                    front.extend((0..12).map(|bit| w ^ 1 << bit).filter(|w| left.remove(w)));
                }
            }
            assert_eq!(found.components, Some(components));
            for reference in [0, 0xabc] {
                let mut expected = vec![0; 13];
                solutions.iter().for_each(|w| expected[(w ^ reference).count_ones() as usize] += 1);
                assert_eq!(distances_from(&enumeration, reference), expected);
            }
        }
    }

    /// The estimate of a large Z agrees with the exact profile within its sampling error.
    #[test]
    fn estimates_agree_with_the_transform() {
        let enumeration = enumeration(20, 2);
        let found = geometry(&enumeration, &mut Stream::new(2, Purpose::Test, &[]));
        assert!(found.solutions > PAIRS_LIMIT && found.exact_pairs);
        let mut stream = Stream::new(4, Purpose::Test, &[]);
        let references = enumeration.sample(REFERENCES, &mut stream);
        let partners = enumeration.sample(PARTNERS, &mut stream);
        let scale = found.solutions as f64 / PARTNERS as f64;
        let (estimate, logs) = profiles(&references, &partners, scale, 20);
        for distance in 6..=12 {
            // N_w(d) spreads by tens of per cent between references: 1 % in their mean.
            let ratio = estimate[distance] / found.profile[distance];
            assert!((ratio - 1.0).abs() < 0.05, "{distance}: {ratio}");
            // Jensen: the mean logarithm lies below, by half the squared spread.
            let deficit = found.profile[distance].ln() - logs[distance].0;
            assert!((-0.02..0.3).contains(&deficit), "{distance}: {deficit}");
        }
        let mut stream = Stream::new(3, Purpose::Test, &[]);
        let isolated = estimate_isolated(&enumeration, found.solutions, &mut stream);
        let fraction = found.isolated / found.solutions as f64;
        let error = (found.solutions as f64) * (fraction / REFERENCES as f64).sqrt();
        assert!((isolated - found.isolated).abs() < 5.0 * error + 1.0, "{isolated} {found:?}");
    }
}
