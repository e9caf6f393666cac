"""Tests of ``scaling schema``."""

from __future__ import annotations

import json

from scaling.config.reference import reference_page
from scaling.config.schema import study_schema


def test_schema_prints_the_schema_and_the_reference(scaling):
    assert json.loads(scaling("schema").out) == study_schema()
    assert scaling("schema", "--markdown").out == reference_page()
