"""Diagnosis of laws: status, verdict, outliers, convergence, leverage and profile likelihood."""
