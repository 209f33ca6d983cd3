"""Reach with real weights against K: finite for ReLU units, growing for sign units."""

from .. import reach
from .claim import Claim, value

SIGN_UNITS = (5, 9, 15, 35, 63)
"""K of the job with sign units."""


def draw(folder, output):
    """One figure; one row a K."""
    files = {"ReLU units": folder / "k-sweep-relu_small.h5",
             "sign units": folder / "k-sweep-sign_small.h5"}
    capacities = {
        "capacity, ReLU, K → ∞ (1RSB)": value(folder, "capacity-spherical-relu", "alpha_c"),
        "capacity, sign (RS, an upper bound)": {
            k: value(folder, f"capacity-spherical-sign-{k}", "alpha_c") for k in SIGN_UNITS},
    }
    figures, rows = reach.reach(files, capacities, output), []
    for (what, path), capacity in zip(files.items(), capacities.values()):
        for hidden, alpha, error in zip(*reach.thresholds(path)):
            bound = capacity[int(hidden)] if isinstance(capacity, dict) else capacity
            rows.append({"what": f"reach with real weights, {what}, K = {int(hidden)}",
                         "value": float(alpha), "error": float(error), "bound": bound,
                         "file": path.name})
    return figures, rows


CLAIM = Claim(
    name="hidden-units",
    title="Reach with real weights against the number of hidden units",
    text="Where momentum SGD on the sphere solves half of the samples within its limit of epochs, N about "
    "950: an algorithmic threshold. With ReLU units it comes near its limit at K = 16 and stays below the "
    "finite capacity; with sign units it grows up to K = 35, far below their capacity, and no further at 63, "
    "where a unit has 15 weights. At K = 4 and 8 patterns that find all ReLU units off, errors by definition, keep it low.",
    jobs=("k-sweep-relu_small", "k-sweep-sign_small"),
    theory={
        "capacity-spherical-relu": "capacity --weights spherical --activation relu --rsb 1",
        **{f"capacity-spherical-sign-{k}": f"capacity --weights spherical --activation sign --hidden {k}"
           for k in SIGN_UNITS},
    },
    extrapolate=True,
    draw=draw,
)
