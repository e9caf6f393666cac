"""Verdicts on claims from planted stores, and the published page."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from analysis import published_systems
from analysis.claims.claim import Claim, ClaimVerdict, Rule, Study
from analysis.claims.limits import MARGIN
from analysis.claims.networks import AsGoodAs, PublishedCounts, Rebuilt, SmallerError
from analysis.claims.page import claims_page
from analysis.claims.power_law import ForecastHits, PowerLaw
from analysis.claims.two_curves import EqualExponents, NoLargerAtEqualError, ReachesError
from analysis.claims.wider import WiderIsBetter
from analysis.published_system import Era, PublishedSystem, Rebuild
from benchmarks import planted_store
from scaling import api
from scaling.architectures import AnyArchitecture
from scaling.errors import ConfigError, StoreError
from scaling.store import open_store
from tests.api.simulated_training import STUDY, TWO

ROOT = Path(__file__).parents[2]
WIDTHS = "[1, 2, 3, 4, 6, 8, 12, 16, 24, 32]"
HOLDS, FAILS, UNCLEAR = ClaimVerdict.HOLDS, ClaimVerdict.FAILS, ClaimVerdict.UNCLEAR
PlantedError = Callable[[AnyArchitecture], float]


def plant(file: Path, workspace: api.Workspace, error: PlantedError, *, noise: float) -> None:
    """Publish runs of a study whose errors scatter about a planted law by a share ``noise``."""
    for pack in api.plan(file, workspace).packs:
        tables = planted_store.planted_tables(pack, {"host": "here", "versions": "{}"})
        spec = pack.cell.architecture
        rows = []
        for row in tables["runs"].to_pylist():
            rng = np.random.default_rng([spec.filters, row["seed"], len(spec.type)])
            rows.append(row | {"test_error": error(spec) * (1 + noise * rng.normal()), "diverged": False})
        runs = pa.Table.from_pylist(rows, schema=tables["runs"].schema)
        open_store(workspace.store).publish(tables | {"runs": runs})


def judge(folder: Path, workspace: api.Workspace, rule: Rule, study: str = "grown.yaml") -> ClaimVerdict:
    claim = Claim(name="planted", text="A claim.", study=Study(study), rule=rule)
    (row,) = api.claims(folder, workspace, selected=[claim]).rows
    return row.finding.verdict


@pytest.mark.parametrize(
    ("error", "noise", "verdict"),
    [
        (lambda spec: 0.5 * spec.filters**-0.5, 0.005, HOLDS),
        (lambda spec: 0.4 * spec.filters**-1.0 + 0.1, 0.005, FAILS),
        (lambda spec: 0.5 * spec.filters**-0.5, 0.3, UNCLEAR),
    ],
)
def test_a_power_law_holds_unless_a_floor_is_needed(tmp_path, workspace, study, error, noise, verdict):
    file = study(STUDY.replace("[1, 2, 3, 4, 6, 12]", WIDTHS))
    plant(file, workspace, error, noise=noise)
    assert judge(tmp_path, workspace, PowerLaw("tree3")) is verdict


@pytest.mark.parametrize(
    ("error", "noise", "verdict"),
    [
        (lambda spec: 0.5 * spec.filters**-0.5, 0.01, HOLDS),
        (lambda spec: 0.1 * spec.filters**0.5, 0.01, FAILS),
        (lambda spec: 0.5 * spec.filters**-0.01, 0.2, UNCLEAR),
    ],
)
def test_a_network_is_too_small_if_a_wider_one_has_a_smaller_error(
    tmp_path, workspace, study, error, noise, verdict
):
    plant(study(), workspace, error, noise=noise)
    assert judge(tmp_path, workspace, WiderIsBetter("tree3", narrow=3, wide=6)) is verdict


def errors_of_two(factor: float, exponent: float = 0.5, floor: float = 0.0) -> PlantedError:
    """Return a law of lenet5, and one of tree3 with another factor, exponent and floor."""

    def error(spec: AnyArchitecture) -> float:
        if spec.type == "lenet5":
            return 0.5 * spec.filters**-0.5
        return factor * spec.filters**-exponent + floor

    return error


@pytest.mark.parametrize(
    ("error", "noise", "verdict"),
    [
        (errors_of_two(0.5), 0.003, HOLDS),
        (errors_of_two(0.5, exponent=1.0, floor=0.2), 0.003, FAILS),
        (errors_of_two(0.5, exponent=0.7, floor=0.05), 0.2, UNCLEAR),
    ],
)
def test_two_curves_are_judged_by_their_planted_laws(tmp_path, workspace, study, error, noise, verdict):
    """Equal laws; a floor that lenet5 does not have; and noise that hides the difference."""
    plant(study(TWO.replace("[1, 2, 3, 4, 6, 12]", WIDTHS)), workspace, error, noise=noise)
    rules: list[Rule] = [
        NoLargerAtEqualError("tree3", "lenet5", "filters", MARGIN),
        EqualExponents("tree3", "lenet5"),
        ReachesError("tree3", "lenet5"),
    ]
    planted = [Claim(name="planted", text="A claim.", study=Study("grown.yaml"), rule=rule) for rule in rules]
    ledger = api.claims(tmp_path, workspace, selected=planted)
    assert [row.finding.verdict for row in ledger.rows] == [verdict] * 3


def plant_history(folder: Path, workspace: api.Workspace, errors: dict[str, list[float]]) -> None:
    """Publish runs of two networks of 1989, one study each, with these test errors."""
    (folder / "history").mkdir()
    for epochs, (name, values) in enumerate(errors.items(), 23):
        file = folder / "history" / f"{name}.yaml"
        settings = {
            "study": name,
            "dataset": {"type": "usps"},
            "architectures": [{"type": "zipcode1989", "filters": 12}],
            "recipe": {"learning_rate": 0.1, "epochs": epochs},
            "seeds": len(values),
        }
        file.write_text(json.dumps(settings))
        for pack in api.plan(file, workspace).packs:
            tables = planted_store.planted_tables(pack, {"host": "here", "versions": "{}"})
            rows = [
                row | {"test_error": error}
                for row, error in zip(tables["runs"].to_pylist(), values, strict=True)
            ]
            runs = pa.Table.from_pylist(rows, schema=tables["runs"].schema)
            open_store(workspace.store).publish(tables | {"runs": runs})


@pytest.fixture
def two_systems(monkeypatch) -> None:
    """Replace the published systems by two with 9,760 parameters."""
    systems = tuple(
        PublishedSystem(
            name=name,
            year=1989,
            data="USPS",
            parameters="9,760",
            rebuilds=(
                Rebuild(study=f"{name}.yaml", architecture="zipcode1989", era=Era.TODAY, differences=""),
            ),
        )
        for name in ("first", "second")
    )
    monkeypatch.setattr(published_systems, "PUBLISHED_SYSTEMS", systems)


FIRST, SECOND = Rebuilt("first", "first.yaml"), Rebuilt("second", "second.yaml")
LOW, HIGH, WIDE = [0.050, 0.051, 0.052], [0.060, 0.061, 0.062], [0.030, 0.051, 0.072]
ALMOST_LOW = [0.053, 0.054, 0.055]


@pytest.mark.parametrize(
    ("first", "second", "rule", "verdict"),
    [
        (LOW, HIGH, SmallerError(FIRST, SECOND), HOLDS),
        (HIGH, LOW, SmallerError(FIRST, SECOND), FAILS),
        (LOW, WIDE, SmallerError(FIRST, SECOND), UNCLEAR),
        (LOW, LOW, AsGoodAs(FIRST, SECOND), HOLDS),
        (HIGH, LOW, AsGoodAs(FIRST, SECOND), FAILS),
        (ALMOST_LOW, LOW, AsGoodAs(FIRST, SECOND), UNCLEAR),
        (LOW, WIDE, AsGoodAs(FIRST, SECOND), UNCLEAR),
    ],
)
@pytest.mark.usefixtures("two_systems")
def test_two_networks_are_judged_by_their_runs(tmp_path, workspace, first, second, rule, verdict):
    plant_history(tmp_path, workspace, {"first": first, "second": second})
    assert judge(tmp_path, workspace, rule) is verdict


@pytest.mark.usefixtures("two_systems")
def test_a_claim_about_one_network_needs_no_other_study(tmp_path, workspace):
    plant_history(tmp_path, workspace, {"first": LOW})  # the study of the second system is missing
    assert judge(tmp_path, workspace, SmallerError(FIRST, FIRST)) is UNCLEAR
    with pytest.raises(ConfigError, match=r"second\.yaml"):
        judge(tmp_path, workspace, SmallerError(FIRST, SECOND))


@pytest.mark.usefixtures("two_systems")
def test_counts_hold_if_all_are_equal(tmp_path, workspace, monkeypatch):
    plant_history(tmp_path, workspace, {"first": LOW, "second": LOW})
    assert judge(tmp_path, workspace, PublishedCounts()) is HOLDS
    wrong = replace(published_systems.PUBLISHED_SYSTEMS[0], parameters="9,761")
    monkeypatch.setattr(
        published_systems, "PUBLISHED_SYSTEMS", (wrong, *published_systems.PUBLISHED_SYSTEMS[1:])
    )
    assert judge(tmp_path, workspace, PublishedCounts()) is FAILS
    about = [replace(system, parameters="about 9,760") for system in published_systems.PUBLISHED_SYSTEMS]
    monkeypatch.setattr(published_systems, "PUBLISHED_SYSTEMS", tuple(about))
    assert judge(tmp_path, workspace, PublishedCounts()) is UNCLEAR


def test_a_claim_without_runs_names_the_command_that_trains_them(tmp_path, workspace, study):
    study()
    claim = Claim(
        name="planted", text="A claim.", study=Study("grown.yaml", ("seeds=4",)), rule=PowerLaw("tree3")
    )
    (row,) = api.claims(tmp_path, workspace, selected=[claim]).rows
    assert row.finding.verdict is UNCLEAR
    assert "`scaling run configs/grown.yaml --set seeds=4`" in row.finding.reason
    assert judge(tmp_path, workspace, ForecastHits()) is UNCLEAR


def test_a_store_that_cannot_be_read_is_no_verdict(tmp_path, study):
    study()
    (tmp_path / "file").write_text("no store")
    broken = api.Workspace(store=str(tmp_path / "file"), data=tmp_path)
    with pytest.raises(StoreError):
        judge(tmp_path, broken, PowerLaw("tree3"))


@pytest.mark.data
def test_the_page_shows_the_published_store():
    """If this fails: scaling claims --store artifacts/published/store --out docs."""
    published = api.Workspace(store=str(ROOT / "artifacts" / "published" / "store"))
    ledger = api.claims(ROOT / "configs", published)
    assert (ROOT / "docs" / "claims.md").read_text() == claims_page(ledger)
