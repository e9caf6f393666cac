"""Deterministic simulation of claims and publication: faults from a seed, and promises that must hold."""
