"""Entropy of solutions around those that a solver finds, beside the theory."""

import json
from pathlib import Path

from matplotlib.lines import Line2D

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
    figure, axes = plt.subplots(figsize=(style.COLUMN, 3.0))
    dashed = (0, (4, 1.5))
    for activation, path in densest.items():
        axes.plot(*points(path, "distance_from_center"), color=COLORS[activation])
    for activation, path in typical.items():
        axes.plot(*points(path, "distance"), color=COLORS[activation], linestyle=dashed)
    solvers = list(dict.fromkeys(solver for solver, _ in files))
    for (solver, activation), path in files.items():
        (x, mean, lower, upper), _ = curve(path, "local_entropy")
        axes.errorbar(x, mean, yerr=[mean - lower, upper - mean], linestyle="none",
                      color=COLORS[activation], marker=style.MARKERS[solvers.index(solver)],
                      markerfacecolor="w", markersize=3.5)
    axes.set_xlim(0, 0.32)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(r"distance $d$ from the solution (theory: from the centre)")
    axes.set_ylabel("entropy per weight (nat)")
    # Colours are machines, lines the theory, markers solvers: each is named once.
    names = {"relu": "ReLU units", "sign": "sign units"}
    keys = [Line2D([], [], color=COLORS[a], linewidth=3, label=names[a]) for a in densest]
    keys += [Line2D([], [], color="0.3", label="densest (theory)"),
             Line2D([], [], color="0.3", linestyle=dashed, label="typical (theory)")]
    keys += [Line2D([], [], color="0.3", linestyle="none", marker=style.MARKERS[i], markersize=3.5,
                    markerfacecolor="w", label=solver) for i, solver in enumerate(solvers)]
    figure.legend(handles=keys, loc="outside upper center", ncols=2, fontsize=6.5)
    return style.save(figure, folder, "dense_regions")
