"""UniAnimate's weights as small files in the layout of the official ones. Published names are written out here, for these sizes alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPVisionConfig, CLIPVisionModelWithProjection

from animato.models.unified import UnifiedUNet
from tiny import randomised
from weight_files import Save, State, plain

UNET, CHECKPOINT, CLIP = "unianimate_16f_32f_non_ema_223000.pth", "v2-1_512-ema-pruned.ckpt", "open_clip_pytorch_model.bin"
WIDTH = 64  # of context, text, and the published heads
RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
BLOCKS = {  # of two levels with a layer each, of which the first attends
    "down_blocks.0": ("input_blocks.1",),
    "down_blocks.1": ("input_blocks.3",),
    "mid_block": ("middle_block", "middle_block.3"),
    "up_blocks.0": ("output_blocks.0", "output_blocks.1"),
    "up_blocks.1": ("output_blocks.2", "output_blocks.3"),
}
SINGLE = {
    "trunk.conv_in": "input_blocks.0.0",
    "trunk.transformer_in": "input_blocks.0.1",
    "trunk.time_embedding.linear_1": "time_embed.0",
    "trunk.time_embedding.linear_2": "time_embed.2",
    "trunk.down_blocks.0.downsamplers.0.conv": "input_blocks.2.op",
    "trunk.up_blocks.0.upsamplers.0.conv": "output_blocks.1.1.conv",
    "trunk.conv_norm_out": "out.0",
    "trunk.conv_out": "out.2",
    "image": "pre_image_condition",
}
STEMS = {  # name here -> published stem, its convolutions, what stands behind it
    "pose": ("dwpose_embedding", (0, 3, 5), "dwpose_embedding_after"),
    "first_frame": ("local_image_embedding", (0, 3, 5), "local_image_embedding_after"),
    "reference_pose": ("randomref_pose2_embedding", (0, 3, 5), "randomref_pose2_embedding_after"),
    "reference": ("randomref_embedding2", (0, 2, 4), "randomref_embedding_after2"),
}
BEHIND = {
    "norm1": "layers.0.0.norm",
    "attn1.to_q": "layers.0.0.fn.to_qkv",
    "attn1.to_k": "layers.0.0.fn.to_qkv",
    "attn1.to_v": "layers.0.0.fn.to_qkv",
    "attn1.to_out.0": "layers.0.0.fn.to_out.0",
    "ff.net.0.proj": "layers.0.1.net.0.0",
    "ff.net.2": "layers.0.1.net.2",
}
VAE = {
    "encoder.down_blocks.0.resnets.0": "encoder.down.0.block.0",
    "encoder.down_blocks.1.resnets.0": "encoder.down.1.block.0",
    "encoder.down_blocks.0.downsamplers.0": "encoder.down.0.downsample",
    "decoder.up_blocks.0.resnets.0": "decoder.up.1.block.0",
    "decoder.up_blocks.0.resnets.1": "decoder.up.1.block.1",
    "decoder.up_blocks.1.resnets.0": "decoder.up.0.block.0",
    "decoder.up_blocks.1.resnets.1": "decoder.up.0.block.1",
    "decoder.up_blocks.0.upsamplers.0": "decoder.up.1.upsample",
    "mid_block.resnets.0": "mid.block_1",
    "mid_block.resnets.1": "mid.block_2",
    "mid_block.attentions.0.group_norm": "mid.attn_1.norm",
    "mid_block.attentions.0.to_q": "mid.attn_1.q",
    "mid_block.attentions.0.to_k": "mid.attn_1.k",
    "mid_block.attentions.0.to_v": "mid.attn_1.v",
    "mid_block.attentions.0.to_out.0": "mid.attn_1.proj_out",
    "conv_norm_out": "norm_out",
    "conv_shortcut": "nin_shortcut",
}


class Parts(NamedTuple):
    """What the official files hold; of the text side all but its last layer."""

    unet: UnifiedUNet
    vae: AutoencoderKL
    image: CLIPVisionModelWithProjection
    words: CLIPTextModel


def tiny_parts(context: int = WIDTH) -> Parts:
    shape: dict[str, Any] = {"block_out_channels": (64, 64), "attention_levels": (True, False), "layers_per_block": 1}
    kinds: dict[str, Any] = {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2}
    sizes: dict[str, Any] = {"num_hidden_layers": 2, "hidden_act": "gelu", "intermediate_size": 48}
    vision = CLIPVisionConfig(hidden_size=160, num_attention_heads=2, image_size=28, patch_size=14, projection_dim=WIDTH, **sizes)
    text = CLIPTextConfig(hidden_size=WIDTH, num_attention_heads=1, vocab_size=30, eos_token_id=29, **sizes)
    parts = (
        UnifiedUNet(**shape, entrance=(64, 8), context=(context, 4)),
        AutoencoderKL(block_out_channels=(32, 64), layers_per_block=1, latent_channels=4, **kinds),
        CLIPVisionModelWithProjection(vision),
        CLIPTextModel(text),
    )
    return Parts(*(randomised(part, seed) for seed, part in enumerate(parts)))


def unet_file(unet: UnifiedUNet) -> State:
    state: State = {}
    for key, value in unet.state_dict().items():
        name = unet_key(key)
        conv1d = key.endswith((".proj_in.weight", ".proj_out.weight")) and ("temp_attentions" in key or "transformer_in" in key)
        state[name] = torch.cat([state[name], value]) if name in state else value[..., None] if conv1d else value
    return state


def unet_key(key: str) -> str:
    for new, old in SINGLE.items():
        if key.startswith(f"{new}."):
            return old + key.removeprefix(new)
    for new, (stem, numbers, behind) in STEMS.items():
        if key.startswith(f"{new}.stem."):
            number, kind = key.removeprefix(f"{new}.stem.").split(".")
            return f"{stem}.{numbers[int(number)]}.{kind}"
        if key.startswith(f"{new}.over_frames."):
            layer, kind = key.removeprefix(f"{new}.over_frames.").rsplit(".", 1)
            return f"{behind}.{BEHIND[layer]}.{kind}"
    key = key.removeprefix("trunk.")
    block = next(name for name in BLOCKS if key.startswith(name))
    part, number, rest = key.removeprefix(f"{block}.").split(".", 2)
    old = BLOCKS[block][int(number)]
    first = old if old == "middle_block.3" else f"{old}.0"
    if part == "resnets":
        layer, kind = rest.split(".")
        return f"{first}.{RESNET[layer]}.{kind}"
    return {"temp_convs": f"{first}.temopral_conv", "attentions": f"{old}.1", "temp_attentions": f"{old}.2"}[part] + f".{rest}"


def checkpoint_file(vae: AutoencoderKL) -> State:
    """The VAE within Stable Diffusion 2.1, of which a few other tensors stand for the rest."""
    state: State = {
        "betas": torch.ones(4),
        "model.diffusion_model.input_blocks.0.0.weight": torch.ones(8, 4, 3, 3),
        "cond_stage_model.model.ln_final.bias": torch.ones(8),
    }
    for key, value in vae.state_dict().items():
        name = key
        for new, old in VAE.items():
            name = name.replace(f"{new}.", f"{old}.")
        convolution = ".attn_1." in name and value.ndim == 2
        state[f"first_stage_model.{name}"] = value[..., None, None] if convolution else value
    return state


def clip_file(image: CLIPVisionModelWithProjection, words: CLIPTextModel) -> State:
    """Both sides of CLIP as OpenCLIP writes them. The text's last layer is all nines: its output must not be looked at."""
    image_state = image.state_dict()
    text_state = {key.removeprefix("text_model."): value for key, value in words.state_dict().items()}
    state = {
        "visual.class_embedding": image_state["vision_model.embeddings.class_embedding"],
        "visual.positional_embedding": image_state["vision_model.embeddings.position_embedding.weight"],
        "visual.conv1.weight": image_state["vision_model.embeddings.patch_embedding.weight"],
        "visual.proj": image_state["visual_projection.weight"].T.clone(),
        "token_embedding.weight": text_state["embeddings.token_embedding.weight"],
        "positional_embedding": text_state["embeddings.position_embedding.weight"],
        "text_projection": torch.ones(WIDTH, WIDTH),
        "logit_scale": torch.tensor(4.6),
    }
    for old, new in (("ln_pre", "pre_layrnorm"), ("ln_post", "post_layernorm")):
        state |= {f"visual.{old}.{kind}": image_state[f"vision_model.{new}.{kind}"] for kind in ("weight", "bias")}
    state |= {f"ln_final.{kind}": text_state[f"final_layer_norm.{kind}"] for kind in ("weight", "bias")}
    for layer in range(2):
        state |= clip_layer(image_state, f"vision_model.encoder.layers.{layer}.", f"visual.transformer.resblocks.{layer}.")
        state |= clip_layer(text_state, f"encoder.layers.{layer}.", f"transformer.resblocks.{layer}.")
    last = clip_layer(text_state, "encoder.layers.1.", "transformer.resblocks.2.")
    return state | {key: torch.full_like(value, 9) for key, value in last.items()}


def clip_layer(given: State, new: str, old: str) -> State:
    state: dict[str, Tensor] = {}
    for kind in ("weight", "bias"):
        state[f"{old}attn.in_proj_{kind}"] = torch.cat([given[f"{new}self_attn.{part}_proj.{kind}"] for part in "qkv"])
        state[f"{old}attn.out_proj.{kind}"] = given[f"{new}self_attn.out_proj.{kind}"]
        for there, here in (("ln_1", "layer_norm1"), ("ln_2", "layer_norm2"), ("mlp.c_fc", "mlp.fc1"), ("mlp.c_proj", "mlp.fc2")):
            state[f"{old}{there}.{kind}"] = given[f"{new}{here}.{kind}"]
    return state


def official(folder: Path, parts: Parts, save: Save = plain) -> Path:
    """All three files."""
    folder.mkdir(parents=True, exist_ok=True)
    save(unet_file(parts.unet), folder / UNET)
    plain(checkpoint_file(parts.vae), folder / CHECKPOINT)
    plain(clip_file(parts.image, parts.words), folder / CLIP)
    return folder
