"""Estimation stage: maximum quasi-likelihood of one form, and the bootstrap."""
