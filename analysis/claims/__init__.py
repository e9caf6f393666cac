"""Claims of the literature beside stored runs: the claims, the rules of their verdicts, and the ledger."""
