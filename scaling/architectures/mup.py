"""A parametrisation in which learning rates transfer over widths: muP, after Yang et al. 2022, arXiv:2203.03466, Table 3.

With m for ``filters`` over ``base_filters``, a tensor of weights has m_in = m where its fan-in grows with the filters, else 1; and m_out
likewise. docs/mup.md derives the factors over the standard parametrisation from them:

    initial values          1 / sqrt(m_in) where the fan-out does not grow, else 1
    learning rate of SGD    m_out / m_in
    learning rate of Adam   1 / m_in
    weight decay            1 / (that of the learning rate), so that their product stays

For biases and for the factors of batch norm, which have no fan-in, m_in is 1.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import model_validator

from scaling.architectures.base import Architecture, ParameterScale
from scaling.settings import IdentityDefault, ImageShape, NonNegativeInt


class MupArchitecture(Architecture):
    """A family whose learning rates can be made to transfer over widths."""

    parametrization: Annotated[Literal["standard", "mup"], IdentityDefault("standard")] = "standard"
    """``mup``: what is the best learning rate at ``base_filters`` is about the best at every width."""
    base_filters: Annotated[NonNegativeInt, IdentityDefault(0)] = 0
    """The width at which ``mup`` and ``standard`` are one; 0 for ``standard``, which needs none."""

    @model_validator(mode="after")
    def _based(self) -> MupArchitecture:
        if self.parametrization == "mup" and not self.base_filters:
            raise ValueError(
                "parametrization: mup needs base_filters, the width at which it is the standard one"
            )
        if self.parametrization == "standard" and self.base_filters:
            raise ValueError("base_filters needs parametrization: mup")
        return self

    def parameter_scales(self, image: ImageShape) -> dict[str, ParameterScale]:
        m = self.filters / (self.base_filters or self.filters)
        parameter_scales: dict[str, ParameterScale] = {}
        m_in = 1.0
        for layer in self.layer_table(image).layers:
            if layer.parameters:
                m_out = m if len(layer.shape) == 3 else 1.0  # filters add maps, never hidden units
                vector = ParameterScale(sgd=m_out)
                matrix = ParameterScale(
                    initial=m_in**-0.5 if m_out == 1 else 1.0, sgd=m_out / m_in, adam=1 / m_in
                )
                parameter_scales |= {
                    f"{layer.name}_weight": vector if layer.name.startswith("norm") else matrix,
                    f"{layer.name}_bias": vector,
                }
                m_in = m_out
        return parameter_scales
