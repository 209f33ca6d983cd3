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
        heading = f"{weights}, $K\\to\\infty$"
        figure, axes = plt.subplots(figsize=(style.COLUMN, 3.1))
        for index, machine in enumerate(curves.machines(own)):
            color = style.COLORS[index % len(style.COLORS)]
            # The later half is dashed: some curves nearly coincide.
            dash = "-" if index < 5 else (0, (4, 1.2))
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
                heading = f"{weights}, $K\\to\\infty$ (dotted: replica-symmetric)"
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(plt.FuncFormatter(lambda y, _: f"{y:g}"))
        axes.yaxis.set_minor_formatter(
            plt.FuncFormatter(lambda y, _: f"{y:g}" if f"{y:.0e}"[0] in "235" else ""))
        axes.set_xlabel(r"margin $\kappa$")
        axes.set_ylabel(r"capacity $\alpha_c$")
        figure.legend(title=heading, title_fontsize=7.5, ncols=3,
                      loc="outside upper center", columnspacing=0.9)
        axes.margins(x=0)
        written += style.save(figure, folder, f"capacity_{weights}")
    return written


def draw(axes, values, **look):
    """One curve of kappa → alpha_c; a single point gets a marker."""
    kappa = np.array(sorted(values))
    look = {**look, "marker": "o"} if len(kappa) == 1 else look
    axes.plot(kappa, [values[k] for k in kappa], **look)
