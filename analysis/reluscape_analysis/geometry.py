"""Where the solutions of small machines lie: around a typical one, and how far two are apart."""

import json
from pathlib import Path

import numpy as np

from . import data, style
from .style import plt


def geometry(path, theory, folder, name):
    """Entropy of the solutions at a distance from a typical one, by enumeration, for every N of the
    file; THEORY is a JSON of `theory franz-parisi` (K → ∞)."""
    figure, axes = plt.subplots()
    points = json.loads(Path(theory).read_text())["points"]
    axes.plot([p["distance"] for p in points], [p["entropy"] for p in points], color="0.4",
              linestyle=(0, (4, 1.5)), label=r"theory, $K, N\to\infty$")
    with data.open_file(path) as file:
        group = data.need(file, "results/local_solutions", "observe local_entropy by enumeration")
        hidden = int(file["cells/K"][0])
        for cell, inputs in enumerate(file["cells/N"][...]):
            # ln of the mean number: defined where some samples have no solution at a distance.
            mean, error = group["mean"][cell], group["error"][cell]
            # Whole flips, halves away from 0; two distances may be the same number of flips.
            x, first = np.unique(np.floor(group["axis"][...] * inputs + 0.5) / inputs,
                                 return_index=True)
            mean, error = mean[first], error[first]
            found = mean > 0
            entropy = np.log(mean[found]) / inputs
            axes.errorbar(x[found], entropy, yerr=error[found] / mean[found] / inputs,
                          color=style.COLORS[cell], marker=style.MARKERS[cell], linewidth=0.7,
                          markersize=3, label=f"$N={inputs}$, $K={hidden}$")
    axes.axhline(0, color="0.8", linewidth=0.6, zorder=0)
    axes.set_xlabel(r"distance $d$ from a typical solution")
    axes.set_ylabel(r"$(1/N)\,\ln$ mean number (nat)")
    axes.legend(loc="lower right", fontsize=6.5)
    return style.save(figure, folder, name)


def isolated(path):
    """(N, share, error) of typical solutions without another one at the least distance observed,
    which must be one flip, for every cell."""
    with data.open_file(path) as file:
        least = float(file["results/local_solutions/axis"][0])
        if (np.floor(least * file["cells/N"][...] + 0.5) != 1).any():
            raise data.Unfit(f"{path}: distance {least:g} is not one flip at every N: observe a smaller one")
        with_one = file["results/local_entropy/count"][:, 0].astype(float)
        drawn = file["results/local_solutions/count"][:, 0].astype(float)
        share = 1.0 - with_one / drawn
        return file["cells/N"][...], share, np.sqrt(share * (1.0 - share) / drawn)


def typical_distance(path):
    """Distance of two typical solutions at N → ∞ by a straight line in 1/N: (value, statistical
    error, half the change to a line in 1/√N, by which strict storage of ReLU units approaches)."""
    with data.open_file(path) as file:
        inputs = file["cells/N"][...].astype(float)
        mean, error = (data.column(file["results/pair_distance"], k) for k in ("mean", "error"))

    def limit(power):
        design = np.stack([np.ones(len(inputs)), inputs**-power], axis=1) / error[:, None]
        covariance = np.linalg.inv(design.T @ design)
        return float((covariance @ design.T @ (mean / error))[0]), float(covariance[0, 0] ** 0.5)

    (value, spread), (other, _) = limit(1.0), limit(0.5)
    return value, spread, 0.5 * abs(other - value)
