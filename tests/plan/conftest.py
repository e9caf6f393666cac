from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scaling.config import Study, load_study


@pytest.fixture
def study(tmp_path: Path) -> Callable[..., Study]:
    """A study of MNIST: the lines of its architectures, and whatever else the file says."""

    def read(*architectures: str, rest: str = "") -> Study:
        source = tmp_path / "study.yaml"
        source.write_text(
            "\n".join(
                [
                    "study: tried",
                    "dataset: {type: mnist}",
                    "architectures:",
                    *(f"  - {{{a}}}" for a in architectures),
                    rest,
                ]
            )
        )
        return load_study(source, data=tmp_path)

    return read
