"""muP, a parametrisation in which learning rates transfer between widths.

Source: Yang et al. 2022, arXiv:2203.03466, Table 3.

With m = ``filters`` / ``base_filters``, a weight tensor has m_in = m if its fan-in grows with the filters,
else 1; m_out likewise for its fan-out. docs/mup.md derives these factors over the standard parametrisation:

    initial values          1 / sqrt(m_in) if the fan-out does not grow, else 1
    learning rate of SGD    m_out / m_in
    learning rate of Adam   1 / m_in
    weight decay            1 / (factor of the learning rate), so that their product stays the same

Biases and the factors of batch norm have no fan-in: m_in is 1.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import model_validator

from scaling.architectures.base import Architecture
from scaling.architectures.description import ParameterScale, SettingLabel
from scaling.architectures.layers import LayerKind
from scaling.settings import IdentityDefault, ImageShape, NonNegativeInt


class MupArchitecture(Architecture):
    """An architecture whose learning rates can be made to transfer between widths."""

    setting_labels: ClassVar[dict[str, SettingLabel]] = {"parametrization": SettingLabel(plural="{}")}

    parametrization: Annotated[Literal["standard", "mup"], IdentityDefault("standard")] = "standard"
    """``mup``: the best learning rate at ``base_filters`` is about the best at every width."""
    base_filters: Annotated[NonNegativeInt, IdentityDefault(0)] = 0
    """Width at which ``mup`` and ``standard`` are the same; 0 for ``standard``, which needs none."""

    @model_validator(mode="after")
    def _check_base_filters(self) -> Any:
        if self.parametrization == "mup" and not self.base_filters:
            raise ValueError(
                "parametrization: mup needs base_filters, the width at which it is the standard one"
            )
        if self.parametrization == "standard" and self.base_filters:
            raise ValueError("base_filters needs parametrization: mup")
        return self

    def parameter_scales(self, image: ImageShape) -> dict[str, ParameterScale]:
        m = self.filters / (self.base_filters or self.filters)
        scales: dict[str, ParameterScale] = {}
        m_in = 1.0
        for layer in self.layer_table(image).layers:
            if layer.parameters:
                m_out = m if layer.is_feature_map else 1.0  # filters add maps, never hidden units
                vector = ParameterScale(sgd=m_out)
                matrix = ParameterScale(
                    initial=m_in**-0.5 if m_out == 1 else 1.0, sgd=m_out / m_in, adam=1 / m_in
                )
                scales |= {
                    f"{layer.name}_weight": vector if layer.kind is LayerKind.NORMALISATION else matrix,
                    f"{layer.name}_bias": vector,
                }
                m_in = m_out
        return scales
