"""Entropy of solutions and overlap of typical ones against the load."""

import numpy as np

from . import curves, data, style
from .style import plt

CURE = "write some with `reluscape theory entropy --alpha … -o FILE.h5`"


def entropy(path, folder):
    """Entropy and q against alpha: dotted where RS is unstable, there solid one step (q0, q1)."""
    with data.open_file(path) as file:
        found = curves.tables(file, "entropy", CURE)
    written = []
    for weights in sorted({t.get("weights") for t in found}):
        own = [t for t in found if t.get("weights") == weights]
        figure, (top, bottom) = plt.subplots(
            2, 1, sharex=True, figsize=(style.COLUMN, 3.9))
        for index, table in enumerate(own):
            color = style.COLORS[index % len(style.COLORS)]
            order = np.argsort(table["alpha"], kind="stable")
            column = {key: values[order] for key, values in table.columns.items()}
            alpha = column["alpha"]
            stable = column["replicon"] <= 1.0 + 1e-9
            # The first unstable point joins the branches.
            solid = stable | np.concatenate(([False], stable[:-1]))
            label = curves.name(table)
            if table.get("kappa"):
                label += rf", $\kappa={table.get('kappa'):g}$"
            for axes, key in ((top, "entropy"), (bottom, "q")):
                axes.plot(alpha[solid], column[key][solid], color=color,
                          label=label if axes is top else None)
                dotted = ~stable | np.concatenate((~stable[1:], [False]))
                axes.plot(alpha[dotted], column[key][dotted], color=color, linestyle=":",
                          linewidth=0.8)
            if "entropy_1rsb" in column:
                top.plot(alpha, column["entropy_1rsb"], color=color)
                bottom.plot(alpha, column["q0"], color=color, linestyle="--", linewidth=0.8)
                bottom.plot(alpha, column["q1"], color=color, linestyle="--", linewidth=0.8)
        if weights == "binary":
            top.set_ylim(bottom=0)
        bottom.set_ylim(0, 1 if weights == "spherical" else None)
        bottom.set_xlim(left=0)
        top.set_ylabel("entropy per weight (nat)")
        bottom.set_ylabel(r"overlap $q$")
        bottom.set_xlabel(r"$\alpha = P/N$")
        top.legend(title=weights, title_fontsize=7.5)
        written += style.save(figure, folder, f"entropy_{weights}")
    return written
