"""Tables of runs as points: reading, checking, variance and dispersion."""
