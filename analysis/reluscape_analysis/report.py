"""One self-contained page: every claim with its figure, its numbers and where they come from."""

import base64
import html
import json
from pathlib import Path

import numpy as np

from . import data, dense, geometry, perturbation, reach, scaling

LABELS = {
    "relu-plain": "ReLU, one replica", "relu-replicated": "ReLU, five replicas",
    "sign-plain": "sign, one replica", "sign-replicated": "sign, five replicas",
}


def report(folder, output):
    """Draws the figures of a folder filled by reproduce.sh and writes report.html."""
    folder, output = Path(folder), Path(output)
    claims = (capacity, hidden_units, typical, dense_regions, robustness, thresholds)
    sections = [claim(folder, output) for claim in claims]
    rows = [row for section in sections for row in section["rows"]]
    files = sorted(folder.glob("*_small.h5"))
    page = "".join([
        HEAD, table(rows), *(render(section) for section in sections), provenance(files),
    ])
    path = output / "report.html"
    path.write_text(page + "</body></html>\n", encoding="utf-8")
    return [path]


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
    """Finite capacities by enumeration."""
    rows, figures = [], []
    for name, machine in (("capacity-sign_small", "sign"), ("capacity-relu_small", "relu")):
        path = folder / f"{name}.h5"
        figures += scaling.success(path, output / name) + scaling.scaling(path, output / name)
        with data.open_file(path) as file:
            for limit in data.scaling(file)["extrapolations"].values():
                hidden = int(limit.attrs["K"])
                rows.append({
                    "what": f"capacity, {machine.replace('relu', 'ReLU')} units, K = {hidden}",
                    "value": float(limit.attrs["alpha"]),
                    "error": float(limit.attrs["error"]),
                    "systematic": float(limit.attrs["systematic"]),
                    "theory": value(folder, f"capacity-{machine}-{hidden}", "alpha_c"),
                    "file": path.name,
                })
    return {
        "title": "Binary capacity by enumeration",
        "text": "The largest load of each sample is exact; the limit of infinite size is taken with "
        "even and odd n = N/K on branches of one limit. Theory: replica-symmetric zero-entropy point "
        "at the same K. The systematic is what other laws of approach make of the same data.",
        "figures": figures, "rows": rows,
    }


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
    solvers = {
        "fbp": "focusing belief propagation", "edmc": "entropy-driven Monte Carlo",
        "rsgd": "replicated SGD", "rsa": "replicated annealing",
    }
    files = {
        (name, activation): folder / f"dense-{activation}-{key}_small.h5"
        for key, name in solvers.items() for activation in ("relu", "sign")
    }
    theory = [
        {activation: folder / f"theory-{kind}-{activation}.json" for activation in ("relu", "sign")}
        for kind in ("typical", "densest")
    ]
    rows = []
    for (name, activation), path in files.items():
        for distance in (0.02, 0.1):
            mean, error = perturbation.at(path, "local_entropy", distance)
            bound = float(np.interp(distance, *dense.points(theory[1][activation],
                                                            "distance_from_center")))
            word = activation.replace("relu", "ReLU")
            rows.append({"what": f"entropy at distance {distance:g}, {word}, {name}", "value": mean,
                         "error": error, "bound": bound, "file": path.name})
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
    """Perturbed weights and inputs."""
    files = {LABELS[k]: folder / f"robustness-{k}_small.h5" for k in LABELS}
    theory = {
        f"{word}, typical (theory, K → ∞)": (folder / f"theory-robustness-{a}.json", a)
        for a, word in (("relu", "ReLU"), ("sign", "sign"))
    }
    figures, rows = [], []
    for observable, what, key in (
        ("local_energy", "patterns lost, 5 % of the weights flipped", 0.05),
        ("input_noise", "patterns lost, 5 % of the inputs flipped", 0.05),
    ):
        figures += perturbation.perturbation(observable, files, theory, output)
        for label, path in files.items():
            mean, error = perturbation.at(path, observable, key)
            rows.append({"what": f"{what}: {label}", "value": mean, "error": error,
                         "file": path.name})
    return {
        "title": "Robustness against perturbed weights and inputs",
        "text": "Solutions of replicated and plain stochastic gradient descent at alpha = 0.3, N about "
        "1000. The dashed curves are typical solutions, which a solver does not find: its solutions "
        "lose far fewer patterns. ReLU units lose fewer than sign units; the centre's solution of "
        "five replicas loses fewer than the first solution of one.",
        "figures": figures, "rows": rows,
    }


def thresholds(folder, output):
    """Algorithmic thresholds against the break-up of the dense region."""
    figures, rows = [], []
    for machine, word in (("relu", "ReLU"), ("sign", "sign")):
        path = folder / f"threshold-{machine}_small.h5"
        figures += scaling.success(path, output / f"threshold-{machine}")
        limit = value(folder, f"dense-limit-{machine}", "monotonicity")
        with data.open_file(path) as file:
            found = data.scaling(file)["thresholds"]
            for inputs, alpha, error in zip(found["N"], found["alpha"], found["error"]):
                rows.append({
                    "what": f"threshold of replicated SGD, {word}, N = {int(inputs)}",
                    "value": float(alpha), "error": float(error),
                    "bound": limit, "file": path.name,
                })
    return {
        "title": "Algorithmic thresholds",
        "text": "Where replicated mean-field SGD solves half of the samples within its limit of epochs. "
        "Not a capacity; theory gives a bound, the load at which the dense region breaks up.",
        "figures": figures, "rows": rows,
    }


def table(rows):
    """All numbers."""
    cells = []
    for row in rows:
        systematic, theory, bound = (row.get(k) for k in ("systematic", "theory", "bound"))
        total = float(np.hypot(row["error"], systematic or 0.0))
        if theory is not None:
            beside = f"{theory:.4f}"
            deviation = f"{(row['value'] - theory) / total:+.1f} σ" if total > 0 else "–"
        elif bound is not None:
            beside = f"&lt; {bound:.3f}"
            deviation = "below" if row["value"] < bound else "<b>above</b>"
        else:
            beside = deviation = "–"
        extra = "–" if systematic is None else f"{systematic:.4f}"
        cells.append(
            f"<tr><td>{html.escape(row['what'])}</td><td>{row['value']:.4f}</td>"
            f"<td>{row['error']:.4f}</td><td>{extra}</td><td>{beside}</td><td>{deviation}</td>"
            f"<td><code>{html.escape(row['file'])}</code></td></tr>"
        )
    head = "".join(f"<th>{h}</th>" for h in (
        "quantity", "value", "statistical error", "systematic", "theory", "deviation", "file"))
    return f"<h2>Numbers</h2><table><tr>{head}</tr>{''.join(cells)}</table>"


def render(section):
    """A claim with its figures inside the page."""
    images = []
    for path in section["figures"]:
        if path.suffix == ".png":
            content = base64.b64encode(path.read_bytes()).decode()
            images.append(f'<img alt="{html.escape(path.stem)}" src="data:image/png;base64,{content}">')
    title, text = html.escape(section["title"]), html.escape(section["text"])
    return f"<h2>{title}</h2><p>{text}</p><div>{''.join(images)}</div>"


def provenance(files):
    """What each file says of itself."""
    lines = []
    for path in files:
        with data.open_file(path) as file:
            attributes = file["provenance"].attrs
            segments = file["provenance/segments"]
            last = {k: data.text(segments[k][-1]) for k in ("version", "git_commit", "isa")}
            ranks = int(segments["ranks"][-1])
            seed = int(file["job"].attrs["seed"])
            lines.append(
                f"<tr><td><code>{path.name}</code></td><td>{html.escape(last['version'])}</td>"
                f"<td><code>{html.escape(last['git_commit'][:12])}</code></td><td>{seed}</td>"
                f"<td>{ranks}</td><td>{html.escape(last['isa'])}</td>"
                f"<td><code>{data.text(attributes['digest'])[:16]}…</code></td></tr>"
            )
    head = "".join(f"<th>{h}</th>" for h in (
        "file", "version", "commit", "seed", "ranks", "kernels", "digest"))
    return (
        "<h2>Provenance</h2><p>The digest does not depend on ranks, kernels or interruptions: "
        "another run of the same version must give the same.</p>"
        f"<table><tr>{head}</tr>{''.join(lines)}</table>"
    )


HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>reluscape: small reproduction</title><style>
body { font: 15px/1.45 Georgia, serif; max-width: 62em; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; font-size: 13px; } td, th { padding: .2em .7em; text-align: left;
border-bottom: 1px solid #ddd; } img { width: 30em; max-width: 100%; margin: .4em; }
</style></head><body><h1>reluscape: small reproduction</h1>
<p>Every number below comes from a job in <code>jobs/*_small.toml</code>. Sizes and samples are small:
the errors say how far to trust them.</p>"""
