"""What the number of threads changes: nothing in poses and the puppet, and in diffusion systems the last digit (docs/same_results.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

import animato
import animators
from animato import api
from animato.core.shapes import Size
from animato.sampling.settings import Settings
from animato.systems.load import load
from animato.systems.performance import Animator
from animato.systems.scene import Scene


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """The numbers of threads are the process's; other tests get theirs back."""
    vision = cv2.getNumThreads()
    tensors = torch.get_num_threads()
    yield
    cv2.setNumThreads(vision)
    torch.set_num_threads(tensors)


@pytest.fixture(scope="module")
def driving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of a person of whom the poses must be estimated."""
    performance = api.perform(api.prepare("tomo", "wave", size=(256, 384), frames=2).scene, load("puppet"))
    return animato.write_clip(performance.clip, tmp_path_factory.mktemp("threads") / "driving.mp4")


def frames(threads: int, driving: str | Path, system: Animator, size: Size) -> np.ndarray:
    """F H W 3 uint8: all of it done anew with so many threads."""
    cv2.setNumThreads(threads)
    torch.set_num_threads(threads)
    scene = api.prepare("mara", driving, size=size, frames=2).scene
    return np.array(list(api.perform(scene, system).clip))


def test_estimated_poses_and_the_puppet_are_equal_to_the_bit(driving: Path) -> None:
    one, two = (frames(threads, driving, load("puppet"), (256, 384)) for threads in (1, 2))
    assert np.array_equal(one, two)


def test_frames_of_a_diffusion_system_differ_by_two_levels_at_most() -> None:
    """By a small network, because two threads of torch wait for each other long on a machine with other work."""
    scene = api.prepare("mara", "walk", size=(96, 144), frames=2).scene
    system = animators.animator()
    settings = replace(system.published, steps=2, canvas=(64, 96))
    one, again, two = (diffused(threads, system, scene, settings) for threads in (1, 1, 2))
    assert np.array_equal(one, again)
    assert np.abs(one.astype(int) - two).max() <= 2


def diffused(threads: int, system: Any, scene: Scene, settings: Settings) -> np.ndarray:
    torch.set_num_threads(threads)
    return np.array(list(system.animate(scene, settings)))
