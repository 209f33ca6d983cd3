//! How finely points and rows of finite ReLU machines are resolved. Numbers are measured against finer
//! resolutions, one by one, at K = 2, 4 and 6 and margins from −3 to 3, each also with steps a few percent
//! larger and smaller: errors of G_E are below 1e-9 of it for values (K = 6: 3e-9; 5e-9 beyond κ = 1), some
//! times as large for their check, 1e-5 for searches.

use crate::theory::relu_fields::{Rings, Steps};
use crate::theory::relu_groups::Division;

/// √(q/(1−q)), field per x, up to which the steps are as given.
const RATIO: f64 = 1.5;

/// How finely everything is resolved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolution {
    pub(super) steps: Steps,
    /// Pairs of points of smaller weight by the volume of their cell are left out.
    pub(super) cut: f64,
    /// Nodes a cell of the convolutions.
    pub(super) nodes: usize,
    /// Abscissas a panel of the sums.
    pub(super) abscissas: usize,
    /// The sums end where what lies beyond weighs e^−weight.
    pub(super) weight: f64,
    /// The most a panel is wide.
    pub(super) widest_panel: f64,
}

impl Resolution {
    /// Steps of the deviations, the means and the single fields at κ = 0. Larger margins bring the zeros
    /// of P closer to equal fields; of three units, those close to three equal fields become rare.
    pub(super) fn new(
        units: usize,
        kappa: f64,
        [deviation, mean, single]: [f64; 3],
        cut: f64,
        [nodes, abscissas]: [usize; 2],
    ) -> Self {
        let kappa = kappa.max(0.0);
        let margin = 1.0 + kappa;
        let rare = if units < 6 { 1.0 } else { (1.0 + kappa * kappa) / margin.sqrt() };
        let steps = Steps {
            deviation: deviation * rare / libm::pow(margin, 1.3),
            mean: mean / margin.sqrt(),
            single,
        };
        let widest_panel = match units {
            2 => 2.2,
            4 => 2.5,
            _ => 5.6,
        };
        Self { steps, cut, nodes, abscissas, weight: 28.0, widest_panel }
    }

    /// For single points.
    pub(super) fn of_point(units: usize, kappa: f64) -> Self {
        Self::new(units, kappa, [1.0; 3], 0.0, [12, 21])
    }

    /// For values, their check and searches; `annealed` = −G_E at q = 0.
    pub(super) fn of_energy(units: usize, kappa: f64, annealed: f64) -> [Self; 3] {
        // Where few patterns are stored, −G_E is large, and so may its absolute error be.
        let size = libm::pow(annealed.max(1.0), 1.5);
        let all = match units {
            2 => [
                ([1.0, 0.45, 0.45], 1e-14, [10, 13]),
                ([1.0, 0.5, 0.5], 3e-14, [9, 12]),
                ([1.0, 0.6, 0.6], 1e-10, [7, 10]),
            ],
            4 => [
                ([0.45, 0.75, 1.05], 1e-14 * size, [11, 12]),
                ([0.45, 0.8, 1.15], 3e-14 * size, [10, 11]),
                ([0.5, 0.9, 1.25], 1e-10, [8, 10]),
            ],
            _ if kappa > 1.25 => [
                ([0.4, 0.82, 1.22], 1e-14 * size, [10, 16]),
                ([0.42, 0.9, 1.27], 1.6e-14 * size, [9, 15]),
                ([0.62, 1.4, 1.75], 1e-9, [7, 15]),
            ],
            _ => [
                ([0.36, 0.75, 1.09], 1e-14 * size, [10, 17]),
                ([0.38, 0.8, 1.13], 3e-14 * size, [9, 16]),
                ([0.55, 1.05, 1.5], 3e-9, [6, 14]),
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

    /// For the response at negative margins: good to 1e-7.
    pub(super) fn of_response(units: usize, kappa: f64) -> Self {
        let steps = if units == 2 { [1.0, 0.4, 0.7] } else { [0.36, 0.9, 1.2] };
        Self::new(
            units,
            kappa,
            steps,
            1e-12,
            match units {
                2 => [10, 11],
                4 => [8, 8],
                _ => [8, 14],
            },
        )
    }

    /// For the replicon kernel, whose (ln P)'' have stronger poles, and to which rare fields contribute the
    /// more the larger the margin: as accurate as some hundredths of a second allow.
    pub(super) fn of_kernel(units: usize, kappa: f64) -> Self {
        let (steps, cut, nodes) = match units {
            2 => ([1.0, 0.4, 0.7], 1e-13, [10, 11]),
            4 if kappa <= 0.0 => ([0.3, 0.65, 0.85], 1e-14, [10, 12]),
            4 if kappa <= 1.0 => ([0.22, 0.65, 0.85], 1e-13, [9, 11]),
            4 if kappa <= 2.0 => ([0.3, 0.7, 0.9], 1e-11, [8, 9]),
            4 => ([0.5, 0.75, 1.4], 1.5e-11, [8, 9]),
            _ if kappa <= 0.0 => ([0.36, 0.8, 1.1], 1e-12, [8, 14]),
            _ if kappa <= 1.0 => ([0.4, 0.95, 1.4], 2e-10, [8, 14]),
            _ if kappa <= 2.0 => ([0.65, 1.0, 1.7], 1.5e-11, [8, 15]),
            _ => ([0.6, 1.2, 2.0], 1.5e-11, [8, 15]),
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

    /// Of a grid of the `lengths` before the shift and beyond: cells are narrow where the fields are large, as all
    /// is steep there.
    pub(super) fn division(&self, ratio: f64, lengths: [f64; 2], complete: bool) -> Division {
        let width = 1.6 * libm::pow((RATIO / ratio).min(1.0), 1.14);
        let panels = lengths.map(|length| (length / self.widest_panel).ceil());
        let widest =
            [0, 1].map(|i| lengths[i] / panels[i].max(1.0)).into_iter().fold(0.0, f64::max);
        Division {
            panels: panels.map(|panels| panels as usize),
            abscissas: self.abscissas,
            cells: (widest / width).ceil() as usize,
            nodes: self.nodes,
            complete,
        }
    }
}
