"""Compilation of the vector kernels ahead of their use.

    python -m scaling.models.kernel_compilation

The first training after an installation would compile them. Trainings in fp32 compile their own variants.
"""

from __future__ import annotations

import torch

from scaling.architectures import Lenet5, Tree3
from scaling.models import build
from scaling.settings import ImageShape

_IMAGE = ImageShape(1, 28, 10)
_NETWORKS = (Lenet5(filters=2), Lenet5(filters=3), Tree3(rows=4, filters=2))
"""Networks that use all kernels of a training in bf16."""


def main() -> None:
    """Compile the kernels for this processor, and store their machine code."""
    images = torch.zeros(1, _IMAGE.channels, _IMAGE.side, _IMAGE.side, dtype=torch.bfloat16)
    for network in _NETWORKS:
        build(network, _IMAGE, [0])(images).sum().backward()


if __name__ == "__main__":
    main()
