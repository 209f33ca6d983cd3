"""Reach of a solver against the number of hidden units, beside the capacity."""

import numpy as np

from . import data, style
from .style import plt


def thresholds(path):
    """Columns K, alpha, error of the thresholds of one file, by K."""
    with data.open_file(path) as file:
        table = data.scaling(file)["thresholds"]
        columns = np.array([data.column(table, name) for name in ("K", "alpha", "error")])
    return columns[:, np.argsort(columns[0])]


def reach(files, capacities, folder):
    """One figure: FILES maps a label to a result file, CAPACITIES a label to {K: alpha}, or to one
    number for K → ∞."""
    figure, axes = plt.subplots()
    for index, (label, path) in enumerate(files.items()):
        hidden, alpha, error = thresholds(path)
        axes.errorbar(hidden, alpha, yerr=error, color=style.COLORS[index],
                      marker=style.MARKERS[index], linestyle="-", linewidth=0.7, label=label)
    for index, (label, capacity) in enumerate(capacities.items()):
        color, dashes = style.COLORS[index], (0, (4, 1.5))
        if isinstance(capacity, dict):
            axes.plot(*zip(*sorted(capacity.items())), color=color, linestyle=dashes, label=label)
        else:
            axes.axhline(capacity, color=color, linestyle=dashes, label=label)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel("hidden units $K$")
    axes.set_ylabel(r"$\alpha = P/N$")
    axes.legend(fontsize=6.5)
    return style.save(figure, folder, "reach")
