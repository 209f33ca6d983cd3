//! Messages between ranks: one trait, and the only user of MPI.
//!
//! Messages are opaque bytes; any rank may send to any other, in order between a pair. Receiving
//! polls and never spins: callers sleep between polls ([`Backoff`]), so that idle ranks burn no
//! core (Open MPI's own blocking receive spins). Only a rank's main thread uses it.

#[cfg(feature = "mpi")]
pub mod mpi;
pub mod solo;
pub mod threads;

use crate::{Error, Result};
use std::time::Duration;

/// This process among its ranks: an MPI rank if a launcher started it, else alone.
///
/// # Errors
/// If MPI cannot be initialised with MPI_THREAD_FUNNELED.
pub fn connect() -> Result<Box<dyn Comm>> {
    #[cfg(feature = "mpi")]
    if mpi::launched() {
        let comm = mpi::Mpi::initialize()
            .ok_or_else(|| Error::Internal("MPI does not give MPI_THREAD_FUNNELED".into()))?;
        return Ok(Box::new(comm));
    }
    Ok(Box::new(solo::Solo))
}

/// Ends this process and, under MPI, all ranks with `code`; usable from a panic hook.
pub fn abort_all(code: u8) -> ! {
    #[cfg(feature = "mpi")]
    mpi::abort_if_initialized(code);
    std::process::exit(i32::from(code))
}

/// Point-to-point messages and what every launcher offers.
pub trait Comm {
    /// This rank, 0-based.
    fn rank(&self) -> usize;

    /// Number of ranks.
    fn size(&self) -> usize;

    /// Sends `message` to rank `to` (not itself). Returns when the buffer may be dropped; messages
    /// that arrive meanwhile are kept for [`Comm::try_receive`], so that two ranks which send to
    /// each other cannot block.
    fn send(&self, to: usize, message: &[u8]);

    /// The next message with its sender, if one has arrived.
    fn try_receive(&self) -> Option<(usize, Vec<u8>)>;

    /// Waits until all ranks are here.
    fn barrier(&self);

    /// Ends all ranks at once with `code`.
    fn abort(&self, code: u8) -> !;

    /// Name and version of the message layer, for provenance.
    fn library(&self) -> String;

    /// Waits, asleep, for the next message.
    fn receive(&self) -> (usize, Vec<u8>) {
        let mut backoff = Backoff::default();
        loop {
            if let Some(message) = self.try_receive() {
                return message;
            }
            backoff.sleep();
        }
    }

    /// Rank 0's `bytes`, on every rank.
    fn broadcast(&self, bytes: Vec<u8>) -> Vec<u8> {
        if self.rank() == 0 {
            (1..self.size()).for_each(|rank| self.send(rank, &bytes));
            bytes
        } else {
            self.receive().1
        }
    }
}

/// Sleeps that grow from 5 µs to 500 µs while nothing happens.
#[derive(Debug)]
pub struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Backoff(Duration::from_micros(5))
    }
}

impl Backoff {
    /// Sleeps, longer each time.
    pub fn sleep(&mut self) {
        std::thread::sleep(self.0);
        self.0 = (self.0 * 2).min(Duration::from_micros(500));
    }

    /// Something happened: start again from the shortest sleep.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}
