"""Figure of residuals: mean errors divided by the fitted laws, width by width."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.figure import Figure

from analysis import style
from analysis.laws import CurveFits, accepted_laws
from analysis.report_figure import ReportFigure
from analysis.run_groups import GroupedRuns
from scaling.fit import Law

_HOLLOW: dict[str, Any] = {"ls": "", "mfc": "white", "mew": 1.0, "ms": 4.2, "zorder": 3}
_FORM_TITLES = {"power": "power law", "floor": "with a floor", "broken": "broken power law"}


def draw_residuals(grouped: GroupedRuns, means: pa.Table, *, fits: CurveFits) -> ReportFigure | None:
    """Draw log(observed mean / fitted) against filters, with a panel for each form.

    A hollow marker is a width that was held out, divided by what the form predicts without it.

    Args:
        grouped: the runs.
        means: their means over seeds, as ``mean_errors`` gives them.
        fits: laws fitted along the filters.

    Returns:
        None where nothing could be fitted.
    """
    numbers = _residuals(means, fits)
    if not len(numbers):
        return None
    with_law = set(numbers["group"].to_pylist())
    fitted = [(index, label) for index, label in enumerate(grouped.labels) if label in with_law]
    forms = set(numbers["form"].to_pylist())
    titles = {form: title for form, title in _FORM_TITLES.items() if form in forms}
    figure = Figure(figsize=style.figure_size(2.5, legend=0.16 * (1 + len(fitted) // 2)))
    panels = figure.subplots(1, len(titles), sharex=True, sharey=True, squeeze=False)[0]
    widths = np.sort(pc.unique(means["filters"]).to_numpy())
    # Curves are shifted sideways, so that bars of equal widths do not cover each other.
    shift = min(0.03, 0.6 * np.diff(np.log10(widths)).min(initial=1.0) / len(grouped.labels))
    for axes, (form, title) in zip(panels, titles.items(), strict=True):
        axes.set(xscale="log", title=title, xlabel="Filters, d1")
        axes.axhline(0, color=style.GREY, lw=0.8)
        for index, label in fitted:
            curve = style.curve_style(index)
            rows = numbers.filter((pc.field("group") == label) & (pc.field("form") == form))
            x = rows["filters"].to_numpy() * 10 ** (shift * (index - (len(grouped.labels) - 1) / 2))
            bar = np.nan_to_num(rows["half_width"].to_numpy(zero_copy_only=False))
            axes.errorbar(x, rows["residual"], bar, fmt=curve.marker, color=curve.color, lw=1, label=label)
            axes.plot(x, rows["held_out_residual"], curve.marker, mec=curve.color, **_HOLLOW)
    panels[0].set_ylabel("log(observed mean / fitted)")
    style.label_values(panels[0], widths, gap=0.09)
    handles, labels = panels[0].get_legend_handles_labels()
    if pc.any(pc.is_valid(numbers["held_out_residual"])).as_py():
        handles.append(style.legend_entry("", marker="o", mec=style.GREY, **_HOLLOW))
        labels.append("held out")
    figure.legend(handles, labels, loc="outside lower left", ncols=2)
    return ReportFigure(
        name="residuals",
        heading="Residuals",
        caption=(
            "Natural logarithm of the mean error over seeds divided by the fitted error; 0.1 is about 10 %."
            " Bars are Student's 95 % intervals of the means; a single run has no bar. If a form fits, its"
            " points scatter around zero without a trend. Hollow markers are widths that were held out: their"
            " means divided by the prediction of the form that is fitted to the narrower widths."
        ),
        figure=figure,
        numbers=numbers,
        alt=_alt(numbers, titles),
    )


def _alt(numbers: pa.Table, titles: Mapping[str, str]) -> str:
    """Return sentences on the range of the residuals of each curve and form."""
    sentences = ["Residuals against filters, with a panel for each form."]
    for form, title in titles.items():
        rows = numbers.filter(pc.field("form") == form)
        ranges = (
            f"{label} from {limits['min'].as_py():.2f} to {limits['max'].as_py():.2f}"
            for label in pc.unique(rows["group"]).to_pylist()
            if (limits := pc.min_max(rows.filter(pc.field("group") == label)["residual"]))
        )
        sentences.append(f"{title.capitalize()}: {', '.join(ranges) or 'no residuals'}.")
    return " ".join(sentences)


def _residuals(means: pa.Table, fits: CurveFits) -> pa.Table:
    rows = []
    for row in means.to_pylist():
        mean, high = row["mean_error"], row["high_error"]
        for form, law in accepted_laws(fits.by_label.get(row["group"])).items():
            if mean > 0:
                held_out = _held_out_predictions(law).get(float(row[fits.x]), 0.0)
                rows.append(
                    {
                        "group": row["group"],
                        "form": form,
                        "filters": row["filters"],
                        "residual": float(np.log(mean / law.predict(row[fits.x]))),
                        "half_width": None if high is None else (high - mean) / mean,
                        "held_out_residual": float(np.log(mean / held_out)) if held_out > 0 else None,
                    }
                )
    schema = [
        ("group", pa.string()),
        ("form", pa.string()),
        ("filters", pa.int64()),
        ("residual", pa.float64()),
        ("half_width", pa.float64()),
        ("held_out_residual", pa.float64()),
    ]
    return pa.Table.from_pylist(rows, pa.schema(schema))


def _held_out_predictions(law: Law) -> dict[float, float]:
    """Return the predicted mean of each width of the largest number of widths that were held out."""
    if not law.held_out:
        return {}
    return dict(zip(law.held_out[-1].left_out, law.held_out[-1].predicted, strict=True))
