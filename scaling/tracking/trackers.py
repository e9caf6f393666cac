"""Trackers by name: their packages, and where they write."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shlex import quote

from scaling.errors import UsageError, install_command


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Destination of the runs of one study; the tracker's own environment variables come first."""

    study: str
    """Name of the study: the project or experiment."""
    folder: Path
    """Absolute path of the study's folder of artifacts, for trackers that write files."""

    @property
    def tensorboard(self) -> Path:
        """Folder with a folder for each run."""
        return self.folder / "tensorboard"

    @property
    def wandb(self) -> Path:
        """Folder in which the client makes its folder ``wandb``."""
        return Path(os.environ.get("WANDB_DIR") or self.folder).absolute()

    @property
    def wandb_project(self) -> str:
        return os.environ.get("WANDB_PROJECT") or self.study

    @property
    def mlflow(self) -> str:
        """URI of the tracking store."""
        return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{self.folder / 'mlflow.db'}"

    @property
    def mlflow_experiment(self) -> str:
        return os.environ.get("MLFLOW_EXPERIMENT_NAME") or self.study


@dataclass(frozen=True, kw_only=True)
class Tracker:
    """Package of a tracker, and where its runs are shown."""

    package: str
    """Package to import."""
    how_to_view: Callable[[Destination], str]
    """Returns the command, the page or the project that shows the runs."""
    writes_into_folder: Callable[[Mapping[str, str]], bool]
    """Returns True if, with these environment variables, the runs go into the study's folder of artifacts."""


def _view_wandb(destination: Destination) -> str:
    if os.environ.get("WANDB_MODE") == "offline":
        return f"wandb sync {quote(str(destination.wandb / 'wandb'))}/offline-run-*"
    return f"project {destination.wandb_project}"


def _view_mlflow(destination: Destination) -> str:
    if destination.mlflow.startswith(("http://", "https://")):
        return f"experiment {destination.mlflow_experiment} of {destination.mlflow}"
    return f"mlflow ui --backend-store-uri {quote(destination.mlflow)}"


TRACKERS = {
    "tensorboard": Tracker(
        package="tensorboardX",
        how_to_view=lambda destination: f"tensorboard --logdir {quote(str(destination.tensorboard))}",
        writes_into_folder=lambda variables: True,
    ),
    "wandb": Tracker(
        package="wandb",
        how_to_view=_view_wandb,
        writes_into_folder=lambda variables: (
            variables.get("WANDB_MODE") == "offline" and not variables.get("WANDB_DIR")
        ),
    ),
    "mlflow": Tracker(
        package="mlflow",
        how_to_view=_view_mlflow,
        writes_into_folder=lambda variables: not variables.get("MLFLOW_TRACKING_URI"),
    ),
    "trackio": Tracker(
        package="trackio",
        how_to_view=lambda destination: f"trackio show --project {quote(destination.study)}",
        writes_into_folder=lambda variables: False,  # but into the user's folder of trackio
    ),
}
"""Trackers by name. Each name is that of an extra."""


def find_tracker(name: str, *, option: str) -> Tracker:
    """Return a tracker by its name.

    Args:
        name: name of the tracker.
        option: argument that an error names.

    Raises:
        UsageError: there is no such tracker.
    """
    if name not in TRACKERS:
        raise UsageError(f"{name}: expected one of {', '.join(TRACKERS)}", option=option)
    return TRACKERS[name]


def check_tracker(name: str, *, option: str) -> None:
    """Check that a tracker exists and that its package is installed; see ``find_tracker``.

    Raises:
        UsageError: it does not, or is not.
    """
    package = find_tracker(name, option=option).package
    spec = find_spec(package)
    # A folder of this name, such as the one in which Weights & Biases keeps its files, is no package.
    if spec is None or spec.origin is None:
        raise UsageError(
            f"{name}: needs the package {package}; install it with: {install_command(name)}", option=option
        )
