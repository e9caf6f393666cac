"""Formulas and intervals in HTML."""

from __future__ import annotations

import re

_GREEK = {"rho": "ρ", "alpha": "α", "beta": "β"}
_POWER = re.compile(r"(?:\b([AB]) )?(?:\b([xND]))?\^(-?)(rho|alpha|beta|[ραβ])('|&#39;)?")
_INTERVAL = re.compile(r"\[[^]]*\](?: %)?")
_FLOOR_LAST = re.compile(r"(?<=</sup>) \+ E\b")
_FLOOR_FIRST = re.compile(r"\bE \+ (?=<var>)")


def keep_intervals_together(text: str) -> str:
    """Return a text whose intervals, such as ``[1.2, 3.4] %``, are not broken into lines."""
    return _INTERVAL.sub(lambda match: match[0].replace(" ", "\N{NO-BREAK SPACE}"), text)


def typeset_formulas(html: str) -> str:
    """Return HTML in which ``A x^-rho + E`` has italic letters and a raised exponent.

    Args:
        html: text that is escaped already.
    """
    typeset = _POWER.sub(_typeset_power, str(html))
    typeset = _FLOOR_LAST.sub(" + <var>E</var>", typeset)
    return _FLOOR_FIRST.sub("<var>E</var> + ", typeset)


def _typeset_power(match: re.Match[str]) -> str:
    factor, base, sign, exponent, prime = match.groups()
    letters = (f"<var>{factor}</var> " if factor else "") + (f"<var>{base}</var>" if base else "")
    return f"{letters}<sup>{sign and '−'}{_GREEK.get(exponent, exponent)}{(prime and '′') or ''}</sup>"
