"""Entropy of solutions around those that a solver finds, beside the theory."""

import json
from pathlib import Path

from . import style
from .perturbation import curve
from .style import plt

COLORS = {"relu": style.COLORS[0], "sign": style.COLORS[1]}


def points(path, x):
    """(x, entropy) of a JSON of `theory franz-parisi` or `theory local-entropy`, points that exist."""
    points = json.loads(Path(path).read_text())["points"]
    points = [p for p in points if p["entropy"] is not None]
    return [p[x] for p in points], [p["entropy"] for p in points]


def dense(files, typical, densest, folder):
    """FILES maps (solver, activation) to a result file; TYPICAL and DENSEST an activation to a JSON of
    `theory franz-parisi` and `theory local-entropy --replicas inf`."""
    figure, axes = plt.subplots()
    names = {"relu": "ReLU", "sign": "sign"}
    for activation, path in densest.items():
        axes.plot(*points(path, "distance_from_center"), color=COLORS[activation],
                  label=f"{names[activation]}, densest (theory)")
    for activation, path in typical.items():
        axes.plot(*points(path, "distance"), color=COLORS[activation], linestyle=(0, (4, 1.5)),
                  label=f"{names[activation]}, typical (theory)")
    solvers = list(dict.fromkeys(solver for solver, _ in files))
    for (solver, activation), path in files.items():
        (x, mean, lower, upper), _ = curve(path, "local_entropy")
        axes.errorbar(x, mean, yerr=[mean - lower, upper - mean], linestyle="none",
                      color=COLORS[activation], marker=style.MARKERS[solvers.index(solver)],
                      markerfacecolor="w", markersize=4, label=f"{names[activation]}, {solver}")
    axes.set_xlim(0, 0.32)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(r"distance $d$ from the solution (theory: from the centre)")
    axes.set_ylabel("entropy per weight (nat)")
    axes.legend(loc="lower right", fontsize=6.5)
    return style.save(figure, folder, "dense_regions")
