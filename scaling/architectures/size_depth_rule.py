"""The rule sqrt(size of a map) x number of maps = constant, from one convolution to the next.

Source: Meir, Tevet, Tzach, Hodassman, Gross & Kanter, Sci. Rep. 13, 5423 (2023),
    doi:10.1038/s41598-023-32559-8: this product,
constant along the convolutions, asymptotically minimises the error. LeNet-5 on 32x32 has maps of 28x28 and
10x10, pooled to 14x14 and 5x5, so that d2/d1 = 28/10 = 14/5.
"""

from __future__ import annotations

from math import sqrt

from scaling.architectures.layers import LayerKind, LayerTable


def size_depth_ratios(table: LayerTable) -> dict[str, float]:
    """Return the ratio of filters d2/d1 that the rule demands for the first two convolutions.

    Returns:
        The ratio by ``unpooled``, the maps that the convolutions output, and by ``pooled``, the maps after
        pooling. Empty without a second convolution.
    """
    ratios = {}
    for maps, kind in (("unpooled", LayerKind.CONVOLUTION), ("pooled", LayerKind.POOLING)):
        sizes = [layer.shape[1] * layer.shape[2] for layer in table.layers if layer.kind is kind]
        if len(sizes) > 1:
            ratios[maps] = sqrt(sizes[0]) / sqrt(sizes[1])
    return ratios
