"""Data stage: tables of runs, points, variance models and the dispersion of the means."""
