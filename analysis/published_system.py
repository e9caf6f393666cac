"""Published facts about a system that recognises digits, and the studies that rebuild it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Era(Enum):
    """Time after whose habits a recipe is made."""

    PUBLISHED = "recipe of its time"
    LATER = "recipe of its time with methods of 1998"
    TODAY = "recipe of today"


@dataclass(frozen=True, kw_only=True)
class Rebuild:
    """A network of a study that rebuilds a published system."""

    study: str
    """Name of the study's file."""
    architecture: str
    """Type of the network in the study."""
    era: Era
    differences: str
    """Sentences on what differs from the publication."""


@dataclass(frozen=True, kw_only=True)
class PublishedSystem:
    """A system with its published counts and its published test error."""

    name: str
    year: int | None
    """Year of the publication with the error; None for a comparison without a publication."""
    data: str
    """Data set, with the numbers of training and test images where they are known."""
    source: str = ""
    percent: str = ""
    """Test error in percent, with the digits of the publication; empty without a confirmed figure."""
    rounded: bool = False
    """True if the publication gives the error as an approximate figure."""
    parameters: str = ""
    """Number of parameters; empty without a published number."""
    rejected: str | None = None
    """Share of images in percent that has to be rejected for an error of 1 %, with the digits of the
    publication; empty without a confirmed figure, None if rejection is not compared."""
    ranking: str = ""
    """Name of the systems whose errors fall from one to the next in the publication; empty for none."""
    remark: str = ""
    """Sentences on the system that hold for every rebuild."""
    rebuilds: tuple[Rebuild, ...] = ()

    @property
    def error(self) -> float | None:
        """Test error as a fraction; None without a confirmed figure."""
        return float(self.percent) / 100 if self.percent else None
