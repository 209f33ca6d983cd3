//! `solve` on own patterns, its claim checked by a few lines of h5py and numpy that share nothing
//! with the program.

mod support;
use support::*;

const MAKE: &str = "
import h5py, numpy as np, sys
rng = np.random.default_rng(3)
with h5py.File(sys.argv[1], 'w') as f:
    f['inputs'] = rng.choice(np.array([-1, 1], dtype=np.int8), size=(60, 303))
    f['labels'] = rng.choice(np.array([-1, 1], dtype=np.int8), size=60)
";

const CHECK: &str = "
import h5py, numpy as np, sys
xi, sigma = (h5py.File(sys.argv[1])[name][:].astype(int) for name in ('inputs', 'labels'))
w, hidden = h5py.File(sys.argv[2])['weights'][:], int(sys.argv[3])
assert w.dtype == (np.float32 if sys.argv[5] == 'spherical' else np.int8), w.dtype
w = w.astype(float)
fields = (xi * w).reshape(len(xi), hidden, -1).sum(axis=2)
if sys.argv[4] == 'sign':
    total = np.sign(fields).sum(axis=1)
else:
    c = np.repeat([1, -1], hidden // 2)
    total = (c * np.maximum(fields, 0)).sum(axis=1)
print(int((sigma * total <= 0).sum()))
";

#[test]
fn ten_lines_of_h5py_confirm_the_solution() {
    let folder = folder();
    let patterns = folder.path().join("patterns.h5");
    python(MAKE, &[utf8(&patterns)]);
    for (kind, activation, hidden) in [
        ("binary", "sign", "3"),
        ("binary", "relu", "8"),
        ("spherical", "sign", "3"),
        ("spherical", "relu", "8"),
    ] {
        // 303 inputs do not split into an even number of units: ReLU gets patterns of its own.
        let (file, weights) = (folder.path().join(activation), folder.path().join("weights.h5"));
        let script = MAKE.replace("303", if activation == "sign" { "303" } else { "304" });
        python(&script, &[utf8(&file)]);
        let base = ["solve", "--solver", "rsgd", "--weights", kind, "--activation", activation];
        let more = ["--hidden", hidden, "--patterns", utf8(&file), "--json", "--weights-out"];
        let args = [&base[..], &more[..], &[utf8(&weights)]].concat();
        let report = json(&expect(0, 0, &args));
        assert_eq!(report["solved"], true, "{report}");
        assert_eq!(report["training_error"], 0);
        let errors = python(CHECK, &[utf8(&file), utf8(&weights), hidden, activation, kind]);
        assert_eq!(errors, "0", "{kind} {activation}");
        // The check has power: the solution of other patterns fails on these.
        if activation == "sign" {
            let script = MAKE.replace("default_rng(3)", "default_rng(4)");
            python(&script, &[utf8(&patterns)]);
            let errors =
                python(CHECK, &[utf8(&patterns), utf8(&weights), hidden, activation, kind]);
            assert_ne!(errors, "0");
        }
    }
    // Wrong shapes are refused by name.
    let bad = ["solve", "--solver", "rsgd", "--weights", "binary", "--activation", "relu"];
    let args = [&bad[..], &["--hidden", "4", "--patterns", utf8(&patterns)]].concat();
    let output = expect(2, 0, &args);
    let said = text(&output);
    assert!(said.contains("error: --hidden: K = 4 does not divide N = 303"), "{said}");
    // Errors name the options, not the keys of a job file.
    for (kind, options, words) in [
        ("binary", &["--hidden", "3"][..], "error: --hidden: K = 3 with relu"),
        ("binary", &["--hidden", "4", "--alpha", "-1"], "error: --alpha: -1"),
        ("binary", &["--hidden", "2", "--inputs", "98304"], "error: --inputs: n = N/K = 49152"),
        ("binary", &["--hidden", "2", "--set", "replica=3"], "--set replica: unknown key"),
        ("binary", &["--hidden", "2", "--set", "replicas=0"], "--set replicas: 0"),
        ("binary", &["--hidden", "2", "--solver", "rsgdd"], "--solver: unknown solver"),
        ("binary", &["--hidden", "2", "--activation", "rel"], "--activation: unknown activation"),
        ("spherical", &["--hidden", "2", "--solver", "exact"], "--solver: exact enumeration"),
        ("spherical", &["--hidden", "2", "--solver", "tempering"], "--solver: tempering flips"),
        ("ternary", &["--hidden", "2"], "--weights: unknown value"),
    ] {
        let mut args = vec!["solve", "--weights", kind];
        args.extend(options);
        let defaults = [
            ["--solver", "rsgd"],
            ["--activation", "relu"],
            ["--inputs", "304"],
            ["--alpha", "0.1"],
        ];
        for [name, value] in defaults {
            if !options.contains(&name) {
                args.extend([name, value]);
            }
        }
        let said = text(&expect(2, 0, &args));
        assert!(said.contains(words), "{args:?}: {said}");
    }
}
