"""The tables that ``reluscape theory … -o FILE.h5`` gathers in /theory, by machine."""

from dataclasses import dataclass

import numpy as np

from . import data

NAMES = {
    "identity": "identity",
    "relu": "ReLU",
    "leaky_relu": "leaky ReLU",
    "sign": "sign",
    "erf": "erf",
    "tanh": "tanh",
    "gelu": "GELU",
    "quadratic": "$x^2$",
    "abs": "$|x|$",
}
ORDER = list(NAMES)


@dataclass
class Table:
    """One table: its parameters and its columns, NaN where a value is missing."""

    parameters: dict
    columns: dict

    def __getitem__(self, name):
        return self.columns[name]

    def get(self, name):
        """A parameter, None without it."""
        return self.parameters.get(name)


def tables(file, quantity, cure):
    """All tables of one quantity, ordered by activation."""
    group = data.need(file, f"theory/{quantity}", cure)
    found = []
    for member in group.values():
        parameters = {
            key: data.text(value) if isinstance(value, (bytes, str)) else float(value)
            for key, value in member.attrs.items()
            if isinstance(value, (bytes, str)) or np.ndim(value) == 0
        }
        columns = {name: data.column(member, name) for name in member
                   if not name.endswith("_mask")}
        found.append(Table(parameters, columns))
    found.sort(key=lambda t: (ORDER.index(t.get("activation")), name(t), t.get("kappa") or 0.0))
    return found


def name(table):
    """The machine in a legend: activation with its parameter, and K where it is finite."""
    label = NAMES[table.get("activation")]
    for key in ("slope", "scale"):
        if table.get(key) is not None:
            label += f" ({table.get(key):g})"
    if table.get("hidden") not in (None, "inf"):
        label += f", $K={table.get('hidden')}$"
    return label


def machines(found):
    """The distinct legends, in order."""
    return list(dict.fromkeys(name(t) for t in found))
