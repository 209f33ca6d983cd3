//! A crash inside the HDF5 library, made an error.
//!
//! Not everything in an HDF5 file carries a checksum: a flipped bit in a heap of strings can make
//! the library read through a wild pointer or destroy its heap of memory. While a file is read on
//! a thread, a [`Guard`] stands: `SIGSEGV`, `SIGBUS`, `SIGFPE` and `SIGABRT` of that thread then end
//! the process with the exit code of damaged data and a message that names the file. Crashes
//! anywhere else go to whatever handled them before.

#![allow(unsafe_code)]

use crate::Exit;
use std::cell::Cell;
use std::path::Path;
use std::sync::OnceLock;

const SIGNALS: [libc::c_int; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGABRT];

/// What handled [`SIGNALS`] before the first guard.
static BEFORE: OnceLock<[libc::sigaction; SIGNALS.len()]> = OnceLock::new();

thread_local! {
    /// The message about the file that this thread reads; no destructor, so that a signal handler
    /// may look.
    static READING: Cell<Option<(*const u8, usize)>> = const { Cell::new(None) };
}

/// Stands while a file is read; guards nest.
pub struct Guard {
    outer: Option<(*const u8, usize)>,
    _message: Box<str>,
}

impl Guard {
    /// Stands until dropped, for the thread that calls.
    pub fn new(path: &Path) -> Self {
        let shown = path.display();
        let message = format!(
            "error: {shown}: the file is damaged: the HDF5 library crashed while reading it\n"
        )
        .into_boxed_str();
        install();
        let outer = READING.replace(Some((message.as_ptr(), message.len())));
        Self { outer, _message: message }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        READING.set(self.outer);
    }
}

/// Makes [`handle`] the handler of [`SIGNALS`]; again at each guard, since an MPI library may have
/// put its own there in between.
fn install() {
    // SAFETY: plain calls; `sigaction` is plain data for which zeros are valid, and `handle` has
    // the type that a handler without SA_SIGINFO needs.
    unsafe {
        let mut ours: libc::sigaction = std::mem::zeroed();
        ours.sa_sigaction = handle as extern "C" fn(libc::c_int) as libc::sighandler_t;
        // On the alternate stack of the thread, where it has one.
        ours.sa_flags = libc::SA_ONSTACK;
        libc::sigemptyset(&raw mut ours.sa_mask);
        let mut before: [libc::sigaction; SIGNALS.len()] = std::mem::zeroed();
        for (signal, before) in SIGNALS.iter().zip(&mut before) {
            libc::sigaction(*signal, &raw const ours, &raw mut *before);
        }
        BEFORE.get_or_init(|| before);
    }
}

/// Only calls what a signal handler may: `write`, `_exit`, `sigaction`, `raise`.
extern "C" fn handle(signal: libc::c_int) {
    if let Some((message, len)) = READING.get() {
        // SAFETY: the guard that set the pointer stands, and owns the message.
        unsafe {
            libc::write(libc::STDERR_FILENO, message.cast(), len);
            libc::_exit(i32::from(Exit::Data.code()));
        }
    }
    let at = SIGNALS.iter().position(|&known| known == signal);
    // SAFETY: restores what was there. The instruction that crashed runs again, and crashes again
    // into that handler; `raise` covers signals that were sent.
    unsafe {
        match at.zip(BEFORE.get()) {
            Some((at, before)) => {
                libc::sigaction(signal, &raw const before[at], std::ptr::null_mut())
            }
            None => libc::signal(signal, libc::SIG_DFL) as libc::c_int,
        };
        libc::raise(signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    const CHILD: &str = "RELUSCAPE_TEST_CRASH";

    /// What the child process of the test below does.
    fn crash(how: &str) {
        let guard = Guard::new(Path::new("outer.h5"));
        drop(Guard::new(Path::new("inner.h5")));
        if how == "outside" {
            drop(guard);
        }
        match how {
            "abort" => std::process::abort(),
            // SAFETY: not at all: the process is there to be killed.
            _ => unsafe { std::ptr::read_volatile(std::ptr::without_provenance::<u8>(8)) },
        };
    }

    #[test]
    fn a_crash_while_reading_is_an_error_and_one_elsewhere_stays_a_crash() {
        use std::os::unix::process::ExitStatusExt;
        if let Ok(how) = std::env::var(CHILD) {
            return crash(&how);
        }
        let name = "store::crash::tests::a_crash_while_reading_is_an_error_and_one_elsewhere_stays_a_crash";
        for (how, code, signal) in [
            ("segv", Some(65), None),
            ("abort", Some(65), None),
            ("outside", None, Some(libc::SIGSEGV)),
        ] {
            let mut child = Command::new(std::env::current_exe().unwrap());
            let output = child.args(["--exact", name, "--nocapture"]).env(CHILD, how).output();
            let output = output.unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!((output.status.code(), output.status.signal()), (code, signal), "{said}");
            assert_eq!(said.contains("outer.h5: the file is damaged"), code.is_some(), "{said}");
        }
    }
}
