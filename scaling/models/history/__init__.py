"""The modules of the historic networks."""
