"""Every fault of a study is one line: the file, the leaf's path in it, what is wrong and what is permitted."""

from __future__ import annotations

import pytest

from scaling.config import load_study
from scaling.errors import ConfigError, DataError

HEAD = "study: tried\ndataset: {type: mnist}\n"
LENET = "architectures:\n  - {type: lenet5, filters: 6}\n"
STUDY = HEAD + LENET
AUTO = STUDY + "recipe: {learning_rate: auto}\n"
RECIPE = "augmentation, batch_size, epochs, learning_rate, loss, optimizer, precision, schedule, weight_decay"
LENETS = "activation, base_filters, convolutions, filters, hidden, kernel, macs, parameters, parametrization, pooling, ratio, second_filters, type"
STUDIES = "architectures, dataset, pilots, recipe, resources, seeds, store, study"


def network(leaves: str, recipe: str = "{}") -> str:
    """A study whose second architecture is on trial."""
    return f"{HEAD}recipe: {recipe}\n{LENET}  - {{{leaves}}}\n"


def second(problem: str) -> str:
    return f"architectures[1].{problem}"


CASES = {
    "unknown key": (
        STUDY + "recipe: {precison: fp32}",
        f"recipe.precison: unknown key; did you mean precision? permitted: {RECIPE}",
    ),
    "unknown key at the top": (
        STUDY + "seed: 3",
        f"seed: unknown key; did you mean seeds? permitted: {STUDIES}",
    ),
    "unknown key of a network": (
        network("type: lenet5, filters: 6, biases: true"),
        second(f"biases: unknown key; permitted: {LENETS}"),
    ),
    "unknown key with a grid": (
        network("type: lenet5, filters: 6, kernels: [3, 5]"),
        second(f"kernels: unknown key; did you mean kernel? permitted: {LENETS}"),
    ),
    "unknown key of a group": (
        STUDY + "recipe: {optimizer: {type: adam, beta: 0.9}}",
        "recipe.optimizer.beta: unknown key; did you mean beta2? permitted: beta1, beta2, epsilon, type",
    ),
    "unknown key of resources": (
        STUDY + "resources: {memory: 3}",
        "resources.memory: unknown key; did you mean memory_gib? permitted: gpus, memory_gib, workers",
    ),
    "key that is no text": (STUDY + "recipe: {1: 2}", "recipe[1]: a key must be text"),
    "key at the top that is no text": (STUDY + "1: 2", "[1]: a key must be text"),
    "key at the top that is nothing": (STUDY + "~: 2", "a key must be text, not None"),
    "text for a number": (
        network("type: lenet5, filters: six"),
        second("filters: must be an integer, not 'six'"),
    ),
    "quoted number": (STUDY + "recipe: {epochs: '5'}", "recipe.epochs: must be an integer, not '5'"),
    "fraction for a count": (STUDY + "seeds: 8.0", "seeds: must be an integer, not 8.0"),
    "yes for a count": (STUDY + "seeds: true", "seeds: must be an integer, not True"),
    "number for a switch": (
        network("type: tree3, filters: 6, rows: 4, biases: 1"),
        second("biases: must be true or false, not 1"),
    ),
    "number for a name": ("study: 12\n" + STUDY[13:], "study: must be text, not 12"),
    "own seeds": (network("type: lenet5, filters: 6, seeds: 0"), second("seeds: must be at least 1, not 0")),
    "own seeds that are a grid": (
        network("type: lenet5, filters: 6, seeds: [4, 8]"),
        second("seeds: must be an integer, not [4, 8]"),
    ),
    "own seeds that are nothing": (
        network("type: lenet5, filters: 6, seeds: ~"),
        second("seeds: must be an integer, not None"),
    ),
    "own seeds that are a fraction": (
        network("type: tree3, rows: 4, filters: 6, seeds: 8.0"),
        second("seeds: must be an integer, not 8.0"),
    ),
    "name for a folder": (
        "study: a/b\n" + STUDY[13:],
        "study: must begin with a letter or digit, then letters, digits, '.', '_' or '-', not 'a/b'",
    ),
    "text for a mapping": (
        "study: tried\ndataset: mnist\n" + LENET,
        "dataset: must be a mapping of keys to values, not 'mnist'",
    ),
    "text for a network": (
        HEAD + "architectures: [lenet5]",
        "architectures[0]: must be a mapping of keys to values, not 'lenet5'",
    ),
    "mapping for a list": (
        HEAD + "architectures: {type: lenet5}",
        "architectures: must be a list, not {'type': 'lenet5'}",
    ),
    "text for a group": (
        STUDY + "recipe: {optimizer: sgd}",
        "recipe.optimizer: must be a mapping of keys to values, not 'sgd'",
    ),
    "number for a group": (
        STUDY + "recipe: {augmentation: 4}",
        "recipe.augmentation: must be a mapping of keys to values, not 4",
    ),
    "number for a list": (
        network("type: lenet5, filters: 6, hidden: 84"),
        second("hidden: must be a list, not 84"),
    ),
    "no architecture": (HEAD + "architectures: []", "architectures: must hold at least 1, not []"),
    "empty grid": (
        network("type: lenet5, filters: []"),
        second("filters: an empty grid; give at least one value"),
    ),
    "empty grid of a recipe": (
        STUDY + "recipe: {epochs: []}",
        "recipe.epochs: an empty grid; give at least one value",
    ),
    "empty grid of a data set": (
        "study: tried\ndataset: {type: mnist, train_images: []}\n" + LENET,
        "dataset.train_images: an empty grid; give at least one value",
    ),
    "value twice": (
        network("type: lenet5, filters: [3, 6, 3]"),
        second("filters[2]: 3 is listed twice in this grid"),
    ),
    "group twice": (
        STUDY + "recipe: {optimizer: [{type: adam}, {type: adam}]}",
        "recipe.optimizer[1]: {'type': 'adam'} is listed twice in this grid",
    ),
    "no filters": (network("type: lenet5, filters: [0, 6]"), second("filters[0]: must be at least 1, not 0")),
    "negative filters": (
        network("type: lenet5, filters: [6, -6]"),
        second("filters[1]: must be at least 1, not -6"),
    ),
    "filters beyond all numbers": (
        network(f"type: lenet5, filters: {10**60}"),
        second("filters: must be below 9007199254740992, not 100000000000000000...0000000000000000000"),
    ),
    "negative units": (
        network("type: lenet5, filters: 6, hidden: [84, -1]"),
        second("hidden[1]: must be at least 1, not -1"),
    ),
    "a point of a grid of lists": (
        network("type: lenet5, filters: 6, hidden: [[84], [120, 0]]"),
        second("hidden[1][1]: must be at least 1, not 0"),
    ),
    "no such architecture": (
        network("type: lenet, filters: 6"),
        second("type: must be one of 'lenet5', 'tree3', 'vgg', not 'lenet'"),
    ),
    "no type": (network("filters: 6"), second("type: is missing; must be one of 'lenet5', 'tree3', 'vgg'")),
    "no such data set": (
        "study: tried\ndataset: {type: minst}\n" + LENET,
        "dataset.type: must be one of 'mnist', 'usps', 'cifar10', 'mnist5k', 'synthetic', 'npz', not 'minst'",
    ),
    "no filters given": (network("type: lenet5"), second("filters: is missing")),
    "no such number of convolutions": (
        network("type: lenet5, filters: 6, convolutions: [2, 3]"),
        second("convolutions[1]: must be 1 or 2, not 3"),
    ),
    "contradiction": (
        network("type: lenet5, filters: 6, second_filters: 16, ratio: 2"),
        "architectures[1]: give ratio or second_filters, not both",
    ),
    "rows that do not divide": (
        network("type: tree3, filters: 6, rows: [4, 5]"),
        second("rows[1]: must divide the 12 rows of the pooled map: 1, 2, 3, 4, 6, 12; not 5"),
    ),
    "kernel that is too large": (
        network("type: lenet5, filters: 6, kernel: [5, 11]"),
        second("kernel[1]: must be at most 10 for a pixel of 28x28 to be left, not 11"),
    ),
    "infinite rate": (
        STUDY + "recipe: {learning_rate: .inf}",
        "recipe.learning_rate: must be finite, not inf",
    ),
    "rate that is no number": (
        STUDY + "recipe: {learning_rate: [0.1, .nan]}",
        "recipe.learning_rate[1]: must be finite, not nan",
    ),
    "infinite ratio": (
        network("type: lenet5, filters: 6, ratio: .inf"),
        second("ratio: must be finite, not inf"),
    ),
    "automatic beside numbers": (
        STUDY + "recipe: {learning_rate: [0.1, auto]}",
        "recipe.learning_rate[1]: auto cannot be one value of a grid; list the candidates in pilots.learning_rates",
    ),
    "its own automatic rate beside numbers": (
        network("type: lenet5, filters: 6, recipe: {learning_rate: [auto, 0.1]}"),
        second(
            "recipe.learning_rate[0]: auto cannot be one value of a grid; list the candidates in pilots.learning_rates"
        ),
    ),
    "automatic decay": (
        STUDY + "recipe: {weight_decay: auto}",
        "recipe.weight_decay: must be a number, not 'auto'",
    ),
    "automatic filters": (
        network("type: lenet5, filters: auto"),
        second("filters: must be an integer, not 'auto'"),
    ),
    "pilots of nothing": (
        STUDY + "recipe: {learning_rate: 0.1}\npilots: {seeds: 2}",
        "pilots: no learning rate is to be chosen; set recipe.learning_rate: auto, or remove the key pilots",
    ),
    "one rate to choose from": (
        AUTO + "pilots: {learning_rates: [0.1]}",
        "pilots.learning_rates: must hold at least 2 to choose from, not [0.1]",
    ),
    "pilots' rate twice": (
        AUTO + "pilots: {learning_rates: [0.1, 0.2, 0.1]}",
        "pilots.learning_rates[2]: 0.1 is listed twice in this grid",
    ),
    "pilots' rate of zero": (
        AUTO + "pilots: {learning_rates: [0.1, 0]}",
        "pilots.learning_rates[1]: must be above 0, not 0",
    ),
    "pilots' automatic rate": (
        AUTO + "pilots: {learning_rates: [0.1, auto]}",
        "pilots.learning_rates[1]: must be a number, not 'auto'",
    ),
    "pilots that hold out nothing": (
        AUTO + "pilots: {validation: 0}",
        "pilots.validation: must be at least 1, not 0",
    ),
    "pilots that hold out all": (
        AUTO + "pilots: {validation: 60000}",
        "pilots.validation: must leave training images: at most 59999, not 60000",
    ),
    "pilots' key": (
        AUTO + "pilots: {rates: [0.1, 0.2]}",
        "pilots.rates: unknown key; permitted: learning_rates, seeds, validation",
    ),
    "batch that is too large for pilots": (
        AUTO.replace("auto", "auto, batch_size: 60000"),
        "recipe.batch_size: must be at most the 55000 training images, not 60000 (pilots hold out the other images for validation)",
    ),
    "rate of zero": (
        STUDY + "recipe: {learning_rate: 0.0}",
        "recipe.learning_rate: must be above 0, not 0.0",
    ),
    "momentum of one": (
        STUDY + "recipe: {optimizer: {type: sgd, momentum: 1.0}}",
        "recipe.optimizer.momentum: must be below 1, not 1.0",
    ),
    "nesterov alone": (
        STUDY + "recipe: {optimizer: {type: sgd, momentum: 0.0}}",
        "recipe.optimizer: nesterov: true needs a momentum above 0",
    ),
    "step without its length": (
        STUDY + "recipe: {schedule: {type: step, factor: 0.5}}",
        "recipe.schedule.every: is missing",
    ),
    "batch that is too large": (
        STUDY + "recipe: {batch_size: 60001}",
        "recipe.batch_size: must be at most the 60000 training images, not 60001",
    ),
    "crop beyond the image": (
        STUDY + "recipe: {augmentation: {crop: 28}}",
        "recipe.augmentation.crop: must be below the image's side, 28, not 28",
    ),
    "shift beyond the image": (
        STUDY + "recipe: {augmentation: {shift: [2, 30]}}",
        "recipe.augmentation.shift[1]: must be below the image's side, 28, not 30",
    ),
    "more images than there are": (
        "study: tried\ndataset: {type: mnist, validation: 1000, train_images: [100, 60000]}\n" + LENET,
        "dataset.train_images[1]: must be at most 59000, not 60000",
    ),
    "validation that leaves nothing": (
        "study: tried\ndataset: {type: mnist, validation: 60000}\n" + LENET,
        "dataset.validation: must leave training images: at most 59999, not 60000",
    ),
    "recipe of its own that is none": (
        network("type: lenet5, filters: 6, recipe: 5"),
        second("recipe: must be a mapping of keys to values, not 5"),
    ),
    "its own recipe's rate": (
        network("type: lenet5, filters: 6, recipe: {learning_rate: [0.1, -5]}"),
        second("recipe.learning_rate[1]: must be above 0, not -5"),
    ),
    "its own recipe's key": (
        network("type: lenet5, filters: 6, recipe: {lr: 5}"),
        second(f"recipe.lr: unknown key; permitted: {RECIPE}"),
    ),
    "its own recipe's batch": (
        network("type: lenet5, filters: 6, recipe: {batch_size: 70000}"),
        second("recipe.batch_size: must be at most the 60000 training images, not 70000"),
    ),
    "its own recipe's empty grid": (
        network("type: lenet5, filters: 6, recipe: {epochs: []}"),
        second("recipe.epochs: an empty grid; give at least one value"),
    ),
    "its own group's type": (
        network("type: lenet5, filters: 6, recipe: {schedule: {every: 5}}"),
        second("recipe.schedule.type: is missing; must be one of 'constant', 'step', 'cosine', 'one_cycle'"),
    ),
    "its own group lacks what the study's had": (
        network(
            "type: lenet5, filters: 6, recipe: {schedule: {type: step, factor: 0.5}}",
            "{schedule: {type: one_cycle, warmup: 0.1}}",
        ),
        second("recipe.schedule.every: is missing"),
    ),
    "its own leaf of the study's group": (
        network(
            "type: lenet5, filters: 6, recipe: {schedule: {factor: 2}}",
            "{schedule: {type: step, every: 5, factor: 0.5}}",
        ),
        second("recipe.schedule.factor: must be at most 1, not 2"),
    ),
    "the study's leaf below its own": (
        network(
            "type: lenet5, filters: 6, recipe: {schedule: {factor: 0.2}}",
            "{schedule: {type: step, every: 0, factor: 0.5}}",
        ),
        "recipe.schedule.every: must be at least 1, not 0",
    ),
    "what neither of them has": (
        network(
            "type: lenet5, filters: 6, recipe: {schedule: {every: 3}}", "{schedule: {type: step, every: 5}}"
        ),
        "recipe.schedule.factor: is missing",
    ),
    "not a mapping": (
        "- 5",
        "must be a mapping with the keys study, dataset, architectures, recipe, seeds, pilots, resources, store",
    ),
    "empty": (
        "",
        "must be a mapping with the keys study, dataset, architectures, recipe, seeds, pilots, resources, store",
    ),
    "key twice": (
        STUDY + "seeds: 3\nseeds: 4",
        'line 6: found duplicate key "seeds", value "4" (original value: "3")',
    ),
    "key twice, deep": (
        network("type: lenet5, filters: 6, filters: 7"),
        'line 6: found duplicate key "filters", value "7" (original value: "6")',
    ),
    "not YAML": (STUDY + "recipe: {epochs: 5", "line 5: expected ',' or '}', but got '<stream end>'"),
    "not text": ("\0", "is not YAML: unacceptable character #x0000: special characters are not allowed"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_fault_is_named(load, tmp_path, name):
    text, problem = CASES[name]
    with pytest.raises(ConfigError) as refused:
        load(text)
    assert refused.value.problems == (problem,)
    assert str(refused.value) == f"{tmp_path / 'study.yaml'}: {problem}"


@pytest.mark.parametrize(
    ("study", "problem"),
    [
        (
            STUDY + "seeds: 3000000\n",
            "seeds: 3,000,000 seeds make 3,000,000 runs; a study may have at most 100,000",
        ),
        (
            network("type: lenet5, filters: [6, 8], seeds: 3000000"),
            "architectures[1].seeds: 3,000,000 seeds make 6,000,008 runs; a study may have at most 100,000",
        ),
        (
            HEAD.replace("mnist}", f"mnist, train_images: {list(range(1, 1001))}}}")
            + f"recipe: {{epochs: {list(range(1, 101))}}}\n"
            + f"architectures:\n  - {{type: lenet5, filters: {list(range(1, 101))}, recipe: {{epochs: {list(range(1, 1001))}}}}}\n",
            "architectures: the grids have 100,000,000 networks, which make 800,000,000 runs with their seeds; a study may have at most 100,000",
        ),
        (
            AUTO + "pilots: {seeds: 20000}\n",
            "pilots: 160,000 pilots of each network make 160,008 runs; a study may have at most 100,000",
        ),
        (
            AUTO.replace("auto", f"auto, epochs: {list(range(1, 7001))}"),
            "architectures: the grids have 7,000 networks, which make 112,000 runs with their seeds and pilots; a study may have at most 100,000",
        ),
    ],
    ids=["seeds", "own seeds", "grids", "pilots", "grids with pilots"],
)
def test_more_runs_than_can_be_planned_are_refused_before_they_are_made(load, study, problem):
    with pytest.raises(ConfigError) as refused:
        load(study)
    assert refused.value.problems == (problem,)


def test_all_faults_are_named_at_once_each_once(load):
    with pytest.raises(ConfigError) as refused:
        load(
            HEAD
            + "architectures:\n  - {type: tree3, rows: 5, filters: [1, 2, 0]}\n  - {type: tree3, rows: 7}\nrecipe: {epochs: 0}"
        )
    assert refused.value.problems == (
        "recipe.epochs: must be at least 1, not 0",
        "architectures[0].rows: must divide the 12 rows of the pooled map: 1, 2, 3, 4, 6, 12; not 5",
        "architectures[0].filters[2]: must be at least 1, not 0",
        "architectures[1].filters: is missing",
    )


def test_faults_of_all_groups_are_named_whatever_the_others_have(load):
    with pytest.raises(ConfigError) as refused:
        load(
            "study: tried\nfoo: 1\nseeds: 0\ndataset: {type: npz, path: nowhere.npz, foo: 1}\nrecipe: {epochs: 1, lr: 3}\n"
            "architectures:\n  - {type: lenet5, filters: [0, 2]}\n  - five\n  - {type: tree3, rows: 2, filters: 1, kernel: []}\n"
        )
    paths = [problem.partition(": ")[0] for problem in refused.value.problems]
    assert sorted(paths) == [
        "architectures[0].filters[0]",
        "architectures[1]",
        "architectures[2].kernel",
        "dataset.foo",
        "foo",
        "recipe.lr",
        "seeds",
    ]


def test_faults_of_the_file_come_before_a_data_set_that_is_not_there(load):
    with pytest.raises(ConfigError, match=r"recipe\.epochs"):
        load("study: tried\ndataset: {type: npz, path: nowhere.npz}\nrecipe: {epochs: 0}\n" + LENET)


def test_a_made_set_beyond_all_memory_is_refused(load):
    with pytest.raises(
        ConfigError, match=r"dataset: size, test_size, side and channels make .* at most 268,435,456"
    ):
        load("study: tried\ndataset: {type: synthetic, side: 5000000}\n" + LENET)


def test_a_missing_file_says_what_a_study_is(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml: no such file; give the path of a study's YAML file"):
        load_study(tmp_path / "none.yaml", data=tmp_path)


def test_a_folder_or_a_picture_is_no_study(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot be read: .*directory"):
        load_study(tmp_path, data=tmp_path)
    (tmp_path / "picture.yaml").write_bytes(b"\x89PNG\r\n\xff\xff")
    with pytest.raises(ConfigError, match=r"picture\.yaml: (can't be read|is not YAML)"):
        load_study(tmp_path / "picture.yaml", data=tmp_path)


def test_a_data_set_of_ones_own_that_is_not_there(load, tmp_path):
    with pytest.raises(
        DataError, match=r"dataset\.path: no such file: mine\.npz nor .*nowhere/mine\.npz; it must name"
    ):
        load("study: tried\ndataset: {type: npz, path: mine.npz}\n" + LENET)
