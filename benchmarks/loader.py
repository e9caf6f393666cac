"""Batches as a DataLoader gives them: image by image, through torchvision's transforms. For the ablation alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from scaling.data.minibatches import Minibatches


class OneByOne(Dataset):
    """Images as torchvision's sets give them."""

    def __init__(self, batches: Minibatches, transform: Any) -> None:
        self.images, self.labels, self.index, self.transform = (
            batches.images.numpy(),
            batches.labels.tolist(),
            batches.index,
            transform,
        )

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, nth: int) -> tuple[Tensor, int]:
        row = self.index[nth]
        return self.transform(transforms.functional.to_pil_image(self.images[row])), self.labels[row]


class LoadedBatches(Minibatches):
    """In place of ``Minibatches``: the same layout and precision; order and augmentation are the loader's own."""

    def __init__(self, images: Tensor, labels: Tensor, **rest: Any) -> None:
        super().__init__(images, labels, **rest)
        augmentation, side = rest["augmentation"], images.shape[1]
        steps: list[Any] = [transforms.RandomCrop(side, augmentation.crop)] if augmentation.crop else []
        steps += [transforms.RandomHorizontalFlip()] if augmentation.flip else []
        steps += [transforms.ToTensor(), transforms.Normalize(rest["mean"].tolist(), rest["std"].tolist())]
        self.dtype = rest["dtype"]
        self.loader = DataLoader(
            OneByOne(self, transforms.Compose(steps)),
            batch_size=self.batch_size,
            shuffle=True,
            drop_last=True,
        )

    def epoch(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        for images, labels in self.loader:
            yield images.to(self.dtype).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2), labels
