"""UniAnimate's published keys become its networks: each of them at full size, and on small files of the same layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPVisionConfig, CLIPVisionModelWithProjection

from animato.core.errors import MissingModelError
from animato.models.unified import UnifiedUNet
from animato.weights.blank import blank, wanted
from animato.weights.keymap import match, shapes
from animato.weights.uni_animate import open_image_encoder, open_text_encoder, open_unet, open_vae
from animato.weights.uni_names import FIRST_STAGE, HEAD_DIM, IMAGE_HEAD, Layout, unet_names, unfused, unified_sizes, vae_names, vae_sizes
from conftest import PARITY

MANIFESTS = PARITY.parent / "manifests" / "uni_animate"
needs_manifests = pytest.mark.skipif(not MANIFESTS.is_dir(), reason=f"no lists of published keys in {MANIFESTS}")
State = dict[str, Tensor]


def listed(name: str) -> Any:
    return json.loads((MANIFESTS / f"{name}.json").read_text())


def published(name: str, device: str = "meta") -> State:
    """Tensors in the shapes of a published file, each of them in the memory of one number."""
    return {key: torch.zeros((), device=device).expand(shape) for key, shape in listed(name).items()}


@needs_manifests
def test_every_key_of_the_unet_has_its_place() -> None:
    """And the trunk's are where they were recorded to belong."""
    state = published("unianimate_unet")
    sizes = unified_sizes(shapes(state))
    assert (sizes["block_out_channels"], sizes["layers_per_block"]) == ((320, 640, 1280, 1280), 2)
    network = wanted(blank(lambda: UnifiedUNet(head_dim=HEAD_DIM, **sizes)))
    assert network == wanted(blank(UnifiedUNet))
    names = unet_names(Layout(sizes["attention_levels"], sizes["layers_per_block"]))
    single = unfused(state)
    found = match(shapes(single), network, names)
    assert not found.complaint() and len(found.sources) == len(network) == len(state) + 2 * 4
    trunk = {key.removeprefix("trunk."): source for key, source in found.sources.items() if key.startswith("trunk.")}
    recorded = listed("keymap_unet_to_diffusers_unet3d")["map"]
    assert trunk == {key: source for source, (key, _) in recorded.items()} and len(trunk) == 1480
    squeezed = {source for source, (_, change) in recorded.items() if change}
    assert squeezed == {source for key, source in found.sources.items() if shapes(single)[source] != network[key]} and len(squeezed) == 34


@needs_manifests
def test_the_unet_from_a_file_as_published(tmp_path: Path) -> None:
    """And from one that lacks a key."""
    path, state = tmp_path / "unianimate_16f_32f_non_ema_223000.pth", published("unianimate_unet", "cpu")
    torch.save({"state_dict": state}, path)
    waiting = open_unet(path)
    assert shapes(waiting.state) == wanted(waiting.network)
    del state["middle_block.1.norm.bias"]
    torch.save(state, path)
    with pytest.raises(MissingModelError, match="1 missing: trunk.mid_block.attentions.0.norm.bias"):
        open_unet(path)


@needs_manifests
def test_every_key_of_the_vae_has_its_place() -> None:
    state = {key.removeprefix(FIRST_STAGE): value for key, value in published("v2-1_512-ema-pruned_first_stage_model").items()}
    sizes = vae_sizes(shapes(state))
    network = wanted(blank(lambda: AutoencoderKL(**sizes)))
    found = match(shapes(state), network, vae_names(len(sizes["block_out_channels"])))
    assert not found.complaint() and len(found.sources) == len(network) == 248
    recorded = listed("keymap_vae_to_diffusers")["map"]
    assert found.sources == {key: source.removeprefix(FIRST_STAGE) for source, (key, _) in recorded.items()}


def small_clip() -> tuple[CLIPVisionModelWithProjection, CLIPTextModel, State]:
    """Both sides of CLIP, the text's with all but its last layer, and a file as OpenCLIP writes it."""
    torch.manual_seed(4)
    sizes: dict[str, Any] = {"num_hidden_layers": 2, "hidden_act": "gelu"}
    vision = CLIPVisionConfig(
        hidden_size=2 * IMAGE_HEAD, intermediate_size=48, num_attention_heads=2, image_size=28, patch_size=14, projection_dim=24, **sizes
    )
    text = CLIPTextConfig(hidden_size=64, intermediate_size=48, num_attention_heads=1, vocab_size=30, eos_token_id=29, **sizes)
    image, words = CLIPVisionModelWithProjection(vision).eval(), CLIPTextModel(text).eval()
    seen, said = image.state_dict(), {key.removeprefix("text_model."): value for key, value in words.state_dict().items()}
    state = {
        "visual.class_embedding": seen["vision_model.embeddings.class_embedding"],
        "visual.positional_embedding": seen["vision_model.embeddings.position_embedding.weight"],
        "visual.conv1.weight": seen["vision_model.embeddings.patch_embedding.weight"],
        "visual.proj": seen["visual_projection.weight"].T.clone(),
        "token_embedding.weight": said["embeddings.token_embedding.weight"],
        "positional_embedding": said["embeddings.position_embedding.weight"],
        "text_projection": torch.randn(64, 24),
        "logit_scale": torch.tensor(4.6),
    }
    for old, new in (("ln_pre", "pre_layrnorm"), ("ln_post", "post_layernorm")):
        state |= {f"visual.{old}.{kind}": seen[f"vision_model.{new}.{kind}"] for kind in ("weight", "bias")}
    state |= {f"ln_final.{kind}": said[f"final_layer_norm.{kind}"] for kind in ("weight", "bias")}
    for layer in range(2):
        state |= clip_layer(seen, f"vision_model.encoder.layers.{layer}.", f"visual.transformer.resblocks.{layer}.")
        state |= clip_layer(said, f"encoder.layers.{layer}.", f"transformer.resblocks.{layer}.")
    last = clip_layer(said, "encoder.layers.1.", "transformer.resblocks.2.")
    return image, words, state | {key: torch.full_like(value, 9) for key, value in last.items()}


def clip_layer(given: State, new: str, old: str) -> State:
    state = {}
    for kind in ("weight", "bias"):
        state[f"{old}attn.in_proj_{kind}"] = torch.cat([given[f"{new}self_attn.{part}_proj.{kind}"] for part in "qkv"])
        state[f"{old}attn.out_proj.{kind}"] = given[f"{new}self_attn.out_proj.{kind}"]
        for there, here in (("ln_1", "layer_norm1"), ("ln_2", "layer_norm2"), ("mlp.c_fc", "mlp.fc1"), ("mlp.c_proj", "mlp.fc2")):
            state[f"{old}{there}.{kind}"] = given[f"{new}{here}.{kind}"]
    return state


@torch.no_grad()
def test_clip_from_a_small_file(tmp_path: Path) -> None:
    image, words, state = small_clip()
    path = tmp_path / "open_clip_pytorch_model.bin"
    torch.save(state, path)
    for mine, meant in ((open_image_encoder(path).fill(), image), (open_text_encoder(path).fill(), words)):
        there = meant.state_dict()
        assert mine.state_dict().keys() == there.keys()
        assert all(torch.equal(value, there[key]) for key, value in mine.state_dict().items())
    pixels = torch.randn(1, 3, 28, 28)
    assert torch.equal(open_image_encoder(path).fill()(pixels).image_embeds, image(pixels).image_embeds)


@needs_manifests
def test_every_key_of_clip_has_its_place(tmp_path: Path) -> None:
    """At full size every key of both sides is known, and one key more or less is told."""
    state = published("openclip_vit_h14_visual", "cpu") | published("openclip_vit_h14_text", "cpu")
    path = tmp_path / "open_clip_pytorch_model.bin"
    torch.save(state, path)
    assert len(open_image_encoder(path).state) == 392 + 2 * 2 * 32
    assert len(open_text_encoder(path).state) == (294 - 2) + 2 * 2 * 23 - 12
    state["visual.ln_pre.extra"] = torch.zeros(1)
    torch.save(state, path)
    with pytest.raises(MissingModelError, match="1 unknown: visual.ln_pre.extra"):
        open_image_encoder(path)


@pytest.mark.parametrize("opened", [open_unet, open_vae, open_image_encoder, open_text_encoder])
def test_another_file(opened: Any, tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"blocks.0.weight": torch.zeros(2)}, path)
    with pytest.raises(MissingModelError, match=r"Give"):
        opened(path)
