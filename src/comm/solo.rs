//! One rank, no messages: a serial run.

use super::Comm;

/// The only rank of a serial run.
#[derive(Debug, Default)]
pub struct Solo;

impl Comm for Solo {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn send(&self, to: usize, _message: &[u8]) {
        unreachable!("a serial run has no rank {to}")
    }

    fn try_receive(&self) -> Option<(usize, Vec<u8>)> {
        None
    }

    fn barrier(&self) {}

    fn abort(&self, code: u8) -> ! {
        std::process::exit(i32::from(code))
    }

    fn library(&self) -> String {
        "serial".to_owned()
    }
}
