//! When a run ends: who has to store all patterns, and how long it goes on after that.

use crate::solver::protocol::Protocol;
use serde::{Deserialize, Serialize};

/// Whose solution counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The centre or any replica, whichever comes first: the published rule.
    #[default]
    Any,
    /// The centre: of binary weights, binarised.
    Center,
    /// All replicas at once; the centre is then reported if it stores all patterns too, else the
    /// first replica.
    All,
}

/// Going on after the first solution, to a state that runs can be compared at. The run ends at the
/// first epoch at which the target is reached **and** the stop rule holds; until then it is not
/// solved, whatever it has met on the way.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// So many epochs after the first solution.
    Epochs(u64),
    /// Until the coupling is at least this γ.
    Gamma(f64),
    /// Until the elastic constant is at least this λ (spherical weights).
    Lambda(f64),
    /// Until all patterns are stored with σΔ > κ + margin. From the first solution on the learning
    /// rule uses that margin too: without errors least action would not move any more.
    Margin(f64),
}

impl Then {
    /// Whether the target lies within reach of a run of `max_epochs` epochs, whose coupling has the
    /// key `name` and the values of `coupling`.
    ///
    /// # Errors
    /// What was expected.
    pub fn validate(&self, name: &str, coupling: Protocol, max_epochs: u64) -> Result<(), String> {
        let reaches = |key: &str, target: f64| {
            if key != name {
                return Err(format!("{key}: expected epochs, margin or {name}"));
            }
            let last = coupling.at(max_epochs - 1);
            if target.is_finite() && target <= last {
                return Ok(());
            }
            Err(format!("{key} = {target}: expected at most {last}, the protocol's last value"))
        };
        match *self {
            Then::Epochs(epochs) if epochs == 0 || epochs >= max_epochs => {
                Err(format!("{epochs} epochs: expected at least 1, fewer than max_epochs"))
            }
            Then::Gamma(target) => reaches("gamma", target),
            Then::Lambda(target) => reaches("lambda", target),
            Then::Margin(margin) if !(margin > 0.0 && margin.is_finite()) => {
                Err(format!("margin = {margin}: expected a positive number"))
            }
            _ => Ok(()),
        }
    }

    /// The margin to be reached beyond κ.
    pub fn margin(&self) -> f64 {
        match *self {
            Then::Margin(margin) => margin,
            _ => 0.0,
        }
    }
}

/// Who stores all patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Winner {
    /// The centre.
    Center,
    /// A replica, counted from 0.
    Replica(u32),
}

/// The condition that a configuration is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The instance's own.
    Stored,
    /// With the margin to be reached, if there is one.
    Goal,
}

/// A solver that can say whether its configurations store all patterns.
pub trait Judge {
    /// Whether `who` fulfils `condition`; may keep the best configuration on the way.
    fn solves(&mut self, who: Winner, condition: Condition) -> bool;

    /// Keeps the solution of `who`.
    fn keep(&mut self, who: Winner);
}

impl Stop {
    /// Whose solution, if any, fulfils the rule.
    #[inline(always)]
    pub fn find<J: Judge>(self, y: usize, condition: Condition, judge: &mut J) -> Option<Winner> {
        let mut replicas = (0..y as u32).map(Winner::Replica);
        let center = std::iter::once(Winner::Center);
        match self {
            Stop::Center => { center }.find(|&who| judge.solves(who, condition)),
            Stop::Any => center.chain(replicas).find(|&who| judge.solves(who, condition)),
            Stop::All => {
                let all = replicas.all(|who| judge.solves(who, condition));
                let center = all && judge.solves(Winner::Center, condition);
                all.then_some(if center { Winner::Center } else { Winner::Replica(0) })
            }
        }
    }
}

/// How far a run has come; part of a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// Epochs to the first solution.
    pub first: Option<u64>,
    /// Whose solution ended the run.
    pub winner: Option<Winner>,
}

impl Ending {
    /// What the learning rule works for.
    pub fn condition(&self) -> Condition {
        if self.first.is_some() { Condition::Goal } else { Condition::Stored }
    }

    /// Looks for a solution after `epochs` epochs, the last of them at the given `coupling`, of y
    /// replicas, and decides whether the run ends.
    #[inline(always)]
    pub fn update<J: Judge>(
        &mut self,
        (stop, then): (Stop, Option<Then>),
        (epochs, coupling): (u64, f64),
        y: usize,
        judge: &mut J,
    ) {
        if self.first.is_none() {
            let Some(winner) = stop.find(y, Condition::Stored, judge) else { return };
            self.first = Some(epochs);
            judge.keep(winner);
            if then.is_none() {
                self.winner = Some(winner);
            }
        }
        let (Some(then), Some(first)) = (then, self.first) else { return };
        let reached = match then {
            Then::Epochs(more) => epochs >= first + more,
            Then::Gamma(target) | Then::Lambda(target) => coupling >= target,
            Then::Margin(_) => true,
        };
        if reached && let Some(winner) = stop.find(y, Condition::Goal, judge) {
            self.winner = Some(winner);
            judge.keep(winner);
        }
    }
}
