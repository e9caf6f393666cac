"""A user's own images as files in folders: the layout of torchvision's ImageFolder, one for each split.

    FOLDER/train/cat/1.png     FOLDER/test/cat/9.png
    FOLDER/train/dog/2.png     FOLDER/test/dog/8.png

The folders of the classes name them; they become the classes 0 to k-1 in alphabetical order, as in
torchvision. Images in folders within them are read too, and other files are left out. With ``test_images``,
the folders of the classes may be in FOLDER itself: the layout of ImageFolder without splits.

Set here: the names of the splits, and an error where links lead to one folder twice.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from scaling.datasets.own import (
    SPLITS,
    EncodedImage,
    FolderDataset,
    LabelledImages,
    OwnContent,
    decode_splits,
    split_of,
)
from scaling.errors import DataError

_EXTENSIONS = frozenset((".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"))
"""Endings of the names of images, as in torchvision."""
_LAYOUT = "train/CLASS/IMAGE.png and test/CLASS/IMAGE.png"


class ImageFolderDataset(FolderDataset):
    """Images as files in folders of their classes. A run's identity includes the pixels and no path."""

    EXPECTED: ClassVar[str] = f"a folder with {_LAYOUT}"

    type: Literal["imagefolder"] = "imagefolder"

    def files(self, folder: Path) -> Sequence[Path]:
        return [
            member.file
            for member in _list_members(self.locate(folder), draws_test=self.test_images is not None).images
        ]

    def read(self, folder: Path) -> OwnContent:
        root = self.locate(folder)
        members = _list_members(root, draws_test=self.test_images is not None)
        splits = {
            split: [image for image in members.images if image.split == split] for split in members.splits
        }
        names = sorted({image.class_name for image in members.images})
        decoded = decode_splits(
            {
                split: [EncodedImage(str(image.file), image.file) for image in images]
                for split, images in splits.items()
            },
            origin=str(root),
            size=self.size,
        )
        number = {name: label for label, name in enumerate(names)}
        found = {
            split: LabelledImages(images, np.array([number[image.class_name] for image in splits[split]]))
            for split, images in decoded.images.items()
        }
        train, test, notes = self.choose_splits(found, origin=str(root), hint=f"expected {_LAYOUT}")
        left_out = f"{members.others:,} files without the name of an image are left out"
        return OwnContent(
            origin=str(root),
            title=root.resolve().name,
            layout=f"folders of images: {', '.join(splits)}",
            train=train,
            test=test,
            names=("the training images", "the test images"),
            label_names=dict(enumerate(names)),
            notes=(*notes, *decoded.notes, *([left_out] if members.others else [])),
        )


@dataclass(frozen=True)
class _Member:
    """A file of an image."""

    split: str
    class_name: str
    file: Path


@dataclass(frozen=True, kw_only=True)
class _Members:
    """Files of a data set."""

    images: tuple[_Member, ...]
    others: int
    """Number of other files in the folders of the classes."""

    @property
    def splits(self) -> tuple[str, ...]:
        """Splits that have images."""
        return tuple(dict.fromkeys(image.split for image in self.images))


def _list_members(root: Path, *, draws_test: bool) -> _Members:
    """Return the images of a folder, sorted by their paths.

    Args:
        root: the folder.
        draws_test: the folders of the classes may be in the folder itself, as one split.

    Raises:
        DataError: the folder has no splits, a class has no images, or links lead to one folder twice.
    """
    images: list[_Member] = []
    others = 0
    for split, folder in _split_folders(root, draws_test=draws_test).items():
        classes = _subfolders(folder)
        if not classes:
            raise DataError(f"{folder}: has no folders of classes; expected {_LAYOUT} in {root}")
        for class_folder in classes:
            files = sorted(_walk(class_folder))
            chosen = [file for file in files if file.suffix.lower() in _EXTENSIONS]
            if not chosen:
                raise DataError(
                    f"{class_folder}: has no images ({', '.join(sorted(_EXTENSIONS))}); add some or remove it"
                )
            images += [_Member(split, class_folder.name, file) for file in chosen]
            others += len(files) - len(chosen)
    return _Members(images=tuple(images), others=others)


def _split_folders(root: Path, *, draws_test: bool) -> dict[str, Path]:
    """Return the folder of each split.

    Raises:
        DataError: there are none, or two of one split.
    """
    folders = _subfolders(root)
    found: dict[str, Path] = {}
    for folder in folders:
        split = split_of(folder.name) if folder.name.isalpha() else None
        if split in found:
            raise DataError(
                f"{root}: {found[split].name} and {folder.name} are both {split}; rename one of them"
            )
        if split:
            found[split] = folder
    if found:
        return {split: found[split] for split in SPLITS if split in found}
    if not folders:
        raise DataError(f"{root}: has no folders; expected {_LAYOUT}")
    if draws_test:
        return {"train": root}
    if split_of(root.name):
        raise DataError(f"{root}: is one split; give the folder with all splits, dataset.path: {root.parent}")
    raise DataError(
        f"{root}: has no folder train or test, but {folders[0].name}; dataset.test_images: 1000 draws test"
        " images from folders of classes without a split"
    )


def _subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder by their names, without hidden ones.

    Raises:
        DataError: the folder cannot be read.
    """
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror})") from error


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder and in the folders within it, also through links, without hidden ones.

    Raises:
        DataError: a folder cannot be read, or is reached twice, as through a link to itself.
    """

    def refuse(error: OSError) -> None:
        raise DataError(f"{error.filename}: cannot be read ({error.strerror})") from error

    visited = {folder.resolve(), *folder.resolve().parents}
    for path, folders, files in os.walk(folder, followlinks=True, onerror=refuse):
        place = Path(path)
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in folders:
            real = (place / name).resolve()
            if real in visited:
                raise DataError(
                    f"{place / name}: is a link to {real}, which is read already; remove the link"
                )
            visited.add(real)
        yield from (place / name for name in files if not name.startswith("."))
