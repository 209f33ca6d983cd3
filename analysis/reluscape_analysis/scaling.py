"""Success probability against alpha, and the extrapolation of its threshold."""

import numpy as np

from . import data, style
from .style import plt


def success(path, folder):
    """Success against alpha for every N: fractions with Wilson bars, fitted curves with bands."""
    with data.open_file(path) as file:
        group = data.scaling(file)
        exact = data.text(group.attrs["kind"]) == "exact"
        points = [] if exact else data.success_points(file)
        curves = {
            (int(c.attrs["K"]), int(c.attrs["N"])): {k: c[k][...] for k in c}
            for c in group["success"].values()
        }
        sizes = sorted(set(curves) | {(p.hidden, p.inputs) for p in points})
        if not sizes:
            raise data.Unfit(f"{path}: no finished samples to draw: run the job")
        written = []
        for hidden in sorted({k for k, _ in sizes}):
            figure, axes = plt.subplots()
            axes.axhline(0.5, color="0.75", linewidth=0.6, zorder=0)
            for index, inputs in enumerate(n for k, n in sizes if k == hidden):
                color = style.COLORS[index % len(style.COLORS)]
                marker = style.MARKERS[index % len(style.MARKERS)]
                curve = curves.get((hidden, inputs))
                label = f"$N={inputs}$"
                if curve is not None and exact:
                    axes.errorbar(
                        curve["alpha"], curve["success"], yerr=bars(curve), color=color,
                        marker=marker, linestyle="-", linewidth=0.7, label=label,
                    )
                elif curve is not None:
                    axes.fill_between(
                        curve["alpha"], curve["lower"], curve["upper"],
                        color=color, alpha=0.2, linewidth=0,
                    )
                    axes.plot(curve["alpha"], curve["success"], color=color)
                for p in points:
                    if (p.hidden, p.inputs) == (hidden, inputs):
                        axes.errorbar(
                            p.alpha, p.mean, yerr=[p.mean - p.lower, p.upper - p.mean],
                            color=color, marker=marker, linestyle="none", elinewidth=0.7,
                            label=label,
                        )
            axes.set_ylim(-0.03, 1.03)
            axes.set_xlabel(r"$\alpha = P/N$")
            axes.set_ylabel("fraction that can be stored" if exact else "success probability")
            heading = ", ".join(filter(None, [data.model_name(file), f"$K={hidden}$"]))
            axes.legend(title=heading, title_fontsize=7.5, loc="lower left")
            written += style.save(figure, folder, name("success", hidden, sizes))
        return written


def scaling(path, folder):
    """Thresholds against N^(-omega) with the chosen law, its band and the limit."""
    with data.open_file(path) as file:
        group = data.scaling(file)
        limits = group["extrapolations"]
        if not len(limits):
            warnings = "; ".join(data.text(w) for w in group["warnings"][...])
            raise data.Unfit(f"{path}: there is no extrapolation to draw: {warnings}")
        table = {k: data.column(group["thresholds"], k) for k in ("N", "K", "alpha", "error")}
        symbol = data.threshold_symbol(group)
        sizes = [(int(limit.attrs["K"]), 0) for limit in limits.values()]
        written = []
        for limit in limits.values():
            hidden = int(limit.attrs["K"])
            rows = table["K"] == hidden
            figure, axes = plt.subplots()
            draw_limit(axes, limit, table["N"][rows], table["alpha"][rows], table["error"][rows],
                       "N", symbol, lambda n: int(n // hidden) % 2)
            heading = ", ".join(filter(None, [data.model_name(file), f"$K={hidden}$"]))
            axes.legend(title=heading, title_fontsize=7.5, loc="best")
            written += style.save(figure, folder, name("scaling", hidden, sizes))
        last = group.get("extrapolation")
        if last is not None and "K" not in last.attrs:
            figure, axes = plt.subplots()
            hidden = np.array([limit.attrs["K"] for limit in limits.values()], dtype=float)
            alpha = np.array([limit.attrs["alpha"] for limit in limits.values()])
            error = np.array([limit.attrs["error"] for limit in limits.values()])
            draw_limit(axes, last, hidden, alpha, error, "K", symbol, lambda _: 0)
            axes.legend(title=data.model_name(file), title_fontsize=7.5, loc="best")
            written += style.save(figure, folder, "scaling_K")
        return written


def collapse(path, folder):
    """Success against the scaled variable: the curves of all N on one."""
    with data.open_file(path) as file:
        group = data.scaling(file)
        limits = [limit for limit in group["extrapolations"].values() if "collapse" in limit]
        if not limits:
            raise data.Unfit(f"{path}: no collapse to draw: run sizes whose transitions overlap")
        sizes = [(int(limit.attrs["K"]), 0) for limit in limits]
        written = []
        for limit in limits:
            hidden, found = int(limit.attrs["K"]), limit["collapse"]
            points = {k: found[k][...] for k in ("N", "x", "success", "error")}
            figure, axes = plt.subplots()
            for index, inputs in enumerate(sorted(set(points["N"]))):
                own = points["N"] == inputs
                axes.errorbar(points["x"][own], points["success"][own], yerr=points["error"][own],
                              color=style.COLORS[index % len(style.COLORS)],
                              marker=style.MARKERS[index % len(style.MARKERS)],
                              linestyle="none", elinewidth=0.7, label=f"$N={int(inputs)}$")
            axes.set_ylim(-0.03, 1.03)
            nu, quality = float(found.attrs["nu"]), float(found.attrs["quality"])
            axes.set_xlabel(rf"$(\alpha-\alpha(N))\,N^{{1/\nu}}$, $\nu={nu:.2f}$")
            axes.set_ylabel("success probability")
            heading = ", ".join(filter(None, [data.model_name(file), f"$K={hidden}$",
                                              f"$S={quality:.2f}$"]))
            axes.legend(title=heading, title_fontsize=7.5, loc="lower left")
            written += style.save(figure, folder, name("collapse", hidden, sizes))
        return written


def draw_limit(axes, limit, size, alpha, error, letter, symbol, parity):
    """One extrapolation: points, chosen law with band, limit with both errors."""
    omega = float(limit.attrs["omega"])
    band = {k: limit["band"][k][...] for k in limit["band"]}
    branches = int(limit["band"].attrs["branches"])
    labels = {0: "even $n$", 1: "odd $n$"}
    for index, branch in enumerate(sorted(set(band["parity"]))):
        color = style.COLORS[index]
        own = band["parity"] == branch
        x = band["inverse_size"][own] ** omega
        axes.fill_between(x, band["lower"][own], band["upper"][own], color=color, alpha=0.2,
                          linewidth=0)
        axes.plot(x, band["alpha"][own], color=color)
        rows = np.array([branches == 1 or parity(n) == branch for n in size], dtype=bool)
        axes.errorbar(size[rows] ** -omega, alpha[rows], yerr=error[rows], color=color,
                      marker=style.MARKERS[index], linestyle="none", elinewidth=0.7,
                      label=labels[int(branch)] if branches > 1 else None)
    value = float(limit.attrs["alpha"])
    statistical, systematic = float(limit.attrs["error"]), float(limit.attrs["systematic"])
    # The limit stands on the axis; the thin bar adds the systematic in quadrature.
    total = float(np.hypot(statistical, systematic))
    axes.errorbar([0], [value], yerr=[total], color="0.45", elinewidth=0.6, linestyle="none",
                  clip_on=False, zorder=4)
    axes.errorbar([0], [value], yerr=[statistical], color="k", marker="o", markerfacecolor="w",
                  elinewidth=1.3, linestyle="none", clip_on=False, zorder=5,
                  label=rf"${symbol}={in_brackets(value, statistical, systematic)}$")
    axes.set_xlim(left=0)
    low = min(value - total, float(np.min(alpha - error)), float(np.min(band["lower"])))
    high = max(value + total, float(np.max(alpha + error)), float(np.max(band["upper"])))
    axes.set_ylim(low - 0.08 * (high - low), high + 0.08 * (high - low))
    power = f"{omega:.2f}".rstrip("0").rstrip(".")
    axes.set_xlabel(rf"${letter}^{{-{power}}}$")
    axes.set_ylabel(rf"${symbol}({letter})$")


def in_brackets(value, statistical, systematic):
    """0.5312(12)(8): value, statistical and systematic error in units of the last digit."""
    errors = [e for e in (statistical, systematic) if e > 0]
    digits = 4 if not errors else int(np.clip(np.ceil(1 - np.log10(max(errors))), 1, 7))
    scale = 10.0**digits
    return f"{value:.{digits}f}({round(statistical * scale)})({round(systematic * scale)})"


def bars(curve):
    """Lengths of the error bars below and above."""
    return [curve["success"] - curve["lower"], curve["upper"] - curve["success"]]


def name(kind, hidden, sizes):
    """File name: the K is named where there are several."""
    return kind if len({k for k, _ in sizes}) == 1 else f"{kind}_K{hidden}"
