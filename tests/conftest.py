from __future__ import annotations

from hypothesis import settings

# An example's time says more about the machine's other work than about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
