"""``python -m reluscape_analysis FIGURE FILE.h5 [-o FOLDER]``: one command a figure."""

import argparse
import sys

from . import capacity, data, entropy, landscape, report, robustness, scaling

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
        command.add_argument("file", metavar="FILE.h5", help="result or theory file; for report the folder of reproduce.sh")
        command.add_argument("-o", "--output", default=".", metavar="FOLDER",
                             help="where the figures go (default: here)")
    options = parser.parse_args(arguments)
    try:
        written = FIGURES[options.figure](options.file, options.output)
    except data.Unfit as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 65
    for path in written:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
