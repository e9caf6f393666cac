"""Planning: from a study to runs, packs and trials, with their cost, minus the finished runs."""

from __future__ import annotations

from scaling.plan.packs import Pack
from scaling.plan.plan import Plan, PlanRow, make_plan

__all__ = ["Pack", "Plan", "PlanRow", "make_plan"]
