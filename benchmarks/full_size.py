"""Animate Anyone at its published size with random weights: `python benchmarks/full_size.py [--size 256x256] [--frames 8] [--steps 1]`.

Shows that the whole way runs here and what it costs: memory as estimated beforehand and as measured, process time of each stage. About
10 GiB of weights are made. The result is noise; frames of the wrong number or size are an error.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import psutil
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from animato.models.pose_guider import PoseGuider
from animato.models.temporal import TemporalAttentionSpec
from animato.models.unet import UNet
from animato.people.motions import MOTIONS, Style
from animato.people.people import Person, View, render, sequence
from animato.people.scene import Camera, plain_scene
from animato.pose.keypoints import PoseSequence
from animato.sampling.settings import Settings
from animato.systems.animate_anyone import AnimateAnyone
from animato.systems.scene import Scene

GIB = 2**30
TEMPORAL = TemporalAttentionSpec(8, 32, middle=True, norm="frame")


def published() -> AnimateAnyone:
    """All networks at full size, filled by their own initialisation."""
    blocks = {"down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}
    vae = AutoencoderKL(block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4, **blocks)
    shape = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16, "projection_dim": 768}
    clip = CLIPVisionModelWithProjection(CLIPVisionConfig(image_size=224, patch_size=14, **shape))
    return AnimateAnyone(UNet(temporal=TEMPORAL).eval(), UNet(out_channels=None).eval(), PoseGuider().eval(), vae.eval(), clip.eval())


def scene(size: tuple[int, int], frames: int) -> tuple[np.ndarray, PoseSequence]:
    """A procedural person and its walk, with exact poses."""
    person = Person.random(0)
    view = View.of(plain_scene(), Camera.fit(person.stature, size, 4.6, 0.66 * person.stature, (0.2, 0.08)))
    joints = person.pose(MOTIONS["walk"](np.linspace(0, 1, frames), Style()))
    seen = [render(person, joints, frame, view, antialias=1) for frame in range(frames)]
    return seen[0].picture, sequence(seen, size, 25.0)


class Clock:
    """Process time of each stage, from one call of the progress to the next."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self.before = time.process_time()

    def __call__(self, stage: str, done: int = 1, total: int = 1) -> None:
        now = time.process_time()
        self.spent[stage] = self.spent.get(stage, 0.0) + now - self.before
        self.before = now


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--size", default="256x256")
    options.add_argument("--frames", type=int, default=8)
    options.add_argument("--steps", type=int, default=1)
    chosen = options.parse_args()
    width, height = map(int, chosen.size.split("x"))
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    clock, animator = Clock(), published()
    picture, motion = scene((width, height), chosen.frames)
    clock("make the networks")
    held, settings = psutil.Process().memory_info().rss, Settings(chosen.steps, device="cpu")
    print(f"weights and libraries hold {held / GIB:.2f} GiB. {animator.estimate((width, height), chosen.frames, settings).sentence}")
    clip = animator.animate(Scene(picture, motion.frames(slice(1)), motion), settings, progress=clock)
    frames = list(clip)
    clock("decode")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        ", ".join(f"{stage} {seconds:.0f} s" for stage, seconds in clock.spent.items()),
        f"(process time, {os.environ['OMP_NUM_THREADS']} thread)",
    )
    print(f"peak {peak / GIB:.2f} GiB, {(peak - held) / GIB:.2f} GiB above the weights")
    return int([frame.shape for frame in frames] != [(height, width, 3)] * chosen.frames)


if __name__ == "__main__":
    sys.exit(main())
