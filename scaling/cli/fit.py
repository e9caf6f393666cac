"""``scaling fit``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scaling import api
from scaling.cli.flags import note_text, with_note_flags
from scaling.cli.joint_laws import print_joint_laws, split_sizes
from scaling.cli.options import STORE, Also, Data, Json, Overrides, Store, parse_numbers, workspace
from scaling.cli.output import console, print_json
from scaling.cli.store_damage import with_damage
from scaling.cli.table_options import Accuracy, LastOf, RunColumns, Std, Where, Wide
from scaling.errors import UsageError

if TYPE_CHECKING:
    from scaling.fit import Fit

_Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="A study (.yaml), a store (a folder or a URI), or any table: .parquet, .csv, .tsv, .json, "
        ".jsonl or .feather, text also with .gz, or a folder of Parquet files.",
        show_default=False,
    ),
]
_X = Annotated[
    str,
    typer.Option(
        metavar="COLUMN",
        help="Column of the size, such as parameters, conv_parameters, macs, training_flops, train_images, "
        "labels or branches; two columns, such as filters,train_images, for a joint law.",
    ),
]
_Y = Annotated[
    str,
    typer.Option(metavar="COLUMN", help="Column of the error, such as test_error, test_loss or train_loss."),
]
_By = Annotated[
    list[str],
    typer.Option(
        metavar="COLUMN",
        help="Column whose values separate the curves; may be repeated.",
        show_default="the curves of the report",
    ),
]
_Form = Annotated[str, typer.Option(help="Form of the law: auto, power, floor, broken or m4.")]
_Holdout = Annotated[
    int, typer.Option(min=1, help="Test each law on up to this many of the widest networks.")
]
_Predict = Annotated[
    str, typer.Option(metavar="X,X,...", help="Sizes for which to predict the error, such as 96,192.")
]
_ForError = Annotated[
    str,
    typer.Option(
        metavar="ERROR,...", help="Errors for which to predict the size that reaches them, such as 0.02."
    ),
]
_ErrorCounts = Annotated[
    str,
    typer.Option(
        metavar="COLUMN",
        help="For a table: column with the number of misclassified test images; needs --image-counts.",
    ),
]
_ImageCounts = Annotated[
    str,
    typer.Option(
        metavar="COLUMN", help="For a table: column with the number of test images; needs --error-counts."
    ),
]
_BestOver = Annotated[
    list[str],
    typer.Option(
        metavar="COLUMN",
        help="At each size, keep only the runs with the value of this setting that has the lowest mean "
        "validation error; may be repeated, to choose the best combination.",
    ),
]
_Validation = Annotated[
    str, typer.Option(metavar="COLUMN", help="Column of the error by which --best-over chooses.")
]
_Cost = Annotated[
    str,
    typer.Option(
        metavar="COLUMN",
        help="For a joint law: column with the cost of a run, such as training_flops; prints the sizes "
        "with the smallest error at a cost.",
    ),
]
_Loss = Annotated[
    str,
    typer.Option(
        help="For a joint law: quasi for the quasi-likelihood, or huber-log for the Huber loss of logarithms."
    ),
]
_Population = Annotated[
    bool,
    typer.Option(
        "--population",
        help="Treat the test images as a sample, so that intervals also cover other test images "
        "of this kind.",
    ),
]


def fit(
    context: typer.Context,
    source: _Source,
    *,
    x: _X = "filters",
    y: _Y = "test_error",
    by: _By = [],
    form: _Form = "auto",
    holdout: _Holdout = 3,
    predict: _Predict = "",
    for_error: _ForError = "",
    error_counts: _ErrorCounts = "",
    image_counts: _ImageCounts = "",
    std: Std = "",
    best_over: _BestOver = [],
    validation: _Validation = "val_error",
    where: Where = [],
    last_of: LastOf = "",
    run: RunColumns = [],
    wide: Wide = False,
    accuracy: Accuracy = "",
    population: _Population = False,
    cost: _Cost = "",
    loss: _Loss = "quasi",
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Fit scaling laws and print them with confidence intervals.

    With two columns of sizes, the law is the joint law E + A N^-alpha + B D^-beta.
    """
    sizes, target_errors = parse_numbers(predict, "predict"), parse_numbers(for_error, "for_error")
    choices: dict[str, Any] = {
        "overrides": set_,
        "population": population,
        "counts": _count_columns(error_counts, image_counts),
        "best": api.BestOver(columns=best_over, validation=validation) if best_over else None,
        "rows": api.RowOptions(
            where=where, last_of=last_of or None, run=run, wide=wide, accuracy=accuracy or None
        ),
    }
    stores, names = workspace(store, also, data), split_sizes(x)
    if names:
        _check_joint_options(form, for_error)
        joint = api.JointOptions(
            x=names, y=y, by=by or None, holdout=holdout, std=std or None, loss=loss, cost=cost or None
        )
        print_joint_laws(
            source,
            stores,
            joint,
            sizes=sizes,
            as_json=as_json,
            choices=choices,
            note_text=note_text(context),
        )
        return
    _check_single_options(loss, cost)
    fits = api.fit(
        source,
        stores,
        options=api.FitOptions(x=x, y=y, by=by or None, form=form, holdout=holdout, std=std or None),
        **choices,
    )
    _check_errors(fits, target_errors)
    _print_laws(with_note_flags(fits, context), sizes=sizes, errors=target_errors, as_json=as_json)


def _print_laws(
    fits: Sequence[Fit], *, sizes: Sequence[float], errors: Sequence[float], as_json: bool
) -> None:
    """Print laws, predictions at some sizes, sizes for some errors, and notes."""
    if as_json:
        rows = [
            fitted.to_dict() | api.fit_details(fitted, fits, sizes=sizes, errors=errors).to_dict()
            for fitted in fits
        ]
        print_json(with_damage({"fits": rows}))
        return
    console().print(api.render_laws(fits))
    if sizes:
        console().print(api.render_predictions(fits, sizes))
    if errors:
        console().print(api.render_sizes_for_error(fits, errors))


def _check_errors(fits: Sequence[Fit], errors: Sequence[float]) -> None:
    """Check that errors for which sizes are printed are fractions, if the laws are those of counts."""
    counted = any(fitted.points.test_images is not None for fitted in fits)
    if counted and any(error >= 1 for error in errors):
        given = ",".join(f"{error:g}" for error in errors)
        raise UsageError(
            f"{given}: expected fractions of the test images, below 1, such as 0.02", option="for_error"
        )


def _check_joint_options(form: str, for_error: str) -> None:
    """Check that no option is given that a law of two sizes does not have."""
    if form != "auto":
        raise UsageError(f"{form}: a joint law has one form; leave it out", option="form")
    if for_error:
        raise UsageError(
            f"{for_error}: many pairs of sizes have one error; leave it out, or name a `cost` instead",
            option="for_error",
        )


def _check_single_options(loss: str, cost: str) -> None:
    """Check that no option is given that only a joint law has."""
    for option, value in (("cost", cost), ("loss", "" if loss == "quasi" else loss)):
        if value:
            raise UsageError(
                f"{value}: is for joint laws; give `x` two columns, such as filters,train_images",
                option=option,
            )


def _count_columns(error_counts: str, image_counts: str) -> api.CountColumns | None:
    """Return the columns of counts, or None without any."""
    if bool(error_counts) != bool(image_counts):
        raise UsageError(
            "`error_counts` and `image_counts` go together: the columns of the numbers of misclassified test "
            "images and of all test images"
        )
    return api.CountColumns(error_counts=error_counts, image_counts=image_counts) if error_counts else None
