"""Figures, tables and the report of a study: reads tables and fits them, never trains."""

from __future__ import annotations

from analysis.report import Report, write_report
from analysis.terminal import laws_text

__all__ = ["Report", "laws_text", "write_report"]
