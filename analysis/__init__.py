"""Figures, tables and the report of a study: reads tables and fits them, never trains."""

from __future__ import annotations

from analysis.laws_text import render_laws
from analysis.report import Report, write_report

__all__ = ["Report", "render_laws", "write_report"]
