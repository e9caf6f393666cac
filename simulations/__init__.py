"""Simulations: coverage of intervals, correctness of verdicts, cost of sequential designs, and failures."""
