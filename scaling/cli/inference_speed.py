"""Output of ``scaling bench --inference``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from scaling.cli.output import new_table, print_json, print_table
from scaling.cli.store_damage import with_damage

if TYPE_CHECKING:
    from scaling.api import InferenceResult


def print_inference(result: InferenceResult, *, as_json: bool) -> None:
    """Print digits a second, with the published ones in the last row."""
    if as_json:
        print_json(with_damage(asdict(result)))
        return
    published = result.published
    table = new_table(
        *("network", "MACs", "batch", "digits/s from pictures", "over 1989"),
        *("digits/s from images", "over 1989", "million MACs/s"),
        title="digits a second on one thread, from a picture of any size or from a size-normalised image",
    )
    for speed in (*result.measured, published):
        table.add_row(
            speed.network,
            f"{speed.macs:,}",
            str(speed.batch),
            f"{speed.pictures_per_s:,.0f}",
            f"{speed.pictures_per_s / published.pictures_per_s:,.0f}x",
            f"{speed.images_per_s:,.0f}",
            f"{speed.images_per_s / published.images_per_s:,.0f}x",
            f"{speed.macs_per_s / 1e6:,.1f}" + (" at most" if speed is published else ""),
        )
    print_table(table)
