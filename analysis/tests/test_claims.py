"""Every claim has its jobs, is run by one command, and is drawn from what that leaves."""

import contextlib
import io
import json
import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import sample_file

from reluscape_analysis.__main__ import main
from reluscape_analysis.claims import CLAIMS

JOBS = Path(__file__).parents[2] / "jobs"

STUB = """#!/bin/sh
echo "$0 $*" | sed "s|[^ ]*/||g" >>"$LOG"
case "$*" in *geometry-sign*) exit 65 ;; esac
"""
"""Stands for reluscape and for mpirun: notes its arguments, fails on one claim."""


class Claims(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_command(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main(list(arguments))
            except SystemExit as end:
                code = end.code
        return code, out.getvalue(), err.getvalue()

    def reproduce(self, *claims):
        """Runs the stubs; returns code, errors and the calls."""
        for name in ("reluscape", "mpirun"):
            path = self.folder / name
            path.write_text(STUB)
            path.chmod(0o755)
        log = self.folder / "log"
        environment = {"PATH": f"{self.folder}:{os.environ['PATH']}", "LOG": str(log)}
        with mock.patch.dict(os.environ, environment):
            code, _, error = self.run_command("reproduce", *claims, "-o", str(self.folder / "out"),
                                              "--jobs", str(JOBS), "--ranks", "3")
        return code, error, log.read_text().splitlines() if log.exists() else []

    def test_every_small_job_belongs_to_one_claim_and_has_a_full_size(self):
        jobs = [job for claim in CLAIMS.values() for job in claim.jobs]
        self.assertEqual(len(jobs), len(set(jobs)))
        self.assertEqual({f"{job}.toml" for job in jobs}, {p.name for p in JOBS.glob("*_small.toml")})
        for job in jobs:
            self.assertTrue((JOBS / f"{job.removesuffix('_small')}.toml").exists(), job)

    def test_one_command_runs_a_claim(self):
        # The stubs leave no result, so the report has nothing to draw.
        code, error, calls = self.reproduce("thresholds", "robustness")
        self.assertEqual(code, 65)
        self.assertIn("no result of a claim", error)
        self.assertEqual(
            calls[:2], ["mpirun -n 3 reluscape run threshold-relu-fbp_small.toml -o "
                        "threshold-relu-fbp_small.h5 -q",
                        "reluscape extrapolate threshold-relu-fbp_small.h5"])
        self.assertIn("reluscape theory dense-limit --activation sign --json", calls)
        self.assertEqual(calls[-1], "reluscape compare robustness-relu-replicated_small.h5 again.h5")
        self.assertFalse([c for c in calls if "robustness" in c and "extrapolate" in c])

    def test_what_fails_ends_it(self):
        code, error, calls = self.reproduce("typical")
        self.assertEqual(code, 65)
        self.assertIn("geometry-sign_small", error)
        self.assertIn("exit code 65", error)

    def test_unknown_claims_are_refused(self):
        code, error, calls = self.reproduce("capacities")
        self.assertEqual((code, calls), (2, []))
        self.assertIn("'capacities'", error)
        self.assertIn("hidden-units", error)

    def test_page_of_one_claim(self):
        for job in CLAIMS["thresholds"].jobs:
            sample_file.write(self.folder / f"{job}.h5")
        for name, limits in (("relu", (0.5, 0.55)), ("sign", (0.6, 0.7))):
            text = json.dumps(dict(zip(("monotonicity", "external"), limits)))
            (self.folder / f"theory-dense-limit-{name}.json").write_text(text)
        code, written, error = self.run_command("report", str(self.folder), "-o", str(self.folder))
        self.assertEqual((code, error), (0, ""))
        page = Path(written.strip()).read_text()
        # Four sizes and a limit for four solvers and two machines; the limit of .5475 is below or not.
        self.assertEqual(page.count("<td>threshold, "), 40)
        self.assertEqual(page.count("below</td>"), 8)
        self.assertIn("data:image/png;base64,", page)
        self.assertIn("<td>avx2</td>", page)
        self.assertIn('CLAIMS="capacity hidden-units typical', page)
        (self.folder / "threshold-relu-rsa_small.h5").unlink()
        code, _, error = self.run_command("report", str(self.folder), "-o", str(self.folder))
        self.assertEqual(code, 65)
        self.assertIn("threshold-relu-rsa_small.h5", error)


if __name__ == "__main__":
    unittest.main()
