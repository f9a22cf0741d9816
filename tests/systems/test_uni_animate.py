"""UniAnimate's page, whole, on tiny networks: against the published way of computing it, written out, and by what must not matter."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from PIL import Image
from torch import Tensor

import animators
from animato.core.errors import InputError
from animato.encoders.clip import clip_pixels
from animato.models.unified import Given
from animato.pose.draw import draw, figure
from animato.pose.keypoints import PoseSequence
from animato.pose.styles import uni_animate
from animato.sampling.clip import denoise, links_of
from animato.sampling.ddim import LONG, SHORT, Prior, alphas
from animato.sampling.noise import frame_generators
from animato.sampling.plan import Chain, Windows
from animato.sampling.settings import Reference, Settings
from animato.sampling.shard import Shard
from animato.systems.memory import Placement
from animato.systems.scene import Scene
from animato.systems.uni_animate import PUBLISHED, Encoded, UniAnimate
from animators import SIZE, latents, motion

WINDOWS = Windows(4, 2, end="last")
SETTINGS = Settings(steps=2, guidance=2.5, seed=11, scheduler="published", window=WINDOWS, device="cpu")
MODES: dict[Reference, tuple[str, ...]] = {
    "reference": ("image", "reference", "reference_pose", "poses"),
    "first-frame": ("image", "poses", "first_frame"),
    "both": ("image", "reference", "reference_pose", "poses", "first_frame"),
}


@pytest.fixture(scope="module")
def animator() -> UniAnimate:
    return animators.uni()


@pytest.fixture(autouse=True)
def no_gradients() -> Any:
    with torch.no_grad():
        yield


def canvas() -> np.ndarray:
    """48 x 64: filled up to the VAE's stride, although the network halves once more."""
    return np.pad(animators.picture(), ((0, 2), (0, 3), (0, 0)), mode="edge")


def pixels(*pictures: np.ndarray) -> Tensor:  # 1 F 3 H W
    return torch.tensor(np.stack(pictures)).permute(0, 3, 1, 2)[None] / 255


def skeleton(poses: Any, frame: int) -> np.ndarray:
    """Drawn with the lines of a canvas 512 wide, then brought to the size of the canvas."""
    whole = replace(poses, size=(48, 64)).scaled((512, 683))
    return np.asarray(
        Image.fromarray(draw(figure(whole, frame), uni_animate.STYLE, (512, 683))).resize((48, 64), Image.Resampling.BILINEAR)
    )


def everything(animator: UniAnimate, frames: int) -> Given:
    token = animator.image_encoder(clip_pixels(animators.picture(), 28, "bilinear")).image_embeds[:, None]
    clean = animator.vae.encode(2 * pixels(canvas())[0] - 1).latent_dist.mean * 0.18215
    pose, poses = skeleton(motion(1), 0), [skeleton(motion(frames), frame) for frame in range(frames)]
    return Given(token, clean[None], pixels(pose), pixels(*poses), pixels(canvas()))


def kept(given: Given, names: tuple[str, ...], frames: list[int] | None = None) -> Given:
    one = Given(**{name: getattr(given, name) for name in names})
    return one if frames is None else replace(one, poses=given.poses[:, frames])


def begun(frames: int, clean: Tensor, prior: Prior, seed: int = 11) -> Tensor:
    """Each frame's own noise, then its offset; with a trace of the picture."""
    generators = frame_generators(seed, frames)
    noise, shift = (torch.stack([torch.randn(4, *shape, generator=one) for one in generators]) for shape in ((8, 6), (1, 1)))
    trace = alphas()[prior.level]
    if prior.offset_first:
        return (trace.sqrt() * clean + (1 - trace).sqrt() * (noise + 0.1 * shift)).float()
    return (trace.sqrt() * clean + (1 - trace).sqrt() * noise + 0.1 * shift).float()


def written_out(animator: UniAnimate, given: Given, names: tuple[str, ...], x: Tensor, windows: list[list[int]]) -> Tensor:
    """Every condition encoded anew for every window and step, both halves by themselves, DDIM as published."""
    net, prompt = animator.unet, animator.prompt.tokens
    for t, before in ((501, 1), (1, 0)):
        total, count = torch.zeros(2, *x.shape), torch.zeros(len(x), 1, 1, 1)
        for frames in windows:
            for half, told in enumerate((Given(), kept(given, names, frames))):
                condition = net.condition(net.encode(told, prompt, (8, 6)), range(len(frames)))
                total[half, frames] += net(x[None, frames], t, condition)[0]
            count[frames] += 1
        null, condition_said = total / count
        v = null + 2.5 * (condition_said - null)
        now, then = alphas()[t], alphas()[before]
        clean = now.sqrt() * x - (1 - now).sqrt() * v
        x = (then.sqrt() * clean + (1 - then).sqrt() * (x / now.sqrt() - clean) / (1 / now - 1).sqrt()).float()
    return x


@pytest.mark.parametrize("mode", MODES)
def test_against_the_published_way_written_out(animator: UniAnimate, mode: Reference) -> None:
    """Seven frames in windows of which the last two share more, in each mode of the reference."""
    given = everything(animator, 7)
    assert given.reference is not None
    mine, _ = latents(animator, motion(7), replace(SETTINGS, reference=mode))
    windows = [[0, 1, 2, 3], [2, 3, 4, 5], [3, 4, 5, 6]]
    x = written_out(animator, given, MODES[mode], begun(7, given.reference[0], LONG), windows)
    torch.testing.assert_close(mine, x, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("mode", MODES)
def test_a_chain_against_clips_written_out(animator: UniAnimate, mode: Reference) -> None:
    """Each link from its own frames' noise; behind the first one it is told the last frame of the one before, too."""
    given = everything(animator, 6)
    assert given.reference is not None
    seen: list[Tensor] = []
    settings = replace(SETTINGS, window=Chain(4), reference=mode)
    clip = animator.animate(Scene(animators.picture(), motion(1), motion(6)), settings, callback=lambda step, t, x: seen.append(x))
    start = begun(6, given.reference[0], SHORT)
    first = written_out(animator, kept(given, MODES[mode], [0, 1, 2]), MODES[mode], start[:3], [[0, 1, 2]])
    last = animator.vae.decode(first[2:] / 0.18215).sample
    link = replace(kept(given, MODES["both"], [2, 3, 4, 5]), first_frame=(last[None] / 2 + 0.5).clamp(0, 1))
    names = tuple(dict.fromkeys((*MODES[mode], "first_frame")))
    second = written_out(animator, link, names, start[2:], [[0, 1, 2, 3]])
    torch.testing.assert_close(seen[1], first, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(seen[3], second, atol=1e-3, rtol=1e-3)
    decoded = np.stack([decode(animator, one) for one in (*seen[1], *seen[3][1:])])
    assert np.array_equal(np.stack(list(clip)), decoded)  # of the shared frame the first link's


def decode(animator: UniAnimate, latent: Tensor) -> np.ndarray:
    shown = (animator.vae.decode(latent[None] / 0.18215).sample[0, :, :62, :45] / 2 + 0.5).clamp(0, 1)
    return (shown * 255).round().byte().permute(1, 2, 0).numpy()


@pytest.mark.parametrize("mode", MODES)
def test_a_chain_of_one_link_is_the_plain_run(animator: UniAnimate, mode: Reference) -> None:
    plain, chained = (
        latents(animator, motion(5), replace(SETTINGS, window=how, reference=mode))[0] for how in (Windows(5, 2), Chain(5, 0.5))
    )
    assert torch.equal(plain, chained)


def shown(poses: PoseSequence) -> Scene:
    return Scene(animators.picture(), motion(1), poses)


def encode(animator: UniAnimate, frames: int, settings: Settings) -> Encoded:
    canvas = animator.canvas(shown(motion(frames)), motion(frames), settings)
    return animator.encode(canvas, settings, placed(animator))


def denoised(animator: UniAnimate, encoded: Encoded, settings: Settings, latents: Tensor | None = None) -> Tensor:
    return denoise(animator.denoising(encoded, settings, placed(animator)), settings, latents=latents)


def placed(animator: UniAnimate) -> Placement:
    return animator.estimate(SIZE, 1, SETTINGS).placement


@pytest.mark.parametrize("frames", [1, 2, 5, 7])
@pytest.mark.parametrize("how", [WINDOWS, Chain(4), Chain(2, 1.0)])
def test_any_number_of_frames(animator: UniAnimate, frames: int, how: Windows | Chain) -> None:
    settings = replace(SETTINGS, steps=1, window=how)
    encoded = encode(animator, frames, settings)
    mine = denoised(animator, encoded, settings)
    assert mine.shape == (frames, 4, 8, 6) and mine.isfinite().all()
    assert torch.equal(mine, denoised(animator, encoded, settings))


def test_an_anchor_changes_what_comes_after_the_first_link_alone(animator: UniAnimate) -> None:
    seen: list[list[Tensor]] = []
    for anchor in (0.0, 0.5, 1.0):
        steps: list[Tensor] = []
        settings = replace(SETTINGS, window=Chain(4, anchor))
        animator.animate(Scene(animators.picture(), motion(1), motion(6)), settings, callback=lambda step, t, x, to=steps: to.append(x))
        seen.append(steps)
    assert torch.equal(seen[0][1], seen[1][1]) and torch.equal(seen[0][1], seen[2][1])
    assert not torch.isclose(seen[0][3], seen[1][3]).all() and not torch.isclose(seen[1][3], seen[2][3]).all()


def test_latents_to_begin_with(animator: UniAnimate) -> None:
    """They take the place of noise and picture, of every link its own."""
    encoded = encode(animator, 6, SETTINGS)
    for how, prior in ((WINDOWS, LONG), (Chain(4), SHORT)):
        settings = replace(SETTINGS, window=how)
        given = denoised(animator, encoded, settings, begun(6, encoded.clean, prior))
        torch.testing.assert_close(given, denoised(animator, encoded, settings), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("how", [WINDOWS, Chain(4)])
@pytest.mark.parametrize("change", [{"batch": 2}, {"batch": 3, "memory": "low"}, {"memory": "low"}])
def test_batch_and_memory_do_not_change_the_clip(animator: UniAnimate, how: Windows | Chain, change: dict[str, Any]) -> None:
    settings = replace(SETTINGS, window=how, memory="high")
    torch.testing.assert_close(
        latents(animator, motion(9), settings)[0], latents(animator, motion(9), replace(settings, **change))[0], atol=1e-4, rtol=1e-4
    )


@pytest.mark.parametrize(
    ("memory", "batch", "guidance", "rows"),
    [("high", 1, 2.5, [2] * 6), ("high", 2, 2.5, [4, 2] * 2), ("low", 2, 2.5, [2, 2, 1, 1] * 2), ("high", 3, 1.0, [3] * 2)],
)
def test_what_runs_how_often(animator: UniAnimate, memory: Any, batch: int, guidance: float, rows: list[int]) -> None:
    """Seven frames in three windows and two steps: pictures and context once, attention over frames once a window."""
    counts: dict[str, list[int]] = {}
    net = animator.unet
    watched: dict[str, Any] = {
        "pose": net.pose.stem[0],
        "reference": net.reference.stem[0],
        "over frames": net.pose.over_frames,
        "image": animator.image_encoder.vision_model,
        "keys": net.trunk.mid_block.attentions[0].transformer_blocks[0].attn2.to_k,
        "vae": animator.vae.encoder,
        "trunk": net.trunk.mid_block.resnets[0],
    }
    handles = [
        module.register_forward_hook(lambda module, inputs, output, name=name: counts.setdefault(name, []).append(1))
        for name, module in watched.items()
    ]
    handles.append(net.trunk.conv_in.register_forward_hook(lambda _, inputs, __: counts.setdefault("rows", []).append(len(inputs[0]) // 5)))
    latents(animator, motion(7), replace(SETTINGS, memory=memory, batch=batch, guidance=guidance))
    for handle in handles:
        handle.remove()
    assert counts.pop("rows") == rows and len(counts.pop("trunk")) == len(rows)
    once = {"pose": 7, "reference": 1, "over frames": 3, "vae": 1, "keys": 2}
    assert {name: len(times) for name, times in counts.items() if name != "image"} == once
    assert "image" not in counts or len(counts["image"]) == 1


def test_the_clip(animator: UniAnimate) -> None:
    """As large as the picture, which is no multiple of the VAE's stride; with rate and sound; decoded as often as it is asked for."""
    clip = animator.animate(Scene(animators.picture(), motion(1), motion(5, fps=30), Path("song.m4a")), replace(SETTINGS, interpolation=2))
    frames = np.stack(list(clip))
    assert frames.shape == (9, 62, 45, 3) and frames.dtype == np.uint8
    assert (clip.size, clip.fps, clip.length, clip.sound) == ((45, 62), Fraction(60), 9, Path("song.m4a"))
    assert np.array_equal(frames, np.stack(list(clip))) and not np.array_equal(frames[0], frames[8])


def test_a_canvas_of_another_shape(animator: UniAnimate) -> None:
    """Squashed as published, to any multiple of the VAE's stride, and brought back to the picture's shape."""
    mine, clip = latents(animator, motion(3), replace(SETTINGS, canvas=(75, 90)))
    assert mine.shape == (3, 4, 11, 9)
    assert (clip.size, next(iter(clip)).shape) == ((45, 62), (62, 45, 3))
    scene = animator.canvas(shown(motion(3)), motion(3), replace(SETTINGS, canvas=(75, 90)))
    expected = Image.fromarray(animators.picture()).resize((72, 88), Image.Resampling.BILINEAR)
    assert np.array_equal(scene.picture, np.asarray(expected))


def test_skeletons_are_those_of_training_at_its_size(animator: UniAnimate) -> None:
    """On the published canvas pixel for pixel as drawn; in front the picture's own."""
    scene = animator.canvas(shown(motion(2)), motion(2), PUBLISHED)
    first, second, _ = animator.draw(scene)
    for picture, poses in ((first, motion(1)), (second, motion(2))):
        assert np.array_equal(picture, draw(figure(poses), uni_animate.STYLE, (512, 768)))


def test_what_was_published(animator: UniAnimate) -> None:
    assert Settings(30, 2.5, 11, "published", Windows(32, 8, end="last"), canvas=(512, 768)) == PUBLISHED == animator.published
    assert (animator.short, animator.long) == (SHORT, LONG) == (Prior(949, 0.1, True), Prior(939, 0.1, False))
    _, whole = latents(animator, motion(2), replace(SETTINGS, steps=20, scheduler="DDIM"))
    assert whole.length == 2


@pytest.mark.parametrize(("steps", "times"), [(30, 31), (27, 28), (36, 38), (37, 38), (3, 4)])
def test_numbers_of_steps(animator: UniAnimate, steps: int, times: int) -> None:
    seen: list[int] = []
    clip = animator.animate(
        Scene(animators.picture(), motion(1), motion(1)),
        replace(SETTINGS, steps=steps, guidance=1.0, canvas=(64, 64)),
        callback=lambda step, t, x: seen.append(int(x.isfinite().all())),
    )
    assert seen == [1] * times and clip.length == 1


def test_a_prior_of_one_s_own(animator: UniAnimate) -> None:
    """Noise at level 0 without offset is nearly the picture itself; windows have their own prior."""
    begin = replace(animator, short=Prior(0, 0.0), long=Prior(999, 0.0))
    clean = torch.full((1, 4, 8, 6), 3.0)
    for frames, mean in ((4, 3.0), (5, 0.0)):
        (link,) = links_of(WINDOWS, frames).values()
        assert begin.begin(clean, frame_generators(1, frames), link.plan).mean() == pytest.approx(mean, abs=0.1)


def test_the_seed_changes_the_clip_and_nothing_else_does(animator: UniAnimate) -> None:
    first, again, other = (latents(animator, motion(6), replace(SETTINGS, window=Chain(4), seed=seed))[0] for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.isclose(first, other).any()


def test_the_temporal_mamba_takes_its_place() -> None:
    other = animators.uni("mamba")
    for how in (WINDOWS, Chain(4)):
        mine, clip = latents(other, motion(6), replace(SETTINGS, window=how))
        assert mine.isfinite().all() and len(list(clip)) == 6


def test_networks_that_come_layer_by_layer_make_the_same_clip(animator: UniAnimate) -> None:
    for one in (animator, animators.uni("mamba")):
        streamed = replace(placed(one), together=False, streamed=True)
        canvas = one.canvas(shown(motion(5)), motion(5), SETTINGS)
        for how in (WINDOWS, Chain(4)):
            settings = replace(SETTINGS, window=how, memory="low")
            encoded = one.encode(canvas, settings, streamed)
            mine = denoise(one.denoising(encoded, settings, streamed), settings)
            torch.testing.assert_close(mine[-2:], latents(one, motion(5), settings)[0][-2:], atol=1e-4, rtol=0)


def test_half_precision_is_near_and_leaves_the_networks_alone(animator: UniAnimate) -> None:
    coarse, fine = (latents(animator, motion(4), replace(SETTINGS, dtype=dtype))[0] for dtype in ("bfloat16", "float32"))
    assert coarse.dtype == torch.float32 and (coarse - fine).abs().mean() < 0.05 * fine.abs().mean()
    assert animator.unet.dtype == animator.vae.dtype == torch.float32


@pytest.mark.parametrize(("how", "clips"), [(WINDOWS, 3), (Chain(4), 2)])
def test_progress_runs_over_all_clips(animator: UniAnimate, how: Windows | Chain, clips: int) -> None:
    told: list[tuple[str, int, int]] = []
    animator.animate(
        Scene(animators.picture(), motion(1), motion(7)), replace(SETTINGS, window=how), progress=lambda *what: told.append(what)
    )
    assert [one for one in told if one[0] == "encode"] == [("encode", done, 7) for done in range(8)]
    assert [one for one in told if one[0] == "denoise"] == [("denoise", done, 2 * clips) for done in range(2 * clips + 1)]


def test_stopping_leaves_everything_as_it_was(animator: UniAnimate) -> None:
    before = {key: value.clone() for key, value in animator.unet.state_dict().items()}
    expected, _ = latents(animator, motion(6), SETTINGS)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        chained = replace(SETTINGS, window=Chain(4))
        animator.animate(Scene(animators.picture(), motion(1), motion(6)), chained, callback=stop)
    assert all(torch.equal(value, before[key]) for key, value in animator.unet.state_dict().items())
    assert torch.equal(latents(animator, motion(6), SETTINGS)[0], expected)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (replace(SETTINGS, scheduler="Foo"), "no scheduler 'Foo'"),
        (replace(SETTINGS, window=Chain(4), shard=Shard(0, 2)), "one after the other, so several processes have nothing to share"),
    ],
)
def test_settings_that_cannot_be_met(animator: UniAnimate, settings: Settings, words: str) -> None:
    with pytest.raises(InputError, match=words):
        animator.animate(Scene(animators.picture(), motion(1), motion(2)), settings)


def test_a_scene_that_does_not_fit_together(animator: UniAnimate) -> None:
    with pytest.raises(InputError, match="bring all to one size"):
        animator.animate(Scene(animators.picture(), motion(1), motion(2, size=(40, 62))), SETTINGS)


@pytest.mark.parametrize("settings", [Settings(window=Chain(4), device="cpu"), Settings(reference="both", device="cpu")])
@pytest.mark.parametrize("build", [animators.animator, animators.muse, animators.magic])
def test_systems_without_an_input_for_a_first_frame_refuse_it(build: Any, settings: Settings) -> None:
    told: list[object] = []
    with pytest.raises(InputError, match="first frame|input for one"):
        build().animate(Scene(animators.picture(), motion(1), motion(3)), settings, progress=lambda *what: told.append(what))
    assert not told


def test_too_little_memory_is_told_before_work_begins(animator: UniAnimate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 10}))
    with pytest.raises(InputError, match="GiB"):
        animator.animate(Scene(animators.picture(), motion(1), motion(2)), SETTINGS)
