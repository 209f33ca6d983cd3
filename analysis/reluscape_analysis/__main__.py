"""``python -m reluscape_analysis FIGURE FILE.h5 [-o FOLDER]``: one command a figure."""

import argparse
import subprocess
import sys
from pathlib import Path

from . import capacity, data, entropy, landscape, report, robustness, scaling
from .claims import CLAIMS
from .reproduce import reproduce

FIGURES = {
    "success": scaling.success,
    "scaling": scaling.scaling,
    "collapse": scaling.collapse,
    "capacity": capacity.capacity,
    "entropy": entropy.entropy,
    "landscape": landscape.landscape,
    "robustness": robustness.robustness,
    "report": report.report,
}


def main(arguments=None):
    """Draws a figure and prints the files written; exit code 65 if the data are not there."""
    parser = argparse.ArgumentParser(
        prog="reluscape_analysis",
        description="Draws figures from result files of reluscape, as PNG and PDF.",
        epilog="example: python -m reluscape_analysis success demo.h5 -o figures",
    )
    commands = parser.add_subparsers(dest="figure", required=True, metavar="FIGURE")
    for name, draw in FIGURES.items():
        lines = (draw.__doc__ or "").strip().splitlines()
        command = commands.add_parser(name, help=lines[0], description=lines[0])
        command.add_argument("file", metavar="FILE.h5",
                             help="result or theory file; for report the folder of reproduce")
        command.add_argument("-o", "--output", default=".", metavar="FOLDER",
                             help="where the figures go (default: here)")
    command = commands.add_parser("reproduce", help="Runs the small jobs of the claims, then the report.")
    command.add_argument("claims", nargs="*", metavar="CLAIM",
                         help=f"{', '.join(CLAIMS)} (default: all of them)")
    command.add_argument("-o", "--output", default="reproduce-output", metavar="FOLDER",
                         help="results, figures and report.html (default: reproduce-output)")
    command.add_argument("--jobs", default="jobs", metavar="FOLDER", help="the job files")
    command.add_argument("--program", default="reluscape", help="the executable")
    command.add_argument("--ranks", type=int, default=2, help="of MPI (default: 2)")
    options = parser.parse_args(arguments)
    try:
        if options.figure == "reproduce":
            unknown = [name for name in options.claims if name not in CLAIMS]
            if unknown:
                parser.error(f"no claim {unknown[0]!r}; claims: {', '.join(CLAIMS)}")
            chosen = [CLAIMS[name] for name in options.claims or CLAIMS]
            output = Path(options.output)
            reproduce(chosen, Path(options.jobs), options.program, output, options.ranks)
            written = report.report(output, output)
        else:
            written = FIGURES[options.figure](options.file, options.output)
    except data.Unfit as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 65
    except FileNotFoundError as problem:
        print(f"error: {problem.filename}: not found", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as problem:
        print(f"error: {' '.join(problem.cmd)}: exit code {problem.returncode}", file=sys.stderr)
        return problem.returncode if problem.returncode > 0 else 1
    for path in written:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
