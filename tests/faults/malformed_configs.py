"""Malformed configs: seeded mutations of the committed studies, and what loading and planning makes of them.

    python -m tests.faults.malformed_configs 1000        # prints outcomes; exit code 1 if one breaks a rule

Each config is refused with a message of at most six short lines that name the file, or it is a valid study:
then it has the runs of the committed study if and only if it has the same settings.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from math import inf, nan
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

from ruamel.yaml import YAML

from scaling.api import Workspace, plan
from scaling.architectures import registered
from scaling.config import Recipe, Resources, Study
from scaling.config.pilots import Pilots
from scaling.config.pruning import PruningConfig
from scaling.config.recipe import Adam, Affine, Augmentation, OneCycle, Sgd
from scaling.config.study import StoreConfig, StudyFile
from scaling.control_characters import escape_control_characters
from scaling.datasets import Mnist, ShiftedDigits, SkeletonFeatures
from scaling.errors import ConfigError, DataError

CONFIGS = Path(__file__).parents[2] / "configs"
MAX_SECONDS = 2.0
"""Processor time in which a config is refused."""

VALUES = (None, True, "abc", "", "auto", -1, 0, 1, 3, 1.5, -0.5, [], {}, [1, 2], [[1], [2]], {"a": 1}, [{}])
NUMBERS = (1e30, 1e-320, 1e308, -1e30, inf, -inf, nan, 2**53, 2**64, 10**200, 9e18, -(2**70), 0.0, 1e-13)
TEXTS = ("\u202e", "\x1b[31m", "a\nb", "é" * 500, "x" * 20_000, "\ud800", "😀", "`store`", "'", "{", "%s")
TAGS = (
    "!!python/object/apply:os.system",
    "!!binary",
    "!!int",
    "!!set",
    "!!omap",
    "!custom",
    "!!float",
    "!!bool",
)
LITERALS = (
    "2001-99-99",
    "0x" + "f" * 5000,
    "9" * 5000,
    "1_0",
    "0o7",
    "1e999",
    "1e-400",
    ".inf",
    "~",
    "<<",
    "=",
)
SIGNS = "{}[]:,#&*!|>'\"%@`-? \t\n\\é\x85\u2028"
MODELS = (
    StudyFile,
    Recipe,
    Resources,
    Pilots,
    PruningConfig,
    StoreConfig,
    Augmentation,
    Affine,
    OneCycle,
    Sgd,
    Adam,
)
SETTINGS = (*MODELS, Mnist, ShiftedDigits, SkeletonFeatures, *registered())


@dataclass(frozen=True)
class Mutant:
    """A mutated config."""

    mutation: str
    """Name of the mutation."""
    config: Path
    """Committed config."""
    content: bytes


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant."""

    mutant: Mutant
    message: str
    """Message of the refusal; empty for a valid study."""
    violation: str
    """Rule that the outcome breaks; empty if it breaks none."""
    seconds: float
    """Processor time."""


def mutants(count: int, seed: int, configs: list[Path]) -> Iterator[Mutant]:
    """Yield mutants; a prefix of them is the same for every count."""
    rng = random.Random(seed)
    names = sorted(MUTATIONS)
    for i in range(count):
        name, config = names[i % len(names)], rng.choice(configs)
        yield Mutant(name, config, MUTATIONS[name](config.read_text(), rng))


def judge(mutant: Mutant, folder: Path) -> Outcome:
    """Load and plan a mutant, and check the rules."""
    file = folder / "study.yaml"
    file.write_bytes(mutant.content)
    started = process_time()
    message = violation = ""
    study = None
    try:
        study_plan = plan(file, _workspace(folder))
        study = study_plan.study
        study_plan.rows(), study_plan.schedule, study_plan.core_s
    except (ConfigError, DataError) as error:
        message = str(error)
        violation = _check_message(message, is_data=isinstance(error, DataError))
    except Exception as error:
        violation = f"traceback: {type(error).__name__}: {str(error)[:200]}"
    seconds = process_time() - started
    if study and not violation:
        violation = _check_study(study, mutant)
    return Outcome(mutant, message, violation, seconds)


def _check_message(message: str, *, is_data: bool) -> str:
    lines = message.split("\n")
    longest = 400 if is_data else 370  # at most 120 for the file, 240 for the problem, and the line
    if len(lines) > 6 or any(
        len(line) > longest or line != escape_control_characters(line) for line in lines
    ):
        return f"a message that is too long, or controls the terminal: {message[:500]!r}"
    return "" if all("study.yaml" in line for line in lines) else f"no place: {message!r}"


def _check_study(study: Study, mutant: Mutant) -> str:
    """Check that the study changed if and only if its settings did, as another reader reads them."""
    changed = _settings(mutant.content) != _settings(mutant.config.read_bytes())
    if changed == (_effect(study) == _committed_effect(mutant.config)):
        return (
            "settings changed and the study did not"
            if changed
            else "the study changed and its settings did not"
        )
    return ""


def _effect(study: Study) -> list[Any]:
    cells = [
        (
            cell.dataset,
            cell.architecture.model_dump(),
            cell.recipe,
            cell.seeds,
            [(pilot.dataset, pilot.recipe, pilot.seeds) for pilot in cell.pilots],
        )
        for cell in study.cells
    ]
    return [study.name, cells, study.resources, study.store, study.pruning]


@cache
def _committed_effect(config: Path) -> list[Any]:
    return _effect(plan(config, _workspace(CONFIGS), trains=False).study)


def _workspace(folder: Path) -> Workspace:
    return Workspace(store=str(folder / "no_store"), data=folder / "no_data")


def _read(content: bytes) -> Any:
    reader = YAML(typ="safe", pure=True)
    reader.composer.warn_double_anchors = False
    return reader.load(content)


def _settings(content: bytes) -> Any:
    """Return the settings of a study; an architecture has the study's seeds beside its own settings."""
    settings = _read(content)
    seeds = {"seeds": settings["seeds"]} if "seeds" in settings else {}
    entries = settings["architectures"]
    own = [seeds | entry for entry in (entries if isinstance(entries, list) else [entries])]
    return _normal(settings | {"architectures": own})


def _normal(value: Any) -> Any:
    """Return settings without nulls, defaults and grids of one value, which have no effect."""
    if isinstance(value, dict):
        inner = {name: _normal(setting) for name, setting in value.items()}
        return {name: setting for name, setting in inner.items() if not _has_no_effect(name, setting)}
    if isinstance(value, list):
        return _normal(value[0]) if len(value) == 1 else [_normal(item) for item in value]
    return value


def _has_no_effect(name: str, value: Any) -> bool:
    fields = [model.model_fields[name] for model in SETTINGS if name in model.model_fields]
    return value in (None, {}) or any(field.default == value for field in fields)


def _data_mutation(change: Callable[[Any, random.Random], Any]) -> Callable[[str, random.Random], bytes]:
    """Return the mutation that changes one value anywhere in a study."""

    def mutate(text: str, rng: random.Random) -> bytes:
        data = YAML(typ="safe", pure=True).load(text)
        group, key = rng.choice(list(_places(data)))
        group[key] = change(group[key], rng)
        return _dump(data)

    return mutate


def _key_mutation(
    change: Callable[[dict, str, random.Random], None],
) -> Callable[[str, random.Random], bytes]:
    """Return the mutation that changes one key anywhere in a study."""

    def mutate(text: str, rng: random.Random) -> bytes:
        data = YAML(typ="safe", pure=True).load(text)
        group, key = rng.choice([place for place in _places(data) if isinstance(place[0], dict)])
        change(group, key, rng)
        return _dump(data)

    return mutate


def _text_mutation(change: Callable[[str, random.Random], str]) -> Callable[[str, random.Random], bytes]:
    return lambda text, rng: change(text, rng).encode(errors="surrogatepass")


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _dump(data: Any) -> bytes:
    text = json.dumps(data)  # JSON is YAML, but for the names of three numbers
    for name, yaml in (("-Infinity", "-.inf"), ("Infinity", ".inf"), ("NaN", ".nan")):
        text = text.replace(name, yaml)
    return text.encode()


def _nest(value: Any, rng: random.Random) -> Any:
    for _ in range(rng.choice([1, 2, 19, 500])):
        value = [value] if rng.random() < 0.5 else {"a": value}
    return value


def _long_list(value: Any, rng: random.Random) -> Any:
    count = rng.choice([2, 50, 2000, 40_000])
    return [rng.choice([value, i + 1, f"v{i}", 0.001 * (i + 1)]) for i in range(count)]


def _misspell(group: dict, key: str, rng: random.Random) -> None:
    at = rng.randrange(len(key))
    group[key[:at] + rng.choice(["", "_", "x", "é", key[at] * 2]) + key[at + 1 :]] = group.pop(key)


def _add_keys(group: dict, key: str, rng: random.Random) -> None:
    group |= {f"{key}{i}": rng.choice(VALUES) for i in range(rng.choice([1, 7, 1000, 30_000]))}


def _insert(text: str, rng: random.Random, inserted: str) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + inserted + text[at:]


def _before_value(text: str, rng: random.Random, inserted: str) -> str:
    """Insert text before a value."""
    at = rng.choice([i + 2 for i in range(len(text) - 1) if text[i : i + 2] == ": "])
    return text[:at] + inserted + " " + text[at:]


def _repeat_line(text: str, rng: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    at = rng.randrange(len(lines))
    return "".join([*lines[: at + 1], *lines[at:]])


def _bomb(text: str, rng: random.Random) -> str:
    levels = rng.choice([3, 12, 40])
    shape = rng.choice(["[*{0}, *{0}]", "{{<<: [*{0}, *{0}]}}", "{{a: *{0}, b: *{0}}}"])
    bomb = "".join(f"k{i}: &k{i} {shape.format(f'k{i - 1}')}\n" for i in range(1, levels))
    return f"k0: &k0 {{a: 1}}\n{bomb}{text}"


def _flip(text: str, rng: random.Random) -> bytes:
    content = bytearray(text.encode())
    for _ in range(rng.choice([1, 3, 20])):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return bytes(content)


MUTATIONS: dict[str, Callable[[str, random.Random], bytes]] = {
    "another type": _data_mutation(lambda value, rng: rng.choice(VALUES)),
    "extreme number": _data_mutation(lambda value, rng: rng.choice(NUMBERS)),
    "odd text": _data_mutation(lambda value, rng: rng.choice(TEXTS)),
    "number as text": _data_mutation(lambda value, rng: str(value)),
    "nesting": _data_mutation(_nest),
    "long list": _data_mutation(_long_list),
    "value twice": _data_mutation(lambda value, rng: [value, value]),
    "misspelt key": _key_mutation(_misspell),
    "odd key": _key_mutation(lambda group, key, rng: group.update({rng.choice(TEXTS): group.pop(key)})),
    "missing key": _key_mutation(lambda group, key, rng: group.pop(key)),
    "more keys": _key_mutation(_add_keys),
    "moved value": _key_mutation(lambda group, key, rng: group.update({key: {key: group[key]}})),
    "literal": _text_mutation(lambda text, rng: _before_value(text, rng, rng.choice(LITERALS) + " #")),
    "tag": _text_mutation(lambda text, rng: _before_value(text, rng, rng.choice(TAGS))),
    "anchor": _text_mutation(lambda text, rng: _before_value(text, rng, "&a")),
    "alias": _text_mutation(lambda text, rng: _before_value(text, rng, rng.choice(["*a #", "&a [*a] #"]))),
    "alias bomb": _text_mutation(_bomb),
    "line twice": _text_mutation(_repeat_line),
    "sign": _text_mutation(lambda text, rng: _insert(text, rng, rng.choice(SIGNS))),
    "missing part": _text_mutation(lambda text, rng: text[: rng.randrange(len(text))]),
    "tabs": _text_mutation(lambda text, rng: text.replace("  ", "\t", rng.randrange(1, 9))),
    "CRLF": _text_mutation(lambda text, rng: text.replace("\n", "\r\n")),
    "BOM": _text_mutation(lambda text, rng: rng.choice(["\ufeff" + text, _insert(text, rng, "\ufeff")])),
    "two documents": _text_mutation(
        lambda text, rng: _insert(text, rng, rng.choice(["\n---\n", "\n...\n", "%YAML 9.9\n"]))
    ),
    "encoding": lambda text, rng: ("# é\n" + text).encode(
        rng.choice(["utf-16", "utf-16-le", "latin-1", "utf-32"])
    ),
    "flipped bits": _flip,
    "binary": lambda text, rng: rng.randbytes(rng.choice([0, 1, 100, 300_000])),
    "large": _text_mutation(lambda text, rng: text + rng.choice(["#\n", "\n", "- 1\n", "a: 1\n"]) * 200_000),
}


def main(count: int, seed: int) -> int:
    """Judge mutants of all committed configs, and print how many were refused and how long it took."""
    configs = sorted(CONFIGS.rglob("*.yaml"))
    with TemporaryDirectory() as folder:
        outcomes = [judge(mutant, Path(folder)) for mutant in mutants(count, seed, configs)]
    refused, valid = (
        Counter(o.mutant.mutation for o in outcomes if not o.violation and bool(o.message) == is_refused)
        for is_refused in (True, False)
    )
    for name in MUTATIONS:
        print(f"{name:16} {refused[name]:4} refused {valid[name]:4} valid")
    slow = [o for o in outcomes if o.message and o.seconds > MAX_SECONDS]
    for outcome in outcomes:
        if outcome.violation or outcome in slow:
            mutant = outcome.mutant
            print(f"{mutant.mutation} of {mutant.config.name}, {outcome.seconds:.1f} s: {outcome.violation}")
            print(f"    {mutant.content[:200]!r}")
    longest = max(outcome.seconds for outcome in outcomes if outcome.message)
    wrong = sum(bool(outcome.violation) for outcome in outcomes)
    print(
        f"seed {seed}: {count} configs, {sum(refused.values())} refused, {sum(valid.values())} valid,"
        f" {wrong} wrong, {len(slow)} slow; the longest refusal took {longest:.2f} s of processor time"
    )
    return 1 if wrong or slow else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
