//! Documented exit codes. They are part of the interface: scripts and batch systems act on them.

/// How the process ends. The numeric values follow BSD `sysexits` where one fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[repr(u8)]
pub enum Exit {
    /// Everything that was asked for is done.
    Done = 0,
    /// The command line is wrong, or an argument lies outside its domain.
    Usage = 2,
    /// Data does not match or is corrupt; a theory point does not exist or did not converge.
    Data = 65,
    /// A bug, a panic, or units that were quarantined after repeated deaths.
    Internal = 70,
    /// A file could not be read or written.
    Io = 74,
    /// Stopped cleanly before the end: run the same command again.
    Incomplete = 75,
    /// The job file is invalid.
    Job = 78,
}

impl Exit {
    /// The process exit status.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        std::process::ExitCode::from(exit.code())
    }
}
