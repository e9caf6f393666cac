"""Minibatches from a torch DataLoader, image by image, through torchvision's transforms; for the ablation."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from scaling.data.minibatches import Minibatches


class ImageDataset(Dataset):
    """Single images, as torchvision's data sets return them."""

    def __init__(self, minibatches: Minibatches, transform: Any) -> None:
        self.images, self.labels = minibatches.images.numpy(), minibatches.labels.tolist()
        self.index, self.transform = minibatches.index, transform

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, position: int) -> tuple[Tensor, int]:
        row = self.index[position]
        return self.transform(transforms.functional.to_pil_image(self.images[row])), self.labels[row]


class DataLoaderMinibatches(Minibatches):
    """Replacement of ``Minibatches`` with the same layout and precision, and with the loader's own order."""

    def __init__(self, images: Tensor, labels: Tensor, **settings: Any) -> None:
        super().__init__(images, labels, **settings)
        augmentation, side = settings["augmentation"], images.shape[1]
        steps: list[Any] = [transforms.RandomCrop(side, augmentation.crop)] if augmentation.crop else []
        steps += [transforms.RandomHorizontalFlip()] if augmentation.flip else []
        moments = (settings["mean"].tolist(), settings["std"].tolist())
        steps += [transforms.ToTensor(), transforms.Normalize(*moments)]
        self.dtype = settings["dtype"]
        self.loader = DataLoader(
            ImageDataset(self, transforms.Compose(steps)),
            batch_size=self.batch_size,
            shuffle=True,
            drop_last=True,
        )

    def load_epoch(self, epoch: int) -> None:
        if self._loaded_epoch != epoch:
            self.batches, self._loaded_epoch = iter(self.loader), epoch

    def select(self, step: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loader's next batch, whichever step is asked for."""
        images, labels = next(self.batches)
        return images.to(self.dtype).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2), labels
