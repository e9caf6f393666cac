"""Benchmarks: how fast, beside what, and what each cause gives. None is a test, none has a time limit.

Comparisons are paired and alternate within one run, because the speed of a shared machine wanders by more than what is compared. What is
reported of rounds is their median, the smallest and the largest.

    python -m benchmarks [NAME ...] [--rounds N]
"""
