"""Scaling studies: train small networks over grids of filter counts, and fit how their error falls."""

__version__ = "0.1.0"
