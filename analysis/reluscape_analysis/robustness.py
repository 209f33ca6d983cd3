"""Probability that a stored output flips, against the flip rate of bits or weights."""

import numpy as np

from . import curves, data, style
from .style import plt

CURE = "write some with `reluscape theory robustness … -o FILE.h5`"
LINES = {"typical": (0, (4, 1.5)), "dense-member": "-", "dense-center": (0, (1, 1))}
WORDS = {"typical": "typical", "dense-member": "dense, member", "dense-center": "dense, centre"}


def robustness(path, folder):
    """Flip probability against flip rate: typical solutions, dense ones and their barycentres."""
    with data.open_file(path) as file:
        found = curves.tables(file, "robustness", CURE)
    loads = sorted({t.get("alpha") for t in found})
    written = []
    for alpha in loads:
        own = [t for t in found if t.get("alpha") == alpha]
        machines = curves.machines(own)
        figure, axes = plt.subplots()
        for table in own:
            color = style.COLORS[machines.index(curves.name(table)) % len(style.COLORS)]
            solutions = table.get("solutions")
            order = np.argsort(table["rate"], kind="stable")
            rate, flip = table["rate"][order], table["flip_probability"][order]
            shown = (rate > 0) & (flip > 0)
            label = f"{curves.name(table)}, {WORDS[solutions]}"
            axes.plot(rate[shown], flip[shown], color=color, linestyle=LINES[solutions],
                      label=label)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylim(3e-5, 0.7)
        axes.margins(x=0)
        axes.set_xlabel(r"flip rate $\eta$")
        axes.set_ylabel(r"flip probability $\varepsilon(\eta)$")
        axes.legend(title=rf"$\alpha={alpha:g}$", title_fontsize=7.5, loc="lower right")
        suffix = f"_alpha{alpha:g}" if len(loads) > 1 else ""
        written += style.save(figure, folder, f"robustness{suffix}")
    return written
