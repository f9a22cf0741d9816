"""Picture and skeletons give the latents and pixels that the published pipelines gave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from PIL import Image
from torch import Tensor
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from animato.encoders.codec import FrameCodec
from animato.sampling.clip import denoise
from animato.sampling.plan import Windows
from animato.sampling.schedule import NoiseSchedule
from animato.sampling.settings import Settings
from animato.systems.animate_anyone import AnimateAnyone
from animato.systems.memory import Placement
from animato.systems.muse_pose import MusePose
from animato.systems.referenced import Encoded, denoising, encode
from moore import assert_near, denoiser, frames_second, pose_guider, reference_net, sidecar, tensors, weights

TOKEN, LATENTS, PIXELS, ROUNDED = 5e-5, 5e-4, 1e-4, 2e-3
LONG = ("moore_pipeline_long_*.safetensors", "musepose_pipeline_long_*.safetensors")
CPU = Placement(torch.device("cpu"), torch.float32)


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    torch.set_grad_enabled(False)
    yield
    torch.set_grad_enabled(True)


def system(file: Path, motion: bool = True) -> AnimateAnyone | MusePose:
    """The page of the published code that the file is of."""
    meta = sidecar(file)
    vae = AutoencoderKL.from_config(meta["vae_config"])
    vae.load_state_dict(weights(file, "vae"))
    clip = CLIPVisionModelWithProjection(CLIPVisionConfig(**meta["clip_config"]))
    missing, unexpected = clip.load_state_dict(weights(file, "image_encoder"), strict=False)
    assert not unexpected and all(name.endswith("position_ids") for name in missing)
    noise = NoiseSchedule(**meta["scheduler_kwargs"])
    page = MusePose if meta["peer"] == "musepose" else AnimateAnyone
    return page(denoiser(file, motion), reference_net(file), pose_guider(file), vae.eval(), clip.eval(), noise)


def resized(picture: Tensor, meta: dict[str, Any], how: Image.Resampling = Image.Resampling.LANCZOS) -> np.ndarray:
    return np.asarray(Image.fromarray(picture.numpy()).resize((meta["width"], meta["height"]), how))


def encoded_of(file: Path, animator: AnimateAnyone | MusePose, how: Image.Resampling = Image.Resampling.LANCZOS) -> Encoded:
    """Of a pose2img file the one skeleton, of the others those of all frames."""
    meta, recorded = sidecar(file), tensors(file)
    picture = recorded["inputs.ref_image_uint8"]
    drawn = recorded.get("inputs.pose_frames_uint8")
    drawn = recorded["inputs.pose_image_uint8"].unsqueeze(0) if drawn is None else drawn
    return encode(animator, picture.numpy(), resized(picture, meta), [resized(frame, meta, how) for frame in drawn], CPU)


def settings(meta: dict[str, Any]) -> Settings:
    """Files without windows are of pipelines that see all frames at once."""
    size = meta.get("context_frames", 1000)
    end = "closed" if meta["peer"] == "moore" else "open"
    window = Windows(size, meta.get("context_overlap", 0), meta.get("context_stride", 1), end)
    return Settings(meta["num_inference_steps"], meta["guidance_scale"], window=window)


def steps_of(file: Path, animator: AnimateAnyone | MusePose, encoded: Encoded) -> list[Tensor]:
    """Latents after every step, from the recorded noise, B C F h w as recorded."""
    noise, steps = tensors(file)["inputs.noise"][0].transpose(0, 1), []
    chosen = settings(sidecar(file))
    denoise(
        denoising(animator, encoded, chosen, CPU),
        chosen,
        callback=lambda step, t, x: steps.append(x.transpose(0, 1)[None]),
        latents=noise,
    )
    return steps


def video(animator: AnimateAnyone | MusePose, latents: Tensor, frames: list[int]) -> Tensor:  # -> 1 3 F H W
    return FrameCodec(animator.vae).decode(latents[0].transpose(0, 1)[frames]).transpose(0, 1)[None]


@pytest.mark.parity(*LONG)
def test_what_is_encoded(fixture_file: Path) -> None:
    """CLIP's token, the reference's latents, the pose features of the first two frames."""
    meta, recorded, animator = sidecar(fixture_file), tensors(fixture_file), system(fixture_file)
    encoded = encoded_of(fixture_file, animator)
    assert_near(encoded.token[0], recorded["outputs.clip_image_embeds"], TOKEN)
    canvas = resized(recorded["inputs.ref_image_uint8"], meta)
    assert np.array_equal(canvas, recorded["outputs.ref_resized_uint8"][0].permute(1, 2, 0))
    assert_near(FrameCodec(animator.vae).encode(canvas[None]), recorded["outputs.ref_latents"], TOKEN)
    assert_near(frames_second(encoded.pose[:, :2]), recorded["outputs.pose_fea_2frames"], TOKEN)


@pytest.mark.parity("musepose_pipeline_*.safetensors")
def test_musepose_s_own_noise_and_windows(fixture_file: Path) -> None:
    """What its page takes unless it is told otherwise is what was recorded."""
    assert NoiseSchedule(**sidecar(fixture_file)["scheduler_kwargs"]) == MusePose.noise
    assert MusePose.published.window.end == "open"


@pytest.mark.parity(*LONG)
def test_long_pipeline(fixture_file: Path) -> None:
    """Where the published code does not divide by the number of windows (no guidance), what it would give if it did."""
    meta, recorded, animator = sidecar(fixture_file), tensors(fixture_file), system(fixture_file)
    steps = steps_of(fixture_file, animator, encoded_of(fixture_file, animator))
    divided = "outputs.latents_divided" in recorded
    assert_near(steps[-1], recorded["outputs.latents_divided" if divided else "outputs.latents"], LATENTS)
    if divided:
        return
    for mine, theirs in zip(steps, recorded["outputs.step_latents"], strict=False):
        assert_near(mine, theirs, LATENTS)
    if meta["video_frame_indices"]:
        assert_near(video(animator, steps[-1], meta["video_frame_indices"]), recorded["outputs.video_frames"], PIXELS)


@pytest.mark.parity(*LONG)
def test_long_pipeline_with_a_rounded_bank(fixture_file: Path) -> None:
    """The published pipeline as it is: it rounds what the ReferenceNet gives to fp16."""
    meta, recorded, animator = sidecar(fixture_file), tensors(fixture_file), system(fixture_file)
    if meta["unet_calls"] > meta["num_inference_steps"]:
        pytest.skip("windows read the same bank as a whole clip does, which other files test in less time")
    encoded = encoded_of(fixture_file, animator)
    encoded = encoded._replace(features={name: value.half().float() for name, value in encoded.features.items()})
    assert_near(steps_of(fixture_file, animator, encoded)[-1], recorded["outputs.latents_fp16bank"], ROUNDED)


@pytest.mark.parity("moore_pipeline_short_*.safetensors", "musepose_pipeline_short_*.safetensors")
def test_short_pipeline(fixture_file: Path) -> None:
    """All frames at once, CLIP sees the middle of the picture, skeletons are resized by the bicubic filter."""
    meta, recorded, animator = sidecar(fixture_file), tensors(fixture_file), system(fixture_file)
    encoded = encoded_of(fixture_file, replace(animator, fit="crop"), Image.Resampling.BICUBIC)
    assert_near(encoded.token[0], recorded["outputs.clip_image_embeds"], TOKEN)
    steps = steps_of(fixture_file, animator, encoded)
    assert_near(torch.stack(steps), recorded["outputs.step_latents"], LATENTS)
    assert_near(video(animator, steps[-1], meta["video_frame_indices"]), recorded["outputs.video_frames"], PIXELS)


@pytest.mark.parity("moore_pipeline_pose2img*.safetensors", "musepose_pipeline_pose2img*.safetensors")
def test_image_pipeline(fixture_file: Path) -> None:
    """The denoiser of the first stage of training, without a temporal module, on one frame."""
    recorded, animator = tensors(fixture_file), system(fixture_file, motion=False)
    steps = steps_of(fixture_file, animator, encoded_of(fixture_file, animator))
    assert_near(torch.stack(steps), recorded["outputs.step_latents"], LATENTS)
    assert_near(video(animator, steps[-1], [0]), recorded["outputs.image"], PIXELS)
