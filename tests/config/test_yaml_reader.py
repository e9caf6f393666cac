"""Limits of a study's YAML: what is beyond them is refused with the line, before it costs time or memory."""

from __future__ import annotations

import os

import pytest

from scaling.config import load_study, yaml_reader
from scaling.config.problems import ConfigProblems
from scaling.config.yaml_reader import MAX_BYTES, MAX_DEPTH, parse_tagged_yaml, parse_yaml
from scaling.errors import ConfigError
from tests.config.example_studies import HEAD, LENET, STUDY

BOMB = "a0: &a0 [1, 2]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40))
MERGES = "a0: &a0 {b: 1}\n" + "".join(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}\n" for i in range(1, 40))


def nested(depth: int) -> str:
    return "a: " + "[" * (depth - 1) + "]" * (depth - 1) + "\n"


def yaml_list(depth: int) -> list:
    return [yaml_list(depth - 1)] if depth > 1 else []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (nested(500), r":1: found more than 20 levels of nesting"),
        ("".join(f"{' ' * i}a:\n" for i in range(500)), r":20: found more than 20 levels of nesting"),
        ("a: &a [1, *a]", r":1: found an alias, \*a, inside the value that it stands for"),
        ("a: &a\n  b: *a", r":2: found an alias, \*a, inside"),
        (BOMB, r":10: found more than 3,000 values, with the copies that aliases stand for"),
        (MERGES, r":\d+: found more than 3,000 values"),
        (f"a: {list(range(150_000))}", r": expected a study of at most 128 KiB"),
        ("a: !!python/object:os.system x", r":1: found a tag; a study has no tags"),
        ("a: 1\nb: !!float abc", r":2: found a tag; a study has no tags"),
        (f"a: {'9' * 5000}", r":1: found a number, a date or text that cannot"),
        (f"a: 0x{'f' * 5000}", r":1: found a number, a date or text that cannot"),
        ("a: 2001-99-99", r":1: found a number, a date or text that cannot"),
        ('a: "\\ud800"', r":1: found a number, a date or text that cannot"),
        ('a: 1\nb: "\\U00110000"', r":2: found a number, a date or text that cannot"),
        ('a: "\\UFFFFFFFF"', r":1: found a number, a date or text that cannot"),
        (f"%YAML 1.{'9' * 5000}\n---\na: 1", r":1: found a number, a date or text that cannot"),
        ("a: *b", r":1: found undefined alias"),
        ("? {a: 1}\n: 2", r":1: found unhashable key"),
    ],
)
def test_document_beyond_a_limit_is_refused_with_its_line(load, text, problem):
    with pytest.raises(ConfigError, match=rf"study\.yaml{problem}"):
        load(text)


def test_document_at_the_limit_of_values_is_read(monkeypatch):
    monkeypatch.setattr(yaml_reader, "MAX_VALUES", 100)
    longest = [1] * 97  # beside the mapping, the key and the list
    assert parse_yaml(f"a: {longest}", "x") == {"a": longest}
    with pytest.raises(ConfigError, match=r"^x: found more than 100 values"):
        parse_yaml(f"a: {[*longest, 1]}", "x")


def test_documents_at_the_limits_of_depth_and_size_are_read():
    assert parse_yaml(nested(MAX_DEPTH), "x") == {"a": yaml_list(MAX_DEPTH - 1)}
    text = "a: 1 # " + "x" * (MAX_BYTES - 7)
    assert parse_yaml(text, "x") == {"a": 1}
    with pytest.raises(ConfigError, match="at most 128 KiB"):
        parse_yaml(text + "x", "x")


def test_two_anchors_of_one_name_are_read_as_yaml_says():
    assert parse_yaml("{a: &x 1, b: *x, c: &x 2, d: *x}", "x") == {"a": 1, "b": 1, "c": 2, "d": 2}


def test_an_alias_is_a_copy_that_an_override_does_not_reach(load):
    text = HEAD + "architectures:\n  - &net {type: lenet5, filters: 6}\n  - *net\n"
    study = load(text, "architectures[0].filters=8")
    assert [cell.architecture.filters for cell in study.cells] == [8, 6]


def test_a_message_has_six_short_lines_without_control_characters(load):
    names = ["x" * 20_000, *"abcdefghij"]
    keys = "".join(f'? "\\e[31m{name}\\n{i}"\n: 1\n' for i, name in enumerate(names))
    with pytest.raises(ConfigError) as error:
        load(STUDY + keys)
    lines = str(error.value).splitlines()
    assert len(error.value.problems) == 11
    assert len(lines) == 6
    file = f"{error.value.source}:10: "
    assert all(len(line) <= len(file) + 200 and line.isprintable() for line in lines)
    assert lines[-1].endswith("study.yaml: 6 more problems")


def test_a_wrong_value_in_a_large_grid_is_validated_with_few_points(load, monkeypatch):
    validated = []
    validate = ConfigProblems.validate
    monkeypatch.setattr(
        ConfigProblems, "validate", lambda self, *args: validated.append(0) or validate(self, *args)
    )
    grid = list(range(1, 31))
    with pytest.raises(ConfigError) as error:
        load(HEAD + f"recipe: {{epochs: {grid}, batch_size: {grid}, precison: 1}}\nseeds: 1\n" + LENET)
    assert len(error.value.problems) == 1
    assert len(validated) < 70  # 59 points of the recipe, where the grid has 900


def test_a_device_or_pipe_is_refused(load, tmp_path):
    os.mkfifo(tmp_path / "study.yaml")
    with pytest.raises(ConfigError, match="is a pipe or a device, not a file; give a YAML file"):
        load_study(tmp_path / "study.yaml", data=tmp_path)


def test_tags_of_other_programs_are_read():
    content = (
        b"a: !!python/object/apply:pathlib.PosixPath [b]\nc: !!set {d}\ne: !!float 1\nf: &g {h: 1e-3}\ni: *g"
    )
    values = {"a": None, "c": {"d"}, "e": 1.0, "f": {"h": 1e-3}, "i": {"h": 1e-3}}
    assert parse_tagged_yaml(content) == values
    assert parse_tagged_yaml(b"") is None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (BOMB.encode(), r"^line 10: found more than 3,000 values"),
        (nested(500).encode(), r"^line 1: found more than 20 levels of nesting"),
        (b"a: 1\nb: &b [*b]", r"^line 2: found an alias, \*b, inside"),
        (b"a: " + b"x" * MAX_BYTES, r"^more than 128 KiB"),
        (b"a: 1\nb: !!bool maybe", r"^line 2: found no value of the tag"),
        (b"a: 1\nb: !!float abc", r"^line 2: found a number, a date or text that cannot"),
        (b"a: \0", r"^is not YAML: "),
    ],
)
def test_tagged_documents_have_the_same_limits(content, problem):
    with pytest.raises(ValueError, match=problem):
        parse_tagged_yaml(content)
