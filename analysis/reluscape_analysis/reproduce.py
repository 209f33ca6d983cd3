"""Runs the small jobs of the claims and the theory beside them."""

import os
import subprocess

AGAIN = "robustness-relu-replicated_small"
"""The job that is run again with one rank and the plain kernels: the bytes must be the same."""


def reproduce(claims, jobs, program, folder, ranks):
    """Runs the CLAIMS' files in the folder JOBS with the executable PROGRAM on RANKS ranks; results go to
    FOLDER. Finished files are kept: another call only adds what is missing. Stops at what fails."""
    folder.mkdir(parents=True, exist_ok=True)
    for claim in claims:
        print(f"== {claim.name}: {claim.title}", flush=True)
        for job in claim.jobs:
            print(job, flush=True)
            result = folder / f"{job}.h5"
            call("mpirun", "-n", str(ranks), program, "run", jobs / f"{job}.toml", "-o", result, "-q")
            if claim.extrapolate:
                save(folder / f"{job}.txt", program, "extrapolate", result)
        for name, arguments in claim.theory.items():
            save(folder / f"theory-{name}.json", program, "theory", *arguments.split(), "--json")
        if AGAIN in claim.jobs:
            again = folder / "again.h5"
            call(program, "run", jobs / f"{AGAIN}.toml", "-o", again, "-q",
                 environment={"RELUSCAPE_ISA": "scalar"})
            call(program, "compare", folder / f"{AGAIN}.h5", again)


def call(*command, environment=None, output=None):
    """Runs a command; raises CalledProcessError if it fails."""
    subprocess.run([str(word) for word in command], check=True, stdout=output,
                   env={**os.environ, **(environment or {})})


def save(path, *command):
    """Runs a command and keeps what it prints."""
    with path.open("w", encoding="utf-8") as output:
        call(*command, output=output)
