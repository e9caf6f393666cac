from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scaling.config import Study, load_study


@pytest.fixture
def study(tmp_path: Path) -> Callable[..., Study]:
    """Function that loads a study of MNIST from entries of ``architectures`` and further YAML lines."""

    def load(*architectures: str, rest: str = "") -> Study:
        source = tmp_path / "study.yaml"
        source.write_text(
            "\n".join(
                [
                    "study: example",
                    "dataset: {type: mnist}",
                    "architectures:",
                    *(f"  - {{{entry}}}" for entry in architectures),
                    rest,
                ]
            )
        )
        return load_study(source, data=tmp_path)

    return load
