"""A network for the study beside this file."""

from __future__ import annotations

from torch import Tensor, nn


class SmallNet(nn.Module):
    """A convolution, batch norm, pooling and a readout.

    Args:
        image: channels, height and width of the images.
        classes: number of classes.
        filters: filters of the convolution.
        hidden: units of a layer before the readout; 0 for none.
        dropout: probability with which a feature is left out of a training step.
    """

    def __init__(
        self, *, image: tuple[int, int, int], classes: int, filters: int, hidden: int = 0, dropout: float = 0
    ) -> None:
        super().__init__()
        channels, height, width = image
        self.features = nn.Sequential(
            nn.Conv2d(channels, filters, 5), nn.BatchNorm2d(filters), nn.MaxPool2d(4), nn.ReLU(), nn.Flatten()
        )
        units = filters * ((height - 4) // 4) * ((width - 4) // 4)
        layers: list[nn.Module] = [nn.Dropout(dropout)]
        if hidden:
            layers += [nn.Linear(units, hidden), nn.ReLU()]
        self.readout = nn.Sequential(*layers, nn.Linear(hidden or units, classes))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, [images, classes]."""
        return self.readout(self.features(images))
