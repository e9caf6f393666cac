"""The benchmarks' own arithmetic: medians, ratios, equivalence, FLOPs, records, rendering, and that the peer trains the same network."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from ray import tune
from scipy import stats

from benchmarks import ablation, planted, record, render, steps
from benchmarks.equivalence import ratio_of_means, ratio_of_paired_means
from benchmarks.loader import LoadedBatches
from benchmarks.memory import pss_bytes
from benchmarks.peer import LeNet5
from benchmarks.peer import share as peers_share
from benchmarks.rows import Row, over_rounds, ratios
from benchmarks.sweeps import SWEEPS, in_peers_words
from scaling.api import Workspace, plan
from scaling.architectures import Lenet5, Tree3
from scaling.config import load_study
from scaling.config.recipe import Augmentation
from scaling.data.minibatches import Minibatches
from scaling.datasets import cifar10, mnist
from scaling.models import build
from scaling.plan.packs import make_packs
from scaling.settings import ImageShape
from scaling.store import open_store
from scaling.sweep import ray_tune
from scaling.train.schedules import share

MAKER = {
    "cpu": {"model": "Anything", "vendor": "V", "family": "25", "model_number": "17", "bf16": True},
    "cores": 2,
    "vector_instructions": "AVX512",
    "versions": {"torch": "2.14.1"},
    "commit": "c0ffee" * 6,
    "dirty": False,
    "date": "2026-01-02",
}


def row(
    benchmark: str = "sweeps", quantity: str = "speed over the peer's", value: float = 8.0, **rest: object
) -> Row:
    given = {"case": "mnist", "unit": "", "low": 7.5, "high": 9.0, "rounds": 3} | rest
    return Row(benchmark=benchmark, quantity=quantity, value=value, **given)


def test_rounds_are_told_by_their_median_and_extremes():
    made = over_rounds("b", "c", "q", "s", [3.0, 1.0, 2.0, 10.0])
    assert (made.value, made.low, made.high, made.rounds) == (2.5, 1.0, 10.0, 4)


def test_paired_ratios_cancel_a_drift_that_both_share():
    drift = np.array([1.0, 1.7, 0.6])
    assert ratios(list(6 * drift), list(2 * drift)) == pytest.approx([3.0, 3.0, 3.0])


def test_ratios_need_pairs():
    with pytest.raises(ValueError, match="zip"):
        ratios([1.0], [1.0, 2.0])


def test_interval_of_a_ratio_covers_the_truth_as_often_as_it_says():
    """Over many repeats with a planted ratio; unequal spreads and sizes."""
    rng, repeats, truth = np.random.default_rng(0), 4000, 1.03
    hits = 0
    for _ in range(repeats):
        made = ratio_of_means(rng.normal(truth, 0.05, 8), rng.normal(1.0, 0.10, 16))
        hits += made.low <= truth <= made.high
    assert abs(hits / repeats - 0.90) < 4 * (0.9 * 0.1 / repeats) ** 0.5  # four sigma of a proportion


def test_interval_of_a_ratio_is_welchs_where_the_spread_is_small():
    """A relative spread of 1e-4 makes logarithms linear: Welch's interval of the mean logarithms, by SciPy."""
    rng = np.random.default_rng(1)
    first, second = 2 * rng.normal(1, 1e-4, 8), rng.normal(1, 2e-4, 12)
    made = ratio_of_means(list(first), list(second))
    oracle = stats.ttest_ind(np.log(first), np.log(second), equal_var=False).confidence_interval(0.90)
    # The two differ in second order, (1e-4) ** 2, where the interval is 1e-4 wide.
    np.testing.assert_allclose(np.log([made.low, made.high]), [oracle.low, oracle.high], atol=1e-7)


@pytest.mark.parametrize(
    ("spread", "ratio", "verdict"), [(0.01, 1.0, "equal"), (0.01, 1.2, "not shown"), (0.5, 1.0, "not shown")]
)
def test_equality_is_shown_only_by_an_interval_within_the_margin(spread, ratio, verdict):
    rng = np.random.default_rng(2)
    first, second = (stats.zscore(rng.normal(size=8)) * spread + 1 for _ in range(2))
    assert ratio_of_means(list(ratio * first), list(second)).verdict == verdict


def test_interval_of_a_ratio_of_pairs_covers_the_truth_as_often_as_it_says():
    """A planted ratio; most of the spread is the pair's own, which two samples that are taken for independent would count."""
    rng, repeats, truth = np.random.default_rng(3), 4000, 0.98
    hits, widths = 0, []
    for _ in range(repeats):
        pair = rng.normal(1, 0.08, 16)
        first, second = truth * (pair + rng.normal(0, 0.03, 16)), pair + rng.normal(0, 0.03, 16)
        made = ratio_of_paired_means(first, second)
        hits += made.low <= truth <= made.high
        widths.append(
            (made.high - made.low) / (ratio_of_means(first, second).high - ratio_of_means(first, second).low)
        )
    assert abs(hits / repeats - 0.90) < 4 * (0.9 * 0.1 / repeats) ** 0.5
    assert np.mean(widths) < 0.6


def test_what_is_no_pair_has_no_ratio_of_pairs():
    with pytest.raises(ValueError, match="no pairs"):
        ratio_of_paired_means([1.0, 2.0], [1.0])


def test_one_run_shows_no_equality():
    assert ratio_of_means([1.0], [1.0]).verdict == "not shown"


def test_runs_without_any_spread_have_an_exact_ratio():
    made = ratio_of_means([2.0, 2.0], [2.0, 2.0])
    assert (made.low, made.high, made.verdict) == (1.0, 1.0, "equal")


def test_useful_work_of_lenet5_by_hand():
    """Forward and two backward products of every layer, but one only of the first."""
    first = 6 * 28 * 28 * 25
    rest = 16 * 10 * 10 * 6 * 25 + 400 * 120 + 120 * 84 + 84 * 10
    assert Lenet5(filters=6).layer_table(mnist.MNIST_INFO.image).training_flops == 2 * (2 * first + 3 * rest)


def test_useful_work_of_tree3_by_hand():
    first = 3 * 6 * 28 * 28 * 25
    rest = 16 * 18 * 14 * 14 + 16 * 3 * 7 * 10
    assert Tree3(filters=6).layer_table(cifar10.CIFAR10_INFO.image).training_flops == 2 * (
        2 * first + 3 * rest
    )


def test_every_width_is_among_the_cases():
    labels = [case.label for case in steps.cases()]
    assert len(labels) == len(set(labels)) == 18
    assert {"mnist, lenet5, d1=48", "cifar10, tree3, K=15"} <= set(labels)


def test_a_training_step_trains():
    """The step that is timed lowers the loss on its own batch."""
    case = steps.Case("tiny", ImageShape(1, 16, 10), Lenet5(filters=2))
    torch.manual_seed(0)
    step = steps.training_step(case, 2)
    (networks,) = (
        cell.cell_contents for cell in step.__closure__ if isinstance(cell.cell_contents, torch.nn.Module)
    )
    before = [weight.detach().clone() for weight in networks.parameters()]
    step()
    assert all((weight != old).any() for weight, old in zip(networks.parameters(), before, strict=True))


@pytest.mark.parametrize(("image", "padding"), [(mnist.MNIST_INFO.image, 2), (cifar10.CIFAR10_INFO.image, 0)])
def test_the_peer_begins_with_the_same_networks(image, padding):
    spec, seed = Lenet5(filters=3), 5
    images = torch.randn(
        4, image.channels, image.side, image.side, generator=torch.Generator().manual_seed(1)
    )
    peer = LeNet5(image.channels, spec.filters, spec.second_filters, seed, padding=padding)
    assert sum(weight.numel() for weight in peer.parameters()) == spec.layer_table(image).parameters
    torch.testing.assert_close(build(spec, image, [seed])(images)[0], peer(images))


def test_the_peer_has_the_same_schedule(tmp_path):
    recipe = _cells(tmp_path)[0].recipe
    steps_, warmup = 40, recipe.schedule.warmup
    for step in range(steps_):
        assert peers_share(step, steps_, warmup) == share(
            recipe.schedule, step, steps=steps_, steps_an_epoch=20
        )


def test_the_peer_is_told_the_same_recipe(tmp_path):
    cells = _cells(tmp_path)
    told = in_peers_words(
        cells, images=tmp_path, mean=[0.5], std=[0.25], seeds=range(8, 16), loader_workers=2
    )
    assert (told.filters, told.second_filters, told.seeds) == ([3, 6, 12], [8, 16, 32], list(range(8, 16)))
    assert (told.epochs, told.learning_rate, told.batch_size, told.momentum, told.nesterov) == (
        2,
        0.08,
        100,
        0.9,
        True,
    )
    assert (told.crop, told.flip) == (0, False)


def _cells(folder: Path):
    sweep = next(sweep for sweep in SWEEPS if sweep.dataset == "mnist")
    return _study(sweep.study(1), folder).cells


def _study(text: str, folder: Path):
    config = folder / "study.yaml"
    config.write_text(text)
    return load_study(config, data=folder)


def test_rounds_of_a_sweep_have_seeds_of_their_own(tmp_path):
    sweep = replace(SWEEPS[0], seeds=8)
    first, second = ({run.id for _, run in _study(sweep.study(rounds), tmp_path).runs()} for rounds in (1, 2))
    assert first < second
    assert {run.seed for _, run in _study(sweep.study(2), tmp_path).runs() if run.id not in first} == set(
        range(8, 16)
    )


def test_each_cause_is_taken_away_and_given_back(tmp_path):
    """Those that act in the process that plans and places; the study is one of three widths of eight seeds."""
    wanted = list(_study(SWEEPS[0].study(1), tmp_path).runs())
    with ablation.not_fused():
        assert [made.size for made in make_packs(wanted)] == [1] * 24
    fused = make_packs(wanted)
    assert [made.size for made in fused] == [8, 8, 4, 4]
    ordered = ray_tune.batches(fused, workers=2)
    with ablation.shortest_first():
        assert ray_tune.batches(fused, workers=2) == ordered[::-1]
    with ablation.no_reuse():
        assert not tune.TuneConfig(reuse_actors=True).reuse_actors
    assert tune.TuneConfig(reuse_actors=True).reuse_actors
    assert ray_tune.batches(fused, workers=2) == ordered


@pytest.mark.parametrize("channels", [1, 3])
def test_a_loader_gives_the_same_images_in_an_order_of_its_own(channels):
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.integers(0, 256, (12, 6, 6, channels), dtype=np.uint8))
    given = {
        "batch_size": 4,
        "order": 0,
        "augmentation": Augmentation(),
        "dtype": torch.float32,
        "index": np.arange(2, 10),
    }
    given |= {"mean": np.full(channels, 0.4), "std": np.linspace(0.2, 0.3, channels)}
    seen = []
    for kind in (Minibatches, LoadedBatches):
        batches = list(kind(images, torch.arange(12), **given).epoch(0))
        assert [len(labels) for _, labels in batches] == [4, 4]
        assert all(part.is_contiguous(memory_format=torch.channels_last) for part, _ in batches)
        found = {
            int(label): image for part, labels in batches for image, label in zip(part, labels, strict=True)
        }
        seen.append(torch.stack([found[label] for label in range(2, 10)]))
    # Five roundings in fp32 of numbers below 4: 5 * 4 * 2**-24 < 2e-6.
    torch.testing.assert_close(seen[0], seen[1], atol=2e-6, rtol=0)


def test_proportional_size_counts_the_mappings_of_one_folder():
    smaps = (
        "7f00-7f10 r--p 00000000 fd:00 1   /data/set/train_images.npy\nSize: 64 kB\nPss:  12 kB\nPss_Dirty:  9 kB\n"
        "7f20-7f30 r--p 00000000 fd:00 2   /data/settle/train_images.npy\nPss:  100 kB\n"
        "7f40-7f50 rw-p 00000000 00:00 0\nPss:  1000 kB\n"
        "7f60-7f70 r--p 00000000 fd:00 3   /data/set/test_images.npy\nPss:   3 kB\n"
    )
    assert pss_bytes(smaps, "/data/set") == 15 * 1024


def test_a_planted_store_is_whole(tmp_path):
    """Everything the study wants is done, a part a pack, with a curve for each run."""
    config, store = tmp_path / "study.yaml", tmp_path / "store"
    config.write_text(planted.study(widths=2, seeds=8, epochs=3, train_images=(1000, 7000)))
    parts = plan(config, Workspace(store=str(store))).packs
    assert planted.plant(config, store) == 2 * 2 * 2 * 8
    made = plan(config, Workspace(store=str(store)))
    assert made.new == 0
    assert len(list((store / "runs").iterdir())) == len(parts) == 8
    runs, epochs = open_store(store).runs(), open_store(store).epochs()
    assert epochs.num_rows == 3 * runs.num_rows
    last = {row["id"]: row["test_error"] for row in epochs.to_pylist() if row["epoch"] == 3}
    assert last == dict(zip(runs["id"].to_pylist(), runs["test_error"].to_pylist(), strict=True))


def test_a_benchmark_replaces_its_own_rows_and_no_others(tmp_path):
    file = tmp_path / "folder" / "benchmarks.json"
    assert record.read(file) == {}
    old = record.merged(
        record.merged({}, "steps", [row("steps"), row("steps", "gone")], MAKER), "sweeps", [row()], MAKER
    )
    record.write(record.merged(old, "steps", [row("steps", value=2.0)], MAKER | {"date": "2026-02-03"}), file)
    found = record.read(file)
    assert list(record.rows(found)) == [row("steps", value=2.0), row()]
    assert (found["steps"]["maker"]["date"], found["sweeps"]["maker"]["date"]) == ("2026-02-03", "2026-01-02")


def test_a_record_refuses_the_rows_of_another_benchmark():
    with pytest.raises(ValueError, match="steps"):
        record.merged({}, "sweeps", [row("steps")], MAKER)


def test_the_maker_names_machine_and_code():
    made = record.maker()
    assert {"cpu", "cores", "vector_instructions", "versions", "commit", "dirty", "date"} == made.keys()
    json.dumps(made)


def test_the_processor_is_known_by_its_numbers():
    text = "processor\t: 0\nvendor_id\t: V\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: Some CPU\nflags\t\t: fpu avx512_bf16 x\n"
    assert record._cpu(text) == {
        "model": "Some CPU",
        "vendor": "V",
        "family": "25",
        "model_number": "17",
        "bf16": True,
    }
    assert record._cpu("") == {
        "model": "unknown",
        "vendor": "unknown",
        "family": "unknown",
        "model_number": "unknown",
        "bf16": False,
    }


def test_the_table_shows_what_tells_and_who_made_it():
    found = record.merged(
        {}, "sweeps", [row(note="equal"), row(quantity="wall time, peer", value=1234.5)], MAKER
    )
    text = render.told(found)
    assert "| mnist | speed over the peer's | 8 (equal) | 7.5 to 9 | 3 |" in text
    assert "1,234" not in text
    assert (
        "sweeps: 2 cores of Anything (V, family 25, model 17; AVX512, with bf16 instructions), torch 2.14.1"
        in text
    )


def test_steps_stand_in_a_line_a_network():
    shares = [
        row("steps", f"share, {how}", value, case="a", unit="%")
        for how, value in (("alone", 12.5), ("fused", 31.25))
    ]
    alone = row("steps", "share, alone", 50.0, case="b", unit="%")
    lines = render.steps(record.merged({}, "steps", [*shares, alone], MAKER)).splitlines()
    assert lines[2:4] == ["| a |  |  |  | 12.5 % | 31.2 % |  |", "| b |  |  |  | 50 % |  |  |"]
    assert lines[0].count("|") == lines[2].count("|")


def test_tables_are_put_between_their_markers_and_again(tmp_path):
    file = tmp_path / "page.md"
    file.write_text("before\n<!-- one -->\nold\n<!-- /one -->\nbetween\n<!-- two --><!-- /two -->\nafter\n")
    tables = [(file, "one", render.told), (file, "two", render.trials)]
    found = record.merged({}, "sweeps", [row()], MAKER)
    for _ in range(2):
        render.put(found, tables)
        middle = f"<!-- one -->\n\n{render.told(found)}\n\n<!-- /one -->\nbetween\n<!-- two -->\n\n{render.EMPTY}\n\n<!-- /two -->"
        assert file.read_text() == f"before\n{middle}\nafter\n"


def test_a_page_without_markers_is_named(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("nothing")
    with pytest.raises(ValueError, match=r"page\.md.*<!-- one -->"):
        render.put({}, [(page, "one", render.told)])


@pytest.mark.parametrize(
    ("file", "name", "table"), render.TABLES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_pages_show_the_tables_of_the_record(file, name, table):
    """What stands there is what the command would write; nothing stands for nothing measured."""
    shown = file.read_text().partition(f"<!-- {name} -->")[2].partition(f"<!-- /{name} -->")[0].strip()
    assert (shown or render.EMPTY) == table(record.read())
