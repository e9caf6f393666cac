"""Benchmarks of speed, memory and errors. They are not tests and have no limits.

The two sides of a comparison alternate within one run, because the speed of a shared machine varies by more
than their difference. The median, the smallest and the largest round are reported.

    python -m benchmarks [NAME ...] [--rounds N]
"""
