"""Figures from the result files of reluscape.

Draws what the files hold and computes nothing that the program computes: success fractions with
their Wilson intervals come from /results, fitted curves, thresholds, bands and limits from
/scaling (written by ``reluscape extrapolate``), theory from /theory.
"""
