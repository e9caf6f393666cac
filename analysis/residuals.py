"""What the laws leave unexplained, width by width."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.figure import Figure

from analysis import style
from analysis.laws import CurveFits, accepted_laws
from analysis.report_figure import ReportFigure
from analysis.run_groups import GroupedRuns

TITLES = {"power": "power law", "floor": "with a floor", "broken": "with a bend"}


def draw_residuals(grouped: GroupedRuns, means: pa.Table, laws: CurveFits) -> ReportFigure | None:
    """log(observed mean / fitted) against filters, a panel for each form; None where nothing could be fitted."""
    numbers = _residuals(means, laws)
    if not len(numbers):
        return None
    fitted = [
        (index, label)
        for index, label in enumerate(grouped.labels)
        if label in set(numbers["group"].to_pylist())
    ]
    figure = Figure(figsize=(style.WIDTH, 2.5 + 0.16 * -(-len(fitted) // 2)))
    titles = {
        form: title
        for form, title in TITLES.items()
        if form != "broken" or form in numbers["form"].to_pylist()
    }
    panels = figure.subplots(1, len(titles), sharex=True, sharey=True)
    widths = np.sort(pc.unique(means["filters"]).to_numpy())
    apart = min(0.03, 0.6 * np.diff(np.log10(widths)).min(initial=1.0) / len(grouped.labels))
    for axes, (form, title) in zip(panels, titles.items(), strict=True):
        axes.set(xscale="log", title=title, xlabel="filters")
        axes.axhline(0, color="#555555", lw=0.8)
        for index, label in fitted:
            look = style.curve_style(index)
            rows = numbers.filter((pc.field("group") == label) & (pc.field("form") == form))
            # Side by side, so that bars of equal widths don't cover each other.
            x = rows["filters"].to_numpy() * 10 ** (apart * (index - (len(grouped.labels) - 1) / 2))
            bar = np.nan_to_num(rows["half_width"].to_numpy(zero_copy_only=False))
            axes.errorbar(x, rows["residual"], bar, fmt=look.marker, color=look.color, lw=1, label=label)
    panels[0].set_ylabel("log(observed mean / fitted)")
    style.label_values(panels[0], widths, gap=0.09)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
    return ReportFigure(
        name="residuals",
        heading="Residuals",
        caption=(
            "Natural logarithm of the mean error over seeds divided by the fitted one (0.1 is about 10 %), with Student's 95 % interval of "
            "that mean; single runs have none. A form that fits leaves points on both sides of zero without a trend."
        ),
        figure=figure,
        numbers=numbers,
    )


def _residuals(means: pa.Table, laws: CurveFits) -> pa.Table:
    rows = []
    for row in means.to_pylist():
        for form, law in accepted_laws(laws.fits.get(row["group"])).items():
            if row["mean_error"] > 0:
                bar = (
                    None
                    if row["high_error"] is None
                    else (row["high_error"] - row["mean_error"]) / row["mean_error"]
                )
                residual = float(np.log(row["mean_error"] / law.predict(row[laws.x])))
                rows.append(
                    {
                        "group": row["group"],
                        "form": form,
                        "filters": row["filters"],
                        "residual": residual,
                        "half_width": bar,
                    }
                )
    names = {
        "group": pa.string(),
        "form": pa.string(),
        "filters": pa.int64(),
        "residual": pa.float64(),
        "half_width": pa.float64(),
    }
    return pa.Table.from_pylist(rows, pa.schema(names))
