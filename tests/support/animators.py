"""Animate Anyone, MusePose, MagicAnimate and UniAnimate with networks of the real classes at the size of a thumbnail, and scenes for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

import tiny
from animato.core.media import Clip
from animato.encoders.text import EmptyPrompt
from animato.models.controlnet import ControlNet
from animato.models.pose_guider import PoseGuider
from animato.models.trunk import Kind
from animato.models.unified import UnifiedUNet
from animato.pose.keypoints import PoseSequence
from animato.sampling.settings import Settings
from animato.systems.animate_anyone import AnimateAnyone
from animato.systems.magic_animate import MagicAnimate
from animato.systems.muse_pose import MusePose
from animato.systems.scene import Scene
from animato.systems.uni_animate import UniAnimate

STRIDE = 8
SIZE = (45, 62)  # width, height of a picture; neither is a multiple of the stride


def vae(seed: int = 0) -> AutoencoderKL:
    levels = 4
    blocks: dict[str, Any] = {
        "down_block_types": ("DownEncoderBlock2D",) * levels,
        "up_block_types": ("UpDecoderBlock2D",) * levels,
        "block_out_channels": (8,) * levels,
    }
    model = AutoencoderKL(**blocks, norm_num_groups=4, latent_channels=4)
    torch.manual_seed(seed)
    for value in model.parameters():
        value.data += 0.1 * torch.randn_like(value)
    return model.eval()


def clip(seed: int = 0) -> CLIPVisionModelWithProjection:
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    return tiny.randomised(CLIPVisionModelWithProjection(CLIPVisionConfig(**shape, image_size=28, patch_size=14, projection_dim=24)), seed)


def animator(temporal: bool = True) -> AnimateAnyone:
    """Windows of 8 frames at most."""
    denoiser = tiny.unet(tiny.TEMPORAL if temporal else None, seed=1)
    reference_net = tiny.unet(seed=2, out_channels=None)
    guider = tiny.randomised(PoseGuider(32, (4, 8, 8, 8)), 3)
    return AnimateAnyone(denoiser, reference_net, guider, vae(), clip())


def muse() -> MusePose:
    """The same networks as MusePose holds them."""
    one = animator()
    return MusePose(one.denoiser, one.reference_net, one.pose_guider, one.vae, one.image_encoder)


def magic() -> MagicAnimate:
    """Windows of 8 frames at most; an empty prompt of five tokens."""
    denoiser = tiny.unet(tiny.TEMPORAL | {"middle": False, "norm": "clip"}, seed=1)
    prompt = EmptyPrompt(hidden_size=24, length=5)
    prompt.tokens = tiny.normal(1, 5, 24, seed=3)
    return MagicAnimate(denoiser, tiny.unet(seed=2, out_channels=0), controlnet(), vae(), prompt)


def uni(temporal: Kind = "attention") -> UniAnimate:
    """An empty prompt of five tokens."""
    shape: dict[str, Any] = {"block_out_channels": (32, 64), "attention_levels": (True, False), "layers_per_block": 1, "context": (24, 4)}
    net = tiny.randomised(UnifiedUNet(**shape, head_dim=16, entrance=(32, 3), temporal=temporal), 6)
    prompt = EmptyPrompt(hidden_size=24, length=5)
    prompt.tokens = tiny.normal(1, 5, 24, seed=3)
    return UniAnimate(net, vae(), clip(), prompt)


def picture(size: tuple[int, int] = SIZE) -> np.ndarray:
    """Stripes and a gradient, H W 3."""
    y, x = np.mgrid[: size[1], : size[0]]
    return np.stack([x * 255 // size[0], y * 255 // size[1], (x // 5 + y // 7) % 2 * 200], axis=2).astype(np.uint8)


def motion(frames: int, size: tuple[int, int] = SIZE, fps: float = 25.0) -> PoseSequence:
    """A person whose points go round on ellipses."""
    rng = np.random.default_rng(5)
    middle, phase = rng.uniform(0.3, 0.7, (134, 3)), rng.uniform(0, 2 * np.pi, 134)
    angle = phase + np.linspace(0, 2, frames)[:, None]
    points = middle + 0.2 * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=2)  # F K 3
    return PoseSequence(points[:, None] * [*size, size[0]], np.ones((frames, 1, 134)), size, fps)


def controlnet(seed: int = 4) -> ControlNet:
    """That of `tiny.unet`, whose spatial stem halves three times."""
    blocks = ("CrossAttnDownBlock2D", "DownBlock2D")
    shape: dict[str, Any] = {"block_out_channels": (32, 64), "layers_per_block": 1, "cross_attention_dim": 24, "attention_head_dim": 4}
    net = ControlNet(down_block_types=blocks, conditioning_embedding_out_channels=(4, 8, 8, 8), **shape)
    return tiny.randomised(net, seed)


def latents(system: AnimateAnyone | MusePose | UniAnimate, poses: PoseSequence, settings: Settings) -> tuple[Tensor, Clip]:
    """The last latents that animate() goes through, and its clip."""
    seen: list[Tensor] = []
    clip = system.animate(Scene(picture(), motion(1), poses), settings, callback=lambda step, t, x: seen.append(x))
    return seen[-1], clip
