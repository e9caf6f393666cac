"""Compilation of the kernels ahead of their use.

    python -m scaling.train.kernel_compilation

The first training after an installation would compile them. Trainings in fp32 compile their own variants.
"""

from __future__ import annotations

import torch

from scaling.architectures import Lenet5, Tree3
from scaling.config.recipe import Sgd
from scaling.models import build
from scaling.settings import ImageShape
from scaling.train.optimisers import PackOptimiser

_IMAGE = ImageShape(1, 28, 10)
_NETWORKS = (Lenet5(filters=2), Lenet5(filters=3), Tree3(rows=4, filters=2))
"""Networks that use all kernels of a training in bf16."""


def main() -> None:
    """Compile the kernels for this processor, and store their machine code."""
    images = torch.zeros(1, _IMAGE.channels, _IMAGE.side, _IMAGE.side, dtype=torch.bfloat16)
    for architecture in _NETWORKS:
        network = build(architecture, _IMAGE, [0])
        network(images).sum().backward()
        PackOptimiser(network.parameters(), Sgd(), learning_rates=[0.0], weight_decays=[0.0]).step()


if __name__ == "__main__":
    main()
