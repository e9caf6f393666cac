"""Networks that are too large for this machine are counted without memory for their weights."""

from __future__ import annotations

from scaling.settings import ImageShape

IMAGE = ImageShape(3, 32, 10)


def test_a_network_of_a_billion_weights_is_planned_without_them(own):
    spec = own("ConvNet", 500_000)
    assert spec.problem(IMAGE) is None
    assert spec.layer_table(IMAGE).parameters == 500_000 * (3 * 9 + 1) + 10 * (500_000 * 15**2 + 1)
    assert not spec.replica_training(IMAGE).is_fused
