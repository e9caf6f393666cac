"""What a pack costs follows from its machine's speed; and the widths that its memory permits are the ones that fit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling.architectures import Lenet5, Tree3
from scaling.config.recipe import Adam, Augmentation
from scaling.datasets import Mnist
from scaling.plan.memory import ALLOCATOR_OVERHEAD, FIRST_TRAINING_BYTES, GIB, max_filters, memory_bytes
from scaling.plan.packs import Pack, make_packs, pack_size
from scaling.plan.time_estimate import pack_seconds, training_seconds
from tests.hypothesis_settings import examples
from tests.plan.planned_cells import cell
from tests.plan.planted_speed import speed

networks = (
    st.builds(Lenet5, filters=st.integers(2, 3000))
    | st.builds(Lenet5, filters=st.integers(2, 3000), second_filters=st.integers(1, 3000))
    | st.builds(Lenet5, filters=st.integers(2, 3000), convolutions=st.just(1))
    | st.builds(Tree3, filters=st.integers(2, 3000), rows=st.just(4))
)


def one(filters: int, **recipe) -> Pack:
    (made,) = make_packs([((mine := cell(filters, **recipe)), mine.run(0))])
    return made


@given(st.integers(1, 500))
def test_a_replicas_memory_and_time_grow_with_its_width(filters):
    narrow, wide = cell(filters), cell(filters + 1)
    sizes = [pack_size(c.layer_table()) for c in (narrow, wide)]
    first = FIRST_TRAINING_BYTES["bf16"]
    assert (memory_bytes(narrow) - first) / sizes[0] < (memory_bytes(wide) - first) / sizes[1]
    assert training_seconds(narrow, 1, speed()) < training_seconds(wide, 1, speed())


def test_the_time_of_a_pack_is_the_sum_of_its_parts():
    """By hand: MNIST, of which 700 images are trained on in 4 whole steps of 150, and 100 held out; the ladder knows this network."""
    known = speed(epoch_s=0.5, pack_start_s=2.0, augment_s={1: 0.001})
    mine = replace(cell(6, epochs=3, batch_size=150), dataset=Mnist(train_images=700, validation=100))
    each = known.image_time("lenet5", 1, "bf16", mine.layer_table())
    epoch_s = 0.5 + 8 * (600 * each.train_s + 10_100 * each.evaluate_s)
    assert training_seconds(mine, 8, known) == pytest.approx(3 * epoch_s)
    (made,) = make_packs([(mine, mine.run(0))])
    assert pack_seconds(made, known) == pytest.approx(2 + 3 * epoch_s)
    flipped = replace(mine, recipe=mine.recipe.model_copy(update={"augmentation": Augmentation(flip=True)}))
    assert training_seconds(flipped, 8, known) == pytest.approx(3 * (epoch_s + 0.6))


def test_memory_holds_the_weights_their_gradients_and_the_optimisers_state():
    """At least: fp32 weights, gradients and one moment of SGD; Adam's second moment is as large as the weights again."""
    sgd, adam = cell(100), cell(100, optimizer=Adam())
    weights = 4 * sgd.layer_table().parameters * pack_size(sgd.layer_table())
    assert memory_bytes(sgd) > 3 * weights
    assert memory_bytes(adam) - memory_bytes(sgd) == pytest.approx(
        ALLOCATOR_OVERHEAD * 3 * weights
    )  # one moment more, and twice that for a checkpoint


def test_larger_batches_and_wider_numbers_need_more():
    assert memory_bytes(cell(6, batch_size=1000)) > memory_bytes(cell(6, batch_size=100))
    assert memory_bytes(cell(6, precision="fp32")) > memory_bytes(cell(6, precision="bf16"))


def test_time_is_in_proportion_to_the_epochs():
    first, second, third = (pack_seconds(one(6, epochs=epochs), speed()) for epochs in (1, 2, 3))
    assert third - second == pytest.approx(second - first)


def fits(network, filters: int, limit: float) -> bool:
    mine = cell(network.with_filters(filters))
    return memory_bytes(mine) <= limit


@pytest.mark.simulation
@examples(30)
@given(network=networks, share=st.floats(0.001, 0.999))
def test_the_width_that_is_named_fits_and_no_wider_one_does(network, share):
    """By going through all of them near it: packs of wider networks are smaller, so more filters may need less memory."""
    limit = share * memory_bytes(cell(network))
    most = max_filters(cell(network), limit)
    assert most < network.filters
    assert most == 0 or fits(network, most, limit)
    wider = range(most + 1, network.filters + 1)
    assert not any(fits(network, filters, limit) for filters in wider[:: max(1, len(wider) // 20)])
    assert not fits(network, most + 1, limit) or most + 1 == network.filters


@pytest.mark.simulation
def test_where_packs_get_smaller_the_widest_that_fits_is_found():
    """Just above a threshold of the packs' sizes, a width fits although narrower ones do not."""
    widths = [
        w for w in range(1, 200) if pack_size(cell(w).layer_table()) > pack_size(cell(w + 1).layer_table())
    ]
    dips = [w for w in widths if memory_bytes(cell(w)) > memory_bytes(cell(w + 1))]
    assert dips
    for w in dips:
        limit = float(memory_bytes(cell(w + 1)))
        assert not fits(Lenet5(filters=1), w, limit)
        assert (
            max_filters(cell(200), limit)
            == max(f for f in range(1, 200) if fits(Lenet5(filters=1), f, limit))
            > w
        )


def test_a_network_of_which_nothing_fits():
    wide = cell(Lenet5(filters=6, hidden=(10**6, 10**6)))
    assert max_filters(wide, 1.0 * GIB) == 0
    assert max_filters(replace(wide, architecture=Lenet5(filters=1)), 1.0) == 0
