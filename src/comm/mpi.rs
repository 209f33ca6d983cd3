//! MPI ranks (Open MPI or MPICH, through rsmpi), Funneled: only the main thread is in here.

use super::{Backoff, Comm};
use mpi::Threading;
use mpi::environment::Universe;
use mpi::point_to_point::MatchedReceiveVec;
use mpi::topology::SimpleCommunicator;
use mpi::traits::*;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};

/// The one tag in use; the standard guarantees tags up to 32767.
const TAG: i32 = 17;

/// Environment variables that the launchers of Open MPI, MPICH and Slurm (PMI, PMIx) set.
const LAUNCHER: [&str; 5] =
    ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE", "MPI_LOCALNRANKS"];

/// Whether an MPI launcher started this process. Without one, MPI is not initialised at all.
pub fn launched() -> bool {
    LAUNCHER.iter().any(|name| std::env::var_os(name).is_some())
}

/// Whether MPI is initialised and not yet finalized.
static ACTIVE: AtomicBool = AtomicBool::new(false);

/// Calls MPI_Abort if MPI is active; else returns.
pub fn abort_if_initialized(code: u8) {
    if ACTIVE.load(Ordering::Relaxed) {
        SimpleCommunicator::world().abort(i32::from(code));
    }
}

/// This process as an MPI rank. Dropping it finalizes MPI.
pub struct Mpi {
    world: SimpleCommunicator,
    inbox: RefCell<VecDeque<(usize, Vec<u8>)>>,
    library: String,
    /// Process id of the launcher (or its daemon on this host).
    launcher: Option<rustix::process::Pid>,
    // Last: the world goes before the universe.
    _universe: Universe,
}

impl Mpi {
    /// Initialises MPI. `None` if the library cannot give MPI_THREAD_FUNNELED or was initialised
    /// before.
    pub fn initialize() -> Option<Self> {
        let (universe, threading) = mpi::initialize_with_threading(Threading::Funneled)?;
        if threading < Threading::Funneled {
            return None;
        }
        ACTIVE.store(true, Ordering::Relaxed);
        let text = mpi::environment::library_version().unwrap_or_default();
        let library = text.lines().next().unwrap_or("MPI").split(", package").next();
        Some(Self {
            world: universe.world(),
            inbox: RefCell::default(),
            library: library.unwrap_or("MPI").trim_end_matches('\0').trim().to_owned(),
            launcher: rustix::process::getppid(),
            _universe: universe,
        })
    }

    fn poll(&self) -> Option<(usize, Vec<u8>)> {
        let Some(matched) = self.world.any_process().immediate_matched_probe_with_tag(TAG) else {
            self.end_with_the_launcher();
            return None;
        };
        let (bytes, status) = matched.matched_receive_vec::<u8>();
        Some((status.source_rank() as usize, bytes))
    }

    /// Ends this process when the launcher is gone (killed): as an orphan it could neither finalize
    /// MPI nor report a code, and would keep the output locked. The journal has what was finished.
    fn end_with_the_launcher(&self) {
        if rustix::process::getppid() != self.launcher {
            eprintln!("error: rank {}: the launcher has died: ending", self.rank());
            std::process::exit(i32::from(crate::Exit::Internal.code()));
        }
    }
}

impl Comm for Mpi {
    fn rank(&self) -> usize {
        self.world.rank() as usize
    }

    fn size(&self) -> usize {
        self.world.size() as usize
    }

    fn send(&self, to: usize, message: &[u8]) {
        mpi::request::scope(|scope| {
            let process = self.world.process_at_rank(to as i32);
            let mut request = process.immediate_send_with_tag(scope, message, TAG);
            let mut backoff = Backoff::default();
            loop {
                match request.test() {
                    Ok(_) => break,
                    Err(unfinished) => request = unfinished,
                }
                match self.poll() {
                    Some(message) => self.inbox.borrow_mut().push_back(message),
                    None => backoff.sleep(),
                }
            }
        });
    }

    fn try_receive(&self) -> Option<(usize, Vec<u8>)> {
        let kept = self.inbox.borrow_mut().pop_front();
        kept.or_else(|| self.poll())
    }

    fn barrier(&self) {
        self.world.barrier();
    }

    fn abort(&self, code: u8) -> ! {
        self.world.abort(i32::from(code))
    }

    fn library(&self) -> String {
        self.library.clone()
    }
}

impl Drop for Mpi {
    fn drop(&mut self) {
        // The universe's own drop finalizes MPI right after.
        ACTIVE.store(false, Ordering::Relaxed);
    }
}
