"""Where a picture's person was and is no more, nothing of it stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

import tiny
from animato.core.shapes import Size
from animato.data.mixture import aside, before, sample_of, scenery
from animato.encoders.codec import FrameCodec
from animato.encoders.patches import PatchVAE
from animato.evaluation.frames import psnr
from animato.models.copy_head import Copied
from animato.people.motions import MOTIONS
from animato.people.people import clip
from animato.pose.keypoints import PoseSequence
from animato.systems.copying import AROUND, standing, vacated
from animato.systems.hints import limbs
from animato.systems.known import ATTENTION, card
from animato.systems.preview import SIZE
from animato.systems.previews.animate_anyone import load

BOX = (0.0, 0.0, 128.0, 128.0)


def poses(mask: np.ndarray | None, size: Size = (128, 128)) -> PoseSequence:
    return replace(clip(0, sorted(MOTIONS)[0], 1, (32, 32), 6.0)[1], size=size, mask=mask)


def test_one_pixel_that_was_left_is_fetched() -> None:
    reference, fetched = tiny.normal(1, 1, 12, 4, 4), tiny.normal(1, 2, 12, 4, 4, seed=1)
    copied = Copied(reference.expand(1, 2, -1, -1, -1), torch.zeros(1, 2, 8, 4, 4), fetched, torch.zeros(1, 2, 4, 4, 4))
    left = torch.zeros(1, 2, 8, 8)
    left[0, 1, 5, 2] = 1
    made, codec = vacated(copied, reference, left), FrameCodec(PatchVAE())
    pixels, stay, come = (codec.decode(x[0]) for x in (made.base, copied.base, fetched))
    torch.testing.assert_close(pixels[1, :, 5, 2], come[1, :, 5, 2])
    other = torch.ones(2, 8, 8, dtype=torch.bool)
    other[1, 5, 2] = False
    torch.testing.assert_close(pixels.movedim(1, -1)[other], stay.movedim(1, -1)[other])
    assert made.weight.sum() == 1 and not vacated(copied, reference, 0 * left).weight.any()


def test_the_mask_of_a_picture_on_the_canvas() -> None:
    """Of half the picture's size, and cut to a box that goes beyond it; the person and a little around it."""
    mask = np.zeros((1, 64, 64), np.uint8)
    mask[:, 16:48, 24:40] = 255
    there = standing(poses(mask), BOX, (128, 128))
    assert there is not None
    rows, columns = np.nonzero(there > 0.5)
    more = AROUND // 2
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (32 - more, 95 + more, 48 - more, 79 + more)
    wide = standing(poses(mask), (-64.0, -64.0, 256.0, 256.0), (128, 128))
    assert wide is not None and 40 < np.nonzero(wide > 0.5)[0].min() < 48 + 3
    assert standing(poses(None), BOX, (128, 128)) is None


def test_who_has_stepped_aside_is_not_left_standing() -> None:
    """With the mask of the reference the copy is nearer the truth by half a decibel, and where nobody moves it is what it was."""
    model = load(card("animate-anyone").previews[ATTENTION])
    gains = []
    for seed in (0, 1, 2):
        frames, known = clip(seed, sorted(MOTIONS)[seed], 4, SIZE, 6.0)
        sample = sample_of(frames, known, 0, np.array([2]))
        moved = before(aside(sample, np.array([0.25 * (-1) ** seed, 0])), scenery(SIZE, np.random.default_rng(seed)))
        told, given = replace(moved.poses, mask=None), replace(moved.given, mask=None)
        values = []
        for where in (None, standing(moved.given, BOX, SIZE)):
            copied, _ = model.copier(moved.reference, given, where).copy(limbs(told))
            shown = (FrameCodec(model.page.vae).decode(copied.base[0]).permute(0, 2, 3, 1).numpy() * 255).round().astype(np.uint8)
            values.append(psnr(shown[0], moved.frames[0]))
        gains.append(values[1] - values[0])
        still = [model.copier(moved.reference, given, where).copy(limbs(given))[0] for where in (None, standing(moved.given, BOX, SIZE))]
        torch.testing.assert_close(still[0].base, still[1].base)
    assert np.mean(gains) > 0.5
