"""The sign product as a general matrix product: f32 patterns times y real vectors by OpenBLAS.

    python3 -m venv .venv-bench && .venv-bench/bin/pip install numpy
    env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE OPENBLAS_NUM_THREADS=1 \\
        .venv-bench/bin/python benches/openblas.py

One core, 10,000 x 10,000, best of five in each of the four layouts; compare with the rows
"sign product/forward 10000x10000" of `cargo bench --bench kernels`.
"""

import os
import sys
import time

if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
    sys.exit("set OPENBLAS_NUM_THREADS=1")
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    if name in os.environ:
        sys.exit(f"unset {name}")

import numpy as np  # noqa: E402 (reads the variables above)

SIZE = 10_000


def best(product):
    """Least CPU seconds of five calls."""
    times = []
    for _ in range(5):
        start = time.thread_time()
        product()
        times.append(time.thread_time() - start)
    return min(times)


def main():
    generator = np.random.default_rng(1)
    patterns = np.empty((SIZE, SIZE), dtype=np.float32)
    for row in patterns:
        row[:] = 1 - 2 * generator.integers(0, 2, SIZE, dtype=np.int8)
    print("| y | multiply-adds/s | layout |\n|---|---|---|")
    for y in (1, 4, 7, 16):
        columns = generator.standard_normal((SIZE, y)).astype(np.float32)
        rows = np.ascontiguousarray(columns.T)
        layouts = {
            "patterns by rows, vectors by columns": lambda: patterns @ rows.T,
            "patterns by rows, vectors interleaved": lambda: patterns @ columns,
            "patterns by columns, vectors by rows": lambda: rows @ patterns,
            "patterns by columns, vectors interleaved": lambda: columns.T @ patterns,
        }
        seconds, layout = min((best(product), name) for name, product in layouts.items())
        print(f"| {y} | {SIZE * SIZE * y / seconds:.3e} | {layout} |")


main()
