"""Axes that errors are drawn and fitted along."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FigureAxis:
    """One horizontal axis: a column of the runs, and its names in text and figures."""

    column: str
    """Name of the column."""
    name: str
    """Name in headings and sentences."""
    label: str
    """Label below the axis."""
    unit: str = ""
    """Unit of tick labels; empty for counts."""
    is_setting: bool = False
    """True for a setting with few values, each of which is labelled."""


FILTERS_AXIS = FigureAxis(
    column="filters", name="filters", label="Filters in the first convolution, d1", is_setting=True
)
PARAMETERS_AXIS = FigureAxis(column="parameters", name="parameters", label="Parameters")
MACS_AXIS = FigureAxis(column="macs", name="multiply-adds", label="Multiply-adds per image, forward pass")
ALL_FILTERS_AXIS = FigureAxis(
    column="filters_total",
    name="filters of all input channels",
    label="Filters in the first convolution, all input channels",
)
TRAINING_FLOPS_AXIS = FigureAxis(
    column="training_flops", name="training FLOPs", label="Floating-point operations of one training run"
)
CORE_TIME_AXIS = FigureAxis(
    column="core_s",
    name="training time",
    label="Training time of one run on one core, in a pack",
    unit="s",
)
BRANCHES_AXIS = FigureAxis(
    column="branches", name="branches", label="Branches of the tree layer, M", is_setting=True
)

REPORT_AXES = (FILTERS_AXIS, PARAMETERS_AXIS, MACS_AXIS)
COMPARISON_AXES = (
    FILTERS_AXIS,
    ALL_FILTERS_AXIS,
    PARAMETERS_AXIS,
    MACS_AXIS,
    TRAINING_FLOPS_AXIS,
    CORE_TIME_AXIS,
)
COST_AXES = (PARAMETERS_AXIS, MACS_AXIS, TRAINING_FLOPS_AXIS, CORE_TIME_AXIS)
"""Axes on which less is better."""
EQUAL_ERROR_AXES = tuple(axis for axis in COMPARISON_AXES if axis is not CORE_TIME_AXIS)
"""Axes for sizes at equal error; without the time, which depends on the machine."""
SETTING_AXES = (BRANCHES_AXIS,)
"""Settings of a network, other than its width, along which errors are fitted."""
