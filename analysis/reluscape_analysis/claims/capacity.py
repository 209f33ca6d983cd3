"""Finite binary capacities by enumeration, by each estimator of the threshold."""

from .. import data, scaling
from .claim import Claim, limit_row, value

MACHINES = {"perceptron": "perceptron", "sign": "sign units", "relu": "ReLU units"}


def draw(folder, output):
    """Limits of every K, of N and K together, and of each estimator alone."""
    rows, figures = [], []
    for name, machine in MACHINES.items():
        path = folder / f"capacity-{name}_small.h5"
        figures += scaling.scaling(path, output / f"capacity-{name}")
        with data.open_file(path) as file:
            group = data.scaling(file)
            for limit in group["extrapolations"].values():
                hidden = int(limit.attrs["K"])
                what = f"capacity, {machine}, K = {hidden}"
                theory = value(folder, f"capacity-{name}-{hidden}", "alpha_c")
                rows.append(limit_row(what, limit.attrs, theory, path))
                estimators = limit["estimators"]
                for index, estimator in enumerate(estimators["name"][...]):
                    rows.append(limit_row(
                        f"{what}, by the {data.text(estimator)} alone",
                        {k: estimators[k][index] for k in ("alpha", "error", "systematic")},
                        theory, path))
            if "joint" in group:
                theory = value(folder, f"capacity-{name}-inf", "alpha_c")
                rows.append(limit_row(f"capacity, {machine}, N and K to infinity in one fit",
                                      group["joint"].attrs, theory, path))
    return figures, rows


CLAIM = Claim(
    name="capacity",
    title="Binary capacity by enumeration",
    text="The largest load of each sample is exact. The limit of infinite size averages laws of approach "
    "(even and odd n = N/K on branches of one limit where both occur), whose spread is the systematic, "
    "with the shift to the other estimator: the mean of the samples' thresholds, the load where half of "
    "them end, and, without ties, the zero of the entropy. Theory: the replica-symmetric zero-entropy "
    "point at the same K. Rows of one estimator alone leave out the shift between them, which is as large as "
    "the spread of laws where ties matter. The perceptron's capacity is known and tests the method.",
    jobs=tuple(f"capacity-{name}_small" for name in MACHINES),
    theory={
        "capacity-perceptron-1": "capacity --activation identity",
        "capacity-sign-3": "capacity --activation sign --hidden 3",
        "capacity-relu-2": "capacity --activation relu --hidden 2",
        "capacity-relu-4": "capacity --activation relu --hidden 4",
        "capacity-relu-inf": "capacity --activation relu",
    },
    extrapolate=True,
    draw=draw,
)
