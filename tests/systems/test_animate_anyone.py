"""Animate Anyone's page, whole, on tiny networks: against the published way of computing it, written out, and by what must not matter."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

import animators
from animato.core.errors import InputError
from animato.pose.draw import skeletons
from animato.pose.styles import animate_anyone
from animato.sampling.clip import denoise
from animato.sampling.noise import draw, frame_generators
from animato.sampling.plan import Windows
from animato.sampling.settings import Settings
from animato.systems.canvas import canvas_of, padded
from animato.systems.memory import Placement
from animato.systems.referenced import denoising, encode
from animato.systems.scene import Scene
from written_out import sampled

SETTINGS = Settings(steps=2, window=Windows(4, 2), device="cpu")
REFERENCE = animators.motion(1)
NOBODY = replace(REFERENCE, points=REFERENCE.points[:, :0], score=REFERENCE.score[:, :0])


@pytest.fixture(scope="module")
def animator():
    return animators.animator()


def latents(animator, motion, settings=SETTINGS):
    return animators.latents(animator, motion, settings)


def test_against_the_published_way_written_out(animator):
    motion, windows = animators.motion(7), [[(start + k) % 7 for k in range(4)] for start in (0, 2, 4, 6)]
    mine, _ = latents(animator, motion, Settings(3, 3.5, 11, window=Windows(4, 2), device="cpu"))
    canvas = np.pad(animators.picture(), ((0, 2), (0, 3), (0, 0)), mode="edge")
    drawn = np.stack(list(skeletons(replace(motion, size=(48, 64)), animate_anyone.STYLE)))
    noise = draw(frame_generators(11, 7), (4, 8, 6))[None]
    plain = sampled(animator, animators.picture(), canvas, drawn, windows, torch.linspace(0.00085, 0.012, 1000), noise)
    torch.testing.assert_close(mine, plain, atol=1e-3, rtol=1e-3)


def test_a_canvas_of_another_shape(animator):
    """The networks work on the squashed picture, its sides cut to multiples of the stride; the result has the picture's shape."""
    settings, poses = replace(SETTINGS, steps=1), animators.motion(2)
    squashed, clip = latents(animator, poses, replace(settings, canvas=(80, 71)))
    assert squashed.shape[-2:] == (8, 10) and clip.size == (45, 62) and next(iter(clip)).shape == (62, 45, 3)
    wide = np.asarray(Image.fromarray(animators.picture()).resize((80, 64), Image.Resampling.LANCZOS))
    plain = animator.animate(Scene(wide, REFERENCE.scaled((80, 64)), poses.scaled((80, 64))), settings)
    mine, theirs = (np.stack(list(one)).astype(float) for one in (clip, plain))
    back = np.stack([np.asarray(Image.fromarray(frame.astype(np.uint8)).resize((45, 62), Image.Resampling.BILINEAR)) for frame in theirs])
    assert np.abs(mine - back).mean() < 6  # CLIP sees the picture in both, but squashed twice in the second


def test_the_clip(animator):
    """As large as the picture, which is no multiple of the VAE's stride; with rate and sound; decoded as often as it is asked for."""
    clip = animator.animate(Scene(animators.picture(), REFERENCE, animators.motion(5, fps=30), Path("song.m4a")), SETTINGS)
    frames = np.stack(list(clip))
    assert frames.shape == (5, 62, 45, 3) and frames.dtype == np.uint8
    assert (clip.size, clip.fps, clip.length, clip.sound) == ((45, 62), 30, 5, Path("song.m4a"))
    assert np.array_equal(frames, np.stack(list(clip)))
    assert not np.array_equal(frames[0], frames[4])


@pytest.mark.parametrize("change", [{"batch": 3}, {"memory": "low"}, {"batch": 2, "memory": "high"}])
def test_batch_and_memory_do_not_change_the_clip(animator, change):
    motion = animators.motion(7)
    torch.testing.assert_close(
        latents(animator, motion)[0], latents(animator, motion, replace(SETTINGS, **change))[0], atol=1e-4, rtol=1e-4
    )


@pytest.mark.parametrize(("how", "passes"), [("high", 1), ("low", 2)])
def test_halves_of_guidance_run_together_or_one_after_the_other(animator, how, passes):
    calls = []
    handle = animator.denoiser.conv_in.register_forward_hook(lambda *_: calls.append(1))
    latents(animator, animators.motion(3), replace(SETTINGS, steps=1, memory=how))
    handle.remove()
    assert len(calls) == passes


def test_the_seed_changes_the_clip_and_nothing_else_does(animator):
    motion = animators.motion(3)
    first, again, other = (latents(animator, motion, replace(SETTINGS, seed=seed))[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.isclose(first, other).any()


def test_frames_follow_the_motion_in_order(animator):
    """Without a temporal module every frame stands alone but for its noise: the motion backwards is the clip backwards."""
    alone, motion = animators.animator(temporal=False), animators.motion(4)
    backwards = replace(motion, points=motion.points[::-1])
    noise = draw(frame_generators(0, 1), (4, 8, 6)).expand(4, -1, -1, -1)
    outputs, placement = [], Placement(torch.device("cpu"), torch.float32)
    for poses in (motion, backwards):
        canvas = canvas_of(Scene(animators.picture(), REFERENCE, poses), poses, None, 8)
        encoded = encode(alone, animators.picture(), canvas.picture, skeletons(canvas.motion, animate_anyone.STYLE), placement)
        outputs.append(denoise(denoising(alone, encoded, SETTINGS, placement), SETTINGS, latents=noise))
    torch.testing.assert_close(outputs[0], outputs[1].flip(0), atol=1e-4, rtol=1e-4)
    assert not torch.isclose(outputs[0][0], outputs[0][3], atol=1e-3).all()


def test_networks_that_come_layer_by_layer_make_the_same_clip(animator):
    """Reading and denoising whole, with U-Nets of which one layer is there at a time."""
    canvas, outputs = canvas_of(Scene(animators.picture(), REFERENCE, animators.motion(3)), animators.motion(3), None, 8), []
    for streamed in (False, True):
        placement = Placement(torch.device("cpu"), torch.float32, together=False, streamed=streamed)
        encoded = encode(animator, animators.picture(), canvas.picture, skeletons(canvas.motion, animate_anyone.STYLE), placement)
        settings = replace(SETTINGS, steps=1)
        outputs.append(denoise(denoising(animator, encoded, settings, placement), settings))
    assert torch.equal(*outputs)


def test_one_frame_and_no_rate(animator):
    clip = animator.animate(Scene(animators.picture(), REFERENCE, animators.motion(1, fps=0)), SETTINGS)
    assert (clip.length, clip.fps, len(list(clip))) == (1, 24, 1)


def test_frames_between(animator):
    clip = animator.animate(Scene(animators.picture(), REFERENCE, animators.motion(3)), replace(SETTINGS, interpolation=2))
    plain = animator.animate(Scene(animators.picture(), REFERENCE, animators.motion(3)), SETTINGS)
    assert (clip.length, clip.fps, len(list(clip))) == (5, 50, 5)
    assert all(np.array_equal(a, b) for a, b in zip(list(clip)[::2], plain, strict=True))


def test_half_precision_is_near_and_leaves_the_networks_alone(animator):
    before = {name: value.clone() for name, value in animator.denoiser.state_dict().items()}
    motion = animators.motion(3)
    fine, coarse = (latents(animator, motion, replace(SETTINGS, steps=1, dtype=dtype))[0] for dtype in ("float32", "bfloat16"))
    assert not torch.equal(fine, coarse)
    assert (fine - coarse).abs().mean() < 0.1 * fine.std()
    assert all(value.dtype == torch.float32 and torch.equal(value, before[name]) for name, value in animator.denoiser.state_dict().items())


@pytest.mark.parametrize(("scheduler", "times"), [("DDIM", 2), ("HeunDiscrete", 3)])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # diffusers has numpy work on torch tensors
def test_progress_runs_to_the_end_of_every_stage(animator, scheduler, times):
    """Heun's scheduler asks the network twice in every step but the last."""
    told, settings = [], replace(SETTINGS, scheduler=scheduler)
    animator.animate(Scene(animators.picture(), REFERENCE, animators.motion(7)), settings, progress=lambda *what: told.append(what))
    for stage, total in (("encode", 7), ("denoise", times * 4)):
        assert [what for what in told if what[0] == stage] == [(stage, done, total) for done in range(total + 1)]


def test_stopping_leaves_everything_as_it_was(animator):
    before = latents(animator, animators.motion(2))[0]

    def stop(step, t, x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        animator.animate(Scene(animators.picture(), REFERENCE, animators.motion(2)), SETTINGS, callback=stop)
    assert torch.is_grad_enabled()
    assert torch.equal(latents(animator, animators.motion(2))[0], before)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(window=Windows(9, 4)), "9 frames is too long: these weights know 8 positions"),
        (Settings(window=Windows(4, 2), scheduler="Eular"), "no scheduler 'Eular'"),
        (Settings(window=Windows(4, 2), device="tpu9"), "'tpu9' cannot be used"),
    ],
)
def test_settings_that_cannot_be_met_are_refused_before_anything_is_drawn(animator, settings, words):
    told = []
    with pytest.raises(InputError, match=words):
        animator.animate(Scene(animators.picture(), REFERENCE, animators.motion(9)), settings, progress=lambda *what: told.append(what))
    assert not told


def test_a_clip_that_does_not_fit_is_refused(animator, monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 1000}))
    with pytest.raises(InputError, match="0.0 GiB are free"):
        animator.animate(Scene(animators.picture(), REFERENCE, animators.motion(2)), SETTINGS)


def test_a_window_longer_than_a_short_clip_is_no_matter(animator):
    short, _ = latents(animator, animators.motion(3), replace(SETTINGS, window=Windows(24, 4)))
    exact, _ = latents(animator, animators.motion(3), replace(SETTINGS, window=Windows(3, 0)))
    assert torch.equal(short, exact)


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        ((animators.picture().astype(float), REFERENCE, animators.motion(2)), "bytes"),
        ((animators.picture()[..., 0], REFERENCE, animators.motion(2)), "H x W x 3"),
        ((animators.picture((40, 62)), REFERENCE, animators.motion(2)), "one size"),
        ((animators.picture(), REFERENCE, animators.motion(2, (64, 64))), "one size"),
        ((animators.picture(), REFERENCE, animators.motion(2).frames(slice(0))), "no frames"),
        ((animators.picture(), REFERENCE, NOBODY), "nobody in it"),
    ],
)
def test_scenes_that_do_not_fit_together(scene, words):
    with pytest.raises(InputError, match=words):
        Scene(*scene).poses()


def test_padding_repeats_the_border():
    whole = padded(animators.picture(), 8)
    assert whole.shape == (64, 48, 3)
    assert np.array_equal(whole[:62, :45], animators.picture())
    assert np.array_equal(whole[63], whole[61]) and np.array_equal(whole[:, 47], whole[:, 44])
