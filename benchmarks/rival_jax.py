"""JAX as a rival of a pack: a compiled step with donated buffers, in fp32.

Two forms of the step compete, and the faster one is used. ``vmap`` makes one grouped convolution of all
replicas; ``unrolled`` writes the replicas one after the other into one compiled step, because XLA has slow
kernels for grouped convolutions on CPUs.

Started by ``benchmarks.rival_process``, which writes the task into a folder:

    python -m benchmarks.rival_jax FOLDER

Each line of the input is ``FIRST STEPS``; the answer is one line of JSON with ``seconds``, ``losses`` and
``form``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

Arrays = dict[str, Any]
_AXES = ("NHWC", "HWIO", "NHWC")
_TRIAL_STEPS = 3


class Lenet5Step:
    """LeNet-5 with feature maps in NHWC, the order of XLA's kernels on CPUs."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.padding = settings["padding"]

    def convert(self, weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the weights of all replicas in the order of axes in which this class multiplies them."""
        convolutions = {
            f"conv{i}_weight": weights[f"conv{i}_weight"].transpose(0, 3, 4, 2, 1) for i in (1, 2)
        }
        hidden = weights["hidden1_weight"]
        R, units, features = hidden.shape
        maps = weights["conv2_bias"].shape[1]
        side = int((features // maps) ** 0.5)
        hidden = hidden.reshape(R, units, maps, side, side).transpose(0, 1, 3, 4, 2).reshape(R, units, -1)
        return {**weights, **convolutions, "hidden1_weight": hidden}

    def logits(self, weights: Arrays, images: Any) -> Any:
        """Return one network's logits."""
        from jax.nn import relu

        x = images
        for i, padding in ((1, self.padding), (2, 0)):
            x = convolve(x, weights[f"conv{i}_weight"], padding)
            x = relu(pool(x + weights[f"conv{i}_bias"]))
        x = x.reshape(len(x), -1)
        for layer in ("hidden1", "hidden2"):
            x = relu(x @ weights[f"{layer}_weight"].T + weights[f"{layer}_bias"])
        return x @ weights["readout_weight"].T + weights["readout_bias"]


class Tree3Step:
    """Tree-3 with sigmoids and without biases, with one convolution for each colour."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.rows = settings["rows"]

    def convert(self, weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the weights of all replicas in the order of axes in which this class multiplies them."""
        conv = weights["conv_weight"].transpose(0, 1, 3, 4, 2)[:, :, :, :, None]
        tree = weights["tree_weight"].transpose(0, 6, 1, 3, 2, 4, 5)
        return {**weights, "conv_weight": conv, "tree_weight": np.ascontiguousarray(tree)}

    def logits(self, weights: Arrays, images: Any) -> Any:
        """Return one network's logits."""
        import jax.numpy as jnp
        from jax.nn import sigmoid

        branches = []
        for colour in range(images.shape[3]):
            x = convolve(images[..., colour, None], weights["conv_weight"][colour], 0)
            x = sigmoid(pool(x))
            strips = x.reshape(len(x), -1, self.rows, *x.shape[2:])
            branches.append(jnp.einsum("BSrcK,MKSrc->BMS", strips, weights["tree_weight"][:, colour]))
        x = sigmoid(jnp.stack(branches, axis=2))
        return x.reshape(len(x), -1) @ weights["readout_weight"]


NETWORKS = {"lenet5": Lenet5Step, "tree3": Tree3Step}


def convolve(x: Any, filters: Any, padding: int) -> Any:
    """Convolve maps with zeros around them."""
    from jax import lax

    return lax.conv_general_dilated(x, filters, (1, 1), [(padding, padding)] * 2, dimension_numbers=_AXES)


def pool(x: Any) -> Any:
    """Return the largest number of each window of 2x2 pixels, by slices, which XLA fuses."""
    import jax.numpy as jnp

    top = jnp.maximum(x[:, ::2, ::2], x[:, ::2, 1::2])
    return jnp.maximum(top, jnp.maximum(x[:, 1::2, ::2], x[:, 1::2, 1::2]))


def make_step(network: Any, form: str, momentum: float) -> Callable[..., Any]:
    """Return a compiled step of all replicas, with SGD and Nesterov momentum.

    Args:
        network: an object of ``NETWORKS``.
        form: ``vmap`` or ``unrolled``.
        momentum: momentum of SGD.
    """
    import jax
    import jax.numpy as jnp

    def network_loss(weights: Arrays, images: Any, labels: Any) -> Any:
        scores = jax.nn.log_softmax(network.logits(weights, images))
        return -jnp.take_along_axis(scores, labels[:, None], axis=1).mean()

    def total(weights: Arrays, images: Any, labels: Any) -> tuple[Any, Any]:
        if form == "vmap":
            losses = jax.vmap(network_loss, (0, None, None))(weights, images, labels)
        else:
            replicas = range(len(weights["readout_weight"]))
            parts = [jax.tree.map(lambda weight, r=r: weight[r], weights) for r in replicas]
            losses = jnp.stack([network_loss(part, images, labels) for part in parts])
        return losses.sum(), losses

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(weights: Arrays, momenta: Arrays, images: Any, labels: Any, rate: Any) -> tuple[Any, Any, Any]:
        (_, losses), gradients = jax.value_and_grad(total, has_aux=True)(weights, images, labels)
        momenta = jax.tree.map(lambda m, gradient: momentum * m + gradient, momenta, gradients)
        weights = jax.tree.map(
            lambda weight, m, gradient: weight - rate * (gradient + momentum * m), weights, momenta, gradients
        )
        return weights, momenta, losses

    return step


class Training:
    """A training with one form of the step."""

    def __init__(self, folder: Path, form: str) -> None:
        import jax
        import jax.numpy as jnp

        self.form = form
        settings = json.loads((folder / "task.json").read_text())
        arrays = dict(np.load(folder / "task.npz"))
        network = NETWORKS[settings["network"]](settings)
        self.images, self.labels = (list(map(jnp.asarray, arrays.pop(name))) for name in ("images", "labels"))
        self.rates: list[float] = settings["rates"]
        self.weights = jax.tree.map(jnp.array, network.convert(arrays))
        self.momenta = jax.tree.map(jnp.zeros_like, self.weights)
        self.step = make_step(network, form, settings["momentum"])

    def train(self, first: int, steps: int) -> dict[str, Any]:
        """Do steps, and return their time and losses."""
        began, losses = perf_counter(), []
        for step in range(first, first + steps):
            batch = self.images[step % len(self.images)], self.labels[step % len(self.images)]
            self.weights, self.momenta, values = self.step(
                self.weights, self.momenta, *batch, self.rates[step]
            )
            losses.append(values)
        losses[-1].block_until_ready()
        seconds = perf_counter() - began
        return {"seconds": seconds, "losses": np.stack(losses).tolist(), "form": self.form}


def faster_form(folder: Path) -> str:
    """Return the form of the step that needs less time after it has been compiled."""

    def seconds(form: str) -> float:
        training = Training(folder, form)
        training.train(0, 1)
        return min(training.train(1 + i, 1)["seconds"] for i in range(_TRIAL_STEPS))

    return min(("vmap", "unrolled"), key=seconds)


def main(folder: Path) -> None:
    """Train as the lines of the input say."""
    form = faster_form(folder)
    import jax

    jax.clear_caches()  # so that the first step of the training is compiled anew
    training = Training(folder, form)
    for line in sys.stdin:
        print(json.dumps(training.train(*map(int, line.split()))), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
