"""Simulations: coverage of intervals, correctness of verdicts, and the cost of sequential designs."""
