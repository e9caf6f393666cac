"""Networks that cannot be used: one line, with the line of the user's file where there is one."""

from __future__ import annotations

import re

import pytest

from scaling.settings import ImageShape

IMAGE = ImageShape(1, 6, 3)
SIGNATURE = "def make(*, image, classes, filters):\n"
HEAD = "import time\nimport torch\nfrom torch import nn\n" + SIGNATURE
MODULE = """import torch
from torch import nn
class make(nn.Module):
    def __init__(self, *, image, classes, filters):
        super().__init__()
        self.layer = nn.Linear(image[1] * image[2], {outputs})
    def forward(self, x):
        {body}
"""
PLAIN = "return self.layer(x.flatten(1))"
CASES = {
    "import": (
        "import no_such_module\n",
        r"nets.py, line 1: its import raised ModuleNotFoundError: No",
    ),
    "raises": (
        HEAD + "    raise ValueError('no')\n",
        r"nets.py, line 5: make\(image=\(1, 6, 6\), .* raised ValueError: no",
    ),
    "signature": (
        HEAD.replace(", filters", "") + "    return nn.Linear(1, 1)\n",
        r"make\(.*\) raised TypeError: .*unexpected keyword argument 'filters'",
    ),
    "no module": (HEAD + "    return 3\n", r"expected a torch.nn.Module from make, got int"),
    "no parameters": (HEAD + "    return nn.Flatten()\n", r"the network has no parameters to train"),
    "outputs": (
        MODULE.format(outputs="classes + 1", body=PLAIN),
        r"expected logits of shape \(2, 3\) from images of shape \(2, 1, 6, 6\), got \(2, 4\)",
    ),
    "tuple": (
        MODULE.format(outputs="classes", body="return x, x"),
        r"expected logits of shape .*, got tuple",
    ),
    "forward": (
        MODULE.format(outputs="classes", body="return self.layer(x)"),
        r"nets.py, line 8: a forward pass raised RuntimeError: ",
    ),
    "no products": (
        HEAD + "    return nn.Sequential(nn.AdaptiveAvgPool2d((1, 3)), nn.Flatten(), nn.LayerNorm(3))\n",
        r"the network has no multiply-adds that torch counts",
    ),
    "not deterministic": (
        HEAD + "    net = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))\n"
        "    nn.init.constant_(net[1].bias, time.perf_counter())\n    return net\n",
        r"1.bias differs between two networks of one seed",
    ),
    "ends the process": (
        HEAD + "    raise SystemExit(2)\n",
        r"nets.py, line 5: make\(.*\) raised SystemExit: 2",
    ),
    "lazy": (
        HEAD + "    return nn.Sequential(nn.Flatten(), nn.LazyLinear(classes))\n",
        r"1.weight has no size yet; give the sizes of lazy modules",
    ),
    "random in evaluation": (
        MODULE.format(outputs="classes", body="return self.layer(x.flatten(1)) + torch.rand(1)"),
        r"the network draws random numbers in evaluation",
    ),
}


@pytest.mark.parametrize(("source", "problem"), CASES.values(), ids=CASES.keys())
def test_refusal(tmp_path, own, source, problem):
    (tmp_path / "nets.py").write_text(source)
    found = own("make", file=tmp_path / "nets.py").problem(IMAGE)
    assert found is not None
    assert found.field == "module"
    assert "\n" not in found.text
    assert re.search(problem, found.text), found.text


def test_an_unknown_setting(own):
    found = own("ConvNet", dropuot=0.1).problem(IMAGE)
    assert "got an unexpected keyword argument 'dropuot'" in found.text


def test_a_path_that_depends_on_values_is_trained_one_at_a_time(own):
    note = own("Gated").training_note(IMAGE)
    assert note.startswith("Gated: the replicas of a pack train one at a time (")
    assert "random" in own("ConvNet", dropout=0.1).training_note(IMAGE)
    assert own("ConvNet").training_note(IMAGE) == "ConvNet: the replicas of a pack train as one fused network"
