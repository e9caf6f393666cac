from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scaling.config import Study, load_study


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Study]:
    """From a study's text, and overrides, to the study; no data folder is there."""

    def read(text: str, *overrides: str) -> Study:
        source = tmp_path / "study.yaml"
        source.write_text(text)
        return load_study(source, data=tmp_path / "nowhere", overrides=overrides)

    return read
