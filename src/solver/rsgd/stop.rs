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
    /// The binarised centre.
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
    /// Until all patterns are stored with σΔ > κ + margin. From the first solution on the learning
    /// rule uses that margin too: without errors least action would not move any more.
    Margin(f64),
}

impl Then {
    /// Whether the target lies within reach of a run of `max_epochs` epochs.
    ///
    /// # Errors
    /// What was expected.
    pub fn validate(&self, gamma: Protocol, max_epochs: u64) -> Result<(), String> {
        match *self {
            Then::Epochs(epochs) if epochs == 0 || epochs >= max_epochs => {
                Err(format!("{epochs} epochs: expected at least 1, fewer than max_epochs"))
            }
            Then::Gamma(target) => {
                let last = gamma.at(max_epochs - 1);
                if target.is_finite() && target <= last {
                    Ok(())
                } else {
                    Err(format!(
                        "gamma = {target}: expected at most {last}, the protocol's last value"
                    ))
                }
            }
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
