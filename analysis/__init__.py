"""Figures, tables and reports of a study, made from stored results; nothing here trains a network."""

from __future__ import annotations

from analysis.laws_text import render_laws
from analysis.report import Report, write_report

__all__ = ["Report", "render_laws", "write_report"]
