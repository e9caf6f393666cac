"""The figures of docs/statistics.md, into docs/figures, each with a table of what it shows.

python -m simulations.figures
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pyarrow.csv import write_csv
from scipy.stats import beta, binom

from analysis import style
from benchmarks.commands import ROOT
from scaling.fit import EstimationOptions, Law, Points, fit
from scaling.fit.data.variance import BinomialVariance
from scaling.fit.estimation.variable_projection import fit_by_variable_projection
from scaling.fit.forms import POWER
from simulations.cells import Cell

FOLDER, COVERAGE = ROOT / "docs" / "figures", ROOT / "artifacts" / "published" / "coverage" / "coverage.csv"
WIDTH = 6.6
"""Inches: two panels side by side."""
LEFT_OUT = 3
"""Of the widest."""
FORMS = {"power": ("$A\\,x^{-\\rho}$", style.PALETTE[0]), "floor": ("$A\\,x^{-\\rho} + E$", style.PALETTE[1])}
GREY = "#555555"


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure and the numbers that it shows."""

    name: str
    figure: Figure
    rows: list[dict[str, object]]

    def save(self, folder: Path) -> None:
        """Write ``<name>.svg`` and ``<name>.csv``; the same code gives the same bytes."""
        self.figure.savefig(folder / f"{self.name}.svg", metadata={"Date": None})
        # Six digits: the last ones are the machine's.
        rows = [
            {key: float(f"{value:.6g}") if isinstance(value, float) else value for key, value in row.items()}
            for row in self.rows
        ]
        write_csv(pa.Table.from_pylist(rows), folder / f"{self.name}.csv")


def main(folder: Path = FOLDER) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with style.figure_style():
        for picture in (one_study(), means_of_logarithms(), coverage(), dispersion()):
            picture.save(folder)


def one_study() -> Picture:
    """Both laws through all widths, and through all but the widest three, which they then foretell."""
    cell = Cell(noise="under", widths=8, seeds=8, floor=0.4)
    points = cell.study(np.random.default_rng(0))
    figure, rows = Figure(figsize=(WIDTH, 3.2)), []
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes, title, left_out in zip(
        panels, ("fitted to all widths", f"without the widest {LEFT_OUT}"), (0, LEFT_OUT), strict=True
    ):
        axes.set(xscale="log", yscale="log", title=title, xlabel="filters")
        used = points.width_index < len(points.widths) - left_out
        laws = fit(
            Points(
                x_name="filters",
                y_name="test_error",
                x=points.x[used],
                y=points.y[used],
                test_images=points.test_images,
            )
        ).laws
        rows += [{"panel": title, **row} for row in _draw_laws(axes, laws, points.widths)]
        axes.plot(
            points.widths,
            [cell.mean(x) for x in points.widths],
            color="black",
            lw=0.9,
            ls=":",
            zorder=4,
            label="planted",
        )
        shift = 10 ** (0.012 * np.tile(np.linspace(-1, 1, cell.seeds), cell.widths))
        axes.scatter(points.x * shift, points.y, s=5, color=GREY, alpha=0.4, lw=0, zorder=2)
        kept = points.widths < np.append(points.widths, np.inf)[len(points.widths) - left_out]
        axes.plot(
            points.widths[kept], points.means[kept], "o", ms=4, color=GREY, zorder=5, label="mean over seeds"
        )
        axes.plot(
            points.widths[~kept],
            points.means[~kept],
            "o",
            ms=4,
            mfc="white",
            mec=GREY,
            mew=1,
            zorder=5,
            label="left out",
        )
    style.label_values(panels[0], points.widths, gap=0.09)
    style.label_log_axis(panels[0].yaxis, style.percent_ticks(), gap=0.07)
    panels[0].set_ylabel("test error")
    figure.legend(*panels[1].get_legend_handles_labels(), loc="outside lower left", ncols=5)
    return Picture("one_study", figure, rows)


def _draw_laws(axes: Axes, laws: dict[str, Law], widths: np.ndarray) -> list[dict[str, object]]:
    """Both with their bands, and the rows that say them at the widths."""
    x, rows = np.geomspace(widths[0], widths[-1], 60), []
    for name, (formula, color) in FORMS.items():
        axes.fill_between(x, *laws[name].band(x), color=color, alpha=0.18, lw=0)
        axes.plot(x, laws[name].predict(x), color=color, label=formula, zorder=3)
        values = zip(
            widths.tolist(),
            laws[name].predict(widths).tolist(),
            *(ends.tolist() for ends in laws[name].band(widths)),
            strict=True,
        )
        rows += [
            {"form": name, "filters": width, "law": law, "low": low, "high": high}
            for width, law, low, high in values
        ]
    return rows


def means_of_logarithms(studies: int = 2000, images: int = 1000) -> Picture:
    """How far from the planted exponent fits lie on average, over seeds, to means and to means of logarithms."""
    x, exponent = np.array([1.0, 2, 3, 4, 6, 8, 12, 16]), 0.7
    mean, rng, rows = 0.1 * x**-exponent, np.random.default_rng(0), []
    for seeds in (1, 2, 4, 8, 16, 32):
        errors = rng.binomial(images, mean[:, None], size=(studies, len(x), seeds))
        fitted = fit_by_variable_projection(
            POWER,
            x,
            errors.mean(axis=2) / images,
            np.full((studies, len(x)), float(seeds)),
            BinomialVariance(images),
        )[:, 1]
        # Of 14 errors on average there is none once in a million runs; one stands for it, since none has no logarithm.
        logarithms = np.log(np.maximum(errors, 1)).mean(axis=2)
        straight = -np.polyfit(np.log(x), logarithms.T, 1)[0]
        for fitted_to, found in (("means", fitted), ("means of logarithms", straight)):
            rows.append(
                {
                    "fitted to": fitted_to,
                    "seeds": seeds,
                    "bias": found.mean() - exponent,
                    "sigma": found.std() / np.sqrt(studies),
                }
            )
    figure = Figure(figsize=(style.WIDTH, 2.9))
    axes = figure.add_subplot(
        xscale="log", xlabel="seeds a width", ylabel=f"mean fitted exponent less {exponent:g}"
    )
    axes.axhline(0, color=GREY, lw=0.8)
    for index, fitted_to in enumerate(("means", "means of logarithms")):
        mine = [row for row in rows if row["fitted to"] == fitted_to]
        look, (at, bias, sigma) = (
            style.curve_style(index),
            ([row[name] for row in mine] for name in ("seeds", "bias", "sigma")),
        )
        axes.errorbar(
            at, bias, 2 * np.array(sigma), fmt=look.marker, color=look.color, label=f"fitted to {fitted_to}"
        )
    style.fix_ticks(axes.xaxis, (1, 2, 4, 8, 16, 32), formatter=style.amount_ticks())
    figure.legend(loc="outside lower left", ncols=2)
    return Picture("means_of_logarithms", figure, rows)


def coverage(table: Path = COVERAGE) -> Picture:
    """How often intervals of the exponent hold it, ours and those of least squares on logarithms; a panel a floor."""
    with table.open(newline="") as file:
        cells = list(csv.DictReader(file))
    columns = {"exponent": "floored law", "naive exponent": "least squares on logarithms"}
    floors = list(dict.fromkeys(cell["floor over widest error"] for cell in cells))
    kinds = list(dict.fromkeys((cell["noise"], cell["widths"], cell["seeds"]) for cell in cells))[::-1]
    figure, rows = Figure(figsize=(WIDTH, 0.9 + 0.2 * len(kinds))), []
    panels = figure.subplots(1, len(floors), sharex=True, sharey=True, squeeze=False)[0]
    for axes, floor in zip(panels, floors, strict=True):
        share = f"a floor of {100 * float(floor):.0f} % of the widest error" if float(floor) else "no floor"
        axes.set(title=share, xlabel="intervals that hold the exponent, %", xlim=(-3, 103))
        axes.axvspan(93, 97, color="#dddddd", lw=0)
        for index, (column, label) in enumerate(columns.items()):
            look = style.curve_style(index)
            for cell in (each for each in cells if each["floor over widest error"] == floor):
                kind = (cell["noise"], cell["widths"], cell["seeds"])
                held = float(cell[column].split()[0])
                axes.plot(
                    held, kinds.index(kind) + (0.13, -0.13)[index], look.marker, color=look.color, zorder=3
                )
                rows.append(
                    {
                        "floor": floor,
                        "noise": kind[0],
                        "widths": kind[1],
                        "seeds": kind[2],
                        "intervals": label,
                        "held": held,
                    }
                )
    panels[0].set_yticks(
        range(len(kinds)), [f"{noise}, {widths} × {seeds}" for noise, widths, seeds in kinds]
    )
    for index, label in enumerate(columns.values()):
        panels[0].plot(
            [], [], style.curve_style(index).marker, color=style.curve_style(index).color, label=label
        )
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
    return Picture("coverage", figure, rows)


def dispersion(images: int = 1000, seeds: int = 4000) -> Picture:
    """Counts of networks that find the same images hard scatter less than a binomial's."""
    rng, mean, unequal = np.random.default_rng(0), 0.05, 0.5
    figure, rows = Figure(figsize=(WIDTH, 2.8)), []
    counts, ratios = figure.subplots(1, 2)
    errors = _errors(rng, mean, unequal, images, seeds)
    at = np.arange(20, 81)
    drawn = np.bincount(errors, minlength=images + 1)[at] / seeds
    counts.step(at, drawn, where="mid", color=style.PALETTE[0], label="runs on images of unequal difficulty")
    counts.plot(at, binom.pmf(at, images, mean), color=style.PALETTE[1], label="binomial of the same mean")
    counts.set(
        title="one width", xlabel=f"errors on {images:,} images", ylabel="share of runs", ylim=(0, None)
    )
    for spread in np.linspace(0, 0.9, 10):
        study = _study(rng, float(spread), images)
        found = fit(study, EstimationOptions(resamplings=1, holdout=0)).dispersion
        rows.append(
            {"spread of difficulty": float(spread), "dispersion": found, "expected": 1 - float(spread)}
        )
    spreads = [row["spread of difficulty"] for row in rows]
    ratios.plot(spreads, [row["expected"] for row in rows], color=GREY, lw=1)
    ratios.plot(spreads, [row["dispersion"] for row in rows], "o", color=style.PALETTE[0])
    ratios.set(
        title="a study of 8 widths",
        xlabel="variance of difficulty over $\\mu (1 - \\mu)$",
        ylabel="dispersion",
        ylim=(0, 1.15),
    )
    figure.legend(*counts.get_legend_handles_labels(), loc="outside lower left", ncols=2)
    return Picture("dispersion", figure, rows)


def _errors(rng: np.random.Generator, mean: float, unequal: float, images: int, runs: int) -> np.ndarray:
    """Counts of runs that share images, whose chances to be erred on follow a beta law: its mean, and its variance over the largest."""
    if not unequal:
        return rng.binomial(images, mean, runs)
    sharp, place = 1 / unequal - 1, (np.arange(images) + 0.5) / images
    chance = beta.ppf(place, mean * sharp, (1 - mean) * sharp)
    return (rng.random((runs, images)) < chance).sum(axis=1)


def _study(rng: np.random.Generator, unequal: float, images: int, seeds: int = 64) -> Points:
    widths = (1, 2, 3, 4, 6, 8, 12, 16)
    errors = [_errors(rng, 0.2 * width**-0.5, unequal, images, seeds) for width in widths]
    x = np.repeat(np.array(widths, dtype=float), seeds)
    return Points(
        x_name="filters", y_name="test_error", x=x, y=np.concatenate(errors) / images, test_images=images
    )


if __name__ == "__main__":
    main()
