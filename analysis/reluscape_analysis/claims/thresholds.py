"""Algorithmic thresholds against N beside the predicted break-up of the dense region."""

from .. import algorithmic, data
from .claim import BY_SOLVER, WORDS, Claim, value


def draw(folder, output):
    """One figure; every threshold and its limit."""
    files = {key: folder / f"threshold-{name}.h5" for key, name in BY_SOLVER.items()}
    limits = {a: sorted(value(folder, f"dense-limit-{a}", key) for key in ("monotonicity", "external"))
              for a in WORDS}
    figures, rows = algorithmic.thresholds(files, limits, output), []
    for (name, activation), path in files.items():
        with data.open_file(path) as file:
            group = data.scaling(file)
            found = group["thresholds"]
            what = f"threshold, {WORDS[activation]}, {name}"
            for inputs, alpha, error in zip(found["N"], found["alpha"], found["error"]):
                rows.append({"what": f"{what}, N = {int(inputs)}", "value": float(alpha),
                             "error": float(error), "file": path.name})
            for limit in group["extrapolations"].values():
                rows.append({"what": f"{what}, N → ∞", "value": float(limit.attrs["alpha"]),
                             "error": float(limit.attrs["error"]),
                             "systematic": float(limit.attrs["systematic"]),
                             "bound": limits[activation][1], "file": path.name})
    return figures, rows


CLAIM = Claim(
    name="thresholds",
    title="Algorithmic thresholds",
    text="Where four solvers solve half of the samples within their limits of epochs, against N. Not "
    "capacities (0.904 for ReLU, unbounded for sign units as K grows). The band is the load at which "
    "theory sees the dense region break up, by two criteria; the best solver tends to it. "
    "Annealing keeps its number of sweeps as N grows, too few for sign units: there the curve is one of the "
    "protocol.",
    jobs=tuple(f"threshold-{name}" for name in BY_SOLVER.values()),
    theory={f"dense-limit-{a}": f"dense-limit --activation {a}" for a in WORDS},
    extrapolate=True,
    draw=draw,
)
