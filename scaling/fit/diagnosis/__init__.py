"""Diagnosis of fitted laws: verdict, status, outliers, convergence, profile intervals."""
