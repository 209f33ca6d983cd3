"""The claims: for each its figures and its numbers, from a folder filled by reproduce.sh.

A claim takes that folder and the folder of the figures and returns title, text, figures and rows; a row
has a value, its error and perhaps a systematic, beside a theory (deviation) or a bound."""

import json

import numpy as np

from . import algorithmic, data, dense, geometry, perturbation, reach, scaling


WORDS = {"relu": "ReLU", "sign": "sign"}

SOLVERS = {
    "fbp": "focusing belief propagation", "edmc": "entropy-driven Monte Carlo",
    "rsa": "replicated annealing", "rsgd": "replicated SGD",
}
"""Solvers of the dense regions and of the thresholds, by the names of their jobs."""


def value(folder, name, key):
    """A number of a theory JSON."""
    path = folder / f"theory-{name}.json"
    if not path.exists():
        raise data.Unfit(f"{path}: missing: run `make reproduce`")
    return float(json.loads(path.read_text())[key])


SIGN_UNITS = (5, 9, 15, 35, 63)
"""K of the jobs with real weights and sign units."""


def hidden_units(folder, output):
    """Reach with real weights against K: finite for ReLU units, growing for sign units."""
    files = {"ReLU units": folder / "k-sweep-relu_small.h5",
             "sign units": folder / "k-sweep-sign_small.h5"}
    limit = value(folder, "capacity-spherical-relu", "alpha_c")
    capacities = {
        "capacity, ReLU, K → ∞ (1RSB)": limit,
        "capacity, sign (RS, an upper bound)": {
            k: value(folder, f"capacity-spherical-sign-{k}", "alpha_c") for k in SIGN_UNITS},
    }
    figures, rows = reach.reach(files, capacities, output), []
    for (what, path), capacity in zip(files.items(), capacities.values()):
        for hidden, alpha, error in zip(*reach.thresholds(path)):
            bound = capacity[int(hidden)] if isinstance(capacity, dict) else capacity
            rows.append({"what": f"reach with real weights, {what}, K = {int(hidden)}",
                         "value": float(alpha), "error": float(error), "bound": bound,
                         "file": path.name})
    return {
        "title": "Reach with real weights against the number of hidden units",
        "text": "Where momentum SGD on the sphere solves half of the samples within its limit of epochs, N "
        "about 950: an algorithmic threshold. With ReLU units it comes near its limit at K = 16 and stays "
        "below the finite capacity; with sign units it grows with K, far below their capacity. At K = 4 "
        "and 8 patterns that find all ReLU units off, errors by definition, keep it low.",
        "figures": figures, "rows": rows,
    }


def capacity(folder, output):
    """Finite capacities by enumeration, by each estimator of the threshold."""
    rows, figures = [], []
    for name, machine in (("perceptron", "perceptron"), ("sign", "sign units"), ("relu", "ReLU units")):
        path = folder / f"capacity-{name}_small.h5"
        figures += scaling.scaling(path, output / f"capacity-{name}")
        with data.open_file(path) as file:
            group = data.scaling(file)
            for limit in group["extrapolations"].values():
                hidden = int(limit.attrs["K"])
                what = f"capacity, {machine}, K = {hidden}"
                theory = value(folder, f"capacity-{name}-{hidden}", "alpha_c")
                rows.append(limit_row(what, limit.attrs, theory, path))
                estimators = limit["estimators"]
                for index, estimator in enumerate(estimators["name"][...]):
                    rows.append(limit_row(
                        f"{what}, by the {data.text(estimator)} alone",
                        {k: estimators[k][index] for k in ("alpha", "error", "systematic")},
                        theory, path))
            if "joint" in group:
                theory = value(folder, f"capacity-{name}-inf", "alpha_c")
                rows.append(limit_row(f"capacity, {machine}, N and K to infinity in one fit",
                                      group["joint"].attrs, theory, path))
    return {
        "title": "Binary capacity by enumeration",
        "text": "The largest load of each sample is exact. The limit of infinite size averages laws of "
        "approach (even and odd n = N/K on branches of one limit where both occur), whose spread is the "
        "systematic, with the shift to the other estimator: the mean of the samples' thresholds, the load "
        "where half of them end, and, without ties, the zero of the entropy. Theory: the replica-symmetric "
        "zero-entropy point at the same K. The perceptron's capacity is known and tests the method.",
        "figures": figures, "rows": rows,
    }


def limit_row(what, limit, theory, path):
    """Row of a limit with its two errors beside theory."""
    numbers = {key: float(limit[key]) for key in ("error", "systematic")}
    return {"what": what, "value": float(limit["alpha"]), **numbers, "theory": theory,
            "file": path.name}


def typical(folder, output):
    """Geometry of typical solutions."""
    rows, figures = [], []
    for activation, word, hidden in (("sign", "sign", 3), ("relu", "ReLU", 2)):
        path = folder / f"geometry-{activation}_small.h5"
        figures += geometry.geometry(path, folder / f"theory-geometry-{activation}.json", output,
                                     f"geometry-{activation}")
        value, error, systematic = geometry.typical_distance(path)
        points = json.loads((folder / f"theory-overlap-{activation}.json").read_text())["points"]
        rows.append({"what": f"distance of typical solutions, {word}, K = {hidden}, N → ∞",
                     "value": value, "error": error, "systematic": systematic,
                     "theory": 0.5 * (1.0 - points[0]["q"]), "file": path.name})
        for inputs, share, spread in zip(*geometry.isolated(path)):
            rows.append({"what": f"typical solutions with none at one flip, {word}, N = {inputs}",
                         "value": float(share), "error": float(spread), "file": path.name})
    return {
        "title": "Typical solutions",
        "text": "Every solution of small machines, by enumeration. Two typical solutions are far apart "
        "(theory: replica-symmetric overlap at the same K; statistical error of a line in 1/N, "
        "systematic from one in 1/√N). Around one of them the number of others grows with N towards "
        "the Franz–Parisi curve of N and K to infinity; the few hidden units, and with ReLU strict "
        "storage, keep it below. Where that curve crosses zero, within a distance of one flip here, "
        "large machines have no other solution.",
        "figures": figures, "rows": rows,
    }


def dense_regions(folder, output):
    """Local entropies of solvers' solutions."""
    files = {
        (name, activation): folder / f"dense-{activation}-{key}_small.h5"
        for key, name in SOLVERS.items() for activation in WORDS
    }
    theory = [
        {activation: folder / f"theory-{kind}-{activation}.json" for activation in WORDS}
        for kind in ("typical", "densest")
    ]
    rows = []
    for (name, activation), path in files.items():
        for distance in (0.02, 0.1):
            mean, error = perturbation.at(path, "local_entropy", distance)
            bound = float(np.interp(distance, *dense.points(theory[1][activation],
                                                            "distance_from_center")))
            what = f"entropy at distance {distance:g}, {WORDS[activation]}, {name}"
            rows.append({"what": what, "value": mean, "error": error, "bound": bound,
                         "file": path.name})
    return {
        "title": "Dense regions",
        "text": "Entropy of solutions at a distance from those of four solvers at alpha = 0.5, N about "
        "1000, by the Bethe entropy of each sample. Near them there are far more solutions than near "
        "typical ones (dashed), and fewer than around the centres of the densest regions (solid); up to "
        "distance 0.15 more with ReLU than with sign units. Beyond distance 0.2 the ReLU points fall below the theory of "
        "K to infinity: at N = 1024 strict storage (ties are errors) takes 0.02 to 0.03 off all "
        "entropies of ReLU machines.",
        "figures": dense.dense(files, *theory, output), "rows": rows,
    }


def robustness(folder, output):
    """Perturbed weights and inputs, binary weights."""
    files = {f"{WORDS[a]}, {how}": folder / f"robustness-{a}-{kind}_small.h5"
             for a in WORDS for kind, how in (("plain", "one replica"), ("replicated", "five replicas"))}
    theory = {f"{WORDS[a]}, typical (theory, K → ∞)": (folder / f"theory-robustness-{a}.json", a)
              for a in WORDS}
    figures, rows = perturbed(files, theory, output)
    return {
        "title": "Robustness against perturbed weights and inputs",
        "text": "Solutions of replicated and plain stochastic gradient descent at alpha = 0.3, N about "
        "1000. The dashed curves are typical solutions, which a solver does not find: its solutions "
        "lose far fewer patterns. ReLU units lose fewer than sign units; the centre's solution of "
        "five replicas loses fewer than the first solution of one.",
        "figures": figures, "rows": rows,
    }


def robustness_real(folder, output):
    """Perturbed weights and inputs, real weights."""
    files = {f"{WORDS[a]}, {how}": folder / f"robustness-spherical-{a}-{kind}_small.h5"
             for a in WORDS for kind, how in (("plain", "one replica"), ("replicated", "three replicas"))}
    figures, rows = perturbed(files, {}, output / "spherical")
    for row in rows:
        row["what"] += ", real weights"
    return {
        "title": "Robustness with real weights",
        "text": "The same for spherical weights at alpha = 1: weights at overlap 1 − 2d with the solution. "
        "ReLU units lose far fewer patterns than sign units; replicas gain a few percent.",
        "figures": figures, "rows": rows,
    }


def perturbed(files, theory, output):
    """Figures and rows of solutions under perturbed weights and inputs."""
    figures, rows = [], []
    for observable, what, key in (
        ("local_energy", "patterns lost at weight distance 0.05", 0.05),
        ("input_noise", "patterns lost, 5 % of the inputs flipped", 0.05),
    ):
        figures += perturbation.perturbation(observable, files, theory, output)
        for label, path in files.items():
            mean, error = perturbation.at(path, observable, key)
            rows.append({"what": f"{what}: {label}", "value": mean, "error": error,
                         "file": path.name})
    return figures, rows


def thresholds(folder, output):
    """Algorithmic thresholds against N beside the predicted break-up of the dense region."""
    files = {(name, a): folder / f"threshold-{a}-{key}_small.h5"
             for key, name in SOLVERS.items() for a in WORDS}
    limits = {a: sorted(value(folder, f"dense-limit-{a}", key) for key in ("monotonicity", "external"))
              for a in WORDS}
    figures, rows = algorithmic.thresholds(files, limits, output), []
    for (name, activation), path in files.items():
        with data.open_file(path) as file:
            group = data.scaling(file)
            found = group["thresholds"]
            what = f"threshold, {WORDS[activation]}, {name}"
            for inputs, alpha, error in zip(found["N"], found["alpha"], found["error"]):
                rows.append({"what": f"{what}, N = {int(inputs)}", "value": float(alpha),
                             "error": float(error), "file": path.name})
            for limit in group["extrapolations"].values():
                rows.append({"what": f"{what}, N → ∞", "value": float(limit.attrs["alpha"]),
                             "error": float(limit.attrs["error"]),
                             "systematic": float(limit.attrs["systematic"]),
                             "bound": limits[activation][1], "file": path.name})
    return {
        "title": "Algorithmic thresholds",
        "text": "Where four solvers solve half of the samples within their limits of epochs, against N. "
        "Not capacities (0.904 for ReLU, unbounded for sign units as K grows). The band is the load at "
        "which theory sees the dense region break up, by two criteria; the best solver tends to it.",
        "figures": figures, "rows": rows,
    }


CLAIMS = (capacity, hidden_units, typical, dense_regions, robustness, robustness_real, thresholds)
"""In the order of the page."""
