//! How finely points and rows of finite ReLU machines are resolved. Numbers are measured against finer
//! resolutions, one by one, at K = 2, 4 and 6 and margins from −3 to 3: errors of G_E are below 3e-9 of it
//! for values, three to ten times as large for their check, 1e-4 for searches.

use crate::theory::relu_fields::{Rings, Steps};

/// √(q/(1−q)), field per x, up to which the steps are as given.
const RATIO: f64 = 1.5;

/// How finely everything is resolved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolution {
    pub(super) steps: Steps,
    /// Pairs of points of smaller weight by the volume of their cell are left out.
    pub(super) cut: f64,
    /// Nodes a panel of the sums.
    pub(super) nodes: usize,
}

impl Resolution {
    /// Steps of the deviations, the means and the single fields at κ = 0. Larger margins bring the zeros
    /// of P closer to equal fields; of three units, those close to three equal fields become rare.
    pub(super) fn new(
        units: usize,
        kappa: f64,
        [deviation, mean, single]: [f64; 3],
        cut: f64,
        nodes: usize,
    ) -> Self {
        let kappa = kappa.max(0.0);
        let margin = 1.0 + kappa;
        let rare = if units < 6 { 1.0 } else { (1.0 + kappa * kappa) / margin.sqrt() };
        let steps = Steps {
            deviation: deviation * rare / libm::pow(margin, 1.3),
            mean: mean / margin.sqrt(),
            single,
        };
        Self { steps, cut, nodes }
    }

    /// For values, their check and searches; `annealed` = −G_E at q = 0.
    pub(super) fn of_energy(units: usize, kappa: f64, annealed: f64) -> [Self; 3] {
        // Where few patterns are stored, −G_E is large, and so may its absolute error be.
        let size = libm::pow(annealed.max(1.0), 1.5);
        // What is steep is so on the whole grid at large margins.
        let nodes = if kappa > 1.0 { 7 } else { 5 };
        let fewer = if kappa > 2.0 { nodes } else { nodes.min(6) };
        let all = match units {
            2 => [
                ([1.0, 0.4, 0.4], 1e-15, 12),
                ([1.0, 0.45, 0.45], 3e-15, 11),
                ([1.0, 0.8, 0.9], 1e-8, nodes),
            ],
            4 => [
                ([0.4, 0.7, 0.95], 1e-14 * size, 8),
                ([0.43, 0.74, 1.0], 3e-14 * size, 8),
                ([0.8, 1.1, 1.6], 1e-8, nodes),
            ],
            _ => [
                ([0.36, 0.75, 1.09], 8e-15 * size, 8),
                ([0.38, 0.85, 1.16], 5e-14 * size, 8),
                ([0.66, 1.15, 1.65], 1.5e-8, fewer),
            ],
        };
        let rare = annealed.clamp(1e-2, 1.0);
        all.map(|(steps, cut, nodes)| Self::new(units, kappa, steps, cut, nodes).of_rare(rare))
    }

    /// Where more patterns are stored, the rarer the fields that decide: errors of the lattices,
    /// e^(−const/step) and some thousand cuts, must be `share` times as small. No more so where nearly
    /// every pattern is, as q is tiny there.
    fn of_rare(self, share: f64) -> Self {
        let digits = -libm::log(3e3 * self.cut);
        let steps = self.steps.scaled(1.0 / (1.0 - libm::log(share) / digits));
        Self { steps, cut: share * self.cut, ..self }
    }

    /// For the response at very negative margins: good to 1e-7.
    pub(super) fn of_response(units: usize, kappa: f64) -> Self {
        let (steps, nodes) = if units == 2 { ([1.0, 0.4, 0.7], 10) } else { ([0.36, 0.9, 1.2], 8) };
        Self::new(units, kappa, steps, 1e-13, nodes)
    }

    /// For the replicon kernel, whose (ln P)'' have stronger poles, and to which rare fields contribute the
    /// more the larger the margin: as accurate as some hundredths of a second allow.
    pub(super) fn of_kernel(units: usize, kappa: f64) -> Self {
        let margin = |near, further, furthest| match kappa {
            ..=1.0 => near,
            ..=1.5 => further,
            _ => furthest,
        };
        let (steps, cut, nodes) = match units {
            2 => ([1.0, 0.4, 0.7], 1e-13, 10),
            4 => margin(
                ([0.2, 0.6, 0.8], 1e-12, 8),
                ([0.2, 0.7, 1.0], 1e-11, 7),
                ([0.4, 0.6, 1.0], 1e-11, 7),
            ),
            _ => margin(
                ([0.36, 0.9, 1.2], 1e-13, 5),
                ([0.45, 1.1, 1.45], 1e-11, 5),
                ([0.6, 1.2, 1.55], if kappa > 2.0 { 1e-12 } else { 8e-11 }, 5),
            ),
        };
        Self::new(units, kappa, steps, cut, nodes)
    }

    /// The steps for fields of `ratio` = √(q/(1−q)): smaller where they are large.
    pub(super) fn steps(&self, ratio: f64) -> Steps {
        self.steps.scaled((RATIO / ratio).min(1.0).sqrt())
    }

    /// Least weight of a pair of points of groups of `units`.
    pub(super) fn cut(&self, ratio: f64, units: usize) -> f64 {
        self.cut * self.steps(ratio).cell(units)
    }

    /// The rings of three deviations, at threshold `k`. Two units that compete differ by
    /// e^{δ(x₂ − x₃)}, δ the distance to the threshold of each unit that is on.
    pub(super) fn rings(&self, ratio: f64, k: f64) -> Rings {
        Rings { sharp: 8.0 / (libm::hypot(k, 11.0) * ratio), digits: -libm::log(250.0 * self.cut) }
    }

    /// Panels of the sums over a `length`: narrow where the fields are large, as all is steep there.
    pub(super) fn panels(&self, ratio: f64, length: f64) -> usize {
        let width = 1.6 * libm::pow((RATIO / ratio).min(1.0), 1.14);
        (length / width).ceil() as usize
    }
}
