"""Reads result files into plain arrays; missing values become NaN."""

from dataclasses import dataclass

import h5py
import numpy as np


class Unfit(Exception):
    """The file does not hold what the figure needs; says what to run."""


def open_file(path):
    """Opens an HDF5 file for reading."""
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise Unfit(f"{path}: cannot be read as HDF5: {error}") from error


def need(file, name, cure):
    """The member NAME of the file."""
    if name not in file:
        raise Unfit(f"{file.filename}: has no /{name}: {cure}")
    return file[name]


def column(group, name):
    """A column as floats, NaN where its mask is set."""
    values = np.asarray(group[name][...], dtype=float)
    mask = f"{name}_mask"
    if mask in group:
        values = np.where(np.asarray(group[mask][...], dtype=bool), np.nan, values)
    return values


def text(value):
    """An HDF5 string."""
    return value.decode() if isinstance(value, bytes) else str(value)


@dataclass
class Points:
    """Success fractions of one (N, K) with the ends of their Wilson intervals."""

    inputs: int
    hidden: int
    alpha: np.ndarray
    mean: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def success_points(file):
    """The success fractions of the file, by (K, N)."""
    cells = need(file, "cells", "it is no result file of reluscape run")
    solved = need(file, "results/solved", "run the job")
    inputs, hidden = cells["N"][...], cells["K"][...]
    alpha = cells["alpha"][...]
    mean, lower, upper = (column(solved, name) for name in ("mean", "lower", "upper"))
    found = []
    for size in sorted({(int(k), int(n)) for n, k in zip(inputs, hidden)}):
        rows = np.flatnonzero((hidden == size[0]) & (inputs == size[1]) & np.isfinite(mean))
        rows = rows[np.argsort(alpha[rows], kind="stable")]
        found.append(
            Points(size[1], size[0], alpha[rows], mean[rows], lower[rows], upper[rows])
        )
    return found


def scaling(file):
    """The group /scaling."""
    return need(file, "scaling", f"run `reluscape extrapolate {file.filename}` first")


def model_name(file):
    """Activation and weights of the file, for a legend or title."""
    if "cells" not in file or not {"weights", "activation"} <= set(file["cells"]):
        return ""
    cells = file["cells"]
    words = [text(cells[name][0]) for name in ("weights", "activation") if len(cells[name])]
    return ", ".join(word.replace("relu", "ReLU") for word in words)


def threshold_symbol(group):
    """How the threshold is called: an algorithmic one is never called a capacity."""
    if text(group.attrs["kind"]) == "exact":
        return r"\alpha_{c}"
    solver = text(group.attrs.get("solver", "solver"))
    return rf"\alpha_{{\mathrm{{{solver}}}}}"
