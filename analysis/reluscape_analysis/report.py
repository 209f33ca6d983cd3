"""One self-contained page: every claim with its figure, its numbers and where they come from."""

import base64
import html
from pathlib import Path

import numpy as np

from . import data
from .claims import CLAIMS


def report(folder, output):
    """Draws the claims whose files `make reproduce` left in a folder, and writes report.html."""
    folder, output = Path(folder), Path(output)
    # Files of a claim that was not run are no fault; a claim with some of its files is half run.
    claims = [c for c in CLAIMS.values() if any((folder / f"{job}.h5").exists() for job in c.jobs)]
    if not claims:
        raise data.Unfit(f"{folder}: has no result of a claim: run `make reproduce`")
    drawn = [(claim, *claim.draw(folder, output)) for claim in claims]
    rows = [row for _, _, own in drawn for row in own]
    files = [folder / f"{job}.h5" for claim in claims for job in claim.jobs]
    page = "".join([
        HEAD, missing(claims), table(rows),
        *(section(claim, figures) for claim, figures, _ in drawn), provenance(files),
    ])
    path = output / "report.html"
    path.write_text(page + "</body></html>\n", encoding="utf-8")
    return [path]


def table(rows):
    """All numbers."""
    cells = []
    for row in rows:
        systematic, theory, bound = (row.get(k) for k in ("systematic", "theory", "bound"))
        total = float(np.hypot(row["error"], systematic or 0.0))
        if theory is not None:
            beside = f"{theory:.4f}"
            deviation = f"{(row['value'] - theory) / total:+.1f} σ" if total > 0 else "–"
        elif bound is not None:
            beside = f"&lt; {bound:.3f}"
            deviation = "below" if row["value"] < bound else "<b>above</b>"
        else:
            beside = deviation = "–"
        extra = "–" if systematic is None else f"{systematic:.4f}"
        cells.append(
            f"<tr><td>{html.escape(row['what'])}</td><td>{row['value']:.4f}</td>"
            f"<td>{row['error']:.4f}</td><td>{extra}</td><td>{beside}</td><td>{deviation}</td>"
            f"<td><code>{html.escape(row['file'])}</code></td></tr>"
        )
    head = "".join(f"<th>{h}</th>" for h in (
        "quantity", "value", "statistical error", "systematic", "theory", "deviation", "file"))
    return f"<h2>Numbers</h2><table><tr>{head}</tr>{''.join(cells)}</table>"


def section(claim, figures):
    """A claim with its figures inside the page."""
    images = []
    for path in figures:
        if path.suffix == ".png":
            content = base64.b64encode(path.read_bytes()).decode()
            images.append(f'<img alt="{html.escape(path.stem)}" src="data:image/png;base64,{content}">')
    title, text = html.escape(claim.title), html.escape(claim.text)
    return f"<h2>{title}</h2><p>{text}</p><div>{''.join(images)}</div>"


def missing(claims):
    """Which claims were not run."""
    names = [name for name, claim in CLAIMS.items() if claim not in claims]
    words = html.escape(" ".join(names))
    return f"<p>Not run: <code>make reproduce CLAIMS=\"{words}\"</code>.</p>" if names else ""


def provenance(files):
    """What each file says of itself."""
    lines = []
    for path in files:
        with data.open_file(path) as file:
            attributes = file["provenance"].attrs
            segments = file["provenance/segments"]
            last = {k: data.text(segments[k][-1]) for k in ("version", "git_commit", "isa")}
            ranks = int(segments["ranks"][-1])
            seed = int(file["job"].attrs["seed"])
            lines.append(
                f"<tr><td><code>{path.name}</code></td><td>{html.escape(last['version'])}</td>"
                f"<td><code>{html.escape(last['git_commit'][:12])}</code></td><td>{seed}</td>"
                f"<td>{ranks}</td><td>{html.escape(last['isa'])}</td>"
                f"<td><code>{data.text(attributes['digest'])[:16]}…</code></td></tr>"
            )
    head = "".join(f"<th>{h}</th>" for h in (
        "file", "version", "commit", "seed", "ranks", "kernels", "digest"))
    return (
        "<h2>Provenance</h2><p>The digest does not depend on ranks, kernels or interruptions: "
        "another run of the same version must give the same.</p>"
        f"<table><tr>{head}</tr>{''.join(lines)}</table>"
    )


HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>reluscape: small reproduction</title><style>
body { font: 15px/1.45 Georgia, serif; max-width: 62em; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; font-size: 13px; } td, th { padding: .2em .7em; text-align: left;
border-bottom: 1px solid #ddd; } img { width: 30em; max-width: 100%; margin: .4em; }
</style></head><body><h1>reluscape: small reproduction</h1>
<p>Every number below comes from a job in <code>jobs/*_small.toml</code>. Sizes and samples are small:
the errors say how far to trust them.</p>"""
