"""How often intervals hold what is planted, and how often verdicts are right: ``make coverage``."""
