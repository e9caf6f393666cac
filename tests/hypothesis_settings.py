"""Numbers of examples for property tests whose examples take long."""

from __future__ import annotations

from hypothesis import settings

_DEFAULT = 100


def examples(number: int) -> settings:
    """Return settings with ``number`` examples in ``make test``, and in proportion more in ``make fuzz``."""
    return settings(max_examples=number * settings().max_examples // _DEFAULT)
