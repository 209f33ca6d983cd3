//! `/provenance`: who computed what, when and with which binary. The only place for times.
//!
//! `/provenance/segments` has one row a run segment, a segment being what one process did between
//! start (or resume) and stop; one that died leaves its row in the journal, and the next run
//! completes it. `unit_seconds` runs parallel to `/samples`.

use super::lock::hostname;
use super::tree::{Dataset, Group};
use serde::{Deserialize, Serialize};

/// What the engine knows of a run and the store does not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// MPI ranks.
    pub ranks: u32,
    /// Instruction set of the kernels.
    pub isa: String,
    /// MPI library and version; empty for a serial run.
    pub mpi: String,
    /// Slurm job, array task included.
    pub slurm_job: Option<String>,
}

/// One run segment: from start or resume to a stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Start, RFC 3339 in UTC.
    pub start: String,
    /// End, or the last sign of life of a run that died.
    pub end: String,
    /// Host of rank 0.
    pub host: String,
    /// Process of rank 0.
    pub pid: u32,
    /// What the engine reported.
    pub launch: Launch,
    /// Why it ended: `complete`, `signal`, `deadline`, …; `running` in a file whose run goes on,
    /// `died` where a journal was left behind.
    pub stop_reason: String,
    /// Version of this program.
    pub version: String,
    /// Its git commit.
    pub git_commit: String,
    /// The compiler.
    pub rustc: String,
    /// The HDF5 library.
    pub hdf5: String,
}

/// Now, RFC 3339 in UTC, to the millisecond.
pub fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

impl Segment {
    /// A segment that begins now.
    pub fn begin(launch: Launch) -> Self {
        let (major, minor, release) = hdf5::library_version();
        Self {
            start: now(),
            end: now(),
            host: hostname(),
            pid: std::process::id(),
            launch,
            stop_reason: "running".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            git_commit: env!("RELUSCAPE_GIT_COMMIT").into(),
            rustc: env!("RELUSCAPE_RUSTC").into(),
            hdf5: format!("{major}.{minor}.{release}"),
        }
    }

    /// Whether both are rows of the same process.
    pub fn same_run(&self, other: &Self) -> bool {
        (&self.start, &self.host, self.pid) == (&other.start, &other.host, other.pid)
    }
}

/// Adds `segment`, or replaces the row of the same run.
pub fn record_segment(segments: &mut Vec<Segment>, segment: Segment) {
    match segments.iter_mut().find(|row| row.same_run(&segment)) {
        Some(row) => *row = segment,
        None => segments.push(segment),
    }
}

/// `/provenance/segments`.
pub fn to_group(segments: &[Segment]) -> Group {
    let mut group = Group::default();
    for (name, long_name, field) in TEXT_FIELDS {
        let values: Vec<String> =
            segments.iter().map(|segment| field(segment).to_owned()).collect();
        group.insert(name, Dataset::new(values).with("long_name", long_name));
    }
    let pids: Vec<u32> = segments.iter().map(|segment| segment.pid).collect();
    let ranks: Vec<u32> = segments.iter().map(|segment| segment.launch.ranks).collect();
    group.insert("pid", Dataset::new(pids).with("long_name", "process of rank 0"));
    group.insert("ranks", Dataset::new(ranks).with("long_name", "MPI ranks"));
    group
}

type TextField = (&'static str, &'static str, fn(&Segment) -> &str);

const TEXT_FIELDS: [TextField; 11] = [
    ("start", "start, RFC 3339", |s| &s.start),
    ("end", "end or last sign of life, RFC 3339", |s| &s.end),
    ("host", "host of rank 0", |s| &s.host),
    ("isa", "instruction set of the kernels", |s| &s.launch.isa),
    ("mpi", "MPI library, empty for a serial run", |s| &s.launch.mpi),
    ("slurm_job", "Slurm job, empty outside Slurm", |s| {
        s.launch.slurm_job.as_deref().unwrap_or_default()
    }),
    ("stop_reason", "why the segment ended", |s| &s.stop_reason),
    ("version", "version of reluscape", |s| &s.version),
    ("git_commit", "its git commit", |s| &s.git_commit),
    ("rustc", "compiler", |s| &s.rustc),
    ("hdf5", "HDF5 library", |s| &s.hdf5),
];

/// Reads `/provenance/segments`.
///
/// # Errors
/// A message that names what is missing or has the wrong type.
pub fn from_group(group: &Group) -> Result<Vec<Segment>, String> {
    let text = |name: &str| group.texts(name);
    let (pid, ranks) = (group.counts("pid")?, group.counts("ranks")?);
    let columns = [
        text("start")?,
        text("end")?,
        text("host")?,
        text("isa")?,
        text("mpi")?,
        text("slurm_job")?,
        text("stop_reason")?,
        text("version")?,
        text("git_commit")?,
        text("rustc")?,
        text("hdf5")?,
    ];
    let rows = pid.len();
    if ranks.len() != rows || columns.iter().any(|column| column.len() != rows) {
        return Err("segments: columns of different lengths".into());
    }
    let row = |i: usize| {
        let cell = |column: usize| columns[column][i].clone();
        Segment {
            start: cell(0),
            end: cell(1),
            host: cell(2),
            pid: pid[i] as u32,
            launch: Launch {
                ranks: ranks[i] as u32,
                isa: cell(3),
                mpi: cell(4),
                slurm_job: Some(cell(5)).filter(|job| !job.is_empty()),
            },
            stop_reason: cell(6),
            version: cell(7),
            git_commit: cell(8),
            rustc: cell(9),
            hdf5: cell(10),
        }
    };
    Ok((0..rows).map(row).collect())
}
