"""MagicAnimate's page, whole, on tiny networks: against the published way of computing it, written out, and by what must not matter."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

import animators
from animato.core.errors import InputError
from animato.core.media import Clip
from animato.models.condition import Residuals
from animato.models.plain import plain_unet
from animato.pose.surface.densepose import PALETTE, coloured, densepose_frames
from animato.sampling.clip import denoise
from animato.sampling.noise import draw, frame_generators
from animato.sampling.plan import Windows
from animato.sampling.settings import Settings
from animato.systems.canvas import padded
from animato.systems.magic_animate import PUBLISHED, fitted
from animato.systems.scene import BodyParts, Scene

SETTINGS = Settings(steps=2, guidance=3.0, window=Windows(4, 2), device="cpu")
REFERENCE = animators.motion(1)


@pytest.fixture(scope="module")
def animator():
    return animators.magic()


def parts(frames, size=animators.SIZE, fps=30):
    """Rectangles in the colours of body parts, which move."""
    labels = np.zeros((frames, size[1], size[0]), np.uint8)
    for index, frame in enumerate(labels):
        frame[10 + index : 40 + index, 8:20] = 2
        frame[15:50, 18 + index : 30 + index] = 15
    return BodyParts(Clip.of(coloured(labels), fps))


def latents(animator, motion, settings=SETTINGS):
    """The last latents that animate() goes through."""
    seen = []
    clip = animator.animate(Scene(animators.picture(), REFERENCE, motion), settings, callback=lambda *what: seen.append(what[2]))
    return seen[-1], clip


@torch.no_grad()
def test_against_the_published_way_written_out(animator):
    """Everything in two rows: the encoder at every time, the ControlNet, windows that begin anew among the first frames, DDIM's formula."""
    frames, steps, tokens = 7, 3, animator.prompt.tokens.expand(2, -1, -1)
    mine, _ = latents(animator, parts(frames), Settings(steps, 3.5, 11, window=Windows(4, 2), device="cpu", noise_period=4))

    canvas = np.pad(animators.picture(), ((0, 2), (0, 3), (0, 0)), mode="edge")
    clean = animator.vae.encode((torch.tensor(canvas)[None] / 127.5 - 1).permute(0, 3, 1, 2)).latent_dist.mean * 0.18215
    shown = torch.tensor(np.stack([fitted(frame, (48, 64), (48, 64)) for frame in parts(frames).clip])).permute(0, 3, 1, 2) / 255
    level = torch.cumprod(1 - torch.linspace(0.00085, 0.012, 1000), 0)
    few = draw(frame_generators(11, 4), (4, 8, 6))
    x = torch.cat([few, few[:3]])[None]
    context = animator.appearance_encoder.project_context(tokens)
    for t in (667, 334, 1):
        written = animator.appearance_encoder.reference(clean[None].expand(2, -1, -1, -1, -1), t, context)
        written = {name: value for name, value in written.items() if not name.startswith("down_blocks")}
        assert len(written) == 3
        *skips, middle = rows_of(animator.controlnet(x[0], t, tokens[:1].expand(frames, -1, -1), shown, return_dict=False))
        total, count = torch.zeros(2, *x.shape[1:]), torch.zeros(frames)
        for start in (0, 2, 4, 6):
            window = [(start + k) % frames for k in range(4)]
            added = [value[:, window].expand(2, -1, -1, -1, -1) for value in (*skips, middle)]
            rows = x[:, window].expand(2, -1, -1, -1, -1)
            total[:, window] += plain_unet(animator.denoiser, rows, t, tokens, written, residuals=Residuals(tuple(added[:-1]), added[-1]))
            count[window] += 1
        null, condition = (total / count[:, None, None, None]).split(1)
        e = null + 3.5 * (condition - null)
        a, b = level[t], level[t - 333] if t > 333 else torch.tensor(1.0)
        x = b.sqrt() * (x - (1 - a).sqrt() * e) / a.sqrt() + (1 - b).sqrt() * e
    torch.testing.assert_close(mine, x[0], atol=1e-3, rtol=1e-3)


def rows_of(output):
    """A ControlNet's skips and middle as clips of one row."""
    skips, middle = output
    return [value[None] for value in (*skips, middle)]


def test_the_clip(animator):
    """As large as the picture, which is no multiple of the VAE's stride; with rate and sound; decoded as often as it is asked for."""
    clip = animator.animate(Scene(animators.picture(), REFERENCE, parts(5), Path("song.m4a")), SETTINGS)
    frames = np.stack(list(clip))
    assert frames.shape == (5, 62, 45, 3) and frames.dtype == np.uint8
    assert (clip.size, clip.fps, clip.length, clip.sound) == ((45, 62), 30, 5, Path("song.m4a"))
    assert np.array_equal(frames, np.stack(list(clip)))
    assert not np.array_equal(frames[0], frames[4])


def test_poses_are_drawn_as_body_parts(animator):
    """Drawn on the canvas, whose bars a picture with sides of other lengths has."""
    motion = animators.motion(3, fps=29.97)
    wide = replace(motion, size=(48, 64))
    drawn = Clip.of(densepose_frames(wide, (48, 64)), 25)
    assert len(np.unique(np.stack(list(drawn)).reshape(-1, 3), axis=0)) > 4
    placement = animator.estimate(animators.SIZE, 3, SETTINGS).placement
    encoded = animator.encode_parts(padded(animators.picture(), 8), drawn, placement)
    mine, clip = latents(animator, motion)
    torch.testing.assert_close(mine, denoise(animator.denoising(encoded, SETTINGS, placement), SETTINGS))
    assert clip.fps == Fraction(2997, 100)


@pytest.mark.parametrize("change", [{"batch": 3}, {"memory": "low"}, {"batch": 2, "memory": "high"}])
def test_batch_and_memory_do_not_change_the_clip(animator, change):
    torch.testing.assert_close(
        latents(animator, parts(7))[0], latents(animator, parts(7), replace(SETTINGS, **change))[0], atol=1e-4, rtol=1e-4
    )


def test_what_runs_how_often(animator):
    """Six frames in three windows of four: the stem once a frame; in each step the ControlNet once a frame and the encoder once."""
    rows = {}
    handles = [
        module.register_forward_hook(lambda module, inputs, output, name=name: rows.setdefault(name, []).append(len(inputs[0])))
        for name, module in {
            "stem": animator.controlnet.controlnet_cond_embedding,
            "control": animator.controlnet.conv_in,
            "encoder": animator.appearance_encoder.conv_in,
            "denoiser": animator.denoiser.conv_in,
            "prompt": animator.denoiser.mid_block.attentions[0].block.attn2.to_k,
        }.items()
    ]
    latents(animator, parts(6), replace(SETTINGS, memory="high"))
    for handle in handles:
        handle.remove()
    assert {name: sum(counts) for name, counts in rows.items()} == {"stem": 6, "control": 12, "encoder": 2, "denoiser": 24, "prompt": 1}


@pytest.mark.parametrize("frames", [1, 3, 9])
@pytest.mark.parametrize("guidance", [0.0, 1.0, 2.0])
def test_any_number_of_frames_with_and_without_guidance(animator, frames, guidance):
    mine, clip = latents(animator, parts(frames), replace(SETTINGS, guidance=guidance, noise_period=2))
    assert len(mine) == frames == len(list(clip)) and mine.isfinite().all()


def test_guidance_acts_on_the_reference_alone(animator):
    """The null knows body parts and prompt: with a network that reads no reference, guidance changes nothing."""
    deaf = replace(animator, denoiser=animators.tiny.unet(animator.denoiser.config.temporal, seed=1))
    for _, transformer in deaf.denoiser.transformers():
        transformer.block.attn1.to_out[0].weight.data.zero_()
    outputs = [latents(deaf, parts(3), replace(SETTINGS, guidance=guidance))[0] for guidance in (1.0, 9.0)]
    torch.testing.assert_close(*outputs, atol=1e-4, rtol=1e-4)
    heard = [latents(animator, parts(3), replace(SETTINGS, guidance=guidance))[0] for guidance in (1.0, 9.0)]
    assert not torch.isclose(*heard, atol=1e-2).all()


def test_the_seed_changes_the_clip_and_nothing_else_does(animator):
    first, again, other = (latents(animator, parts(3), replace(SETTINGS, seed=seed))[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.isclose(first, other).any()


def test_a_canvas_of_another_shape(animator):
    """Picture and body parts are squashed alike, and the result comes back in the picture's shape."""
    square = replace(SETTINGS, canvas=(66, 64))
    mine, clip = latents(animator, parts(2), square)
    assert mine.shape == (2, 4, 8, 8)
    assert (clip.size, next(iter(clip)).shape) == ((45, 62), (62, 45, 3))
    assert PUBLISHED.canvas == (512, 512) and PUBLISHED.noise_period == PUBLISHED.window.size == 16


def test_body_parts_in_another_shape_keep_theirs():
    """Bars of background fill the rest, whatever the size; nothing is squashed but by the canvas."""
    wide = np.full((20, 60, 3), PALETTE[7], np.uint8)
    shown = fitted(wide, (45, 62), (90, 124))
    inside = (shown == PALETTE[7]).all(axis=2)
    assert (shown[0] == PALETTE[0]).all() and (shown[-1] == PALETTE[0]).all()
    rows, columns = inside.any(axis=1).sum(), inside.any(axis=0).sum()
    assert columns == 90 and 24 <= rows <= 30  # 90 / 60 * 20, less what the filter blurs on both edges
    assert fitted(wide, (60, 20), (24, 24)).shape == (24, 24, 3) and (fitted(wide, (60, 20), (24, 24)) == PALETTE[7]).all()


@pytest.mark.parametrize(
    ("motion", "settings", "words"),
    [
        (parts(9), replace(SETTINGS, window=Windows(9, 2)), "8 positions"),
        (BodyParts(Clip(lambda: iter(()), animators.SIZE, Fraction(25), 0)), SETTINGS, "no frames"),
        (animators.motion(2, size=(40, 62)), SETTINGS, "bring all to one size"),
        (parts(2), replace(SETTINGS, scheduler="Foo"), "no scheduler 'Foo'"),
    ],
)
def test_what_cannot_be_used(animator, motion, settings, words):
    with pytest.raises(InputError, match=words):
        animator.animate(Scene(animators.picture(), REFERENCE, motion), settings)


def test_what_is_no_picture(animator):
    with pytest.raises(InputError, match="H x W x 3 bytes"):
        animator.animate(Scene(animators.picture()[..., :2], REFERENCE, parts(2)), SETTINGS)


def test_too_little_memory_is_told_before_work_begins(animator, monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 10}))
    with pytest.raises(InputError, match="GiB"):
        animator.animate(Scene(animators.picture(), REFERENCE, parts(2)), SETTINGS)


def test_stages_and_progress(animator):
    told = []
    animator.animate(
        Scene(animators.picture(), REFERENCE, parts(6)), SETTINGS, progress=lambda stage, done, total: told.append((stage, done, total))
    )
    assert [one for one in told if one[0] == "encode"] == [("encode", done, 6) for done in range(7)]
    assert [one for one in told if one[0] == "denoise"] == [("denoise", done, 6) for done in range(7)]


def test_memory_is_that_of_all_networks_of_a_step(animator):
    """In another precision than theirs, all three come to the device as copies."""
    half = replace(SETTINGS, dtype="bfloat16", memory="high", batch=50)
    more = animator.estimate(animators.SIZE, 9, half).needed
    alone = replace(animator, appearance_encoder=animator.denoiser.__class__.from_config(TINIEST)).estimate(animators.SIZE, 9, half).needed
    encoder = sum(value.numel() for value in animator.appearance_encoder.parameters())
    tiniest = sum(value.numel() for value in animator.denoiser.__class__.from_config(TINIEST).parameters())
    assert more - alone == pytest.approx(1.1 * 2 * (encoder - tiniest), abs=2)
    assert animator.estimate(animators.SIZE, 90, SETTINGS).needed > animator.estimate(animators.SIZE, 9, SETTINGS).needed


TINIEST = {"block_out_channels": (32,), "layers_per_block": 1, "attention_levels": (True,), "heads": 4, "cross_attention_dim": 24}
