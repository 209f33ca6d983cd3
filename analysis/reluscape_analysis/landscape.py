"""Entropy of solutions around a typical one, and around the densest regions, against distance."""

import numpy as np

from . import curves, data, style
from .style import plt

FRANZ_PARISI = "write some with `reluscape theory franz-parisi … -o FILE.h5`"
LOCAL = "write some with `reluscape theory local-entropy … -o FILE.h5`"


def landscape(path, folder):
    """Franz-Parisi (dashed) and local entropy (solid) against the distance from the centre."""
    with data.open_file(path) as file:
        around = curves.tables(file, "franz-parisi", FRANZ_PARISI)
        dense = curves.tables(file, "local-entropy", LOCAL)
    written = []
    loads = sorted({t.get("alpha") for t in around + dense})
    for alpha in loads:
        figure, axes = plt.subplots()
        own = [t for t in around + dense if t.get("alpha") == alpha]
        machines = curves.machines(sorted(own, key=lambda t: curves.ORDER.index(
            t.get("activation"))))
        bound = None
        for table in own:
            index = machines.index(curves.name(table))
            color = style.COLORS[index % len(style.COLORS)]
            local = table in dense
            x = table["distance_from_center" if local else "distance"]
            order = np.argsort(x, kind="stable")
            x, y = x[order], table["entropy"][order]
            if local:
                bound = (x, table["bound"][order]) if bound is None else bound
                # The densest regions that exist are drawn thin beside the limit.
                critical = table.get("replicas") == "critical"
                axes.plot(x, y, color=color, linewidth=0.7 if critical else 1.0,
                          marker="o" if critical else None, markersize=2.0,
                          label=f"{machines[index]}, densest"
                                + (r" at $m^\ast$" if critical else ""))
            else:
                axes.plot(x, y, color=color, linestyle=(0, (4, 1.5)),
                          label=f"{machines[index]}, typical")
                # Closer than the crossing there are no solutions.
                crossing = table.get("zero_crossing")
                if crossing is not None:
                    axes.plot([crossing], [0], color=color, marker="s", markerfacecolor="w",
                              markersize=3.2, clip_on=False, zorder=5)
        if bound is not None:
            axes.plot(*bound, color="0.6", linestyle=":", label=r"bound ($\alpha=0$)")
        if all(t.get("weights") == "binary" for t in own):
            axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
        axes.set_xlabel(r"distance $d$ from the centre or the typical solution")
        axes.set_ylabel("entropy per weight (nat)")
        axes.legend(title=rf"$\alpha={alpha:g}$", title_fontsize=7.5)
        suffix = f"_alpha{alpha:g}" if len(loads) > 1 else ""
        written += style.save(figure, folder, f"landscape{suffix}")
    return written
