"""Names of curves stand at their ends, in free room."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis import style
from analysis.curve_names import NAMES_ONLY, NamedLine, name_ends, place_names
from analysis.figure_options import FigureOptions
from tests.analysis.paper_figures import draw, planted_runs

X = np.geomspace(1, 16, 5)
CROSSING = {"lenet5": 0.3 * X**-0.6, "tree3": 0.25 * X**-0.1, "vgg, depth 6": 0.4 * X**-0.9}
CLOSE = {f"net {number}": (0.3 + 0.001 * number) * X**-0.4 for number in range(4)}
CROWDED = {f"net {number}": (0.3 + 0.0001 * number) * X**-0.4 for number in range(8)}


def drawn(curves, *, width: float = 4.4) -> Figure:
    """Return a figure of named curves that is laid out."""
    figure = Figure(figsize=(width, 2.85), dpi=240)
    axes = figure.add_subplot(xscale="log", yscale="log")
    lines = []
    for index, (name, y) in enumerate(curves.items()):
        color = style.curve_style(index).color
        axes.plot(X, y, "o-", color=color, label=name)
        lines.append(NamedLine(index=index, name=name, x=X, y=y, color=color))
    figure.legend(loc="outside lower left").set_gid(NAMES_ONLY)
    name_ends(axes, lines)
    figure.get_layout_engine().execute(figure)
    place_names(figure)
    return figure


def names_of(figure: Figure) -> list:
    return list(figure.axes[0].texts)


def pixels(figure: Figure) -> np.ndarray:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(int)


def ink_below_names(figure: Figure) -> float:
    """Return the darkest ink, from 0 to 1, that names cover, but for bands."""
    for band in figure.axes[0].collections:
        band.set_visible(len(band.get_offsets()) > 1)
    figure.set_layout_engine("none")
    with_names = pixels(figure)
    for name in names_of(figure):
        name.set_visible(False)
    without = pixels(figure)
    is_name = (with_names != without).any(axis=-1)
    assert is_name.any()
    return 1 - without[is_name].min() / 255


@pytest.mark.parametrize(("curves", "width"), [(CROSSING, 4.4), (CROSSING, 3.25), (CLOSE, 4.4)])
def test_names_cover_neither_each_other_nor_what_is_drawn(curves, width):
    with style.figure_style(FigureOptions(width=width)):
        figure = drawn(curves, width=width)
        assert sorted(name.get_text() for name in names_of(figure)) == sorted(curves)
        boxes = [name.get_window_extent() for name in names_of(figure)]
        assert not any(first.overlaps(second) for first, second in combinations(boxes, 2))
        assert all(box.x1 <= figure.bbox.x1 for box in boxes)
        assert ink_below_names(figure) < 0.12  # the grid


@pytest.mark.parametrize("figure_name", ["error_against_filters", "against_macs"])
@pytest.mark.parametrize("width", [4.4, 3.25])
def test_names_in_figures_of_runs_cover_nothing(figure_name, width, tmp_path):
    options = FigureOptions(width=width)
    with style.figure_style(options):
        figure = draw(figure_name, planted_runs())
        figure.save(tmp_path, options)
        assert [name.get_text() for name in names_of(figure.figure)] == ["lenet5", "tree3"]
        assert ink_below_names(figure.figure) < 0.12


def test_each_name_is_nearest_to_the_end_of_its_curve():
    with style.figure_style():
        figure = drawn(CROSSING)
        ends = {line.get_label(): line.get_path().vertices[-1] for line in figure.axes[0].lines}
        pixel_ends = {name: figure.axes[0].transData.transform(end) for name, end in ends.items()}
        for name in names_of(figure):
            box = name.get_window_extent()
            distances = {
                label: np.hypot(*(np.clip(end, box.min, box.max) - end)) for label, end in pixel_ends.items()
            }
            assert min(distances, key=distances.get) == name.get_text()


def test_names_keep_the_order_of_ends_side_by_side():
    with style.figure_style():
        heights = {name.get_text(): name.get_window_extent().y0 for name in names_of(drawn(CLOSE))}
    assert sorted(heights, key=heights.get) == list(CLOSE)


def test_names_replace_a_legend_of_names_where_there_is_room():
    with style.figure_style():
        roomy, crowded = drawn(CROSSING), drawn(CROWDED)
        many = drawn({f"net {number}": y for number, y in enumerate([X**-0.1] * 9)})
    for figure, has_names in ((roomy, True), (crowded, False), (many, False)):
        assert bool(names_of(figure)) is has_names
        assert bool(figure.legends) is not has_names


def test_a_name_stands_at_the_last_visible_point():
    with style.figure_style():
        figure = Figure()
        axes = figure.add_subplot(xscale="log", yscale="log", xlim=(1, 20), ylim=(0.05, 1))
        y = np.array([0.9, 0.5, 0.2, 0.04, 0.01])
        name_ends(axes, [NamedLine(index=0, name="lenet5", x=X, y=y, color="#0072B2")])
    (name,) = axes.texts
    assert name.xy == (X[2], y[2])


def test_parts_that_all_names_have_are_left_out():
    names = ["lenet5, 1,000 images", "lenet5, 60,000 images"]
    with style.figure_style():
        figure = drawn({name: (1 + index) * X**-0.4 for index, name in enumerate(names)})
    assert [name.get_text() for name in names_of(figure)] == ["1,000 images", "60,000 images"]


@pytest.mark.parametrize("color", style.PALETTE)
def test_letters_of_every_colour_are_readable_on_white(color):
    channels = np.array(style.text_color(color))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    contrast = 1.05 / (linear @ (0.2126, 0.7152, 0.0722) + 0.05)
    assert contrast >= 4.5
