//! Franz–Parisi entropy: solutions at distance d from a typical one, p = 1 − 2d.
//!
//! $$ S_{\mathrm{FP}}(p) = \operatorname*{ext}_{q, \hat q, t, \hat t, \hat p}
//!    \left[-\frac{\hat q (1-q)}{2} - \hat p p + \hat t t + \mathcal G_S + \alpha \mathcal G_E\right] , $$
//!
//! replica-symmetric, K → ∞, any margin κ; q is the overlap of two constrained solutions, t that of one with
//! another
//! typical solution ([`integrals`]). Saddle: q̂ = αF'(q)E h², t̂ = αF'(t)E h̃h; binary: p = ⟨tanh⟩,
//! q = ⟨tanh²⟩, t = ⟨tanh A tanh⟩; spherical:
//! G_S = ½[ln(1−q) + (q−c)/(1−q)], c = [p²−t²−q̃(p−t)²/(1−q̃)]/(1−q̃), hence
//! q = c + q̂(1−q)², t = q̃p + t̂(1−q̃)²(1−q).
//! At the typical distance d* = (1−q̃)/2 the curve has its maximum, the replica-symmetric entropy;
//! the equations are continued outward from there. A negative entropy says that there are no such
//! solutions. Even activations with q̃ = 0 are the limit t = 0.
//! Sources: Franz, Parisi, J. Phys. I France 5, 1401 (1995); BMZ; κ ≠ 0 and the spherical saddle
//! derived here. 20–50 ms a point. Deterministic.

mod integrals;
mod state;

use super::covariance::Overlap;
use super::reference::Reference;
use super::{Outcome, broyden, root};
use crate::error::TheoryError;
use crate::model::weights::WeightKind;
use integrals::{Energetic, Grid};
use state::State;

/// Continuation step in d, and the largest relative one.
const STEP: f64 = 0.02;
const RATIO: f64 = 0.7;
/// Closer than this to d* the functional is nearly 0/0: the curve is interpolated.
const NEAR: f64 = 1e-3;
/// Smallest distance at which a zero crossing is sought.
const SMALLEST: f64 = 1e-6;
/// Plain iterations before Newton's method, and once more if that fails.
const PATIENCE: [usize; 2] = [4, 60];
/// Residual of the saddle-point equations.
const TOLERANCE: f64 = 1e-10;

/// A point of the curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FranzParisiPoint {
    /// d.
    pub distance: f64,
    /// S_FP, nats per weight.
    pub entropy: f64,
    /// Change under refined quadrature.
    pub error: f64,
    /// q, with its complement.
    pub q: Overlap,
    /// t.
    pub t: f64,
    /// p̂; 0 for spherical weights, which have no such parameter.
    pub p_hat: f64,
    /// t̂.
    pub t_hat: f64,
    /// q̂.
    pub q_hat: f64,
}

/// The curve of one machine at one load.
#[derive(Clone, Debug)]
pub struct FranzParisi {
    reference: Reference,
    coarse: Grid,
    fine: Grid,
}

impl FranzParisi {
    /// Around `reference`.
    pub fn new(reference: Reference) -> Self {
        Self { reference, coarse: Grid::coarse(), fine: Grid::fine() }
    }

    /// The typical solution.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// The curve at `distances`, in their order, each point a value or the reason why it has none
    /// (`NotConverged` or `Absent`, naming the distance). Where the continuation from d* stops, the
    /// points beyond have the same reason.
    ///
    /// # Errors
    /// `Domain` for a distance outside (0, 1).
    pub fn curve(&self, distances: &[f64]) -> Outcome<Vec<Outcome<FranzParisiPoint>>> {
        if let Some(outside) = distances.iter().find(|&&d| !(d > 0.0 && d < 1.0)) {
            return Err(TheoryError::Domain {
                argument: "distance",
                value: outside.to_string(),
                expected: "a distance between 0 and 1, both excluded".into(),
            });
        }
        let typical = self.reference.typical_distance();
        let mut points = vec![None; distances.len()];
        for side in [-1.0, 1.0] {
            let mut order: Vec<usize> =
                (0..distances.len()).filter(|&i| (distances[i] - typical) * side >= 0.0).collect();
            order.sort_by(|&i, &j| {
                (distances[i] - typical).abs().total_cmp(&(distances[j] - typical).abs())
            });
            let mut state: Option<Outcome<State>> = None;
            for i in order {
                if points[i].is_some() {
                    continue;
                }
                points[i] = Some(if (distances[i] - typical).abs() < NEAR {
                    self.near_typical(distances[i])
                } else {
                    let start = state.unwrap_or_else(|| self.beside(side, distances[i]));
                    let reached = start.and_then(|start| self.walk(start, distances[i]));
                    state = Some(reached.clone());
                    reached.and_then(|reached| self.refine(reached))
                });
            }
        }
        Ok(points.into_iter().map(|p| p.expect("every distance is on one side")).collect())
    }

    /// The smallest distance at which S_FP = 0: closer than that there are no solutions. `None` if
    /// the entropy does not change sign above d = 10⁻⁶, as for spherical weights, whose entropy is
    /// relative to the sphere.
    ///
    /// # Errors
    /// `NotConverged`.
    pub fn zero_crossing(&self) -> Outcome<Option<f64>> {
        if self.reference.point().entropy <= 0.0 {
            return Ok(None);
        }
        let mut state = self.beside(-1.0, 0.0)?;
        let mut last = (libm::log(state.distance), self.entropy(&self.coarse, &state)?);
        while state.distance > SMALLEST {
            state = self.walk(state, RATIO * state.distance)?;
            let next = (libm::log(state.distance), self.entropy(&self.coarse, &state)?);
            if next.1 <= 0.0 && last.1 > 0.0 {
                let crossing = root::brent(
                    |ln_d| {
                        state = self.walk(state, libm::exp(ln_d))?;
                        self.entropy(&self.fine, &state)
                    },
                    next.0,
                    last.0,
                    1e-9,
                )?;
                return Ok(Some(libm::exp(crossing)));
            }
            last = next;
        }
        Ok(None)
    }

    /// A solved state on `side` of d*, at most [`STEP`] away and not beyond `target`.
    fn beside(&self, side: f64, target: f64) -> Outcome<State> {
        let typical = self.reference.typical_distance();
        let reach = (target - typical).abs();
        let first = STEP.min(0.3 * typical).min(0.3 * (1.0 - typical));
        let q = self.reference.overlap();
        let guess = State {
            distance: typical + side * first,
            q,
            t: q.value(),
            p_hat: self.reference.point().q_hat,
            trend: [0.0; 3],
        };
        let mut state = self.solve(&self.coarse, guess)?;
        // Inward, for a target closer than the first step.
        let mut offset = first;
        while offset > reach {
            offset = (0.5 * offset).max(reach);
            state =
                self.solve(&self.coarse, State { distance: typical + side * offset, ..state })?;
        }
        Ok(state)
    }

    /// Continues `state` to `target`.
    fn walk(&self, mut state: State, target: f64) -> Outcome<State> {
        let mut shrink = 1.0;
        while state.distance != target {
            let far = target - state.distance;
            let edge = state.distance.min(1.0 - state.distance);
            let reach = shrink * STEP.min((1.0 - RATIO) * edge);
            let next =
                if far.abs() <= reach { target } else { state.distance + far.signum() * reach };
            let guess = state.extrapolated(next);
            let least = if state.is_nearly_frozen() { 0.4 } else { 0.1 };
            // Where the layers are thin, the coarse grid's own roughness stalls the search.
            let solved = self
                .search(&self.coarse, guess, &PATIENCE[..1])
                .or_else(|_| self.search(&self.fine, guess, &PATIENCE[..1]));
            match solved {
                Ok(solved) => {
                    state = solved.following(&state);
                    shrink = (1.5 * shrink).min(1.0);
                }
                Err(error) if shrink < least || state.vanishes_before(target) => {
                    return Err(self.beyond(&state, target).unwrap_or(error));
                }
                Err(_) => shrink *= 0.5,
            }
        }
        Ok(state)
    }

    /// The reason why there is nothing at `target`, if the overlap reaches 1 before.
    fn beyond(&self, state: &State, target: f64) -> Option<TheoryError> {
        let end = state.vanishing()?;
        if (end - state.distance) * (target - end) < 0.0 && !state.is_nearly_frozen() {
            return None;
        }
        Some(TheoryError::Absent(format!(
            "a typical solution of {} at alpha = {} has none at {} distance than about {end:.4}, where \
             the overlap of those around it reaches 1",
            self.reference.model().label(),
            self.reference.point().alpha,
            if target > end { "larger" } else { "smaller" }
        )))
    }

    /// The equations once: (q, t) → conjugates → new (q, t), with everything on the way.
    fn iterate(&self, grid: &Grid, state: &State) -> Outcome<(Energetic, FranzParisiPoint, State)> {
        let p = 1.0 - 2.0 * state.distance;
        let alpha = self.reference.point().alpha;
        let e = integrals::energetic(&self.reference, grid, p, state.q, state.t)?;
        let covariance = self.reference.covariance();
        let q_hat = alpha * covariance.first(state.q) * e.h2;
        let t_hat = alpha * covariance.first(state.t) * e.cross;
        let (g_s, p_hat, next) = match self.reference.model().weights {
            WeightKind::Binary => {
                let s = integrals::entropic(&self.reference, grid, p, q_hat, t_hat, state.p_hat)?;
                let g_s = -0.5 * q_hat * state.q.complement() - s.p_hat * p
                    + t_hat * state.t
                    + s.ln_2cosh;
                let next = State {
                    q: Overlap::from_complement(s.complement),
                    t: s.t,
                    p_hat: s.p_hat,
                    ..*state
                };
                (g_s, s.p_hat, next)
            }
            WeightKind::Spherical => {
                let (tilde, rest) =
                    (self.reference.overlap().value(), self.reference.overlap().complement());
                let c = |t: f64| (p * p - t * t - tilde * (p - t) * (p - t) / rest) / rest;
                let complement = state.q.complement();
                let g_s =
                    0.5 * (libm::log(complement) + (state.q.value() - c(state.t)) / complement);
                let t = tilde * p + t_hat * rest * rest * complement;
                // 1 − q = r: q̂r² + r = 1 − c.
                let free = 1.0 - c(t);
                let r = 2.0 * free / (1.0 + (1.0 + 4.0 * q_hat * free).sqrt());
                (g_s, 0.0, State { q: Overlap::from_complement(r), t, ..*state })
            }
        };
        let point = FranzParisiPoint {
            distance: state.distance,
            entropy: g_s + alpha * e.ln_h,
            error: 0.0,
            q: state.q,
            t: state.t,
            p_hat,
            t_hat,
            q_hat,
        };
        Ok((e, point, next))
    }

    fn solve(&self, grid: &Grid, start: State) -> Outcome<State> {
        self.search(grid, start, &PATIENCE)
    }

    /// Plain iterations from the neighbouring point, as many as `patience` says, then Newton; once a
    /// patience.
    fn search(&self, grid: &Grid, start: State, patience: &[usize]) -> Outcome<State> {
        let mut state = start;
        for &iterations in patience {
            for _ in 0..iterations {
                let next = self.admissible(state);
                let (_, _, updated) = self.iterate(grid, &next).map_err(|e| self.at(&start, e))?;
                let change = (updated.q.complement() / next.q.complement() - 1.0).abs()
                    + (updated.t - next.t).abs();
                state = updated;
                if change < TOLERANCE {
                    return Ok(state);
                }
            }
            let mut p_hat = state.p_hat;
            let equations = |[ln_complement, t]: [f64; 2]| {
                let complement = libm::exp(ln_complement);
                let trial = State { q: Overlap::from_complement(complement), t, p_hat, ..state };
                let (_, _, next) = self.iterate(grid, &trial)?;
                p_hat = next.p_hat;
                let ratio = next.q.complement() / complement;
                if ratio <= 0.0 {
                    return Err(TheoryError::NotConverged("1 - q".into()));
                }
                Ok([libm::log(ratio), next.t - t])
            };
            let from = [libm::log(state.q.complement()), state.t];
            if let Ok([ln_complement, t]) = broyden::solve(equations, from, [1e-6; 2], TOLERANCE) {
                let q = Overlap::from_complement(libm::exp(ln_complement));
                return Ok(State { q, t, p_hat, ..state });
            }
        }
        let failed = TheoryError::NotConverged("the saddle-point iteration".into());
        Err(self.at(&start, failed))
    }

    /// Raises q where the overlaps are not those of any fields.
    fn admissible(&self, state: State) -> State {
        let covariance = self.reference.covariance();
        let p = 1.0 - 2.0 * state.distance;
        let a = self.reference.projection(state.t);
        let b = (covariance.value(p) - covariance.value(state.t)) / self.reference.spread();
        if covariance.value(state.q) > a * a + b * b {
            return state;
        }
        let diagonal = covariance.diagonal();
        let wanted = (a * a + 1.3 * b * b + 1e-4 * diagonal).min(0.9999 * diagonal);
        let logit = root::brent(
            |logit| Ok(covariance.value(Overlap::from_logit(logit)) - wanted),
            -20.0,
            20.0,
            1e-6,
        );
        logit.map_or(state, |logit| State { q: Overlap::from_logit(logit), ..state })
    }

    /// The error with the place where it happened.
    fn at(&self, state: &State, error: TheoryError) -> TheoryError {
        let place = format!(
            " at distance {} (alpha = {}, {})",
            state.distance,
            self.reference.point().alpha,
            self.reference.model().label()
        );
        match error {
            TheoryError::NotConverged(what) => TheoryError::NotConverged(what + &place),
            TheoryError::Absent(what) => TheoryError::Absent(what + &place),
            other => other,
        }
    }

    fn entropy(&self, grid: &Grid, state: &State) -> Outcome<f64> {
        Ok(self.iterate(grid, state)?.1.entropy)
    }

    /// The point at a state, solved again on the fine grid.
    fn refine(&self, state: State) -> Outcome<FranzParisiPoint> {
        let coarse = self.entropy(&self.coarse, &state)?;
        let state = self.solve(&self.fine, state)?;
        let (e, point, _) = self.iterate(&self.fine, &state)?;
        if (e.norm - 1.0).abs() > 1e-7 {
            let lost = format!("the weight integrates to {} instead of 1", e.norm);
            return Err(self.at(&state, TheoryError::NotConverged(lost)));
        }
        let error = (point.entropy - coarse).abs() + (e.norm - 1.0).abs() + 1e-13;
        Ok(FranzParisiPoint { error, ..point })
    }

    /// Within [`NEAR`] of d*: the expansion through the maximum, S = S_RS + c₂ε² + c₃ε³, and the
    /// parameters as quadratics through their exact values at d*.
    fn near_typical(&self, distance: f64) -> Outcome<FranzParisiPoint> {
        let typical = self.reference.typical_distance();
        let at = |side: f64| {
            let target = typical + side * NEAR;
            self.beside(side, target)
                .and_then(|s| self.walk(s, target))
                .and_then(|s| self.refine(s))
        };
        let (below, above) = (at(-1.0)?, at(1.0)?);
        let exact = self.reference.point();
        let x = (distance - typical) / NEAR;
        let through = |low: f64, middle: f64, high: f64| {
            middle + 0.5 * x * (high - low) + 0.5 * x * x * (high + low - 2.0 * middle)
        };
        let (low, high) = (below.entropy - exact.entropy, above.entropy - exact.entropy);
        let entropy = exact.entropy + 0.5 * x * x * ((high + low) + x * (high - low));
        let q_hat = exact.q_hat;
        let p_hat = match self.reference.model().weights {
            WeightKind::Binary => through(below.p_hat, q_hat, above.p_hat),
            WeightKind::Spherical => 0.0,
        };
        Ok(FranzParisiPoint {
            distance,
            entropy,
            error: below.error + above.error + 1e-11,
            q: Overlap::new(through(below.q.value(), exact.q.value(), above.q.value())),
            t: through(below.t, exact.q.value(), above.t),
            p_hat,
            t_hat: through(below.t_hat, q_hat, above.t_hat),
            q_hat: through(below.q_hat, q_hat, above.q_hat),
        })
    }
}

#[cfg(test)]
mod tests;
