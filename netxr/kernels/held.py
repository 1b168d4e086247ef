"""Lagged sums of a whole trial that is held in memory, some targets at a time."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from netxr.kernels.block_sums import Care, add_block, add_products, care_for, sums_and_squares
from netxr.kernels.lagged_sums import SAMPLES, LaggedSums, Pass, no_sums
from netxr.kernels.running_sums import FrameBlock, checked


class Held(NamedTuple):
    """A whole trial that is in memory as one block, and what of it is the same for all targets."""

    block: FrameBlock
    sides: LaggedSums  # without any product
    cares: list[Care | None]  # of its parts


def held(block: FrameBlock, *, todo: Pass) -> Held:
    """Return a block of all frames with what is made of it once, however many parts the targets are taken in."""
    no_targets = replace(todo, targets=(0, 0))
    sides = no_sums(no_targets, block.shift)
    for layers, good in block.parts():
        totals = sums_and_squares(layers[SAMPLES, :, todo.max_lag :])
        sides = add_block(sides, layers, good, totals, todo=no_targets)
    return Held(block, sides, [care_for(layers, sides, todo=todo) for layers, _ in block.parts()])


def sums_of_held(trial: Held, *, todo: Pass, place: str, going_on: Callable[[int], object]) -> LaggedSums:
    """Return the sums over a whole trial that is in memory, as `held` returns it.

    `place` is what to call the data in an error. `going_on` is called with how many frames are done, before each part
    of them; what it raises ends the work. Raises NonFiniteActivity if sums or products of finite samples overflow.
    """
    sums = trial.sides._replace(product=no_sums(todo, trial.block.shift).product)
    for k, ((layers, _), care) in enumerate(zip(trial.block.parts(), trial.cares, strict=True)):
        going_on(k * todo.block)
        add_products(sums.product, layers, care, todo=todo)
    return checked(sums, todo=todo, place=place)
