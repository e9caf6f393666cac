"""The ratio of filters that keeps sqrt(size of a map) x number of maps the same from one convolution to the next.

Source: Meir, Tevet, Tzach, Hodassman, Gross & Kanter, Sci. Rep. 13, 5423 (2023), doi:10.1038/s41598-023-32559-8: this product, constant
along the convolutions, asymptotically minimises the error. LeNet-5 on 32x32 has maps of 28x28 and 10x10, pooled to 14x14 and 5x5, so that
d2/d1 = 28/10 = 14/5.
"""

from __future__ import annotations

from itertools import pairwise
from math import sqrt

from scaling.architectures.layers import LayerTable


def size_depth_ratios(table: LayerTable) -> dict[str, float]:
    """d2/d1 by the maps that convolutions put out, and by those that poolings leave; none without a second convolution."""
    found = {}
    for maps, name in (("unpooled", "conv"), ("pooled", "pool")):
        sizes = [
            layer.shape[1] * layer.shape[2]
            for layer in table.layers
            if layer.name.startswith(name) and len(layer.shape) == 3
        ]
        for first, second in list(pairwise(sizes))[:1]:
            found[maps] = sqrt(first) / sqrt(second)
    return found
