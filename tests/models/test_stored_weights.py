"""Weights as they are stored: what cannot be decoded is named as damaged."""

from __future__ import annotations

import pytest
import torch

from scaling.errors import StoreError
from scaling.models.stored_weights import decode_weights, encode_weights

STORED = encode_weights({"c1": torch.arange(6.0)}, {"c1": torch.ones(6, dtype=torch.bool)})

HEADER = b'{"c1":{"dtype":"F8_E8M0","shape":[1],"data_offsets":[0,1]}}'


def test_stored_weights_and_masks_are_decoded() -> None:
    decoded = decode_weights(STORED)
    assert torch.equal(decoded.weights["c1"], torch.arange(6.0))
    assert torch.equal(decoded.masks["c1"], torch.ones(6, dtype=torch.bool))


DAMAGED = {
    "empty": b"",
    "cut short": STORED[:-1],
    "no header": bytes(100),
    "no tensors": b"no tensors",
    "type that torch lacks": len(HEADER).to_bytes(8, "little") + HEADER + b"0",
}


@pytest.mark.parametrize("stored", DAMAGED.values(), ids=DAMAGED)
def test_what_cannot_be_decoded_is_damaged(stored: bytes) -> None:
    with pytest.raises(StoreError, match=r"^its weights are damaged"):
        decode_weights(stored)
