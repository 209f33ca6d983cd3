"""Local entropies of solvers' solutions beside the large-deviation curves."""

import numpy as np

from .. import dense, perturbation
from .claim import BY_SOLVER, WORDS, Claim, curve


def draw(folder, output):
    """One figure; two distances of every solver and machine."""
    files = {key: folder / f"dense-{name}.h5" for key, name in BY_SOLVER.items()}
    typical, densest = [{a: curve(folder, f"{kind}-{a}") for a in WORDS}
                        for kind in ("typical", "densest")]
    rows = []
    for (name, activation), path in files.items():
        for distance in (0.02, 0.1):
            mean, error = perturbation.at(path, "local_entropy", distance)
            bound = np.interp(distance, *dense.points(densest[activation], "distance_from_center"))
            what = f"entropy at distance {distance:g}, {WORDS[activation]}, {name}"
            rows.append({"what": what, "value": mean, "error": error, "bound": float(bound),
                         "file": path.name})
    return dense.dense(files, typical, densest, output), rows


CLAIM = Claim(
    name="dense-regions",
    title="Dense regions",
    text="Entropy of solutions at a distance from those of four solvers at α = 0.5, N about 1000, by the "
    "Bethe entropy of each sample. Near them there are far more solutions than near typical ones (dashed), "
    "and fewer than around the centres of the densest regions (solid); up to distance 0.15 more with ReLU "
    "than with sign units. Beyond distance 0.2 the ReLU points fall below the theory of K to infinity: at "
    "N = 1024 strict storage (ties are errors) takes 0.02 to 0.03 off all entropies of ReLU machines.",
    jobs=tuple(f"dense-{name}" for name in BY_SOLVER.values()),
    theory={
        **{f"typical-{a}": f"franz-parisi --activation {a} --alpha 0.5 "
           "--distance 0.01,0.02,0.03,0.05,0.08,0.1,0.15,0.2,0.25,0.3" for a in WORDS},
        **{f"densest-{a}": f"local-entropy --activation {a} --alpha 0.5 --replicas inf "
           "--distance 0.005,0.01,0.02,0.05,0.1,0.15,0.2,0.25,0.3,0.35" for a in WORDS},
    },
    draw=draw,
)
