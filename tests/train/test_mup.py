"""Training in muP: at base_filters the bits are those of the standard parametrisation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scaling.architectures import AnyArchitecture, Lenet5
from scaling.config import Run
from scaling.config.recipe import Adam, AdamW, Sgd
from scaling.train import train
from scaling.train.device_data import load_on_device
from scaling.train.module import PackModule
from tests.train.tiny_packs import LENET, VGG, cell, few_images, loaded_dataset, pack

SETTINGS = {"sgd": {}, "adamw": {"optimizer": AdamW(), "learning_rate": 0.003, "weight_decay": 0.01}}


def mup(spec: AnyArchitecture, base: int) -> AnyArchitecture:
    """Switch to muP; derived settings, such as second filters, stay derived."""
    return spec.model_validate(
        spec.model_dump(exclude_unset=True) | {"parametrization": "mup", "base_filters": base}
    )


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("spec", [LENET, VGG], ids=["lenet5", "vgg"])
def test_at_base_filters_mup_trains_as_standard_bit_by_bit(spec, settings):
    few = few_images(spec)
    one, other = (pack(cell(each, few, epochs=1, **settings)) for each in (spec, mup(spec, spec.filters)))
    done, again = (train(each, loaded_dataset(few), device="cpu") for each in (one, other))
    assert np.array_equal(done.logits, again.logits)
    for mine, others in zip(done.weights, again.weights, strict=True):
        assert all(torch.equal(weight, others[name]) for name, weight in mine.items())


def test_mup_runs_have_ids_of_their_own_and_can_be_read_back():
    runs = [cell(spec).run(0) for spec in (LENET, mup(LENET, 6), mup(LENET, 3))]
    assert len({run.id for run in runs}) == 3
    assert [Run.from_json(run.config_json) for run in runs] == runs
    assert '"mup"' not in runs[0].config_json
    assert "base_filters" not in runs[0].config_json


@pytest.mark.parametrize(
    ("rule", "kind"), [(Sgd(), "sgd"), (Adam(), "adam"), (AdamW(), "adam")], ids=["sgd", "adam", "adamw"]
)
def test_a_pack_uses_the_scales_of_its_optimiser(rule, kind):
    wide = mup(Lenet5(filters=12, hidden=(9,)), 6)
    one_pack = pack(cell(wide, optimizer=rule))
    data = load_on_device(loaded_dataset(one_pack.cell.dataset), torch.device("cpu"))
    module = PackModule(
        one_pack,
        data.batches(one_pack.cell.recipe, 0),
        test=data.test_split(one_pack.cell.recipe),
        validation=None,
        on_step_end=lambda: None,
        on_epoch_end=lambda epoch: None,
    )
    expected = wide.parameter_scales(one_pack.cell.info.image)
    optimiser = module.configure_optimizers()
    rates = {
        id(parameter): group["scale"] for group in optimiser.param_groups for parameter in group["params"]
    }
    assert len(rates) == len(list(module.networks.parameters()))
    for name, parameter in module.networks.named_parameters():
        assert rates[id(parameter)] == pytest.approx(getattr(expected[name.removeprefix("weights.")], kind))
