//! `enumerate` against a dozen lines of numpy that share nothing with the program, and its exits.

mod support;
use support::*;

/// Writes random patterns and prints what an enumeration of all machines must give.
const SLOW: &str = "
import h5py, itertools, json, numpy as np, sys
path, activation, hidden, n, count, kappa = sys.argv[1:]
hidden, n, count, kappa = int(hidden), int(n), int(count), float(kappa)
size = hidden * n
rng = np.random.default_rng(5)
xi = rng.choice(np.array([-1, 1], dtype=np.int8), size=(count, size))
sigma = rng.choice(np.array([-1, 1], dtype=np.int8), size=count)
with h5py.File(path, 'w') as f:
    f['inputs'], f['labels'] = xi, sigma
w = np.array(list(itertools.product([1, -1], repeat=size)))
h = np.einsum('wli,pli->wpl', w.reshape(-1, hidden, n), xi.astype(int).reshape(-1, hidden, n))
if activation == 'sign':
    total, scale = np.sign(h).sum(axis=2), hidden ** .5
else:
    c = np.repeat([1, -1], hidden // 2)
    total, scale = (c * np.maximum(h, 0)).sum(axis=2), size ** .5
stored = sigma * total > kappa * scale
errors = (~stored).sum(axis=1)
s = w[errors == 0]
d = ((size - s @ s.T) // 2)
pairs = np.bincount(d[np.triu_indices(len(s), 1)], minlength=size + 1)
left, components = set(range(len(s))), 0
while left:
    components, front = components + 1, [left.pop()]
    while front:
        near = [j for j in np.flatnonzero(d[front.pop()] == 1) if j in left]
        left -= set(near)
        front += near
z = [int(stored[:, :p].all(axis=1).sum()) for p in range(count + 1)]
print(json.dumps({
    'energy_histogram': np.bincount(errors, minlength=count + 1).tolist(), 'solutions': len(s),
    'pair_distance_histogram': pairs.tolist(), 'isolated': int((d == 1).sum(axis=1).__eq__(0).sum()),
    'components': components, 'z': z,
    'distance_profile': (np.array([(d == k).sum() for k in range(size + 1)]) / len(s)).tolist()}))
";

#[test]
fn numpy_confirms_every_number() {
    let folder = folder();
    let file = folder.path().join("patterns.h5");
    for (activation, hidden, n, count, kappa) in [
        ("sign", "3", "4", "3", "0.6"),
        ("relu", "2", "6", "4", "0"),
        ("relu", "4", "3", "3", "0.1"),
    ] {
        let expected: serde_json::Value = serde_json::from_str(&python(
            SLOW,
            &[utf8(&file), activation, hidden, n, count, kappa],
        ))
        .expect("JSON of the script");
        let base = ["enumerate", "--activation", activation, "--hidden", hidden, "--kappa", kappa];
        let args = [&base[..], &["--patterns", utf8(&file), "--json"]].concat();
        let report = json(&expect(0, 0, &args));
        for key in
            ["energy_histogram", "solutions", "pair_distance_histogram", "isolated", "components"]
        {
            assert_eq!(report[key], expected[key], "{activation} {hidden}: {key}");
        }
        let profile = |value: &serde_json::Value| -> Vec<f64> {
            serde_json::from_value(value["distance_profile"].clone()).expect("numbers")
        };
        for (a, b) in profile(&report).iter().zip(profile(&expected)) {
            assert!((a - b).abs() < 1e-12);
        }
        assert_eq!(report["exact"]["pairs"], true);
        let report = json(&expect(0, 0, &[&args[..], &["--capacity"]].concat()));
        assert_eq!(report["solutions"], expected["z"]);
        // The numbers depend on the condition: without the margin they differ.
        if kappa == "0.6" {
            let args: Vec<_> = args.iter().map(|&a| if a == kappa { "0" } else { a }).collect();
            let report = json(&expect(0, 0, &args));
            assert_ne!(report["solutions"], expected["solutions"]);
        }
    }
}

#[test]
fn capacity_is_text_too_and_says_when_it_is_capped() {
    let base = ["enumerate", "--activation", "sign", "--hidden", "3", "--inputs", "21"];
    let whole = json(&expect(0, 0, &[&base[..], &["--capacity", "--json"]].concat()));
    assert_eq!(whole["censored"], false);
    let storage = whole["storage"].as_u64().expect("a count");
    assert!((10..30).contains(&storage), "{whole}");
    let text = text(&expect(0, 0, &[&base[..], &["--capacity"]].concat()));
    assert!(text.contains(&format!("storage P_c = {storage} ")), "{text}");
    let capped = [&base[..], &["--capacity", "--json", "--alpha", "0.2"]].concat();
    let capped = json(&expect(0, 0, &capped));
    assert_eq!((&capped["censored"], &capped["storage"]), (&true.into(), &4.into()));
    assert_eq!(capped["solutions"][4], whole["solutions"][4], "patterns are nested");
}

/// Beyond 10^5 solutions (and N = 24) pairs are sampled, and the output says so.
#[test]
fn sampled_statistics_are_announced() {
    let args = ["enumerate", "--activation", "sign", "--hidden", "3", "--inputs", "27"];
    let args = [&args[..], &["--alpha", "0.15"]].concat();
    let said = text(&expect(0, 0, &args));
    assert!(said.contains("both estimated from 1000 references drawn uniformly"), "{said}");
    let report = json(&expect(0, 0, &[&args[..], &["--json"]].concat()));
    assert_eq!((&report["exact"]["pairs"], &report["references"]), (&false.into(), &1000.into()));
    // The profile sums to Z, up to the sampling of 1000 × 50,000 pairs.
    let profile: Vec<f64> =
        serde_json::from_value(report["distance_profile"].clone()).expect("numbers");
    let ratio = profile.iter().sum::<f64>() / report["solutions"].as_f64().expect("a count");
    assert!((ratio - 1.0).abs() < 0.01, "{ratio}");
    let density: Vec<u64> =
        serde_json::from_value(report["energy_histogram"].clone()).expect("counts");
    assert_eq!(density.iter().sum::<u64>(), 1 << 27);
    assert_eq!(report["solutions"], density[0]);
}

#[test]
fn exits_are_the_documented_ones() {
    let folder = folder();
    let base = ["enumerate", "--activation", "sign", "--hidden", "3"];
    let with = |more: &[&'static str]| [&base[..], more].concat();
    for (code, more, words) in [
        (2, &["--inputs", "21"][..], "--alpha"),
        (2, &["--inputs", "36", "--alpha", "0.5"], "N up to 34"),
        (2, &["--inputs", "42", "--capacity"], "N up to 40"),
        (2, &["--inputs", "20", "--alpha", "0.5"], "does not divide"),
        (2, &["--inputs", "21", "--alpha", "-0.5"], "positive"),
        (2, &["--inputs", "21", "--alpha", "1e15"], "GiB"),
        (2, &["--inputs", "21", "--alpha", "0.5", "--kappa", "nan"], "kappa"),
        (74, &["--patterns", "/no/such/file.h5"], "no/such"),
    ] {
        let said = text(&expect(code, 0, &with(more)));
        assert!(said.contains(words), "{more:?}: {said}");
    }
    let path = folder.path().join("text.h5");
    std::fs::write(&path, "text").expect("a writable folder");
    expect(65, 0, &[&base[..], &["--patterns", utf8(&path)]].concat());
    expect(2, 0, &["enumerate", "--activation", "relu", "--hidden", "3", "--inputs", "21"]);
}

/// A unit that was enumerated to its end is not censored: that it has no solution is known.
#[test]
fn enumerated_units_are_not_censored() {
    let folder = folder();
    let job = |name: &str, solver: &str| {
        let text = format!(
            "schema = 1\nname = \"{name}\"\nseed = 3\n[model]\nweights = \"binary\"\n\
             activation = \"sign\"\n[grid]\nN = 15\nK = 3\nalpha = 2.0\nsamples = 20\n{solver}\n"
        );
        let file = write(folder.path(), &format!("{name}.toml"), &text);
        let out = folder.path().join(format!("{name}.h5"));
        let said = text_of_run(&file, &out);
        (said, json(&expect(0, 0, &["status", utf8(&out), "--json"])))
    };
    let (said, status) = job("exact", "[solver.exact]");
    assert_eq!((&status["solved"], &status["censored"]), (&0.into(), &0.into()), "{status}");
    assert!(said.contains("0 solved, 0 censored") && !said.contains("note:"), "{said}");
    // A solver that gives up is.
    let (said, status) = job("rsgd", "[solver.rsgd]\nmax_epochs = 2");
    assert_eq!((&status["solved"], &status["censored"]), (&0.into(), &20.into()), "{status}");
    assert!(said.contains("note: in 1 of 1 cells more than 5 % of the units are censored"));
}

fn text_of_run(file: &std::path::Path, out: &std::path::Path) -> String {
    text(&expect(0, 0, &["run", utf8(file), "-o", utf8(out)]))
}
