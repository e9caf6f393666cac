"""Files of forecasts: each is named by the hash of its content, so that no forecast changes unnoticed."""

from __future__ import annotations

from collections.abc import Sequence

from scaling.store import paths
from scaling.store.backend import DamagedFileError, MissingFileError
from scaling.store.parts import Parts

_MAX_BYTES = 64 * 1024**2
"""Bytes of the largest forecast. A larger file is damaged, and is not read into memory."""


def read_forecasts(sources: Sequence[Parts]) -> dict[str, bytes]:
    """Return the content of each forecast by its name, and record the damaged ones.

    Args:
        sources: parts of the stores that are read.

    Raises:
        StoreError: a file cannot be read.
    """
    forecasts: dict[str, bytes] = {}
    for source in sources:
        names = paths.forecast_names(source.backend.list_names(paths.FORECASTS_FOLDER))
        files = [paths.forecast_file(name) for name in names]
        contents = source.backend.get_all(files, max_bytes=_MAX_BYTES)
        for name, path, content in zip(names, files, contents, strict=True):
            if isinstance(content, MissingFileError):
                continue
            if isinstance(content, DamagedFileError):
                source.record([source.describe(path, paths.FORECASTS_FOLDER, content.reason)])
            elif paths.forecast_name(content) != name:
                reason = "it is not as it was published (its name is not its hash)"
                source.record([source.describe(path, paths.FORECASTS_FOLDER, reason)])
            else:
                forecasts[name] = content
    return forecasts
