"""Comparison of fitted laws: exponents, crossings, sizes at equal error, Pareto front."""
