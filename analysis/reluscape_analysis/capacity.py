"""Capacity against margin, by activation."""

import numpy as np

from . import curves, data, style
from .style import plt

CURE = "write some with `reluscape theory capacity --kappa … -o FILE.h5`"


def capacity(path, folder):
    """Capacity against kappa by activation: solid with the most steps in the file, dotted RS."""
    with data.open_file(path) as file:
        found = curves.tables(file, "capacity", CURE)
    found = [t for t in found if t.get("ties") == "strict" or t.get("hidden") == "inf"]
    written = []
    for weights in sorted({t.get("weights") for t in found}):
        own = [t for t in found if t.get("weights") == weights]
        figure, axes = plt.subplots()
        for index, machine in enumerate(curves.machines(own)):
            color = style.COLORS[index % len(style.COLORS)]
            dash = (0, (4, 1.2)) if index >= len(style.COLORS) else "-"
            rows = [t for t in own if curves.name(t) == machine]
            steps = sorted({t.get("rsb") for t in rows})
            best = {}
            for step in steps:
                for t in (t for t in rows if t.get("rsb") == step):
                    best[t.get("kappa")] = float(t["alpha_c"][0])
            draw(axes, best, color=color, linestyle=dash, label=machine)
            symmetric = {t.get("kappa"): float(t["alpha_c"][0]) for t in rows if t.get("rsb") == 0}
            if any(symmetric.get(k, v) > v * (1 + 1e-4) for k, v in best.items()):
                draw(axes, symmetric, color=color, linestyle=":", linewidth=0.8)
        axes.set_yscale("log")
        axes.set_xlabel(r"margin $\kappa$")
        axes.set_ylabel(r"capacity $\alpha_c$")
        axes.legend(title=f"{weights}, $K\\to\\infty$", title_fontsize=7.5, ncols=2,
                    loc="upper right", columnspacing=0.9)
        axes.margins(x=0)
        written += style.save(figure, folder, f"capacity_{weights}")
    return written


def draw(axes, values, **look):
    """One curve of kappa → alpha_c; a single point gets a marker."""
    kappa = np.array(sorted(values))
    look = {**look, "marker": "o"} if len(kappa) == 1 else look
    axes.plot(kappa, [values[k] for k in kappa], **look)
