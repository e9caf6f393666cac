"""Diagnosis of fitted laws: status, verdict, outliers, convergence of the training, leverage, profile likelihood."""
