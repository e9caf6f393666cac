"""Deletion by rank, and the saliency where it is exact."""

from __future__ import annotations

import torch

from scaling.architectures import Net1, Net2
from scaling.models import build, load_weights, named_weights
from scaling.train.module import losses
from scaling.train.pruning import count_left, delete, hessian_diagonal, keep_all, saliencies
from scaling.train.pruning.deletion import apply_masks, random_scores, sum_of_deleted
from tests.models.networks import USPS, images

R = 3
SCORES = {
    "a": torch.tensor([[[3.0, 1.0], [2.0, 5.0]], [[0.0, 0.0], [0.0, 0.0]], [[-4.0, -1.0], [9.0, 8.0]]]),
    "b": torch.tensor([[4.0, 0.0], [0.0, 1.0], [7.0, 6.0]]),
}


def test_each_replica_keeps_its_highest_scores():
    left = delete(keep_all(SCORES), SCORES, keep=3)
    for r in range(R):
        scores = torch.cat([value[r].flatten() for value in SCORES.values()])
        kept = torch.cat([mask[r].flatten() for mask in left.values()])
        assert sorted(scores[kept]) == sorted(scores)[-3:]
    assert count_left(left).tolist() == [3] * R
    assert left["a"][1].tolist() == [[True, True], [False, False]]  # the first ones of equal scores


def test_deleted_weights_do_not_return():
    once = delete(keep_all(SCORES), SCORES, keep=4)
    twice = delete(once, {name: -value for name, value in SCORES.items()}, keep=2)
    assert count_left(twice).tolist() == [2] * R
    assert all((mask <= once[name]).all() for name, mask in twice.items())


def test_masks_put_zeros_and_leave_other_tensors():
    left, buffer = delete(keep_all(SCORES), SCORES, keep=3), torch.ones(R, 2)
    masked = apply_masks({**SCORES, "buffer": buffer}, left)
    assert all(torch.equal(masked[name], torch.where(mask, SCORES[name], 0)) for name, mask in left.items())
    assert torch.equal(masked["buffer"], buffer)


def test_random_scores_depend_on_the_seed_of_a_replica_alone():
    together, alone = random_scores(SCORES, [5, 1, 5]), random_scores(SCORES, [1])
    assert all(torch.equal(together[name][1:2], value) for name, value in alone.items())
    assert all(torch.equal(value[0], value[2]) for value in together.values())


def test_the_sum_of_saliencies_is_that_of_the_weights_deleted_between_two_masks():
    once = delete(keep_all(SCORES), SCORES, keep=5)
    twice = delete(once, SCORES, keep=3)
    ranks = [torch.cat([value[r].flatten() for value in SCORES.values()]).sort().values for r in range(R)]
    assert sum_of_deleted(SCORES, once, twice).tolist() == [rank[1:3].sum().item() for rank in ranks]


def test_the_saliency_is_the_exact_increase_for_a_linear_network_at_the_minimum():
    """There the error is quadratic and its gradient is 0, so each single deletion costs h u^2 / 2."""
    network = build(Net1(filters=1), USPS, [0]).double()
    pixels, labels = images(USPS, 400, torch.float64)
    targets = torch.where(torch.arange(10) == labels[:, None], 1.0, -1.0).double()
    inputs = torch.cat([pixels.flatten(1), torch.ones(400, 1)], dim=1)
    weight, bias = torch.linalg.lstsq(inputs, targets).solution.split([256, 1])
    weights = {"readout_weight": weight.T, "readout_bias": bias}
    weights = {name: weights[name].reshape(value.shape) for name, value in named_weights(network).items()}
    load_weights(network, weights)

    def error() -> float:
        with torch.no_grad():
            return losses(network(pixels), labels, "mse", targets=(-1.0, 1.0)).item()

    predicted = saliencies(weights, hessian_diagonal(network, [(pixels, labels)], targets=(-1.0, 1.0)))
    minimum = error()
    for name, index in [("readout_weight", 17), ("readout_weight", 2000), ("readout_bias", 3)]:
        load_weights(network, weights)
        named_weights(network)[name].view(-1)[index] = 0
        torch.testing.assert_close(
            error() - minimum, predicted[name].flatten()[index].item(), rtol=1e-6, atol=1e-12
        )


def test_a_saturated_unit_has_no_saliency_though_its_deletion_changes_the_outputs():
    """Its input sums are so large that tanh is 1 for all images; without its weights, tanh is 0.

    With a bias that takes over the mean of the deleted sums, nothing changes. So the error of the prediction
    is not one of the curvature.
    """
    network = build(Net2(filters=12), USPS, [0]).double()
    pixels, labels = images(USPS, 40, torch.float64)
    pixels = pixels.abs()
    weights = named_weights(network)
    weights["h1_weight"][0, 0] = 1
    curvatures = hessian_diagonal(network, [(pixels, labels)], targets=(-1.0, 1.0))
    before = network(pixels)[0]
    assert (saliencies(weights, curvatures)["h1_weight"][0, 0] == 0).all()
    weights["h1_weight"][0, 0] = 0
    torch.testing.assert_close(network(pixels)[0], before - weights["readout_weight"][0, :, 0])
    weights["h1_bias"][0, 0] = pixels.flatten(1).sum(1).mean()
    torch.testing.assert_close(network(pixels)[0], before)
