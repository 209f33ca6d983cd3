"""Algorithmic thresholds of several solvers against N, beside the predicted break-up."""

import numpy as np

from . import data, style
from .style import plt


def thresholds(files, limits, folder):
    """FILES maps (solver, activation) to a result file with /scaling, LIMITS an activation to the two
    loads of `theory dense-limit`. One panel an activation; 1/N = 0 has the limit with its total error."""
    solvers = list(dict.fromkeys(solver for solver, _ in files))
    names = {"relu": "ReLU units", "sign": "sign units"}
    figure, panels = plt.subplots(1, len(limits), figsize=(2 * style.COLUMN, 2.8), squeeze=False)
    for axes, (activation, (low, high)) in zip(panels[0], limits.items()):
        axes.axhspan(low, high, color="0.88", linewidth=0, label="break-up (theory)")
        for index, solver in enumerate(solvers):
            with data.open_file(files[solver, activation]) as file:
                group = data.scaling(file)
                size, alpha, error = (data.column(group["thresholds"], k)
                                      for k in ("N", "alpha", "error"))
                look = {"color": style.COLORS[index], "marker": style.MARKERS[index]}
                axes.errorbar(1.0 / size, alpha, yerr=error, linestyle="-", linewidth=0.7,
                              label=solver, **look)
                for limit in group["extrapolations"].values():
                    total = np.hypot(limit.attrs["error"], limit.attrs["systematic"])
                    axes.errorbar([0], [limit.attrs["alpha"]], yerr=[total], linestyle="none",
                                  markerfacecolor="w", elinewidth=0.6, clip_on=False, zorder=5, **look)
        axes.set_xlim(left=0)
        axes.set_title(names[activation], fontsize=9)
        axes.set_xlabel("$1/N$")
        axes.set_ylabel(r"algorithmic threshold $\alpha(N)$")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=7)
    return style.save(figure, folder, "thresholds")
