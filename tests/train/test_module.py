from __future__ import annotations

from math import exp, log

import pytest
import torch

from scaling.train.module import losses

R, B, CLASSES = 3, 5, 4


@pytest.fixture
def answers():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(R, B, CLASSES, generator=generator, dtype=torch.float64)
    return logits, torch.randint(CLASSES, (B,), generator=generator)


def test_cross_entropy_equals_a_plain_loop(answers):
    logits, labels = answers
    for r, loss in enumerate(losses(logits, labels, "cross_entropy").tolist()):
        nats = [log(sum(map(exp, logits[r, b].tolist()))) - logits[r, b, labels[b]].item() for b in range(B)]
        assert loss == pytest.approx(sum(nats) / B, rel=1e-14)


def test_mse_equals_a_plain_loop(answers):
    logits, labels = answers
    for r, loss in enumerate(losses(logits, labels, "mse").tolist()):
        squares = [
            (logits[r, b, c].item() - (c == labels[b].item())) ** 2 for b in range(B) for c in range(CLASSES)
        ]
        assert loss == pytest.approx(sum(squares) / (B * CLASSES), rel=1e-14)


def test_mse_against_other_targets_is_mse_of_shifted_and_scaled_logits(answers):
    """(2 x - 1 against -1 and 1) is 4 times (x against 0 and 1)."""
    logits, labels = answers
    scaled = losses(2 * logits - 1, labels, "mse", targets=(-1.0, 1.0))
    torch.testing.assert_close(scaled, 4 * losses(logits, labels, "mse"), rtol=1e-14, atol=0)


@pytest.mark.parametrize("kind", ["cross_entropy", "mse"])
def test_the_gradient_of_a_replica_does_not_depend_on_the_others(answers, kind):
    """The backward pass of the sum over replicas gives each replica the gradient that it has alone."""
    logits, labels = answers
    logits.requires_grad_()
    losses(logits, labels, kind).sum().backward()
    for r in range(R):
        alone = logits[r : r + 1].detach().clone().requires_grad_()
        losses(alone, labels, kind).sum().backward()
        torch.testing.assert_close(logits.grad[r : r + 1], alone.grad, rtol=1e-15, atol=0)
