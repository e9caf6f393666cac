"""Base classes of the data sets of a user's own files."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from scaling.datasets.base import Dataset, DatasetInfo
from scaling.datasets.canonical import Splits
from scaling.datasets.own.choice import ChosenSplits, SplitRules, choose_splits
from scaling.datasets.own.content import LabelledImages, OwnContent
from scaling.datasets.own.info_cache import ReadingKey, cached_info, take_splits
from scaling.errors import DataError
from scaling.files import NO_SUCH_FILE, folder_problem
from scaling.settings import IdentityDefault, PositiveInt

_BASE_SETTINGS = frozenset(Dataset.model_fields)


class OwnDataset(Dataset):
    """A user's own images. A run's identity includes their content, and not where they are."""

    @abstractmethod
    def files(self, folder: Path) -> Sequence[Path]:
        """Return the files that hold the data set.

        Args:
            folder: the data folder.

        Raises:
            DataError: a file is missing.
        """

    @abstractmethod
    def read(self, folder: Path) -> OwnContent:
        """Read the files.

        Args:
            folder: the data folder.

        Raises:
            DataError: a file is missing or unsuitable.
        """

    def whole_info(self, folder: Path) -> DatasetInfo:
        return cached_info(self._reading_key(folder), lambda: self.read(folder))

    def splits(self, folder: Path) -> Splits:
        """Read the training split and the test split, in canonical order.

        Args:
            folder: the data folder.

        Raises:
            DataError: a file is missing or unsuitable.
        """
        return take_splits(self._reading_key(folder)) or self.read(folder).splits()

    def origin(self, folder: Path) -> str:
        """Return the name of the files, for messages."""
        return str(self.files(folder)[0])

    def _reading_key(self, folder: Path) -> ReadingKey:
        return ReadingKey.from_files(self.files(folder), self.reading_settings())

    def reading_settings(self) -> dict[str, Any]:
        """Return the settings on which the result of reading the files depends."""
        return {name: value for name, value in self.setting_values().items() if name not in _BASE_SETTINGS}


class PathDataset(OwnDataset):
    """A user's own images in a file or a folder that a study names."""

    EXPECTED: ClassVar[str]
    """What the path is expected to name, for messages."""

    path: Annotated[str, Field(min_length=1)]
    """Path of the data. A relative path is searched beside the study, then in the working folder, then in the
    data folder."""
    validation_split: Annotated[Literal["join", "leave_out"], IdentityDefault("join")] = "join"
    """Use of the images of a validation split, which some files have: ``join`` adds them to the training
    images, from which ``validation`` holds images out; ``leave_out`` does not use them."""
    test_images: Annotated[PositiveInt | None, IdentityDefault(None)] = None
    """Number of images that are drawn as test images, by class and by hash, if the files have one split."""

    @staticmethod
    @abstractmethod
    def path_problem(path: Path) -> str | None:
        """Return why a path cannot be read as such a data set; None if it can."""

    def located(self, study: Path, folder: Path) -> PathDataset:
        """Return the data set with an absolute path.

        Args:
            study: folder of the study's YAML file.
            folder: the data folder.

        Raises:
            DataError: there is nothing with this path.
        """
        candidates = dict.fromkeys((study / self.path, Path(self.path), folder / self.path))
        found = self._find(list(candidates))
        return self.model_copy(update={"path": str(found.resolve())})

    def locate(self, folder: Path) -> Path:
        """Return the file or the folder.

        Args:
            folder: the data folder.

        Raises:
            DataError: there is nothing with this path.
        """
        return self._find([Path(self.path), folder / self.path])

    def choose_splits(self, found: Mapping[str, LabelledImages], *, origin: str, hint: str) -> ChosenSplits:
        """Return the training and the test images among those of all splits.

        Args:
            found: images of ``train``, ``test`` and ``val``, as far as the files have them.
            origin: name of the file or the folder.
            hint: what the user can do if a split is missing.

        Raises:
            DataError: a split is missing.
        """
        rules = SplitRules(joins=self.validation_split == "join", test_images=self.test_images)
        return choose_splits(found, rules, origin=origin, hint=hint)

    def origin(self, folder: Path) -> str:
        return str(self.locate(folder))

    def reading_settings(self) -> dict[str, Any]:
        return {name: value for name, value in super().reading_settings().items() if name != "path"}

    def _find(self, candidates: list[Path]) -> Path:
        with suppress(RuntimeError):  # ~nobody, without such a user
            home = Path(self.path).expanduser()
            candidates = [home] if home.is_absolute() else candidates
        problems = {path: self.path_problem(path) for path in candidates}
        *others, last = map(str, problems)
        searched = f"{', '.join(others)} and {last}" if others else last
        found = f"{NO_SUCH_FILE}; searched {searched}"
        for path, problem in problems.items():
            if problem is None:
                return path
            if problem != NO_SUCH_FILE:
                found = f"{path}: {problem}"
        raise DataError(f"dataset.path: {found}; give the path of {self.EXPECTED}")


class FolderDataset(PathDataset):
    """A user's own encoded images in a folder."""

    size: Annotated[Annotated[int, Field(ge=1, le=1024)] | None, IdentityDefault(None)] = None
    """Side in pixels of the squares into which all images are fitted, with their proportions; by default, all
    images must have one size, which stays."""

    @staticmethod
    def path_problem(path: Path) -> str | None:
        return folder_problem(path)
