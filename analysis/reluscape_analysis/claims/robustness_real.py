"""Real solutions under perturbed weights and inputs."""

from .. import perturbation
from .claim import WORDS, Claim


def draw(folder, output):
    """Two figures; both perturbations at one rate."""
    files = {f"{WORDS[a]}, {how}": folder / f"robustness-spherical-{a}-{kind}_small.h5"
             for a in WORDS for kind, how in (("plain", "one replica"), ("replicated", "seven replicas"))}
    figures, rows = perturbation.weights_and_inputs(files, {}, output / "spherical")
    return figures, [row | {"what": row["what"] + ", real weights"} for row in rows]


CLAIM = Claim(
    name="robustness-real",
    title="Robustness with real weights",
    text="The same for spherical weights at α = 1: weights at overlap 1 − 2d with the solution. ReLU units "
    "lose far fewer patterns than sign units. Within the same epochs seven coupled replicas lose 3 or 4 % "
    "fewer than one at d = 0.05; one replica with a schedule as long as all seven together does as well "
    "with sign units, except at large distances (jobs/measured/spherical-flatness.json).",
    jobs=tuple(f"robustness-spherical-{a}-{kind}_small"
               for a in WORDS for kind in ("plain", "replicated")),
    draw=draw,
)
