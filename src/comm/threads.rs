//! Ranks as threads of one process: the protocol under test without a launcher.

use super::Comm;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};

/// One rank of a group of threads.
pub struct Threads {
    rank: usize,
    senders: Vec<Sender<(usize, Vec<u8>)>>,
    inbox: Receiver<(usize, Vec<u8>)>,
    barrier: Arc<Barrier>,
}

impl Threads {
    /// A group of `size` ranks, to be moved to their threads.
    pub fn group(size: usize) -> Vec<Threads> {
        let barrier = Arc::new(Barrier::new(size));
        let (senders, inboxes): (Vec<_>, Vec<_>) = (0..size).map(|_| channel()).unzip();
        inboxes
            .into_iter()
            .enumerate()
            .map(|(rank, inbox)| Threads {
                rank,
                senders: senders.clone(),
                inbox,
                barrier: barrier.clone(),
            })
            .collect()
    }
}

impl Comm for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.senders.len()
    }

    fn send(&self, to: usize, message: &[u8]) {
        // A rank that has left needs no message.
        let _ = self.senders[to].send((self.rank, message.to_vec()));
    }

    fn try_receive(&self) -> Option<(usize, Vec<u8>)> {
        self.inbox.try_recv().ok()
    }

    fn barrier(&self) {
        self.barrier.wait();
    }

    fn abort(&self, code: u8) -> ! {
        panic!("rank {} aborts the run with code {code}", self.rank)
    }

    fn library(&self) -> String {
        "threads".to_owned()
    }
}
