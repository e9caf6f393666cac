"""Figures, tables and the report of a study: reads tables and fits them, never trains."""

from __future__ import annotations

from analysis.laws_text import laws_text
from analysis.report import Report, write_report

__all__ = ["Report", "laws_text", "write_report"]
