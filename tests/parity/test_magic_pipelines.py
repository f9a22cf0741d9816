"""A picture and body parts give the latents and pixels that MagicAnimate's published pipeline gave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from animato.encoders.codec import FrameCodec
from animato.encoders.text import EmptyPrompt
from animato.sampling.clip import denoise
from animato.sampling.guidance import guided
from animato.sampling.model import unet_model
from animato.sampling.plan import Windows
from animato.sampling.run import blend
from animato.sampling.schedule import NoiseSchedule, make_scheduler
from animato.sampling.settings import Settings
from animato.systems.magic_animate import Encoded, MagicAnimate, conditions
from animato.systems.memory import Placement
from magic import appearance_encoder, controlnet, denoiser, near, text_encoder, vae
from moore import sidecar, tensors

CPU = Placement(torch.device("cpu"), torch.float32)
PIPELINES = pytest.mark.parity("magic_*.pipeline_*.safetensors")


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    torch.set_grad_enabled(False)
    yield
    torch.set_grad_enabled(True)


def system(file: Path) -> MagicAnimate:
    known = dict(sidecar(file)["config"]["scheduler_effective"])
    known = {name: known[name] for name in NoiseSchedule.__dataclass_fields__ if name in known}
    prompt = EmptyPrompt.by(text_encoder(file))
    noise = NoiseSchedule(**known, rescale_betas_zero_snr=False)
    return MagicAnimate(denoiser(file), appearance_encoder(file), controlnet(file), vae(file), prompt, noise)


def settings(file: Path) -> Settings:
    meta = sidecar(file)["config"]
    window = Windows(meta["context_frames"], meta["context_overlap"], meta["context_stride"])
    return Settings(meta["num_inference_steps"], meta["guidance_scale"], window=window, batch=meta["context_batch_size"])


def encode(recorded: dict[str, Tensor], animator: MagicAnimate) -> Encoded:
    return animator.encode_parts(recorded["inputs.source_image"].numpy(), recorded["inputs.control"].numpy(), CPU)


def noise(recorded: dict[str, Tensor]) -> Tensor:  # F C h w
    """That of the file, or that of a few frames, over and over."""
    frames = len(recorded["inputs.control"])
    if "inputs.initial_latents" in recorded:
        return recorded["inputs.initial_latents"][0].transpose(0, 1)
    few = recorded["inputs.noise16"][0].transpose(0, 1)
    return torch.stack([few[frame % len(few)] for frame in range(frames)])


@PIPELINES
def test_pipeline(fixture_file: Path) -> None:
    """What is read of the picture, latents after every step, some frames whole and mean and deviation of all."""
    meta, recorded, animator = sidecar(fixture_file)["config"], tensors(fixture_file), system(fixture_file)
    encoded = encode(recorded, animator)
    steps = list[Tensor]()
    near(fixture_file, "ref_latents", encoded.clean[0], recorded["outputs.ref_latents"])
    near(fixture_file, "text_embeddings", animator.prompt.tokens.expand(2, -1, -1), recorded["outputs.text_embeddings"])
    if "outputs.initial_latents" in recorded:
        assert torch.equal(noise(recorded), recorded["outputs.initial_latents"][0].transpose(0, 1))
    chosen = settings(fixture_file)
    task = animator.denoising(encoded, chosen, CPU)
    denoise(task, chosen, callback=lambda *step: steps.append(step[2]), latents=noise(recorded))
    for number, latents in enumerate(steps):
        name = "final_latents" if number == len(steps) - 1 else f"step{number}.latents"
        near(fixture_file, name, latents.transpose(0, 1)[None], recorded[f"outputs.{name}"])
    video = FrameCodec(animator.vae).decode(steps[-1])  # F 3 H W
    near(fixture_file, "video_frames", video[meta["video_frames_saved"]].transpose(0, 1)[None], recorded["outputs.video_frames"])
    moments = torch.stack([video.flatten(1).mean(dim=1), video.flatten(1).std(dim=1)])
    near(fixture_file, "video_frame_mean_std", moments, recorded["outputs.video_frame_mean_std"])


@PIPELINES
def test_first_step(fixture_file: Path) -> None:
    """The prediction with guidance, before the scheduler makes anything of it."""
    recorded, animator, chosen = tensors(fixture_file), system(fixture_file), settings(fixture_file)
    encoded = encode(recorded, animator)
    networks = animator.prompted(CPU)
    x = noise(recorded)
    scheduler = make_scheduler(animator.noise, chosen.scheduler, chosen.steps)
    assert scheduler.timesteps.tolist() == recorded["outputs.timesteps"].tolist()
    model = unet_model(networks.denoiser, *conditions(networks, encoded, x, scheduler.timesteps[0], 5))
    prediction = blend(chosen.window.over(len(x)), guided(model, chosen.guidance))(x, scheduler.timesteps[0])
    near(fixture_file, "step0.guided_noise", prediction.transpose(0, 1)[None], recorded["outputs.step0.guided_noise"])
