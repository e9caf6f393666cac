"""``scaling push``: the folder of a data set of the hub, and its upload to a stand-in of the hub's client."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import pytest
from pyarrow import parquet
from ruamel.yaml import YAML


@pytest.fixture
def hub(monkeypatch):
    """Return the calls that a stand-in of the hub's client got; ``refuse`` makes it fail."""
    calls: dict[str, dict] = {}

    class HfApi:
        endpoint = "https://hub.example"

        def create_repo(self, repo: str, **options):
            if "refuse" in calls:
                raise OSError("401 Client Error.\nInvalid token")
            calls["create_repo"] = {"repo": repo, **options}

        def file_exists(self, repo: str, name: str, *, repo_type: str):
            return "card" in calls

        def hf_hub_download(self, repo: str, name: str, *, repo_type: str):
            return calls["card"][name]

        def upload_folder(self, **options):
            calls["upload_folder"] = options

    monkeypatch.setattr("scaling.api._push.find_spec", lambda package: True)
    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(HfApi=HfApi))
    return calls


def test_the_folder_is_a_data_set_that_can_be_fitted(scaling, study, store, tmp_path):
    folder = tmp_path / "out"
    result = scaling("push", study, "--to", folder, "--store", store)
    assert (result.code, result.out, result.err) == (0, f"{folder}: 10 runs, figures, report and card\n", "")
    _, header, text = (folder / "README.md").read_text().split("---\n", 2)
    values = YAML(typ="safe").load(header)
    assert values["configs"] == [{"config_name": "runs", "data_files": "runs.parquet", "default": True}]
    assert values["size_categories"] == ["n<1K"]
    assert parquet.read_table(folder / "runs.parquet").num_rows == 10
    assert (folder / "report.html").exists()
    figures = [line.partition("](")[2][:-1] for line in text.splitlines() if line.startswith("![")]
    assert figures
    assert all((folder / figure).exists() for figure in figures)
    # Everybody who has the folder fits the same law, with and without the study.
    laws = []
    for source in (study, folder / "study.yaml", folder / "store"):
        stores = ("--store", store if source == study else folder / "store")
        (fitted,) = json.loads(scaling("fit", source, *stores, "--json").out)["fits"]
        laws.append(fitted["laws"])
    assert laws[0] == laws[1] == laws[2]
    assert scaling("push", study, "--to", folder, "--store", store).code == 0  # again


@pytest.mark.parametrize("name", ["README.md", "study.yaml"])
def test_a_file_that_a_person_wrote_is_not_replaced(scaling, study, store, tmp_path, name):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / name).write_text("# mine\n---\nscaling-studies\n---\n")
    result = scaling("push", study, "--to", folder, "--store", store)
    assert (result.code, result.out) == (2, "")
    assert f"{folder}: has a {name} that would be replaced; name an empty folder" in result.err
    assert [path.name for path in folder.iterdir()] == [name]
    assert (folder / name).read_text().startswith("# mine")


def test_the_folder_is_uploaded_to_a_private_repository(scaling, study, store, tmp_path, hub):
    result = scaling("push", study, "me/digits", "--store", store)
    assert (result.code, result.err) == (0, "")
    assert result.out.endswith("uploaded: https://hub.example/datasets/me/digits\n")
    assert hub["create_repo"] == {
        "repo": "me/digits",
        "repo_type": "dataset",
        "private": True,
        "exist_ok": True,
    }
    folder = hub["upload_folder"].pop("folder_path")
    assert hub["upload_folder"] == {
        "repo_id": "me/digits",
        "repo_type": "dataset",
        "commit_message": "10 runs",
    }
    assert (tmp_path / folder / "README.md").exists()


def test_a_license_that_was_added_to_the_card_stays(scaling, study, store, tmp_path, hub):
    """On the hub and in the folder: what a study's card has itself is written anew."""
    assert scaling("push", study, "me/digits", "--store", store).code == 0
    readme = tmp_path / "artifacts" / "tiny" / "hub" / "README.md"
    own = readme.read_text()
    changed = tmp_path / "on_hub.md"
    changed.write_text(own.replace("---\n", "---\nlicense: cc-by-4.0\n", 1).replace("n<1K", "n>1M"))
    hub["card"] = {"README.md": str(changed)}
    readme.write_text(own.replace("---\n", "---\nlanguage: [en]\n", 1) + "planted")
    assert scaling("push", study, "me/digits", "--store", store).code == 0
    text = readme.read_text()
    _, header, body = text.split("---\n", 2)
    values = YAML(typ="safe").load(header)
    own_values = YAML(typ="safe").load(own.split("---\n", 2)[1])
    assert values == {"license": "cc-by-4.0", "language": ["en"], **own_values}
    assert body == own.split("---\n", 2)[2]
    changed.write_text("---\n{broken: [\n---\n")  # no YAML: nothing is kept
    assert scaling("push", study, "me/digits", "--store", store).code == 0
    assert YAML(typ="safe").load(readme.read_text().split("---\n", 2)[1]) == values


def test_a_refused_upload_names_the_folder(scaling, study, store, hub):
    hub["refuse"] = {}
    result = scaling("push", study, "me/digits", "--store", store)
    assert result.code == 2
    assert (
        "me/digits: the upload failed (OSError: 401 Client Error.); every file is in artifacts/tiny/hub"
        in (result.err)
    )


def test_a_missing_package_and_a_missing_destination_are_named(scaling, study, store, tmp_path, monkeypatch):
    monkeypatch.setattr("scaling.api._push.find_spec", lambda package: None)
    result = scaling("push", study, "me/digits", "--store", store)
    assert result.code == 2
    assert result.err.startswith("uploads need the package huggingface_hub; install it with: pip install")
    assert not (tmp_path / "artifacts").exists()
    result = scaling("push", study, "--store", store)
    assert result.err == "name a repository, such as me/digits, or a folder with --to\n"
