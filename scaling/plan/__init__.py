"""From a study to runs, packs and batches, with their cost, less what stores already hold."""

from __future__ import annotations

from scaling.plan.packs import Pack
from scaling.plan.plan import Plan, PlanRow, make_plan

__all__ = ["Pack", "Plan", "PlanRow", "make_plan"]
