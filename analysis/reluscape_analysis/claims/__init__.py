"""The numerical claims, one module each: its small jobs, the theory beside them, figures and numbers."""

from . import (
    capacity, dense_regions, hidden_units, robustness, robustness_real, thresholds, typical,
)

CLAIMS = {module.CLAIM.name: module.CLAIM for module in (
    capacity, hidden_units, typical, dense_regions, robustness, robustness_real, thresholds)}
"""By name, in the order of the page."""
