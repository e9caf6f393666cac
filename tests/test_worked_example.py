"""docs/worked-example.md runs, and prints what it says."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

from scaling import api
from scaling.fit import read_table

ROOT = Path(__file__).parents[1]
PAGE, TABLE = (
    ROOT / "docs" / "worked-example.md",
    ROOT / "artifacts" / "published" / "quickstart" / "runs.parquet",
)


def test_the_example_prints_what_it_says(monkeypatch):
    monkeypatch.chdir(ROOT)
    # A fence would be taken for output.
    code = re.sub(r"^```.*$", "", PAGE.read_text(), flags=re.MULTILINE)
    example = doctest.DocTestParser().get_doctest(code, {}, PAGE.name, str(PAGE), 0)
    assert len(example.examples) > 20
    said: list[str] = []
    outcome = doctest.DocTestRunner(verbose=False).run(example, out=said.append)
    assert outcome.failed == 0, "".join(said)


def test_its_table_is_the_published_stores():
    settings = api.Workspace(store=str(ROOT / "artifacts" / "published" / "store"))
    assert api.table(ROOT / "configs" / "quickstart.yaml", settings).runs.equals(read_table(TABLE))
