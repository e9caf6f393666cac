"""Two figures for a paper, of planted runs; ``python -m tests.analysis.paper_figures`` draws their baselines.

The baselines are small: the tests look for what changed in a figure, not for single pixels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float
from PIL import Image
from scipy.ndimage import gaussian_filter

from analysis.comparison_figure import draw_comparison, find_crossings
from analysis.error_figure import draw_error_figure
from analysis.figure_axes import FILTERS_AXIS, MACS_AXIS
from analysis.figure_options import FigureOptions
from analysis.laws import fit_laws
from analysis.means import mean_errors
from analysis.report_figure import ReportFigure
from analysis.run_groups import group_runs
from analysis.style import figure_style
from scaling.architectures import Lenet5
from scaling.store.schema import EPOCHS_SCHEMA
from tests.analysis.planted_study import SHORT_RECIPE, lenets, plant_study, trees

BASELINES = Path(__file__).parent / "baselines"
DOTS_PER_INCH = 64
OPTIONS = {
    "error_against_filters": FigureOptions(formats=("png",), width=3.25),
    "against_macs": FigureOptions(formats=("png",), width=3.25, font="DejaVu Serif"),
}
"""Options by the name of the figure."""


def planted_runs() -> pa.Table:
    """Return runs whose laws cross."""

    def error(network, epoch: int) -> float:
        law = 0.3 * network.filters**-0.4 if isinstance(network, Lenet5) else 0.2 * network.filters**-0.2
        return law * (1 + 1 / epoch**2)

    return plant_study([*lenets((1, 2, 4, 8)), *trees((1, 2, 4, 8))], recipe=SHORT_RECIPE, error=error)[0]


def draw(name: str, runs: pa.Table) -> ReportFigure:
    """Draw one of the figures in the style that applies now."""
    grouped = group_runs(runs)
    axis = FILTERS_AXIS if name == "error_against_filters" else MACS_AXIS
    fits = fit_laws(grouped, EPOCHS_SCHEMA.empty_table(), x=axis.column)
    if axis is FILTERS_AXIS:
        return draw_error_figure(grouped, mean_errors(grouped), fits=fits, axis=axis)
    return draw_comparison(grouped, fits, axis=axis, crossings=find_crossings(fits.fits))


def paper_style(name: str):
    """Return the style of one of the figures, with pixels as large as those of its baseline."""
    return figure_style(OPTIONS[name], **{"savefig.dpi": DOTS_PER_INCH})


def read_picture(path: Path) -> Float[np.ndarray, "height width 3"]:
    """Return colours from 0 to 1."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), dtype=float) / 255


def distance(
    first: Float[np.ndarray, "height width 3"], second: Float[np.ndarray, "height width 3"]
) -> float:
    """Return the largest difference of two blurred pictures, which edges of letters hardly change.

    Pictures that differ by at most two pixels in size are compared where they overlap.
    """
    if np.abs(np.subtract(first.shape, second.shape)).max() > 2:
        return np.inf
    height, width = np.minimum(first.shape, second.shape)[:2]
    blurred = [gaussian_filter(picture[:height, :width], sigma=(2.0, 2.0, 0)) for picture in (first, second)]
    return float(np.abs(blurred[0] - blurred[1]).max())


def main() -> None:
    """Write the baselines anew."""
    runs = planted_runs()
    BASELINES.mkdir(exist_ok=True)
    for name, options in OPTIONS.items():
        with paper_style(name):
            figure = draw(name, runs)
            picture, table = figure.save(BASELINES, options)
            table.unlink()
            with Image.open(picture) as image:
                image.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(picture, optimize=True)


if __name__ == "__main__":
    main()
