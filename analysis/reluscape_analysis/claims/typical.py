"""Geometry of typical solutions, by enumeration."""

import json

from .. import geometry
from .claim import Claim, curve

MACHINES = {"sign": ("sign", 3, 0.6667), "relu": ("ReLU", 2, 0.25)}
"""Word, K and load of the jobs."""


def draw(folder, output):
    """Entropies around a solution; distance of two solutions; share of isolated ones."""
    rows, figures = [], []
    for activation, (word, hidden, _) in MACHINES.items():
        path = folder / f"geometry-{activation}_small.h5"
        figures += geometry.geometry(path, curve(folder, f"geometry-{activation}"), output,
                                     f"geometry-{activation}")
        value, error, systematic = geometry.typical_distance(path)
        points = json.loads(curve(folder, f"overlap-{activation}").read_text())["points"]
        rows.append({"what": f"distance of typical solutions, {word}, K = {hidden}, N → ∞",
                     "value": value, "error": error, "systematic": systematic,
                     "theory": 0.5 * (1.0 - points[0]["q"]), "file": path.name})
        for inputs, share, spread in zip(*geometry.isolated(path)):
            rows.append({"what": f"typical solutions with none at one flip, {word}, N = {inputs}",
                         "value": float(share), "error": float(spread), "file": path.name})
    return figures, rows


CLAIM = Claim(
    name="typical",
    title="Typical solutions",
    text="Every solution of small machines, by enumeration. Two typical solutions are far apart (theory: "
    "replica-symmetric overlap at the same K; statistical error of a line in 1/N, systematic from one in "
    "1/√N). Around one of them the number of others grows with N towards the Franz–Parisi curve of N and "
    "K to infinity; the few hidden units, and with ReLU strict storage, keep it below. Nearer than "
    "where that curve crosses zero large machines have no other solution: the share of typical solutions "
    "without one at a single flip grows with N.",
    jobs=tuple(f"geometry-{activation}_small" for activation in MACHINES),
    theory={
        **{f"overlap-{a}": f"entropy --activation {a} --hidden {hidden} --alpha {alpha}"
           for a, (_, hidden, alpha) in MACHINES.items()},
        **{f"geometry-{a}": f"franz-parisi --activation {a} --alpha {alpha} "
           "--distance 0.02,0.05,0.1,0.15,0.2,0.25,0.3,0.35,0.4"
           for a, (_, _, alpha) in MACHINES.items()},
    },
    draw=draw,
)
