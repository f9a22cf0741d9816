"""Values that stop being finite end the work with a sentence that says where, and nothing is written: no black video that looks right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from animato.core.errors import NotFiniteError
from animato.core.media import write_clip
from animato.sampling.settings import Settings
from animato.systems.scene import Scene
from animators import animator, magic, motion, muse, picture, uni


def scene(frames: int) -> Scene:
    return Scene(picture(), motion(1), motion(frames))


PAGES: dict[str, Callable[[], Any]] = {"animator": animator, "muse": muse, "magic": magic, "uni": uni}


def last(network: nn.Module) -> nn.Parameter:
    """The last bias of a network."""
    return [value for name, value in network.named_parameters() if name.endswith("bias")][-1]


def network_of(page: Any) -> nn.Module:
    found = getattr(page, "denoiser", None) or page.unet
    assert isinstance(found, nn.Module)
    return found


def spoil(network: nn.Module) -> None:
    with torch.no_grad():
        last(network)[0] = float("inf")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("bad", ["inf", "nan"])
def test_sampling_names_step_and_type(name: str, bad: str) -> None:
    page = PAGES[name]()
    with torch.no_grad():
        last(network_of(page))[0] = float(bad)
    steps = []
    with pytest.raises(NotFiniteError, match=r"the latents after step 1 of 3, computed in float32\. Nothing was written"):
        page.animate(scene(3), Settings(steps=3), callback=lambda *seen: steps.append(seen))
    assert not steps


@pytest.mark.parametrize("name", PAGES)
def test_decoding_writes_nothing(name: str, tmp_path: Path) -> None:
    page = PAGES[name]()
    clip = page.animate(scene(3), Settings(steps=2))
    spoil(page.vae.decoder)
    with pytest.raises(NotFiniteError, match="a frame that the VAE decoded, computed in float32"):
        write_clip(clip, tmp_path / "out.mp4")
    assert not list(tmp_path.iterdir())


def test_what_is_encoded(tmp_path: Path) -> None:
    page = animator()
    spoil(page.image_encoder.vision_model)
    with pytest.raises(NotFiniteError, match="the image encoder's token of the picture"):
        page.animate(scene(3), Settings(steps=2))
    page = animator()
    spoil(page.vae.encoder)
    with pytest.raises(NotFiniteError, match="the VAE's latents of a picture"):
        page.animate(scene(3), Settings(steps=2))


def test_half_precision_says_what_to_choose() -> None:
    from animato.models.finite import check_finite

    ran_over = torch.tensor([70000.0]).half()
    with pytest.raises(NotFiniteError, match=r"computed in float16.*choose float32 or bfloat16"):
        check_finite(ran_over, "a frame", ran_over.dtype)
    fits = torch.tensor([1.0])
    assert check_finite(fits, "a frame", fits.dtype) is fits
