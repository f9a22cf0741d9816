"""UniAnimate's published keys become its networks: each of them at full size, and on small files of the same layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor

from animato.core.errors import MissingModelError
from animato.models.unified import UnifiedUNet
from animato.weights.blank import blank, wanted
from animato.weights.keymap import match, shapes
from animato.weights.official.uni_animate import OFFICIAL
from animato.weights.uni_animate import open_image_encoder, open_text_encoder, open_unet, open_vae
from animato.weights.uni_animate_names import FIRST_STAGE, HEAD_DIM, Layout, unet_names, unfused, unified_sizes, vae_names, vae_sizes
from recorded import PARITY
from uni_files import clip_file, tiny_parts

MANIFESTS = PARITY.parent / "manifests" / "uni_animate"
needs_manifests = pytest.mark.skipif(not MANIFESTS.is_dir(), reason=f"no lists of published keys in {MANIFESTS}")
State = dict[str, Tensor]


def listed(name: str) -> Any:
    return json.loads((MANIFESTS / f"{name}.json").read_text())


def published(name: str, device: str = "meta") -> State:
    """Tensors in the shapes of a published file, each of them in the memory of one number."""
    return {key: torch.zeros((), device=device).expand(shape) for key, shape in listed(name).items()}


@needs_manifests
def test_sizes_of_the_official_files() -> None:
    """Of Stable Diffusion 2.1 as the count of its U-Net and of what else its checkpoint holds: OpenCLIP's text side and the VAE."""
    unet, vae, visual, text = (
        sum(torch.Size(shape).numel() for shape in listed(name).values())
        for name in ("unianimate_unet", "v2-1_512-ema-pruned_first_stage_model", "openclip_vit_h14_visual", "openclip_vit_h14_text")
    )
    stable_diffusion = blank(
        lambda: UNet2DConditionModel(cross_attention_dim=1024, attention_head_dim=(5, 10, 20, 20), use_linear_projection=True)
    )
    rest = sum(value.numel() for value in stable_diffusion.parameters())
    assert [form.size for piece in OFFICIAL.pieces for form in piece.forms] == [
        4 * unet,
        4 * vae,
        4 * (rest + text + vae),
        4 * (visual + text),
    ]


@needs_manifests
def test_every_key_of_the_unet_has_its_place() -> None:
    """And the trunk's are where they were recorded to belong."""
    state = published("unianimate_unet")
    sizes = unified_sizes(shapes(state), Path("unet.pth"))
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
    sizes = vae_sizes(shapes(state), Path("vae.ckpt"))
    network = wanted(blank(lambda: AutoencoderKL(**sizes)))
    found = match(shapes(state), network, vae_names(len(sizes["block_out_channels"])))
    assert not found.complaint() and len(found.sources) == len(network) == 248
    recorded = listed("keymap_vae_to_diffusers")["map"]
    assert found.sources == {key: source.removeprefix(FIRST_STAGE) for source, (key, _) in recorded.items()}


@torch.no_grad()
def test_clip_from_a_small_file(tmp_path: Path) -> None:
    _, _, image, words = tiny_parts()
    path = tmp_path / "open_clip_pytorch_model.bin"
    torch.save(clip_file(image, words), path)
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
