//! What the integration tests share: jobs, launches under a deadline, exit codes.
#![allow(dead_code)] // every test crate uses its own part

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// No run of a test may take longer: a hang is a failure.
const DEADLINE: Duration = Duration::from_secs(120);

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_reluscape");

/// A small job: 2 sizes × 3 alphas × `samples`, sign units, quick to solve.
pub fn small_job(samples: u32) -> String {
    format!(
        r#"schema = 1
name = "small"
seed = 11
[model]
weights = "binary"
activation = "sign"
[grid]
N = [63, 105]
K = [3]
alpha = [0.2, 0.4, 0.6]
samples = {samples}
[solver.rsgd]
replicas = 3
max_epochs = 60
[observe]
local_energy = {{ distances = [0.05, 0.2], trials = 5 }}
weights = true
"#
    )
}

/// Small jobs of the solvers that follow gradients: real weights by momentum and Adam, Entropy-SGD of
/// either kind of weights; solved and unsolved units.
pub fn gradient_jobs(samples: u32) -> Vec<String> {
    let rest = "regroup = 10\nbatch = 30\nmax_epochs = 150\nthen = { margin = 0.1 }\n";
    [
        ("spherical", "relu", 4, format!("[solver.rsgd]\nstop = \"center\"\n{rest}")),
        ("spherical", "sign", 5, format!("[solver.rsgd]\noptimizer = \"adam\"\n{rest}")),
        ("spherical", "gelu", 4, format!("[solver.entropy_sgd]\n{rest}")),
        ("spherical", "sign", 5, format!("[solver.entropy_sgd]\nstop = \"all\"\n{rest}")),
        ("binary", "relu", 4, "[solver.entropy_sgd]\nmax_epochs = 60\n".into()),
        ("binary", "sign", 5, "[solver.entropy_sgd]\nmax_epochs = 60\n".into()),
    ]
    .map(|(weights, activation, hidden, solver)| {
        format!(
            r#"schema = 1
name = "gradients"
seed = 12
[model]
weights = "{weights}"
activation = "{activation}"
[grid]
N = [{}]
K = [{hidden}]
alpha = [0.3, 1.0]
samples = {samples}
{solver}
[observe]
local_energy = {{ distances = [0.05, 0.2], trials = 5 }}
input_noise = {{ rates = [0.05], trials = 5 }}
overlaps = {{}}
weights = true
"#,
            33 * hidden
        )
    })
    .to_vec()
}

/// A job whose units take seconds each: far above the solver's reach, many epochs.
pub fn long_job(samples: u32, epochs: u64) -> String {
    format!(
        r#"schema = 1
name = "long"
seed = 12
[model]
weights = "binary"
activation = "sign"
[grid]
N = [1005]
K = [5]
alpha = [0.9]
samples = {samples}
[solver.rsgd]
replicas = 3
max_epochs = {epochs}
"#
    )
}

/// A small generator of its own: what is damaged or killed when must not depend on the program
/// under test.
pub struct Dice(pub u64);

impl Dice {
    /// 64 random bits.
    pub fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 … n − 1; 0 for n = 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// A folder for one test.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Writes `text` as `name` in `folder`.
pub fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("a writable folder");
    path
}

/// The program with arguments, alone (`ranks` 0) or under mpirun.
pub fn command(ranks: usize, args: &[&str]) -> Command {
    let mut command = if ranks == 0 {
        Command::new(PROGRAM)
    } else {
        let mut command = Command::new("mpirun");
        command.args(["-n", &ranks.to_string(), PROGRAM]);
        command
    };
    command.args(args);
    // Root, oversubscription and containers: as the README says.
    for (key, value) in [
        ("OMPI_ALLOW_RUN_AS_ROOT", "1"),
        ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"),
        ("OMPI_MCA_rmaps_base_oversubscribe", "1"),
        ("OMPI_MCA_btl_vader_single_copy_mechanism", "none"),
    ] {
        command.env(key, value);
    }
    for key in ["SLURM_JOB_ID", "SLURM_JOB_END_TIME", "RELUSCAPE_ISA"] {
        command.env_remove(key);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts a command; a missing launcher is a failure, not a skip.
pub fn spawn(mut command: Command) -> Child {
    let name = command.get_program().to_string_lossy().into_owned();
    command.spawn().unwrap_or_else(|e| panic!("cannot start {name}: {e} (run `make setup`)"))
}

/// Waits for a child under the deadline.
pub fn finish(mut child: Child) -> Output {
    let started = Instant::now();
    // Pipes hold 64 KiB: the tests' outputs are shorter.
    while child.try_wait().expect("a child to wait for").is_none() {
        if started.elapsed() > DEADLINE {
            let _ = child.kill();
            let output = child.wait_with_output().expect("the output of a killed child");
            panic!("did not end within {DEADLINE:?}:\n{}", text(&output));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().expect("the output of a finished child")
}

/// Runs to the end and demands exit code `code`.
pub fn expect(code: i32, ranks: usize, args: &[&str]) -> Output {
    let output = finish(spawn(command(ranks, args)));
    assert_eq!(output.status.code(), Some(code), "{args:?} on {ranks} ranks:\n{}", text(&output));
    output
}

/// Standard output and error, for messages.
pub fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// The digest of a result file.
pub fn digest(path: &Path) -> String {
    let output = expect(0, 0, &["inspect", "--digest", utf8(path)]);
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Standard output as JSON.
pub fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("not JSON ({e}):\n{}", text(output)))
}

/// A path as an argument.
pub fn utf8(path: &Path) -> &str {
    path.to_str().expect("temporary folders have UTF-8 names")
}

/// Waits until `condition` holds.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < DEADLINE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sends a signal by name, as a user would.
pub fn signal(name: &str, pid: u32) {
    let status = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(status.expect("kill to start").success(), "kill -{name} {pid}");
}

/// Sends a signal to a process that may have ended meanwhile.
pub fn signal_if_alive(name: &str, pid: u32) {
    let mut kill = Command::new("kill");
    kill.args([&format!("-{name}"), &pid.to_string()]).stderr(Stdio::null());
    let _ = kill.status().expect("kill to start");
}

/// The process ids of the ranks that `mpirun` started.
pub fn ranks_of(mpirun: u32) -> Vec<u32> {
    let output = Command::new("pgrep").args(["-P", &mpirun.to_string(), "reluscape"]).output();
    let output = output.expect("pgrep to start");
    String::from_utf8_lossy(&output.stdout).lines().filter_map(|l| l.trim().parse().ok()).collect()
}

/// CPU time of a process so far, all threads, from /proc.
pub fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a running process");
    // The name is in brackets and may hold blanks; utime and stime are fields 14 and 15.
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().expect("a number of ticks");
    (ticks(11) + ticks(12)) / 100.0
}

/// Runs a script with the analysis' Python; without h5py this fails, it does not skip.
pub fn python(script: &str, args: &[&str]) -> String {
    let python = std::env::var("RELUSCAPE_PYTHON").unwrap_or_else(|_| "python3".into());
    let mut command = std::process::Command::new(&python);
    command.arg("-c").arg(script).args(args);
    let output = command.output().unwrap_or_else(|e| panic!("cannot start {python}: {e}"));
    let said = text(&output);
    assert!(
        output.status.success(),
        "h5py and numpy are needed (`make test` sets them up): {said}"
    );
    said.trim().to_owned()
}
