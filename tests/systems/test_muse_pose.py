"""MusePose's page, whole, on tiny networks: against the published way of computing it, written out, and in what is its own."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import animators
from animato.core.errors import InputError
from animato.encoders.codec import FrameCodec
from animato.pose.draw import draw, figure, skeletons
from animato.pose.styles import muse_pose
from animato.sampling import noise
from animato.sampling.plan import Windows
from animato.sampling.settings import Settings
from animato.systems.muse_pose import PUBLISHED, MusePose
from animato.systems.scene import Scene
from written_out import sampled

SETTINGS = Settings(steps=3, seed=11, window=Windows(4, 1, end="open"), device="cpu", canvas=(64, 72))
REFERENCE = animators.motion(1)


@pytest.fixture(scope="module")
def animator() -> MusePose:
    return animators.muse()


def latents(animator, motion, settings=SETTINGS):
    return animators.latents(animator, motion, settings)


def resized(picture: np.ndarray, size: tuple[int, int], how: Image.Resampling = Image.Resampling.BILINEAR) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).resize(size, how))


def test_against_the_published_way_written_out(animator):
    """Six frames become seven by holding the last pose; picture and skeletons are squashed; the seventh frame and the square go again."""
    motion, size = animators.motion(6), (64, 72)
    mine, clip = latents(animator, motion)
    drawn = [draw(figure(motion, min(frame, 5)), muse_pose.STYLE, (1024, round(62 / 45 * 1024))) for frame in range(7)]
    canvas = resized(animators.picture(), size, Image.Resampling.LANCZOS)
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    start = noise.draw(noise.frame_generators(11, 7), (4, 9, 8))[None]
    plain = sampled(
        animator, animators.picture(), canvas, np.stack([resized(one, size) for one in drawn]), [[0, 1, 2, 3], [3, 4, 5, 6]], betas, start
    )
    torch.testing.assert_close(mine, plain, atol=1e-3, rtol=1e-3)
    frames = (FrameCodec(animator.vae).decode(mine[:6]) * 255).round().byte().permute(0, 2, 3, 1).numpy()
    assert np.array_equal(np.stack(list(clip)), np.stack([resized(frame, (45, 62)) for frame in frames]))


def test_the_clip(animator):
    clip = animator.animate(Scene(animators.picture(), REFERENCE, animators.motion(5, fps=30), Path("song.m4a")), SETTINGS)
    assert (clip.size, clip.fps, clip.length, clip.sound, len(list(clip))) == ((45, 62), 30, 5, Path("song.m4a"), 5)
    between = animator.animate(Scene(animators.picture(), REFERENCE, animators.motion(3)), replace(SETTINGS, interpolation=2))
    assert (between.fps, between.length) == (50, 5)


def test_the_picture_s_own_shape_by_option(animator):
    """Padded to the VAE's stride instead of squashed, and cut off again."""
    small, clip = latents(animator, animators.motion(4), replace(SETTINGS, canvas=None, steps=1))
    assert small.shape[-2:] == (8, 6)
    decoded = FrameCodec(animator.vae).decode(small)[..., :62, :45]
    assert np.array_equal(np.stack(list(clip)), (decoded * 255).round().byte().permute(0, 2, 3, 1).numpy())


def test_lines_are_as_thin_as_in_training():
    """They cover the same share of the picture, whatever the size that they are wanted in."""
    motion = animators.motion(2, size=(480, 640))
    small, squashed, large = (np.stack(list(skeletons(motion, muse_pose.STYLE, size))) for size in ((96, 128), (128, 128), (1024, 1365)))
    assert small.shape == (2, 128, 96, 3)
    assert small.mean() == pytest.approx(large.mean(), rel=0.01) == squashed.mean()
    assert np.array_equal(large[0], draw(figure(motion), muse_pose.STYLE, (1024, 1365)))


def test_what_was_published():
    assert Settings(20, 3.5, 99, window=Windows(48, 4, 1, end="open"), canvas=(768, 768)) == PUBLISHED
    assert animators.muse().noise.beta_schedule == "scaled_linear" != animators.animator().noise.beta_schedule


@pytest.mark.parametrize(("frames", "filled"), [(150, 180), (300, 312), (20, 48), (3, 4), (48, 48), (92, 92), (49, 92)])
def test_frames_are_filled_up_as_published(frames, filled):
    assert frames + PUBLISHED.window.lacking(frames) == filled


@given(st.integers(1, 300), st.integers(1, 60), st.integers(0, 59))
def test_filled_up_clips_have_no_window_that_wraps(frames, size, overlap):
    window = Windows(size, overlap % size, end="open")
    whole = frames + window.lacking(frames)
    plan = window.over(whole)
    assert plan[-1].frames[-1] == whole - 1 and all(list(one.frames) == sorted(one.frames) for one in plan)
    assert 0 <= window.lacking(frames) < size - window.overlap
    assert replace(window, end="closed").lacking(frames) == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (replace(SETTINGS, window=Windows(9, 4, end="open")), "9 frames is too long: these weights know 8 positions"),
        (replace(SETTINGS, window=Windows(12, 4, end="open")), "too long"),  # 6 frames are filled up to 12
        (replace(SETTINGS, scheduler="Eular"), "no scheduler 'Eular'"),
    ],
)
def test_settings_that_cannot_be_met_are_refused_before_anything_is_drawn(animator, settings, words):
    told = []
    with pytest.raises(InputError, match=words):
        animator.animate(Scene(animators.picture(), REFERENCE, animators.motion(6)), settings, progress=lambda *what: told.append(what))
    assert not told


def test_a_scene_that_does_not_fit_together(animator):
    with pytest.raises(InputError, match="one size"):
        animator.animate(Scene(animators.picture((40, 62)), REFERENCE, animators.motion(2)))


def test_memory_is_estimated_for_the_canvas_and_the_held_frames(animator):
    def needed(size, frames, **changes):
        return animator.estimate(size, frames, replace(SETTINGS, **changes)).needed

    assert needed((45, 62), 6) == needed((4000, 4000), 7)
    assert needed((4000, 4000), 6, canvas=None) > needed((45, 62), 6, canvas=None)
