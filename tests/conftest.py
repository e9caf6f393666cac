"""Settings that make tests independent of the machine, of its load and of the user's files."""

from __future__ import annotations

import gc
import os
import signal
from uuid import uuid4

import jaxtyping
import pytest
from hypothesis import HealthCheck, settings
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image
from platformdirs import user_cache_path

from tests.s3_server import BUCKET, s3_environment, s3_server

# Modules and tests are millions of objects that stay: garbage collection, which would search them again and
# again, starts after the collection of the tests.
gc.disable()
gc.set_threshold(50_000, 20, 50)

# Set before torch and NumPy are imported: two test processes on two cores must not compete with more threads.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"
# nohup and the shells of background jobs ignore these signals, which some tests send to what they start.
for _signum, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_signum) is signal.SIG_IGN:
        signal.signal(_signum, _handler)
# By default, Ray's workers yield to every other process, so that a test of Ray waits for all other tests.
os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112  Ray reads this spelling

# The duration of an example depends on the machine's other work.
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fuzz", settings.get_profile("ci"), derandomize=False, max_examples=1000)
settings.load_profile("ci")  # `make fuzz` passes --hypothesis-profile=fuzz, which is loaded later


@pytest.fixture(autouse=True, scope="session")
def _no_files_of_the_user(tmp_path_factory):
    """Hide the user's store, measured speed and cached data sets, which would change what commands print."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MPLCONFIGDIR", str(user_cache_path("matplotlib")))  # an index of fonts takes seconds
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        patch.delenv("SCALING_STORE", raising=False)
        # No test cuts the power: those about it record the calls. A real call waits for the disk.
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="session")
def _s3_url():
    with s3_server() as url:
        yield url


@pytest.fixture
def s3_uri(_s3_url, monkeypatch):
    """Return the URI of an empty place on a server that speaks S3, for which the environment is set."""
    for name, value in s3_environment(_s3_url).items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{uuid4().hex}"


CHECKED = {"data", "fit", "models", "train"}
"""Folders whose tests check the shapes of arrays.

These are the folders of the packages that pyproject.toml names for the checks. Tests of whole commands call
the same functions, and the checks would take a third of their time.
"""


BLANK_PNG = {"api", "cli", "test_new_architecture.py"}
"""Folders and files whose tests draw figures as SVG only.

The PNG file of a figure shows the same drawing and takes a third of the time;
tests of ``analysis`` write both.
"""


@pytest.fixture(autouse=True, scope="module")
def _blank_png(request):
    """Write PNG files of one pixel in tests of whole commands."""
    with pytest.MonkeyPatch.context() as patch:
        if _folder(request) in BLANK_PNG:
            blank = Image.new("L", (1, 1))
            patch.setattr(FigureCanvasAgg, "print_png", lambda canvas, file, **_: blank.save(file, "PNG"))
        yield


LONG = {"test_ray_tune.py", "test_whole_datasets.py"}
"""Files with one test of many seconds."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Start long files first, so that no process waits at the end; skip tests that need absent data."""
    items.sort(key=lambda item: item.path.name not in LONG)
    if "SCALING_DATA" not in os.environ:
        reason = "SCALING_DATA does not name a folder of whole data sets"
        for item in items:
            if item.get_closest_marker("data"):
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_collection_finish():
    """Exempt modules and tests from garbage collection."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Switch off the checks of array shapes in tests of whole commands and in simulations."""
    with pytest.MonkeyPatch.context() as patch:
        if _folder(item) not in CHECKED or item.get_closest_marker("simulation"):
            patch.setattr(jaxtyping.config, "jaxtyping_disable", True)
        return (yield)


def _folder(node) -> str:
    """Return the folder of tests that holds a test or its file; the name of a file that is in none."""
    return node.path.relative_to(node.config.rootpath / "tests").parts[0]
