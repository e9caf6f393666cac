"""Studies with one problem each."""

from __future__ import annotations

from tests.config.example_studies import (
    AUTO,
    HEAD,
    LENET,
    LENETS,
    NOT_A_MAPPING,
    RECIPE,
    SCHEDULES,
    STUDIES,
    STUDY,
    TYPES,
    network,
    second,
)

CASES: dict[str, tuple[str, str]] = {
    "unknown key": (
        STUDY + "recipe: {precison: fp32}",
        f"recipe.precison: unknown key; did you mean precision? permitted: {RECIPE}",
    ),
    "unknown top key": (STUDY + "seed: 3", f"seed: unknown key; did you mean seeds? permitted: {STUDIES}"),
    "unknown key of a network": (
        network("type: lenet5, filters: 6, biases: true"),
        second(f"biases: unknown key; permitted: {LENETS}"),
    ),
    "unknown key in place of a required one": (
        network("type: lenet5, filter: 6"),
        second(f"filter: unknown key; did you mean filters? permitted: {LENETS}"),
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
        "resources.memory: unknown key; did you mean memory_gib?"
        " permitted: engine, gpus, memory_gib, workers",
    ),
    "key that is no text": (
        STUDY + "recipe: {1: 2}",
        "recipe[1]: expected text as a key; put a list into brackets, as in [1, 2, 4]",
    ),
    "key of its own recipe that is null": (
        network("type: lenet5, filters: 6, recipe: {~: 2}"),
        second("recipe: expected text as a key, got None"),
    ),
    "key at the top that is no text": (STUDY + "1: 2", "[1]: expected text as a key"),
    "key at the top that is null": (STUDY + "~: 2", "expected text as a key, got None"),
    "text for a number": (
        network("type: lenet5, filters: six"),
        second("filters: expected an integer or a list of integers, got 'six'"),
    ),
    "quoted number": (
        STUDY + "recipe: {epochs: '5'}",
        "recipe.epochs: expected an integer, got '5'; leave out the quotation marks",
    ),
    "fraction for a count": (STUDY + "seeds: 8.0", "seeds: expected an integer, got 8.0; write 8"),
    "boolean for a count": (STUDY + "seeds: true", "seeds: expected an integer, got True"),
    "number for a switch": (
        network("type: tree3, filters: 6, rows: 4, biases: 1"),
        second("biases: expected true or false, got 1"),
    ),
    "number for a name": (STUDY.replace("example", "12"), "study: expected text, got 12"),
    "own seeds": (
        network("type: lenet5, filters: 6, seeds: 0"),
        second("seeds: expected a number >= 1, got 0"),
    ),
    "own seeds that are a grid": (
        network("type: lenet5, filters: 6, seeds: [4, 8]"),
        second("seeds: expected an integer, got [4, 8]; seeds: 2 trains the seeds 0 to 1"),
    ),
    "own seeds that are null": (
        network("type: lenet5, filters: 6, seeds: ~"),
        second("seeds: expected an integer, got None"),
    ),
    "own seeds that are a fraction": (
        network("type: tree3, rows: 4, filters: 6, seeds: 8.0"),
        second("seeds: expected an integer, got 8.0; write 8"),
    ),
    "name for a folder": (
        STUDY.replace("example", "a/b"),
        "study: expected a letter or digit, then letters, digits, '.', '_' or '-', got 'a/b'",
    ),
    "text for a mapping": (
        "study: example\ndataset: mnist\n" + LENET,
        "dataset: expected a mapping of keys to values, got 'mnist'; write dataset: {type: mnist}",
    ),
    "text for a group": (
        STUDY + "recipe: {optimizer: sgd}",
        "recipe.optimizer: expected a mapping of keys to values, got 'sgd'; write optimizer: {type: sgd}",
    ),
    "number for a group": (
        STUDY + "recipe: {augmentation: 4}",
        "recipe.augmentation: expected a mapping of keys to values, got 4",
    ),
    "number for a list": (
        network("type: lenet5, filters: 6, hidden: 84"),
        second("hidden: expected a list, got 84"),
    ),
    "no architecture": (
        HEAD + "architectures: []",
        "architectures: expected a list with at least 1 value, got []",
    ),
    "empty grid": (
        network("type: lenet5, filters: []"),
        second("filters: an empty grid; give at least one value"),
    ),
    "empty grid of a recipe": (
        STUDY + "recipe: {epochs: []}",
        "recipe.epochs: an empty grid; give at least one value",
    ),
    "empty grid of a data set": (
        "study: example\ndataset: {type: mnist, train_images: []}\n" + LENET,
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
    "no filters": (
        network("type: lenet5, filters: [0, 6]"),
        second("filters[0]: expected a number >= 1, got 0"),
    ),
    "negative filters": (
        network("type: lenet5, filters: [6, -6]"),
        second("filters[1]: expected a number >= 1, got -6"),
    ),
    "filters beyond the largest integer": (
        network(f"type: lenet5, filters: {10**60}"),
        second("filters: expected a number < 9007199254740992, got 100000000000000000...0000000000000000000"),
    ),
    "negative units": (
        network("type: lenet5, filters: 6, hidden: [84, -1]"),
        second("hidden[1]: expected a number >= 1, got -1"),
    ),
    "value in a grid of lists": (
        network("type: lenet5, filters: 6, hidden: [[84], [120, 0]]"),
        second("hidden[1][1]: expected a number >= 1, got 0"),
    ),
    "unknown architecture": (
        network("type: lenet, filters: 6"),
        second(f"type: did you mean lenet5? expected one of {TYPES}, got 'lenet'"),
    ),
    "missing type": (network("filters: 6"), second(f"type: is missing; expected one of {TYPES}")),
    "unknown data set": (
        "study: example\ndataset: {type: minst}\n" + LENET,
        "dataset.type: did you mean mnist? expected one of 'mnist', 'usps', 'cifar10', 'mnist5k', "
        "'synthetic', 'npz', 'torchvision', 'parquet', 'imagefolder', 'skeleton_features', 'shifted_digits', "
        "got 'minst'",
    ),
    "unknown images of features": (
        "study: example\ndataset: {type: skeleton_features, of: {type: cifar10}}\n" + LENET,
        "dataset.of.type: expected one of 'mnist', 'usps', 'mnist5k', 'synthetic', 'npz', 'torchvision', "
        "'parquet', 'imagefolder', got 'cifar10'",
    ),
    "subset of the images of features": (
        "study: example\ndataset: {type: skeleton_features, of: {type: usps, validation: 10}}\n" + LENET,
        "dataset: give validation and not of.validation; the data set is computed from the whole of usps",
    ),
    "missing filters": (network("type: lenet5"), second("filters: is missing")),
    "unknown number of convolutions": (
        network("type: lenet5, filters: 6, convolutions: [2, 3]"),
        second("convolutions[1]: expected 1 or 2, got 3"),
    ),
    "contradiction": (
        network("type: lenet5, filters: 6, second_filters: 16, ratio: 2"),
        "architectures[1]: give ratio or second_filters, not both",
    ),
    "rows that do not divide": (
        network("type: tree3, filters: 6, rows: [4, 5]"),
        second("rows[1]: expected a divisor of the 12 rows of the pooled map: 1, 2, 3, 4, 6, 12; got 5"),
    ),
    "kernel that is too large": (
        network("type: lenet5, filters: 6, kernel: [5, 11]"),
        second("kernel[1]: expected at most 10, so that a pixel of 28x28 is left, got 11"),
    ),
    "infinite rate": (
        STUDY + "recipe: {learning_rate: .inf}",
        "recipe.learning_rate: expected a finite number, got inf",
    ),
    "rate that is NaN": (
        STUDY + "recipe: {learning_rate: [0.1, .nan]}",
        "recipe.learning_rate[1]: expected a finite number, got nan",
    ),
    "infinite ratio": (
        network("type: lenet5, filters: 6, ratio: .inf"),
        second("ratio: expected a finite number, got inf"),
    ),
    "auto in a grid": (
        STUDY + "recipe: {learning_rate: [0.1, auto]}",
        "recipe.learning_rate[1]: auto cannot be one value of a grid; "
        "list the candidates in pilots.learning_rates",
    ),
    "auto in a grid of its own recipe": (
        network("type: lenet5, filters: 6, recipe: {learning_rate: [auto, 0.1]}"),
        second(
            "recipe.learning_rate[0]: auto cannot be one value of a grid; "
            "list the candidates in pilots.learning_rates"
        ),
    ),
    "auto weight decay": (
        STUDY + "recipe: {weight_decay: auto}",
        "recipe.weight_decay: expected a number, got 'auto'",
    ),
    "auto filters": (
        network("type: lenet5, filters: auto"),
        second("filters: expected an integer or a list of integers, got 'auto'"),
    ),
    "pilots without auto": (
        STUDY + "recipe: {learning_rate: 0.1}\npilots: {seeds: 2}",
        "pilots: no architecture has learning_rate: auto; set recipe.learning_rate: auto, "
        "or remove the key pilots",
    ),
    "pilots with one learning rate": (
        AUTO + "pilots: {learning_rates: [0.1]}",
        "pilots.learning_rates: expected at least 2 learning rates to choose from, got [0.1]",
    ),
    "pilots with a learning rate twice": (
        AUTO + "pilots: {learning_rates: [0.1, 0.2, 0.1]}",
        "pilots.learning_rates[2]: 0.1 is listed twice in this grid",
    ),
    "pilots with a learning rate of zero": (
        AUTO + "pilots: {learning_rates: [0.1, 0]}",
        "pilots.learning_rates[1]: expected a number >= 1e-12, got 0",
    ),
    "pilots with an auto learning rate": (
        AUTO + "pilots: {learning_rates: [0.1, auto]}",
        "pilots.learning_rates[1]: expected a number, got 'auto'",
    ),
    "pilots without validation images": (
        AUTO + "pilots: {validation: 0}",
        "pilots.validation: expected a number >= 1, got 0",
    ),
    "pilots without training images": (
        AUTO + "pilots: {validation: 60000}",
        "pilots.validation: expected at most 59999, so that training images remain, got 60000",
    ),
    "unknown key of pilots": (
        AUTO + "pilots: {rates: [0.1, 0.2]}",
        "pilots.rates: unknown key; permitted: learning_rates, seeds, validation",
    ),
    "batch that is too large for pilots": (
        AUTO.replace("auto", "auto, batch_size: 60000"),
        "recipe.batch_size: expected at most the number of training images, 55000, got 60000 "
        "(pilots hold out the other images for validation)",
    ),
    "rate of zero": (
        STUDY + "recipe: {learning_rate: 0.0}",
        "recipe.learning_rate: expected a number >= 1e-12, got 0.0",
    ),
    "momentum of one": (
        STUDY + "recipe: {optimizer: {type: sgd, momentum: 1.0}}",
        "recipe.optimizer.momentum: expected a number < 1, got 1.0",
    ),
    "nesterov without momentum": (
        STUDY + "recipe: {optimizer: {type: sgd, momentum: 0.0}}",
        "recipe.optimizer: nesterov: true needs a momentum above 0",
    ),
    "step without its length": (
        STUDY + "recipe: {schedule: {type: step, factor: 0.5}}",
        "recipe.schedule.every: is missing",
    ),
    "piecewise schedule without rising epochs": (
        STUDY + "recipe: {schedule: {type: piecewise, epochs: [2, 5, 5], factors: [0.4, 0.2, 0.1]}}",
        "recipe.schedule.epochs: expected rising numbers of epochs, got [2, 5, 5]",
    ),
    "piecewise schedule without changes": (
        STUDY + "recipe: {schedule: {type: piecewise, epochs: [], factors: []}}",
        "recipe.schedule.epochs: expected rising numbers of epochs, got []",
    ),
    "piecewise schedule with a factor too many": (
        STUDY + "recipe: {schedule: {type: piecewise, epochs: [2, 5], factors: [0.4, 0.2, 0.1]}}",
        "recipe.schedule.factors: expected 2 factors, one for each of epochs, got [0.4, 0.2, 0.1]",
    ),
    "piecewise schedule with a factor of zero, in a grid": (
        STUDY + "recipe: {schedule: {type: piecewise, epochs: [2], factors: [[0.4], [0.0]]}}",
        "recipe.schedule.factors[1][0]: expected a number >= 1e-12, got 0.0",
    ),
    "one number for a range": (
        STUDY + "recipe: {input_range: 1}",
        "recipe.input_range: expected a list, got 1",
    ),
    "one number for a range in a grid": (
        STUDY + "recipe: {input_range: [[1]]}",
        "recipe.input_range[0][1]: is missing",
    ),
    "three numbers for a range": (
        STUDY + "recipe: {input_range: [-1, 0, 1]}",
        "recipe.input_range: expected a list with at most 2 values, got [-1, 0, 1]",
    ),
    "range of one number in a grid": (
        STUDY + "recipe: {input_range: [~, [-1, 1], [2, 2]]}",
        "recipe.input_range[2]: expected two numbers that differ in fp32, got [2.0, 2.0]",
    ),
    "targets without the loss mse": (
        STUDY + "recipe: {targets: [-1, 1]}",
        "recipe.targets: are only for the loss mse; set loss: mse, or remove targets",
    ),
    "negative shear": (
        STUDY + "recipe: {augmentation: {affine: {shear: -0.1}}}",
        "recipe.augmentation.affine.shear: expected a number >= 0, got -0.1",
    ),
    "batch that is too large": (
        STUDY + "recipe: {batch_size: 60001}",
        "recipe.batch_size: expected at most the number of training images, 60000, got 60001",
    ),
    "crop beyond the image": (
        STUDY + "recipe: {augmentation: {crop: 28}}",
        "recipe.augmentation.crop: expected a number below the image's side, 28, got 28",
    ),
    "shift beyond the image": (
        STUDY + "recipe: {augmentation: {shift: [2, 30]}}",
        "recipe.augmentation.shift[1]: expected a number below the image's side, 28, got 30",
    ),
    "more images than the data set has": (
        "study: example\ndataset: {type: mnist, validation: 1000, train_images: [100, 60000]}\n" + LENET,
        "dataset.train_images[1]: expected at most 59000, got 60000",
    ),
    "validation without training images": (
        "study: example\ndataset: {type: mnist, validation: 60000}\n" + LENET,
        "dataset.validation: expected at most 59999, so that training images remain, got 60000",
    ),
    "own recipe that is no mapping": (
        network("type: lenet5, filters: 6, recipe: 5"),
        second("recipe: expected a mapping of keys to values, got 5"),
    ),
    "rate of its own recipe": (
        network("type: lenet5, filters: 6, recipe: {learning_rate: [0.1, -5]}"),
        second("recipe.learning_rate[1]: expected a number >= 1e-12, got -5"),
    ),
    "unknown key of its own recipe": (
        network("type: lenet5, filters: 6, recipe: {lr: 5}"),
        second(f"recipe.lr: unknown key; did you mean learning_rate? permitted: {RECIPE}"),
    ),
    "batch of its own recipe": (
        network("type: lenet5, filters: 6, recipe: {batch_size: 70000}"),
        second("recipe.batch_size: expected at most the number of training images, 60000, got 70000"),
    ),
    "empty grid of its own recipe": (
        network("type: lenet5, filters: 6, recipe: {epochs: []}"),
        second("recipe.epochs: an empty grid; give at least one value"),
    ),
    "missing type in its own recipe": (
        network("type: lenet5, filters: 6, recipe: {schedule: {every: 5}}"),
        second(f"recipe.schedule.type: is missing; expected one of {SCHEDULES}"),
    ),
    "own group replaces the study's": (
        network(
            "type: lenet5, filters: 6, recipe: {schedule: {type: step, factor: 0.5}}",
            "{schedule: {type: one_cycle, warmup: 0.1}}",
        ),
        second("recipe.schedule.every: is missing"),
    ),
    "own setting in the study's group": (
        network(
            "type: lenet5, filters: 6, recipe: {schedule: {factor: 2}}",
            "{schedule: {type: step, every: 5, factor: 0.5}}",
        ),
        second("recipe.schedule.factor: expected a number <= 1, got 2"),
    ),
    "study's setting in a merged group": (
        network(
            "type: lenet5, filters: 6, recipe: {schedule: {factor: 0.2}}",
            "{schedule: {type: step, every: 0, factor: 0.5}}",
        ),
        "recipe.schedule.every: expected a number >= 1, got 0",
    ),
    "setting that both recipes lack": (
        network(
            "type: lenet5, filters: 6, recipe: {schedule: {every: 3}}", "{schedule: {type: step, every: 5}}"
        ),
        "recipe.schedule.factor: is missing",
    ),
    "not a mapping": ("- 5", NOT_A_MAPPING),
    "empty": ("", "is empty; give the path of a study's YAML file; scaling init writes one"),
    "key twice": (
        STUDY + "seeds: 3\nseeds: 4",
        'found duplicate key "seeds", value "4" (original value: "3")',
    ),
    "key twice in a mapping": (
        network("type: lenet5, filters: 6, filters: 7"),
        'found duplicate key "filters", value "7" (original value: "6")',
    ),
    "not YAML": (STUDY + "recipe: {epochs: 5", "expected ',' or '}', but got '<stream end>'"),
    "not printable": ("\0", "is not YAML: unacceptable character #x0000: special characters are not allowed"),
}
"""Text of a study, and the one problem that it has."""
