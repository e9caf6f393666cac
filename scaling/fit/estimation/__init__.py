"""Estimation of one form: maximum of the quasi-likelihood, and bootstrap."""
