"""All deliberate defects: importing this fills the table."""

from __future__ import annotations

from tests.chaos.mutants import defects_counting, defects_delivery, defects_progress
from tests.chaos.mutants.registry import DEFECTS, Defect

__all__ = ["DEFECTS", "Defect", "defects_counting", "defects_delivery", "defects_progress"]
