"""Draw the figures of docs/statistics.md into docs/figures, each with a CSV file of the numbers that it
shows.

python -m simulations.figures
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float
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
from simulations.scenarios import Scenario

FOLDER = ROOT / "docs" / "figures"
COVERAGE_CSV = ROOT / "artifacts" / "published" / "coverage" / "coverage.csv"
_WIDTH = 6.6
"""Width of a figure with two panels, in inches."""
_N_LEFT_OUT = 3
"""Number of widest widths that the second panel of ``one_study`` leaves out."""
_FORMULAS = {"power": "$A\\,x^{-\\rho}$", "floor": "$A\\,x^{-\\rho} + E$"}
_COLORS = dict(zip(_FORMULAS, style.PALETTE, strict=False))
_GREY = "#555555"
_SIZES = (1, 2, 3, 4, 6, 8, 12, 16)

Row = dict[str, object]


@dataclass(frozen=True, eq=False)
class FigureWithData:
    """A figure and the numbers that it shows."""

    name: str
    figure: Figure
    rows: list[Row]

    def save(self, folder: Path) -> None:
        """Write ``<name>.svg`` and ``<name>.csv``; the same code writes the same bytes."""
        self.figure.savefig(folder / f"{self.name}.svg", metadata={"Date": None})
        # Six digits, because the last digits depend on the machine.
        rows = [
            {key: float(f"{value:.6g}") if isinstance(value, float) else value for key, value in row.items()}
            for row in self.rows
        ]
        write_csv(pa.Table.from_pylist(rows), folder / f"{self.name}.csv")


def main(folder: Path = FOLDER) -> None:
    """Draw all figures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with style.figure_style():
        for figure in (draw_one_study(), draw_logarithm_bias(), draw_coverage(), draw_dispersion()):
            figure.save(folder)


def draw_one_study() -> FigureWithData:
    """Draw both laws through all widths, and through all but the widest three, which they then predict."""
    scenario = Scenario(noise="under", widths=8, seeds=8, floor=0.4)
    points = scenario.simulate(np.random.default_rng(0))
    figure, rows = Figure(figsize=(_WIDTH, 3.2)), list[Row]()
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    titles = {"fitted to all widths": 0, f"without the widest {_N_LEFT_OUT}": _N_LEFT_OUT}
    for axes, (title, n_left_out) in zip(panels, titles.items(), strict=True):
        axes.set(xscale="log", yscale="log", title=title, xlabel="filters")
        n_fitted = len(points.widths) - n_left_out
        laws = fit(_narrowest(points, n_fitted)).laws
        rows += [{"panel": title, **row} for row in _draw_laws(axes, laws, points.widths)]
        truth = [scenario.mean(x) for x in points.widths]
        axes.plot(points.widths, truth, color="black", lw=0.9, ls=":", zorder=4, label="true law")
        jitter = 10 ** (0.012 * np.tile(np.linspace(-1, 1, scenario.seeds), scenario.widths))
        axes.scatter(points.x * jitter, points.y, s=5, color=_GREY, alpha=0.4, lw=0, zorder=2)
        fitted, left_out = slice(n_fitted), slice(n_fitted, None)
        axes.plot(
            points.widths[fitted],
            points.means[fitted],
            "o",
            ms=4,
            color=_GREY,
            zorder=5,
            label="mean over seeds",
        )
        open_circles = {"ms": 4, "mfc": "white", "mec": _GREY, "mew": 1, "zorder": 5}
        axes.plot(points.widths[left_out], points.means[left_out], "o", label="left out", **open_circles)
    style.label_values(panels[0], points.widths, gap=0.09)
    style.label_log_axis(panels[0].yaxis, style.percent_ticks(), gap=0.07)
    panels[0].set_ylabel("test error")
    figure.legend(*panels[1].get_legend_handles_labels(), loc="outside lower left", ncols=5)
    return FigureWithData("one_study", figure, rows)


def draw_logarithm_bias(studies: int = 2000, images: int = 1000) -> FigureWithData:
    """Draw the bias of the exponent from fits to means and from fits to means of logarithms, by number of
    seeds."""
    x, exponent, rng = np.array(_SIZES, dtype=float), 0.7, np.random.default_rng(0)
    mean, rows, seed_counts = 0.1 * x**-exponent, list[Row](), (1, 2, 4, 8, 16, 32)
    for seeds in seed_counts:
        errors = rng.binomial(images, mean[:, None], size=(studies, len(x), seeds))
        for target, exponents in _fit_exponents(x, errors, images=images).items():
            bias, std_error = exponents.mean() - exponent, exponents.std() / np.sqrt(studies)
            rows.append({"fitted to": target, "seeds": seeds, "bias": bias, "std_error": std_error})
    figure = Figure(figsize=style.figure_size(2.9))
    axes = figure.add_subplot(
        xscale="log", xlabel="seeds at each width", ylabel="bias of the fitted exponent"
    )
    axes.axhline(0, color=_GREY, lw=0.8)
    for index, target in enumerate(("means", "means of logarithms")):
        curve = [row for row in rows if row["fitted to"] == target]
        look = style.curve_style(index)
        axes.errorbar(
            seed_counts,
            np.array([row["bias"] for row in curve], dtype=float),
            2 * np.array([row["std_error"] for row in curve], dtype=float),
            fmt=look.marker,
            color=look.color,
            label=f"fitted to {target}",
        )
    style.fix_ticks(axes.xaxis, seed_counts, formatter=style.amount_ticks())
    figure.legend(loc="outside lower left", ncols=2)
    return FigureWithData("means_of_logarithms", figure, rows)


def draw_coverage(table: Path = COVERAGE_CSV) -> FigureWithData:
    """Draw the coverage of the exponent by this package and by least squares on logarithms, one panel a
    floor."""
    with table.open(newline="") as file:
        scenarios = list(csv.DictReader(file))
    methods = {"exponent": "law with a floor", "naive exponent": "least squares on logarithms"}
    floors = list(dict.fromkeys(scenario["floor over widest error"] for scenario in scenarios))
    labels = list(dict.fromkeys(map(_scenario_label, scenarios)))[::-1]
    figure, rows = Figure(figsize=(_WIDTH, 0.9 + 0.2 * len(labels))), list[Row]()
    panels = figure.subplots(1, len(floors), sharex=True, sharey=True, squeeze=False)[0]
    for axes, floor in zip(panels, floors, strict=True):
        title = f"a floor of {100 * float(floor):.0f} % of the widest error" if float(floor) else "no floor"
        axes.set(title=title, xlabel="coverage of the exponent, %", xlim=(-3, 103))
        axes.axvspan(93, 97, color="#dddddd", lw=0)
        for index, (column, method) in enumerate(methods.items()):
            look = style.curve_style(index)
            for scenario in scenarios:
                if scenario["floor over widest error"] != floor:
                    continue
                coverage = float(scenario[column].split()[0])
                position = labels.index(_scenario_label(scenario)) + (0.13, -0.13)[index]
                axes.plot(coverage, position, look.marker, color=look.color, zorder=3)
                settings = {name: scenario[name] for name in ("noise", "widths", "seeds")}
                rows.append({"floor": floor, **settings, "method": method, "coverage": coverage})
    panels[0].set_yticks(range(len(labels)), labels)
    for index, method in enumerate(methods.values()):
        look = style.curve_style(index)
        panels[0].plot([], [], look.marker, color=look.color, label=method)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
    return FigureWithData("coverage", figure, rows)


def draw_dispersion(images: int = 1000, seeds: int = 4000) -> FigureWithData:
    """Draw the counts and the dispersion of networks that agree on which images are hard."""
    rng, mean = np.random.default_rng(0), 0.05
    figure, rows = Figure(figsize=(_WIDTH, 2.8)), list[Row]()
    counts_axes, ratio_axes = figure.subplots(1, 2)
    errors = _simulate_errors(rng, mean, inequality=0.5, images=images, runs=seeds)
    counts = np.arange(20, 81)
    shares = np.bincount(errors, minlength=images + 1)[counts] / seeds
    counts_axes.step(
        counts, shares, where="mid", color=style.PALETTE[0], label="runs on images of unequal difficulty"
    )
    binomial = binom.pmf(counts, images, mean)
    counts_axes.plot(counts, binomial, color=style.PALETTE[1], label="binomial of the same mean")
    counts_axes.set(title="one width", xlabel=f"errors on {images:,} images", ylabel="share of runs")
    counts_axes.set_ylim(0, None)
    inequalities = np.linspace(0, 0.9, 10)
    dispersions = []
    for inequality in inequalities.tolist():
        points = _simulate_study(rng, inequality=inequality, images=images)
        dispersions.append(fit(points, EstimationOptions(resamplings=1, holdout=0)).dispersion)
        rows.append({"inequality": inequality, "dispersion": dispersions[-1], "expected": 1 - inequality})
    ratio_axes.plot(inequalities, 1 - inequalities, color=_GREY, lw=1)
    ratio_axes.plot(inequalities, dispersions, "o", color=style.PALETTE[0])
    ratio_axes.set(
        title="a study of 8 widths",
        xlabel="variance of difficulty over $\\mu (1 - \\mu)$",
        ylabel="dispersion",
        ylim=(0, 1.15),
    )
    figure.legend(*counts_axes.get_legend_handles_labels(), loc="outside lower left", ncols=2)
    return FigureWithData("dispersion", figure, rows)


def _narrowest(points: Points, n_widths: int) -> Points:
    used = points.width_index < n_widths
    return Points(
        x_name=points.x_name,
        y_name=points.y_name,
        x=points.x[used],
        y=points.y[used],
        test_images=points.test_images,
    )


def _draw_laws(axes: Axes, laws: dict[str, Law], widths: np.ndarray) -> list[Row]:
    """Draw both laws with their bands, and return their values at the widths."""
    x, rows = np.geomspace(widths[0], widths[-1], 60), list[Row]()
    for name, formula in _FORMULAS.items():
        law = laws[name]
        axes.fill_between(x, *law.band(x), color=_COLORS[name], alpha=0.18, lw=0)
        axes.plot(x, law.predict(x), color=_COLORS[name], label=formula, zorder=3)
        values = np.stack([widths, law.predict(widths), *law.band(widths)], axis=1)
        rows += [
            {"form": name, "filters": width, "law": mean, "low": low, "high": high}
            for width, mean, low, high in values.tolist()
        ]
    return rows


def _fit_exponents(
    x: np.ndarray, errors: np.ndarray, *, images: int
) -> Mapping[str, Float[np.ndarray, " studies"]]:
    """Return the exponents of fits to means and of fits to means of logarithms.

    Args:
        x: sizes.
        errors: error counts, [studies, sizes, seeds].
        images: number of test images.
    """
    studies, _, seeds = errors.shape
    weights = np.full((studies, len(x)), float(seeds))
    means = errors.mean(axis=2) / images
    parameters = fit_by_variable_projection(POWER, x, means, weights, BinomialVariance(images))
    # Zero has no logarithm and counts as one error; with 14 errors on average it occurs once in a million
    # runs.
    logarithms = np.log(np.maximum(errors, 1)).mean(axis=2)
    slopes = np.polyfit(np.log(x), logarithms.T, 1)[0]
    return {"means": parameters[:, 1], "means of logarithms": -slopes}


def _scenario_label(scenario: Mapping[str, str]) -> str:
    return f"{scenario['noise']}, {scenario['widths']} × {scenario['seeds']}"


def _simulate_errors(
    rng: np.random.Generator, mean: float, *, inequality: float, images: int, runs: int
) -> np.ndarray:
    """Return the error counts of runs that share images of unequal difficulty.

    Args:
        rng: random generator.
        mean: mean error rate.
        inequality: variance of the error rates of images, which follow a beta distribution, over the largest
            one.
        images: number of images.
        runs: number of runs.
    """
    if not inequality:
        return rng.binomial(images, mean, runs)
    concentration, quantile = 1 / inequality - 1, (np.arange(images) + 0.5) / images
    rates = beta.ppf(quantile, mean * concentration, (1 - mean) * concentration)
    return np.asarray((rng.random((runs, images)) < rates).sum(axis=1))


def _simulate_study(rng: np.random.Generator, *, inequality: float, images: int, seeds: int = 64) -> Points:
    errors = [
        _simulate_errors(rng, 0.2 * size**-0.5, inequality=inequality, images=images, runs=seeds)
        for size in _SIZES
    ]
    return Points(
        x_name="filters",
        y_name="test_error",
        x=np.repeat(np.array(_SIZES, dtype=float), seeds),
        y=np.concatenate(errors) / images,
        test_images=images,
    )


if __name__ == "__main__":
    main()
