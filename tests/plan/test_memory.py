"""Memory of packs, and the widths that fit into a limit."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from scaling.architectures import Lenet5, Net1, Net2, Tree3
from scaling.datasets.usps import USPS_INFO
from scaling.plan.memory import GIB, max_filters, memory_bytes
from scaling.plan.pack_memory import FIRST_TRAINING_BYTES, MIB
from scaling.plan.packs import pack_size
from tests.hypothesis_settings import examples
from tests.plan.example_cells import cell

networks = (
    st.builds(Lenet5, filters=st.integers(2, 3000))
    | st.builds(Lenet5, filters=st.integers(2, 3000), second_filters=st.integers(1, 3000))
    | st.builds(Lenet5, filters=st.integers(2, 3000), convolutions=st.just(1))
    | st.builds(Tree3, filters=st.integers(2, 3000), rows=st.just(4))
)


@given(st.integers(1, 500))
def test_the_memory_of_a_replica_increases_with_width(filters):
    narrow, wide = cell(filters), cell(filters + 1)
    sizes = [pack_size(example.layer_table()) for example in (narrow, wide)]
    first = FIRST_TRAINING_BYTES
    assert (memory_bytes(narrow) - first) / sizes[0] < (memory_bytes(wide) - first) / sizes[1]


def test_memory_holds_the_weights_their_gradients_and_the_optimisers_state():
    """SGD needs fp32 weights, gradients and one moment."""
    sgd = cell(100)
    weights = 4 * sgd.layer_table().parameters * pack_size(sgd.layer_table())
    assert memory_bytes(sgd) > 3 * weights


def test_larger_batches_and_fp32_need_more_memory():
    assert memory_bytes(cell(6, batch_size=1000)) > memory_bytes(cell(6, batch_size=100))
    average = Lenet5(filters=6, pooling="average")
    assert memory_bytes(cell(average, precision="fp32")) > memory_bytes(cell(average, precision="bf16"))


def test_a_network_with_compiled_steps_needs_the_memory_of_a_compiler_in_fp32():
    """Of networks of one layer, almost all of the remaining memory does not depend on the precision."""
    bf16, fp32 = (
        memory_bytes(replace(cell(Net1(filters=1), precision=precision), info=USPS_INFO))
        - FIRST_TRAINING_BYTES
        for precision in ("bf16", "fp32")
    )
    compiler = Net1.memory_profile.compiler_bytes
    assert compiler > 100 * MIB
    assert compiler < fp32 - bf16 < compiler + 10 * MIB


def fits(network, filters: int, limit: float) -> bool:
    return memory_bytes(cell(network.with_filters(filters))) <= limit


def test_a_network_of_one_layer_needs_the_memory_of_its_logits():
    one, two = (replace(cell(net), info=USPS_INFO) for net in (Net1(filters=1), Net2(filters=12)))
    assert FIRST_TRAINING_BYTES < memory_bytes(one) < memory_bytes(two)


@examples(30)
@given(network=networks, share=st.floats(0.001, 0.999))
def test_max_filters_is_the_largest_width_that_fits(network, share):
    """All wider networks are checked, because their packs are smaller and may need less memory."""
    limit = share * memory_bytes(cell(network))
    largest = max_filters(cell(network), limit)
    assert largest < network.filters
    assert largest == 0 or fits(network, largest, limit)
    wider = range(largest + 1, network.filters + 1)
    assert not any(fits(network, filters, limit) for filters in wider[:: max(1, len(wider) // 20)])
    assert not fits(network, largest + 1, limit) or largest + 1 == network.filters


def test_max_filters_finds_a_width_above_a_threshold_of_the_pack_size():
    """Just above a threshold of the pack size, a width can fit although narrower widths do not."""
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


def test_max_filters_is_zero_if_no_width_fits():
    wide = cell(Lenet5(filters=6, hidden=(10**6, 10**6)))
    assert max_filters(wide, 1.0 * GIB) == 0
    assert max_filters(replace(wide, architecture=Lenet5(filters=1)), 1.0) == 0
