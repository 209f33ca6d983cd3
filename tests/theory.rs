//! The verbs of `theory` as a user meets them: exit codes, JSON keys, errors, files; what a
//! combination of options gives, and values at hard corners from a second implementation.

mod support;
use serde_json::Value;
use support::*;

const ACTIVATIONS: [&str; 13] = [
    "identity",
    "relu",
    "leaky_relu",
    "leaky_relu --slope 0.3",
    "leaky_relu --slope -0.5",
    "sign",
    "erf",
    "erf --scale 0.3",
    "erf --scale 5",
    "tanh",
    "gelu",
    "quadratic",
    "abs",
];

/// `theory <line> --json`, which must end with `code`.
fn theory(code: i32, line: &str) -> Value {
    let args: Vec<&str> =
        ["theory"].into_iter().chain(line.split_whitespace()).chain(["--json"]).collect();
    json(&expect(code, 0, &args))
}

/// A number that is there.
fn number(value: &Value, pointer: &str) -> f64 {
    let found = value.pointer(pointer).unwrap_or_else(|| panic!("no {pointer} in {value}"));
    found.as_f64().unwrap_or_else(|| panic!("{pointer} is {found} in {value}"))
}

/// The keys are there and hold numbers, except `flags`, which hold booleans; nothing is null.
fn keys(value: &Value, numbers: &[&str], flags: &[&str]) {
    for key in numbers {
        assert!(value[key].is_number(), "{key} in {value}");
    }
    for key in flags {
        assert!(value[key].is_boolean(), "{key} in {value}");
    }
    let object = value.as_object().expect("an object");
    assert!(object.values().all(|v| !v.is_null()), "{value}");
}

/// A point of a local-entropy curve: numbers, or nulls and a reason.
fn keys_of_a_point(point: &Value, present: bool) {
    for key in ["distance", "distance_from_center", "bound"] {
        assert!(point[key].is_number(), "{key} in {point}");
    }
    for key in ["entropy", "external_entropy", "replicas"] {
        assert_eq!(point[key].is_null(), !present, "{key} in {point}");
    }
    assert_eq!(point["reason"].is_object(), !present, "{point}");
}

fn points(value: &Value) -> &[Value] {
    value["points"].as_array().expect("points")
}

fn close(actual: f64, expected: f64, relative: f64, what: &str) {
    assert!(
        (actual - expected).abs() <= relative * expected.abs(),
        "{what}: {actual} instead of {expected}"
    );
}

fn capacity_keys(value: &Value) {
    keys(value, &["alpha_c", "error", "rsb"], &["stable"]);
    let parameters = value["order_parameters"].as_object().expect("order parameters");
    assert!(!parameters.is_empty() && parameters.values().all(Value::is_number), "{value}");
}

/// Every activation at K → ∞: the default for binary weights, 0 and 1 steps for both. A step never
/// raises the capacity; sign has none on the sphere.
#[test]
fn capacities_of_every_activation() {
    for activation in ACTIVATIONS {
        let margins: &[&str] =
            if ["relu", "abs", "tanh"].contains(&activation) { &["0", "0.4"] } else { &["0"] };
        for kappa in margins {
            for weights in ["binary", "spherical"] {
                let line = |steps: &str| {
                    format!(
                        "capacity --weights {weights} --activation {activation} --kappa {kappa} \
                         {steps}"
                    )
                };
                if weights == "spherical" && activation == "sign" {
                    let error = theory(65, &line("--rsb 1"));
                    assert_eq!(error["error"]["kind"], "absent");
                    continue;
                }
                let symmetric = theory(0, &line("--rsb 0"));
                let broken = theory(0, &line("--rsb 1"));
                for value in [&symmetric, &broken] {
                    capacity_keys(value);
                    assert!(number(value, "/error") < 1e-7 * number(value, "/alpha_c"), "{value}");
                }
                let (zero, one) = (number(&symmetric, "/alpha_c"), number(&broken, "/alpha_c"));
                assert!(one <= zero * (1.0 + 1e-12) && one > 0.5 * zero, "{zero} {one}");
                // Where replica symmetry is stable, one step is the same and says so.
                let idle = symmetric["stable"] == true;
                assert_eq!(broken["note"].is_string(), idle, "{broken}");
                assert_eq!(broken["rsb"], 1);
                if weights == "binary" {
                    let free = theory(0, &line(""));
                    close(number(&free, "/alpha_c"), one, 1e-12, "default");
                    assert_eq!(free["rsb"], u8::from(!idle), "{free}");
                }
            }
        }
    }
}

/// Two and three steps on the sphere lower the capacity, each by less than the one before; hard
/// corners (narrow levels, q0 near 0 or 1) included.
#[test]
fn further_steps_on_the_sphere() {
    for (machine, three_too) in [
        ("tanh", true),
        ("relu --kappa 2", true),
        ("gelu", false),
        ("erf --scale 5 --kappa -1", false),
        ("leaky_relu --slope 0.3 --kappa 2", false),
        ("abs --kappa -1", false),
    ] {
        let at = |steps: u8| {
            let value = theory(
                0,
                &format!("capacity --weights spherical --activation {machine} --rsb {steps}"),
            );
            capacity_keys(&value);
            assert!(number(&value, "/error") < 1e-6 * number(&value, "/alpha_c"), "{value}");
            number(&value, "/alpha_c")
        };
        let (zero, one, two) = (at(0), at(1), at(2));
        assert!(zero > one && one > two && one - two < zero - one, "{machine} {zero} {one} {two}");
        if three_too {
            let three = at(3);
            assert!(two > three && two - three < one - two, "{machine} {two} {three}");
        }
    }
}

/// Values of a second implementation (SciPy: adaptive quadrature and another minimiser), at
/// corners that the documentation does not list.
#[test]
fn values_of_a_second_implementation() {
    for (line, alpha, relative) in SECOND {
        let value = theory(0, &format!("capacity {line}"));
        close(number(&value, "/alpha_c"), *alpha, *relative, line);
    }
}

/// Finite K: the documented list, errors below the target, and the approach to K → ∞.
#[test]
fn finite_hidden_layers() {
    let wide = number(&theory(0, "capacity --activation sign"), "/alpha_c");
    let wide_identity = number(&theory(0, "capacity --activation identity"), "/alpha_c");
    let mut last = 0.0;
    for units in [1, 3, 5, 7, 9] {
        let value = theory(0, &format!("capacity --activation sign --hidden {units}"));
        capacity_keys(&value);
        let alpha = number(&value, "/alpha_c");
        assert!(number(&value, "/error") < 1e-9 && alpha > last && alpha < wide, "{value}");
        last = alpha;
    }
    for (ties, expected) in [("strict", 0.575051024), ("accept", 1.308860522)] {
        let line = format!("capacity --activation relu --hidden 2 --ties {ties}");
        close(number(&theory(0, &line), "/alpha_c"), expected, 1e-9, ties);
    }
    let four = theory(0, "capacity --activation relu --hidden 4");
    assert!(number(&four, "/error") < 2e-9, "{four}");
    // Margins: of sign units they shift the majority; of ReLU units there are then no ties.
    let at = |line: &str| number(&theory(0, &format!("capacity {line}")), "/alpha_c");
    close(at("--activation sign --hidden 3 --kappa 1"), wide_identity / 3.0, 1e-12, "unanimity");
    close(
        at("--activation sign --hidden 5 --kappa 0.4"),
        at("--activation sign --hidden 5"),
        0.0,
        "",
    );
    for units in [2, 4] {
        let relu = |kappa: &str, ties: &str| {
            at(&format!("--activation relu --hidden {units} --kappa {kappa} --ties {ties}"))
        };
        close(relu("0.1", "strict"), relu("0.1", "accept"), 0.0, "no ties");
        let (below, above) = (relu("-0.0001", "strict"), relu("0.0001", "strict"));
        let (accept, strict) = (relu("0", "accept"), relu("0", "strict"));
        close(below, accept, 1e-3, "kappa -> 0 from below accepts ties");
        close(above, strict, 1e-3, "kappa -> 0 from above does not");
        assert!(below > accept && strict > above && relu("0.3", "strict") < above);
    }
    close(
        at("--activation relu --hidden 2 --kappa -.5"),
        at("--activation relu --hidden 2 --kappa=-0.5"),
        0.0,
        "a margin without its leading zero",
    );
    // Nearly every pattern is stored.
    close(at("--activation relu --hidden 2 --kappa -4"), 159130240.2013339, 1e-9, "far below");
    for units in [1, 3, 51, 201] {
        let line = format!("capacity --weights spherical --activation sign --hidden {units}");
        capacity_keys(&theory(0, &line));
    }
    let three = theory(0, "capacity --weights spherical --activation sign --hidden 3 --rsb 1");
    assert!(number(&three, "/alpha_c") < 4.0 && number(&three, "/error") < 1e-6, "{three}");
    let point = &points(&theory(0, "entropy --activation relu --hidden 4 --alpha 0.3"))[0].clone();
    keys(point, &["alpha", "entropy", "q", "q_hat", "replicon"], &["stable"]);
    // K = 2 by a second program: products of Gauss-Hermite rules, P and its derivatives by quadrature.
    for (kappa, alpha, expected) in [
        ("0", "0.3", [0.3731573008867, 0.2902924847531, 0.5531528688753, 0.1826625910759]),
        ("0.5", "0.15", [0.3929823594251, 0.3210237852783, 0.6628032852034, 0.1320187989078]),
        ("1", "0.1", [0.3413713452455, 0.4136216086773, 1.1118709767966, 0.1222428514110]),
    ] {
        let line = format!("entropy --activation relu --hidden 2 --kappa {kappa} --alpha {alpha}");
        let point = points(&theory(0, &line))[0].clone();
        for (key, value) in ["entropy", "q", "q_hat", "replicon"].iter().zip(expected) {
            close(number(&point, &format!("/{key}")), value, 2e-9, &line);
        }
    }
}

/// The bytes do not depend on the instruction set: where multiply-adds are not fused by an instruction, they are
/// by a function.
#[test]
fn same_bytes_without_vectors() {
    for line in ["--hidden 2 --kappa 1", "--hidden 4 --kappa -1", "--hidden 6 --kappa 0"] {
        let [scalar, selected] = ["scalar", ""].map(|isa| {
            let line = format!("theory capacity --activation relu {line} --json");
            let mut command = command(0, &line.split_whitespace().collect::<Vec<_>>());
            command.env("RELUSCAPE_ISA", isa);
            let output = finish(spawn(command));
            assert_eq!(output.status.code(), Some(0), "{}", text(&output));
            text(&output)
        });
        assert_eq!(scalar, selected, "{line}");
    }
}

#[test]
fn entropies_and_the_stability_line() {
    for activation in ACTIVATIONS {
        for weights in ["binary", "spherical"] {
            let machine = format!("--weights {weights} --activation {activation}");
            let value = theory(0, &format!("entropy {machine} --alpha 0.1,0.4"));
            for point in points(&value) {
                keys(point, &["alpha", "entropy", "q", "q_hat", "replicon"], &["stable"]);
            }
            assert_eq!(points(&value).len(), 2);
        }
        let line = format!("at-line --weights binary --activation {activation}");
        keys(&theory(0, &line), &["alpha_at", "q"], &[]);
    }
    let beyond = theory(0, "entropy --weights spherical --activation relu --alpha 2.2");
    let point = &points(&beyond)[0];
    keys(point, &["entropy_1rsb", "error_1rsb", "q0", "q1", "m"], &[]);
    assert!(number(point, "/entropy_1rsb") < number(point, "/entropy"));
    assert_eq!(point["stable"], false);
    // Sign has no capacity on the sphere, but an entropy at every load.
    let sign = theory(0, "entropy --weights spherical --activation sign --alpha 6");
    keys(&points(&sign)[0], &["entropy_1rsb", "q0", "q1", "m"], &[]);
    // Binary weights just below a capacity where replica symmetry is unstable.
    let binary = theory(0, "entropy --activation abs --kappa 2 --alpha 0.086");
    keys(&points(&binary)[0], &["entropy_1rsb", "q0", "q1", "m"], &[]);
}

/// The landscape of every activation, both weight spaces.
#[test]
fn landscapes_of_every_activation() {
    for activation in ACTIVATIONS {
        for weights in ["binary", "spherical"] {
            let machine = format!("--weights {weights} --activation {activation} --alpha 0.3");
            let curve = theory(0, &format!("franz-parisi {machine} --distance 0.05,0.2"));
            assert!(curve["typical_distance"].is_number());
            assert_eq!(curve["zero_crossing"].is_number(), weights == "binary", "{curve}");
            for point in points(&curve) {
                keys(point, &["distance", "entropy", "error"], &[]);
                assert!(point["order_parameters"].is_object());
            }
            let local =
                theory(0, &format!("local-entropy {machine} --distance 0.1 --replicas inf"));
            let numbers =
                ["distance", "distance_from_center", "entropy", "external_entropy", "bound"];
            keys(&points(&local)[0], &numbers, &[]);
            assert_eq!(points(&local)[0]["replicas"], "inf");
            assert!(number(&points(&local)[0], "/entropy") < number(&points(&local)[0], "/bound"));
            for solutions in ["typical", "dense-member", "dense-center", "dense-mean"] {
                let region = if solutions == "typical" { "" } else { "--distance 0.1" };
                let line = format!(
                    "robustness {machine} --solutions {solutions} {region} --rate 0,0.05,0.5"
                );
                let value = theory(0, &line);
                let rates: Vec<f64> =
                    points(&value).iter().map(|p| number(p, "/flip_probability")).collect();
                assert!(rates[0] <= rates[1] && rates[1] < rates[2], "{line}: {rates:?}");
                assert!((rates[2] - 0.5).abs() < 1e-9, "{line}: {rates:?}");
            }
            for solutions in ["typical", "dense --distance 0.1"] {
                let value = theory(0, &format!("stability {machine} --solutions {solutions}"));
                keys(&value, &["density_at_zero"], &[]);
                let p = points(&value);
                keys(&p[0], &["stability", "density"], &[]);
                // The trapezoid over the default grid: the density is normalised.
                let width = number(&p[1], "/stability") - number(&p[0], "/stability");
                let sum: f64 = p.iter().map(|p| number(p, "/density")).sum::<f64>() * width;
                let sum = sum - 0.5 * width * number(&p[0], "/density");
                assert!((sum - 1.0).abs() < 5e-3, "{activation} {solutions} {sum}");
            }
        }
    }
}

#[test]
fn numbers_of_replicas() {
    let at = |replicas: &str, distance: &str| {
        theory(
            0,
            &format!(
                "local-entropy --activation relu --alpha 0.6 --distance {distance} --replicas \
                 {replicas}"
            ),
        )
    };
    let mut last = 0.0;
    for replicas in ["2", "7.5", "20", "100"] {
        let value = at(replicas, "0.1");
        let point = &points(&value)[0];
        keys(point, &["entropy", "external_entropy", "replicas"], &[]);
        assert!(number(point, "/entropy") > last, "{value}");
        last = number(point, "/entropy");
    }
    assert!(number(&points(&at("inf", "0.1"))[0], "/entropy") > last);
    let critical = at("critical", "0.05,0.1");
    assert_eq!(points(&critical).len(), 2);
    assert!(number(&points(&critical)[0], "/external_entropy").abs() < 1e-7);
    close(number(&points(&critical)[1], "/entropy"), 0.14357, 4e-5, "S_I(m*)");
    let limit = theory(0, "dense-limit --activation identity");
    close(number(&limit, "/monotonicity"), 0.755, 7e-4, "monotonicity");
    close(number(&limit, "/external"), 0.785, 0.013, "external");
}

/// Around the densest regions there are more solutions than around a typical one at the same
/// distance from the centre, and fewer than without patterns; ReLU is denser than sign wherever
/// both have dense regions, and its typical solutions lie closer.
#[test]
fn order_of_the_landscapes() {
    let local = |activation: &str, alpha: &str, replicas: &str| {
        let line = format!(
            "local-entropy --activation {activation} --alpha {alpha} --distance 0.05,0.1 \
             --replicas {replicas}"
        );
        points(&theory(0, &line)).to_vec()
    };
    for alpha in ["0.4", "0.6"] {
        let mut crossings = Vec::new();
        for activation in ["relu", "sign"] {
            for point in local(activation, alpha, "inf") {
                let d = number(&point, "/distance_from_center");
                let line = format!(
                    "franz-parisi --activation {activation} --alpha {alpha} --distance {d}"
                );
                let curve = theory(0, &line);
                let typical = number(&points(&curve)[0], "/entropy");
                let entropy = number(&point, "/entropy");
                assert!(entropy > typical && entropy < number(&point, "/bound"), "{point} {curve}");
                crossings.push(number(&curve, "/zero_crossing"));
            }
        }
        assert!(crossings[0] < crossings[2], "{crossings:?}");
        for replicas in ["inf", "critical"] {
            let (relu, sign) = (local("relu", alpha, replicas), local("sign", alpha, replicas));
            for (dense, sparse) in relu.iter().zip(&sign) {
                assert!(number(dense, "/entropy") > number(sparse, "/entropy"), "{dense} {sparse}");
            }
        }
    }
}

/// The identity is the perceptron at every K; a leaky ReLU of slope near 1 tends to it; erf of
/// small and large gain to the identity and to sign.
#[test]
fn limits_of_the_activations() {
    let alpha = |line: &str| number(&theory(0, &format!("capacity {line}")), "/alpha_c");
    let perceptron = alpha("--activation identity");
    for line in ["identity --hidden 1", "identity --hidden 4", "sign --hidden 1", "tanh --hidden 1"]
    {
        close(alpha(&format!("--activation {line}")), perceptron, 1e-13, line);
    }
    close(perceptron, 0.8330785997, 6e-11, "perceptron");
    close(alpha("--activation leaky_relu --slope 0.9999"), perceptron, 1e-6, "leaky ReLU");
    close(alpha("--activation erf --scale 0.001"), perceptron, 1e-6, "erf, linear");
    close(alpha("--activation erf --scale 1000"), alpha("--activation sign"), 1e-3, "erf, steep");
    let spherical =
        |activation: &str| alpha(&format!("--weights spherical --activation {activation}"));
    close(spherical("identity"), 2.0, 1e-14, "spherical perceptron");
    close(spherical("tanh --hidden 1"), 2.0, 1e-14, "one unit");
}

/// Exit 2 for an argument outside its domain, 65 for a point that does not exist: always with
/// {"error": {"kind", "detail"}} and no value.
#[test]
fn errors_are_typed() {
    for (code, kind, line) in [
        (2, "domain", "capacity --activation relu --kappa nan"),
        (2, "domain", "capacity --activation nonsense"),
        (2, "domain", "capacity --activation leaky_relu --slope 2"),
        (2, "domain", "capacity --activation relu --slope 0.1"),
        (2, "domain", "capacity --activation erf --scale 0"),
        (2, "domain", "capacity --activation relu --hidden 3"),
        (2, "domain", "capacity --activation relu --hidden 8"),
        (2, "domain", "capacity --activation sign --hidden 4"),
        (2, "domain", "capacity --activation sign --hidden 11"),
        (2, "domain", "capacity --activation sign --hidden many"),
        (2, "domain", "capacity --weights spherical --activation sign --hidden 203"),
        (2, "unavailable", "capacity --activation relu --hidden 4 --kappa 3.5"),
        (2, "unavailable", "capacity --activation relu --hidden 2 --kappa -20"),
        (65, "absent", "local-entropy --activation relu --alpha 0.6 --distance 0.36"),
        (
            65,
            "absent",
            "robustness --activation relu --solutions dense-center --alpha 0.6 --distance 0.4 --rate 0.1",
        ),
        (2, "unavailable", "capacity --activation tanh --hidden 3"),
        (2, "unavailable", "capacity --weights spherical --activation sign --hidden 5 --rsb 1"),
        (2, "domain", "entropy --activation relu --alpha 0"),
        (2, "domain", "entropy --activation relu --alpha -0.1"),
        (2, "domain", "franz-parisi --activation relu --alpha 0.4 --distance 1"),
        (2, "domain", "franz-parisi --activation relu --alpha 0.4 --distance 0"),
        (2, "domain", "local-entropy --activation relu --alpha 0.4 --distance 0.5"),
        (2, "domain", "local-entropy --activation relu --alpha 0.4 --distance 0.1 --replicas 0.5"),
        (2, "domain", "local-entropy --activation relu --alpha 0.4 --distance 0.1 --replicas x"),
        (2, "domain", "robustness --activation relu --alpha 0.4 --rate 0.6"),
        (2, "domain", "robustness --activation relu --alpha 0.4 --rate 0.1 --distance 0.1"),
        (2, "domain", "stability --activation relu --alpha 0.4 --solutions dense"),
        (65, "absent", "capacity --weights spherical --activation sign"),
        (65, "absent", "capacity --activation sign --hidden 3 --kappa 2"),
        (65, "absent", "entropy --activation relu --alpha 0.91"),
        (65, "absent", "entropy --weights spherical --activation relu --alpha 2.7"),
        (65, "absent", "at-line --weights spherical --activation identity"),
        (65, "absent", "franz-parisi --activation relu --alpha 0.95 --distance 0.1"),
        (
            65,
            "absent",
            "franz-parisi --weights spherical --activation relu --alpha 2 --distance 0.1",
        ),
        (
            65,
            "absent",
            "local-entropy --activation sign --alpha 0.8 --distance 0.05 --replicas critical",
        ),
        (65, "absent", "stability --activation relu --alpha 0.95"),
        (65, "absent", "robustness --activation relu --alpha 0.95 --rate 0.1"),
        (65, "absent", "entropy --activation abs --kappa 2 --alpha 0.0875"),
    ] {
        let value = theory(code, line);
        assert_eq!(value["error"]["kind"], kind, "{line}: {value}");
        assert!(value["error"]["detail"].as_str().is_some_and(|d| d.len() > 20), "{line}: {value}");
        assert_eq!(value.as_object().map(serde_json::Map::len), Some(1), "{line}: {value}");
    }
    // A curve reports its points one by one: the missing ones with a reason, exit 65.
    for (line, present, detail) in [
        (
            "local-entropy --activation relu --alpha 0.6 --distance 0.1,0.34,0.4 --replicas critical",
            [true, false, false],
            "typical",
        ),
        (
            "local-entropy --activation sign --alpha 0.8 --distance 0.2,0.4,0.1",
            [true, false, true],
            "typical",
        ),
    ] {
        let value = theory(65, line);
        for (point, present) in points(&value).iter().zip(present) {
            keys_of_a_point(point, present);
        }
        let missing = points(&value).iter().find(|p| number(p, "/distance") == 0.4).unwrap();
        assert_eq!(missing["reason"]["kind"], "absent");
        assert!(missing["reason"]["detail"].as_str().unwrap().contains(detail), "{missing}");
    }
    // Without --json the message goes to the standard error alone.
    let output = expect(65, 0, &["theory", "entropy", "--activation", "relu", "--alpha", "0.91"]);
    assert!(output.stdout.is_empty() && !output.stderr.is_empty());
}

/// `-o` gathers tables in one file, whatever the order, and keeps what it holds already.
#[test]
fn tables_gather_in_one_file() {
    let folder = folder();
    let path = folder.path().join("theory.h5");
    let run = |line: &str| {
        let mut args: Vec<&str> = ["theory"].into_iter().chain(line.split_whitespace()).collect();
        args.extend(["-o", utf8(&path)]);
        let output = expect(0, 0, &args);
        assert!(!output.stdout.is_empty());
    };
    run("capacity --weights spherical --activation relu --rsb 1");
    run("entropy --activation relu --alpha 0.2,0.6");
    run("entropy --activation sign --alpha 0.2,0.6");
    run("entropy --activation sign --alpha 0.2,0.6");
    let file = hdf5::File::open(&path).expect("HDF5");
    let read = |name: &str| {
        file.dataset(name)
            .and_then(|d| d.read_raw::<f64>())
            .unwrap_or_else(|e| panic!("{name}: {e}"))
    };
    close(read("theory/capacity/spherical-relu-rsb1/alpha_c")[0], 2.6642801, 4e-8, "alpha_c");
    close(read("theory/entropy/binary-relu/entropy")[1], 0.2523705757, 4e-10, "ReLU");
    close(read("theory/entropy/binary-sign/entropy")[1], 0.2625950451, 4e-10, "sign");
}

/// (machine, capacity, relative tolerance): α_c by finite differences of G_E and one-dimensional
/// trapezoids; the broken ones by Nelder–Mead.
const SECOND: &[(&str, f64, f64)] = &[
    ("--activation leaky_relu --slope -0.5 --kappa -1", 25.845823421, 1e-9),
    ("--activation erf --scale 0.3 --kappa 2", 0.015166777197, 1e-9),
    ("--activation gelu --kappa 0.5", 0.356396210936, 1e-10),
    ("--activation tanh --kappa -0.5", 2.722513739849, 1e-10),
    ("--activation relu --kappa 3 --rsb 0", 0.029434122647, 1e-10),
    ("--activation erf --scale 5 --kappa -1", 4.427902804, 1e-9),
    ("--activation leaky_relu --slope 0.3 --kappa 2", 0.069558835658, 1e-10),
    ("--activation abs --kappa 2", 0.087244452482, 1e-9),
    ("--activation quadratic", 0.9993975287667, 1e-11),
    ("--activation abs", 0.9999546781759, 1e-11),
    ("--activation quadratic --kappa 0.5", 0.679866024049, 1e-9),
    ("--activation leaky_relu --slope -0.5 --kappa 2", 0.062990576709, 1e-9),
    ("--activation relu --kappa 2", 0.060522487337, 1e-8),
    ("--activation relu --hidden 2 --kappa 0.5", 0.28869933308073, 1e-11),
    ("--activation relu --hidden 2 --kappa 2", 0.063355243338317, 1e-12),
    ("--weights spherical --activation erf --scale 0.3 --rsb 1", 2.015770278874, 1e-10),
    ("--weights spherical --activation tanh --kappa -1 --rsb 1", 48.226661722814, 1e-10),
    (
        "--weights spherical --activation leaky_relu --slope 0.3 --kappa 2 --rsb 1",
        0.121572123351,
        1e-10,
    ),
    ("--weights spherical --activation abs --kappa -1 --rsb 1", 71.602771692445, 1e-10),
    ("--weights spherical --activation gelu --kappa 0.5 --rsb 1", 0.81345533473, 1e-10),
    ("--weights spherical --activation sign --hidden 3 --rsb 1", 3.145841927, 1e-8),
    ("--weights spherical --activation quadratic --kappa 2 --rsb 1", 0.658181559502, 1e-10),
];
