//! `measure` on files, checked by numpy; the same observables in a job with independent runs.

mod support;
use support::*;

/// Random patterns, weights that store some of them, and what must be measured on them.
const SLOW: &str = "
import h5py, itertools, json, numpy as np, sys
folder, real = sys.argv[1], sys.argv[2] == 'spherical'
rng = np.random.default_rng(11)
hidden, n, count = 3, 5, 9
size = hidden * n
xi = rng.choice(np.array([-1, 1], dtype=np.int8), size=(count, size))
sigma = rng.choice(np.array([-1, 1], dtype=np.int8), size=count)
def stability(w):
    h = (xi.astype(float) * w).reshape(count, hidden, n).sum(axis=2)
    return sigma * np.sign(h).sum(axis=1) / hidden ** .5
def make():
    if not real:
        return rng.choice(np.array([-1, 1], dtype=np.int8), size=size)
    w = rng.normal(size=(hidden, n))
    return (w / np.sqrt((w ** 2).mean(axis=1))[:, None]).astype(np.float32).ravel()
best = sorted((make() for _ in range(300)), key=lambda w: (stability(w) <= 0).sum())
for name, w in zip('AB', best):
    with h5py.File(f'{folder}/{name}.h5', 'w') as f:
        f['weights'] = w
with h5py.File(f'{folder}/P.h5', 'w') as f:
    f['inputs'], f['labels'] = xi, sigma
s, a, b = stability(best[0]), best[0].astype(float), best[1].astype(float)
out = {'errors': int((s <= 0).sum()), 'mean': s.mean(), 'variance': s.var(), 'least': s.min(),
       'overlap': a @ b / size, 'fourth': (a ** 4).mean()}
if not real:
    kept = s > 0
    lost = [(stability(a * np.where(np.isin(np.arange(size), f), -1, 1))[kept] <= 0).mean()
            for f in itertools.combinations(range(size), 3)]
    out['energy'], shell = float(np.mean(lost)), 0
    for f in itertools.combinations(range(size), 3):
        shell += (stability(a * np.where(np.isin(np.arange(size), f), -1, 1)) > 0).all()
    out['shell'] = int(shell)
print(json.dumps(out))
";

fn close(found: &serde_json::Value, expected: &serde_json::Value, tolerance: f64, name: &str) {
    let (found, expected) = (found.as_f64(), expected.as_f64());
    let (Some(a), Some(b)) = (found, expected) else { panic!("{name}: {found:?} {expected:?}") };
    assert!((a - b).abs() <= tolerance, "{name}: {a}, expected {b}");
}

#[test]
fn numpy_confirms_what_is_measured() {
    for kind in ["binary", "spherical"] {
        let folder = folder();
        let expected: serde_json::Value =
            serde_json::from_str(&python(SLOW, &[utf8(folder.path()), kind])).expect("JSON");
        let path = |name: &str| format!("{}/{name}.h5", utf8(folder.path()));
        let (patterns, first, second) = (path("P"), path("A"), path("B"));
        let mut args = vec!["measure", "--activation", "sign", "--hidden", "3", "--json"];
        args.extend(["--patterns", &patterns, "--weights", &first, "--weights", &second]);
        args.extend(["--replica", &first, "--replica", &second, "--center", &first]);
        args.extend(["--observe", "stability", "--observe", "norms", "--observe", "overlaps"]);
        args.extend(["--observe", "independent", "--observe", "input_noise"]);
        args.extend(["--observe", "local_energy = { distances = [0.2], trials = 20000 }"]);
        if kind == "binary" {
            args.extend(["--observe", "local_entropy = { distances = [0.2] }"]);
        }
        let report = json(&expect(0, 0, &args));
        assert_eq!(report["training_error"], expected["errors"]);
        let value = |name: &str| report["observables"][name]["value"].clone();
        for (name, key) in [
            ("stability_mean", "mean"),
            ("stability_variance", "variance"),
            ("stability_minimum", "least"),
            ("pair_overlap", "overlap"),
            ("independent_overlap", "overlap"),
            ("weight_fourth_moment", "fourth"),
        ] {
            close(&value(name), &expected[key], 1e-6, name);
        }
        close(
            &value("center_overlap"),
            &((1.0 + expected["overlap"].as_f64().expect("a number")) / 2.0).into(),
            1e-6,
            "centre",
        );
        close(&value("unit_norm_most"), &1.0.into(), 1e-6, "norm");
        if kind == "binary" {
            // 20,000 trials of a fraction: five standard errors.
            close(
                &value("local_energy")[0],
                &expected["energy"],
                5.0 * 0.5 / 2e4f64.sqrt(),
                "energy",
            );
            assert_eq!(value("local_solutions")[0].as_f64(), expected["shell"].as_f64());
        }
        // Text says the same.
        args.retain(|&arg| arg != "--json");
        let said = text(&expect(0, 0, &args));
        assert!(said.contains(&format!("{} patterns not stored", expected["errors"])), "{said}");
        assert!(said.contains("independent_solutions    2"), "{said}");
    }
}

#[test]
fn exits_are_the_documented_ones() {
    let folder = folder();
    let path = |name: &str| format!("{}/{name}.h5", utf8(folder.path()));
    python(SLOW, &[utf8(folder.path()), "binary"]);
    let (patterns, weights) = (path("P"), path("A"));
    let base = ["measure", "--activation", "sign", "--hidden", "3", "--patterns", &patterns];
    for (code, weights, observe, words) in [
        (2, &weights, "local_energi", "did you mean `local_energy`"),
        (2, &weights, "local_energy = { distances = [0.7] }", "(0, 0.5]"),
        (2, &weights, "local_energy = { trials = 1.5 }", "--observe local_energy.trials: "),
        (2, &weights, "local_energy = [", "expected NAME"),
        (65, &patterns, "norms", "no dataset /weights"),
        (74, &path("none"), "norms", "none.h5"),
    ] {
        let args = [&base[..], &["--weights", weights, "--observe", observe]].concat();
        let said = text(&expect(code, 0, &args));
        assert!(said.contains(words), "{observe}: {said}");
    }
    let twice = ["--weights", &weights, "--observe", "norms", "--observe", "norms = {}"];
    let said = text(&expect(2, 0, &[&base[..], &twice].concat()));
    assert!(said.contains("asked for before"), "{said}");
    // Weights of another size, and no observable at all.
    let other = ["measure", "--activation", "sign", "--hidden", "3", "--inputs", "21"];
    let more = ["--alpha", "0.3", "--weights", &weights, "--observe", "norms"];
    expect(65, 0, &[&other[..], &more].concat());
    expect(2, 0, &[&base[..], &["--weights", &weights]].concat());
}

/// All observables in one job: interrupted or not, on any instruction set, the same bytes.
#[test]
fn every_observable_in_a_job_has_the_same_bytes_everywhere() {
    let folder = folder();
    let job = r#"schema = 1
name = "all"
seed = 4
[model]
weights = "binary"
activation = "sign"
[grid]
N = [21, 27]
K = [3]
alpha = [0.2, 0.4]
samples = 6
[solver.exact]
solutions = 5
[observe]
stability = { bins = 10 }
local_energy = { trials = 20 }
input_noise = { trials = 20 }
local_entropy = { distances = [0.1, 0.3, 0.5] }
overlaps = { bins = 10 }
independent = { runs = 3 }
norms = {}
weights = true
"#;
    let file = write(folder.path(), "all.toml", job);
    let mut digests = Vec::new();
    for isa in ["scalar", ""] {
        let out = folder.path().join(format!("out{isa}.h5"));
        let mut command = command(0, &["run", utf8(&file), "-o", utf8(&out)]);
        command.env("RELUSCAPE_ISA", isa);
        let output = finish(spawn(command));
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        digests.push(digest(&out));
        let csv = text(&expect(0, 0, &["export", utf8(&out), "--format", "json"]));
        let rows: serde_json::Value = serde_json::from_str(&csv).expect("JSON");
        let solved: Vec<_> =
            rows.as_array().expect("rows").iter().filter(|row| row["solved"] == true).collect();
        assert!(solved.len() >= 20, "{}", solved.len());
        for row in solved {
            assert_eq!(row["independent_solutions"], 3);
            assert!(row["stability_minimum"].as_f64() > Some(0.0));
            // The solution itself is not counted at d ≥ 0.1: shells and overlaps are other machines'.
            assert!(row["local_solutions"][2].is_number());
        }
    }
    assert_eq!(digests[0], digests[1]);
}
