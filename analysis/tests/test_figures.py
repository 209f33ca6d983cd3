"""Every figure command draws, names what is missing, and is reproducible."""

import contextlib
import io
import json
import tempfile
import unittest
from pathlib import Path

import h5py
import sample_file

from reluscape_analysis import dense, reach
from reluscape_analysis.__main__ import main
from reluscape_analysis.report import table
from reluscape_analysis.scaling import in_brackets


class Figures(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.file = self.folder / "out.h5"

    def run_command(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([*arguments, "-o", str(self.folder / "figures")])
        return code, out.getvalue().split(), err.getvalue()

    def check_written(self, written, names):
        self.assertEqual([Path(p).name for p in written],
                         [f"{n}.{s}" for n in names for s in ("png", "pdf")])
        for path in written:
            start = Path(path).read_bytes()[:8]
            self.assertTrue(start.startswith((b"\x89PNG", b"%PDF")), path)
            self.assertGreater(Path(path).stat().st_size, 5000)

    def test_one_hidden_size(self):
        sample_file.write(self.file)
        for figure in ("success", "scaling"):
            code, written, _ = self.run_command(figure, str(self.file))
            self.assertEqual(code, 0)
            self.check_written(written, [figure])

    def test_several_hidden_sizes_draw_one_figure_each_and_their_limit(self):
        sample_file.write(self.file, hidden=(2, 4, 8))
        _, written, _ = self.run_command("success", str(self.file))
        self.check_written(written, ["success_K2", "success_K4", "success_K8"])
        _, written, _ = self.run_command("scaling", str(self.file))
        self.check_written(written, ["scaling_K2", "scaling_K4", "scaling_K8", "scaling_K"])

    def test_exact_data(self):
        sample_file.write(self.file, exact=True)
        code, written, _ = self.run_command("success", str(self.file))
        self.assertEqual(code, 0)
        self.check_written(written, ["success"])

    def test_theory(self):
        sample_file.write_theory(self.file)
        for figure, names in (
            ("capacity", ["capacity_binary", "capacity_spherical"]),
            ("entropy", ["entropy_spherical"]),
            ("landscape", ["landscape"]),
            ("robustness", ["robustness_alpha0.4", "robustness_alpha0.6"]),
        ):
            code, written, error = self.run_command(figure, str(self.file))
            self.assertEqual((code, error), (0, ""), figure)
            self.check_written(written, names)
        with h5py.File(self.file, "a") as file:
            del file["theory/robustness"]
        code, written, error = self.run_command("robustness", str(self.file))
        self.assertEqual((code, written), (65, []))
        self.assertIn("reluscape theory robustness", error)

    def test_what_is_missing_is_named(self):
        sample_file.write(self.file, scaling=False)
        code, written, error = self.run_command("scaling", str(self.file))
        self.assertEqual((code, written), (65, []))
        self.assertIn("run `reluscape extrapolate", error)
        sample_file.write(self.file)
        with h5py.File(self.file, "a") as file:
            del file["scaling/extrapolations/K8"]
            del file["scaling/warnings"]
            file["scaling"].create_dataset("warnings", data=["K = 8: 1 N"],
                                           dtype=h5py.string_dtype())
        code, _, error = self.run_command("scaling", str(self.file))
        self.assertEqual(code, 65)
        self.assertIn("K = 8: 1 N", error)
        self.file.write_text("no HDF5")
        self.assertEqual(self.run_command("success", str(self.file))[0], 65)

    def test_same_data_same_bytes(self):
        sample_file.write(self.file)
        _, written, _ = self.run_command("success", str(self.file))
        first = [Path(p).read_bytes() for p in written]
        _, written, _ = self.run_command("success", str(self.file))
        self.assertEqual(first, [Path(p).read_bytes() for p in written])

    def test_collapse(self):
        with h5py.File(self.file, "w") as file:
            found = file.create_group("scaling/extrapolations/K8/collapse")
            found.parent.attrs["K"] = 8
            found.attrs.update(nu=2.0, nu_lower=1.5, nu_upper=2.5, quality=1.1)
            for name, column in (("N", [64, 64, 128, 128]), ("x", [-1.0, 1.0, -0.9, 0.8]),
                                 ("success", [0.8, 0.2, 0.75, 0.3]), ("error", [0.05] * 4)):
                found[name] = column
        code, written, _ = self.run_command("collapse", str(self.file))
        self.assertEqual(code, 0)
        self.check_written(written, ["collapse"])

    def test_dense_regions_leave_out_points_that_do_not_exist(self):
        with h5py.File(self.file, "w") as file:
            group = file.create_group("results/local_entropy")
            group["axis"] = [0.05, 0.1]
            for name, values in (("mean", [0.1, 0.2]), ("lower", [0.09, 0.19]),
                                 ("upper", [0.11, 0.21])):
                group[name] = [values]
            file.create_dataset("cells/activation", data=["relu"], dtype=h5py.string_dtype())
        theory = self.folder / "theory.json"
        theory.write_text(json.dumps({"points": [
            {"distance": 0.1, "distance_from_center": 0.05, "entropy": 0.2},
            {"distance": 0.9, "distance_from_center": None, "entropy": None},
        ]}))
        self.assertEqual(dense.points(theory, "distance"), ([0.1], [0.2]))
        written = dense.dense({("a solver", "relu"): self.file}, {"relu": theory},
                              {"relu": theory}, self.folder)
        self.check_written(written, ["dense_regions"])

    def test_report_says_how_far_a_value_is_from_theory(self):
        row = {"what": "x", "value": 0.5, "error": 0.03, "file": "f.h5"}
        exact = table([row | {"systematic": 0.04, "theory": 0.6}])
        self.assertIn("-2.0 σ", exact)
        self.assertIn("above", table([row | {"bound": 0.4}]))
        self.assertIn("below", table([row | {"bound": 0.6}]))

    def test_reach_against_hidden_units(self):
        sample_file.write(self.file, hidden=(8, 2, 4), sizes=(512,))
        hidden, alpha, error = reach.thresholds(self.file)
        self.assertEqual(list(hidden), [2, 4, 8])
        self.assertTrue((alpha[1:] > alpha[:-1]).all() and (error > 0).all())
        written = reach.reach({"a": self.file}, {"b": {2: 1.0, 8: 2.0}, "c": 0.9}, self.folder)
        self.check_written(written, ["reach"])

    def test_brackets(self):
        self.assertEqual(in_brackets(0.53124, 0.0012, 0.0008), "0.5312(12)(8)")
        self.assertEqual(in_brackets(0.5, 0.03, 0.2), "0.50(3)(20)")
        self.assertEqual(in_brackets(0.53124, 0.0, 0.0), "0.5312(0)(0)")


if __name__ == "__main__":
    unittest.main()
