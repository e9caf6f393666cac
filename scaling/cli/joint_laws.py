"""``scaling fit`` with two columns of sizes: the joint law."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from scaling import api
from scaling.cli.output import console, print_json, print_text
from scaling.cli.store_damage import with_damage
from scaling.errors import UsageError


def split_sizes(x: str) -> tuple[str, str] | None:
    """Return the two columns of ``filters,train_images``; None for one column.

    Raises:
        UsageError: there are more than two, or one is empty.
    """
    names = [name.strip() for name in x.split(",")]
    if len(names) == 1:
        return None
    if len(names) > 2 or not all(names):
        raise UsageError(f"{x}: expected one column, or two for a joint law, such as N,D", option="x")
    return names[0], names[1]


def pair_sizes(sizes: Sequence[float]) -> list[tuple[float, float]]:
    """Return pairs of sizes from ``64,60000,128,60000``.

    Raises:
        UsageError: the number of sizes is odd.
    """
    if len(sizes) % 2:
        raise UsageError(
            f"{','.join(f'{size:g}' for size in sizes)}: with two columns, expected pairs of sizes, such as"
            " 64,60000",
            option="predict",
        )
    return list(zip(sizes[::2], sizes[1::2], strict=True))


def print_joint_laws(
    source: str,
    workspace: api.Workspace,
    options: api.JointOptions,
    *,
    sizes: Sequence[float],
    as_json: bool,
    choices: Mapping[str, Any],
    note_text: Callable[[str], str],
) -> None:
    """Fit joint laws and print them.

    Args:
        source: a study, a store, or a table.
        workspace: stores and folders.
        options: columns and loss.
        sizes: sizes of predictions, N and D in turn.
        as_json: True to print JSON.
        choices: further arguments of ``api.fit_joint``.
        note_text: how the command writes a note.
    """
    pairs = pair_sizes(sizes)
    fits = api.fit_joint(source, workspace, options=options, **choices)
    fits = [replace(fitted, notes=tuple(map(note_text, fitted.notes))) for fitted in fits]
    if as_json:
        rows = [
            {
                **fitted.to_dict(),
                "predictions": [prediction.to_dict() for prediction in api.predict_joint(fitted, pairs)],
            }
            for fitted in fits
        ]
        print_json(with_damage({"fits": rows}))
        return
    console().print(api.render_joint_laws(fits))
    if pairs:
        console().print(api.render_joint_predictions(fits, pairs))
    if options.cost:
        console().print(api.render_frontiers(fits))
    for fitted in fits:
        for note in fitted.notes:
            print_text(f"{fitted.label}: {note}")
