"""Planning: from a study to runs, packs and trials, with their cost, minus the finished runs."""

from __future__ import annotations

from scaling.plan.packs import Pack
from scaling.plan.plan import OtherContent, Plan, PlanRow, make_plan

__all__ = ["OtherContent", "Pack", "Plan", "PlanRow", "make_plan"]
