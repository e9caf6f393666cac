"""Comparison of laws: exponents, crossings, sizes at equal error, and the best network for a budget."""
