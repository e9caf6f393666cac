"""Deletion of weights by rank, for R replicas at once.

All tensors have the names and shapes of ``scaling.models.named_weights``, with R as the first axis. A mask is
True for the weights that are left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

Masks = dict[str, Tensor]


def saliencies(weights: Mapping[str, Tensor], curvatures: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the increase of the error that the deletion of each weight alone is predicted to cause.

    The sum over many weights is far too low where they belong to a saturated unit. The slope of the unit is
    about 0 and so are the curvatures of all its weights, but without these weights the unit leaves the
    saturation. A ranking by saliency deletes such weights first, and the more of them the larger the step.

    Where the networks are not at a minimum, curvatures with second derivatives of the activations can be
    negative. Their saliencies are negative too, and rank lowest, though they predict no small change.

    Source: LeCun, Denker & Solla, NIPS 2, 598 (1990): s = h u^2 / 2 for a weight u with the curvature h
    """
    return {name: curvature * weights[name].square() / 2 for name, curvature in curvatures.items()}


def random_scores(shapes: Mapping[str, Tensor], seeds: Sequence[int]) -> dict[str, Tensor]:
    """Return a random number for each weight, which depends on the seed of its replica alone.

    Args:
        shapes: tensors with the shapes of the result.
        seeds: seed of each replica.
    """
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    return {
        name: torch.stack([torch.rand(like.shape[1:], generator=generator) for generator in generators]).to(
            like.device
        )
        for name, like in shapes.items()
    }


def keep_all(parameters: Mapping[str, Tensor]) -> Masks:
    """Return masks that delete nothing."""
    return {name: torch.ones_like(value, dtype=torch.bool) for name, value in parameters.items()}


def delete(masks: Masks, scores: Mapping[str, Tensor], *, keep: int) -> Masks:
    """Return masks that leave each replica the weights with the highest scores.

    Args:
        masks: weights left so far. None of the deleted weights returns.
        scores: score of each weight. Of equal scores, the first ones stay.
        keep: number of weights that each replica keeps.
    """
    left = torch.cat([mask.flatten(1) for mask in masks.values()], dim=1)
    ranked = torch.cat([scores[name].flatten(1) for name in masks], dim=1).masked_fill(~left, -torch.inf)
    best = ranked.argsort(dim=1, descending=True, stable=True)[:, :keep]
    stays = torch.zeros_like(left).scatter_(1, best, True) & left
    parts = torch.split(stays, [mask[0].numel() for mask in masks.values()], dim=1)
    return {name: part.view_as(mask) for (name, mask), part in zip(masks.items(), parts, strict=True)}


def apply_masks(weights: Mapping[str, Tensor], masks: Masks) -> dict[str, Tensor]:
    """Return the weights with zeros in the place of deleted ones."""
    return {name: value * masks[name] if name in masks else value for name, value in weights.items()}


def count_left(masks: Masks) -> Int[Tensor, " R"]:
    """Return the number of weights that each replica has left."""
    return torch.stack([mask.flatten(1).sum(dim=1) for mask in masks.values()]).sum(dim=0)


def sum_of_deleted(scores: Mapping[str, Tensor], before: Masks, after: Masks) -> Float[Tensor, " R"]:
    """Return the sum of the scores of the weights that are deleted between two masks."""
    return torch.stack(
        [
            (scores[name] * (mask & ~after[name])).flatten(1).sum(dim=1, dtype=torch.float64)
            for name, mask in before.items()
        ]
    ).sum(dim=0)
