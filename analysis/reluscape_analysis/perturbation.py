"""Fraction of stored patterns lost when weights or inputs are perturbed, solver beside theory."""

import json
from pathlib import Path

import numpy as np

from . import data, style
from .style import plt

KINDS = {
    "local_energy": (r"weight distance $d$", r"local energy $\delta E(d)$"),
    "input_noise": (r"flip rate $\eta$ of the inputs", "fraction of patterns lost"),
}


def curve(path, observable):
    """(perturbation, mean, lower, upper) of the first cell of the file, and its activation."""
    with data.open_file(path) as file:
        group = data.need(file, f"results/{observable}", "name it under [observe] and run the job")
        columns = [data.column(group, name)[0] for name in ("mean", "lower", "upper")]
        return [group["axis"][...], *columns], data.text(file["cells/activation"][0])


def perturbation(observable, files, theory, folder):
    """One figure: FILES maps a label to a result file, THEORY a label to a JSON of `theory
    robustness`."""
    figure, axes = plt.subplots()
    colors = {"relu": style.COLORS[0], "sign": style.COLORS[1]}
    for index, (label, path) in enumerate(files.items()):
        (x, mean, lower, upper), activation = curve(path, observable)
        axes.errorbar(x, mean, yerr=[mean - lower, upper - mean], color=colors[activation],
                      marker=style.MARKERS[index % 2], markerfacecolor="w" if index % 2 == 0 else None,
                      linestyle="-", linewidth=0.7, label=label)
    for label, (path, activation) in theory.items():
        points = json.loads(Path(path).read_text())["points"]
        axes.plot([p["rate"] for p in points], [p["flip_probability"] for p in points],
                  color=colors[activation], linestyle=(0, (4, 1.5)), label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(KINDS[observable][0])
    axes.set_ylabel(KINDS[observable][1])
    axes.legend(loc="lower right", fontsize=6.5)
    return style.save(figure, folder, observable)


def at(path, observable, value):
    """Mean and error of the observable at one perturbation."""
    (x, mean, lower, upper), _ = curve(path, observable)
    index = int(np.argmin(np.abs(x - value)))
    return float(mean[index]), float(upper[index] - lower[index]) / 2


def weights_and_inputs(files, theory, folder):
    """Both figures, and as rows of a claim the loss at one perturbation of each."""
    figures, rows = [], []
    for observable, what in (("local_energy", "patterns lost at weight distance 0.05"),
                             ("input_noise", "patterns lost, 5 % of the inputs flipped")):
        figures += perturbation(observable, files, theory, folder)
        for label, path in files.items():
            mean, error = at(path, observable, 0.05)
            rows.append({"what": f"{what}: {label}", "value": mean, "error": error,
                         "file": path.name})
    return figures, rows
