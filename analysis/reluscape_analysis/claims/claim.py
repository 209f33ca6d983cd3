"""What a claim is, and what several of them share."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from .. import data

WORDS = {"relu": "ReLU", "sign": "sign"}

SOLVERS = {
    "fbp": "focusing belief propagation", "edmc": "entropy-driven Monte Carlo",
    "rsa": "replicated annealing", "rsgd": "replicated SGD",
}
"""Solvers of the dense regions and of the thresholds, by the names of their jobs."""


BY_SOLVER = {(name, a): f"{a}-{key}_small" for key, name in SOLVERS.items() for a in WORDS}
"""End of the job's name for a solver's name and an activation."""


@dataclass(frozen=True)
class Claim:
    """A claim; what its jobs and theory calls write goes to one folder, as NAME.h5 and theory-NAME.json."""

    name: str
    title: str
    text: str
    jobs: tuple[str, ...]
    """Job files, run in this order."""
    draw: Callable
    """Takes that folder and the folder of the figures, returns the figures and the rows. A row has
    what, value, error, file and perhaps a systematic, beside a theory (deviation) or a bound."""
    theory: dict[str, str] = field(default_factory=dict)
    """Arguments of `reluscape theory` by name."""
    extrapolate: bool = False
    """Whether the jobs' thresholds are extrapolated."""


def curve(folder, name):
    """Path of the JSON of a theory call."""
    return folder / f"theory-{name}.json"


def value(folder, name, key):
    """A number of the JSON of a theory call."""
    path = curve(folder, name)
    if not path.exists():
        raise data.Unfit(f"{path}: missing: run `make reproduce`")
    return float(json.loads(path.read_text())[key])


def limit_row(what, limit, theory, path):
    """Row of a limit with its two errors beside theory."""
    numbers = {key: float(limit[key]) for key in ("error", "systematic")}
    return {"what": what, "value": float(limit["alpha"]), **numbers, "theory": theory,
            "file": path.name}
