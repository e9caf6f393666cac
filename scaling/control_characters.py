"""Characters in the text of others that would control a terminal."""

from __future__ import annotations

import re

_CONTROL_CHARACTERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Characters that control a terminal or the direction of text, and lone surrogates; not newline and tab."""


def escape_control_characters(text: str) -> str:
    """Return a text with escapes, such as ``\\x1b``, in place of the characters that control a terminal."""
    return _CONTROL_CHARACTERS.sub(lambda match: match[0].encode("unicode_escape").decode(), text)
