"""Binary solutions under perturbed weights and inputs."""

from .. import perturbation
from .claim import WORDS, Claim, curve


def draw(folder, output):
    """Two figures; both perturbations at one rate."""
    files = {f"{WORDS[a]}, {how}": folder / f"robustness-{a}-{kind}_small.h5"
             for a in WORDS for kind, how in (("plain", "one replica"), ("replicated", "five replicas"))}
    theory = {f"{WORDS[a]}, typical (theory, K → ∞)": (curve(folder, f"robustness-{a}"), a)
              for a in WORDS}
    return perturbation.weights_and_inputs(files, theory, output)


CLAIM = Claim(
    name="robustness",
    title="Robustness against perturbed weights and inputs",
    text="Solutions of replicated and plain stochastic gradient descent at α = 0.3, N about 1000. The "
    "dashed curves are typical solutions, which a solver does not find: its solutions lose far fewer "
    "patterns. ReLU units lose fewer than sign units; the centre's solution of five replicas loses fewer "
    "than the first solution of one.",
    jobs=tuple(f"robustness-{a}-{kind}_small" for a in WORDS for kind in ("plain", "replicated")),
    theory={f"robustness-{a}": f"robustness --activation {a} --solutions typical --alpha 0.3 "
            "--rate 0.005,0.01,0.02,0.05,0.1,0.2" for a in WORDS},
    draw=draw,
)
