"""A small result file with the layout that `reluscape run` and `reluscape extrapolate` write."""

import math

import h5py
import numpy as np

BAND = 61


def probit(x):
    return 0.5 * math.erfc(-x / math.sqrt(2))


def write(path, hidden=(8,), sizes=(256, 512, 1024, 2048), samples=200, exact=False, scaling=True):
    """Writes the file; success counts follow probit curves of known thresholds, with noise."""
    noise = np.random.default_rng(7)
    cells, solved, thresholds, curves = [], [], [], {}
    for k in hidden:
        for n in sizes:
            center, width = 0.56 - 0.1 / k - 8.0 / n, 0.6 / math.sqrt(n)
            for alpha in np.arange(0.42, 0.6001, 0.02):
                successes = noise.binomial(samples, probit((center - alpha) / width))
                cells.append((n, k, alpha))
                solved.append(wilson(successes, samples))
            grid = np.linspace(0.42, 0.60, 81)
            p = np.array([probit((center - a) / width) for a in grid])
            spread = 0.8 * np.sqrt(p * (1 - p) / samples)
            curves[k, n] = (grid, p, p - spread, p + spread)
            error = width / math.sqrt(samples)
            thresholds.append((n, k, center + error * noise.normal(), error))
    with h5py.File(path, "w") as file:
        n, k, alpha = zip(*cells)
        group = file.create_group("cells")
        group["N"], group["K"], group["alpha"] = n, k, alpha
        text = h5py.string_dtype()
        group.create_dataset("weights", data=["binary"] * len(cells), dtype=text)
        group.create_dataset("activation", data=["relu"] * len(cells), dtype=text)
        results = file.create_group("results/solved")
        for index, name in enumerate(("mean", "lower", "upper")):
            results[name] = [row[index] for row in solved]
            results[f"{name}_mask"] = np.zeros(len(solved), dtype=bool)
        write_provenance(file)
        if scaling:
            write_scaling(file.create_group("scaling"), hidden, sizes, thresholds, curves, exact)


def write_provenance(file):
    """Where the file comes from."""
    file.create_group("job").attrs["seed"] = 7
    group = file.create_group("provenance")
    group.attrs["digest"] = "0123456789abcdef" * 4
    segments = group.create_group("segments")
    segments["ranks"] = [2]
    for name, word in (("version", "0.1.0"), ("git_commit", "a" * 40), ("isa", "avx2")):
        segments.create_dataset(name, data=[word], dtype=h5py.string_dtype())


def write_theory(path):
    """A file with the layout of `reluscape theory … -o`: one group a table."""
    x = np.linspace(0.01, 0.3, 12)
    with h5py.File(path, "w") as file:
        def table(quantity, label, parameters, **columns):
            group = file.create_group(f"theory/{quantity}/{label}")
            group.attrs.update({"kappa": 0.0, "hidden": "inf", **parameters})
            for name, values in columns.items():
                missing = ~np.isfinite(values)
                group[name] = np.where(missing, 0.0, values)
                if missing.any():
                    group[f"{name}_mask"] = missing

        for weights in ("binary", "spherical"):
            for activation in ("relu", "erf"):
                for kappa in (0.0, 0.5):
                    for rsb in (0, 1):
                        table("capacity", f"{weights}-{activation}-{kappa}-{rsb}",
                              {"weights": weights, "activation": activation, "scale": 2.0,
                               "kappa": kappa, "rsb": float(rsb), "ties": "strict"},
                              alpha_c=np.array([1 - 0.1 * rsb - 0.3 * kappa]))
        broken = np.where(x > 0.2, -x - x**2, np.nan)
        table("entropy", "a", {"weights": "spherical", "activation": "relu"}, alpha=x,
              entropy=-x, q=x, replicon=5 * x, entropy_1rsb=broken, q0=broken + 0.3,
              q1=broken + 0.9)
        table("franz-parisi", "a", {"weights": "binary", "activation": "relu", "alpha": 0.6,
                                    "zero_crossing": 0.03}, distance=x, entropy=x - 0.03)
        table("local-entropy", "a", {"weights": "binary", "activation": "sign", "alpha": 0.6,
                                     "replicas": "inf"}, distance_from_center=x, entropy=x,
              bound=2 * x)
        for alpha in (0.4, 0.6):
            for solutions in ("typical", "dense-member", "dense-center"):
                table("robustness", f"{alpha}-{solutions}",
                      {"weights": "binary", "activation": "sign", "alpha": alpha,
                       "solutions": solutions}, rate=x, flip_probability=x)


def wilson(k, m):
    center, spread = k + 0.5, math.sqrt(k * (m - k) / m + 0.25)
    return k / m, (center - spread) / (m + 1), (center + spread) / (m + 1)


def write_scaling(group, hidden, sizes, thresholds, curves, exact):
    group.attrs["kind"] = "exact" if exact else "algorithmic"
    if not exact:
        group.attrs["solver"] = "rsgd"
    group.create_dataset("warnings", data=[], dtype=h5py.string_dtype())
    table = group.create_group("thresholds")
    for index, name in enumerate(("N", "K", "alpha", "error")):
        table[name] = [row[index] for row in thresholds]
    success = group.create_group("success")
    for (k, n), curve in curves.items():
        member = success.create_group(f"N{n}_K{k}")
        member.attrs["N"], member.attrs["K"] = n, k
        for name, values in zip(("alpha", "success", "lower", "upper"), curve):
            member[name] = values
    limits = group.create_group("extrapolations")
    for k in hidden:
        write_limit(limits.create_group(f"K{k}"), "N", k, 0.56 - 0.1 / k, -8.0, min(sizes))
    if len(hidden) > 1:
        write_limit(group.create_group("extrapolation"), "N, K", None, 0.56, -0.1, min(hidden))
    else:
        write_limit(group.create_group("extrapolation"), "N", hidden[0], 0.56 - 0.1 / hidden[0],
                    -8.0, min(sizes))


def write_limit(group, limit, hidden, alpha, amplitude, smallest):
    values = {"limit": limit, "alpha": alpha, "error": 0.0021, "systematic": 0.0034, "omega": 1.0}
    group.attrs.update(values)
    if hidden is not None:
        group.attrs["K"] = hidden
    x = np.linspace(0, 1 / smallest, BAND)
    law = alpha + amplitude * x
    width = 0.0021 * (1 - 0.6 * x * smallest)
    band = group.create_group("band")
    band.attrs["branches"] = 1
    band["parity"], band["inverse_size"], band["alpha"] = np.zeros(BAND, dtype=int), x, law
    band["lower"], band["upper"] = law - width, law + width
