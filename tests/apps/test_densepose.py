"""animato pose --kind densepose: from people, from a ready DensePose video, from a network in a file, and what is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from animato.apps.cli import main
from animato.core.media import Clip, open_clip, write_clip
from animato.core.picture import read_picture, write_picture
from animato.people.people import clip
from animato.pose.surface.densepose import coloured, is_densepose, nearest
from animato.pose.surface.parts import parts
from extras import DIFFUSION
from material import Material
from seen import needs_models

torch = pytest.importorskip("torch", reason=DIFFUSION)

SIZE = (256, 256)


class Half(torch.nn.Module):
    """Part 9 everywhere in the picture's left half."""

    def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        height, width = image.shape[0], image.shape[1]
        maps = torch.zeros(1, 25, 8, 8)
        fine, coarse = maps.clone(), maps[:, :2].clone()
        fine[:, 9], coarse[:, 1] = 1.0, 1.0
        box = torch.tensor([[0.0, 0.0, width / 2.0, float(height)]])
        return {
            "pred_boxes": box,
            "scores": torch.ones(1),
            "pred_densepose_coarse_segm": coarse,
            "pred_densepose_fine_segm": fine,
            "pred_densepose_u": maps,
            "pred_densepose_v": maps,
        }


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    return parts(replace(clip(4, "kick", 3, SIZE, turn=20.0)[1], mask=None), SIZE)[0]


@needs_models
def test_people_become_parts(material: Material, tmp_path: Path) -> None:
    out, overlay = tmp_path / "parts.mp4", tmp_path / "over.png"
    assert main(["pose", str(material.video), "--kind", "densepose", "-o", str(out), "--overlay", str(overlay), "--frames", "2"]) == 0
    made, plain = list(open_clip(out)), next(iter(open_clip(material.video)))
    assert len(made) == 2 and all(is_densepose(frame) for frame in made)
    assert {2, 9, 10, 23, 24} <= set(np.unique(nearest(made[0])))
    person = nearest(made[0]) != 0
    changed = np.abs(read_picture(overlay).astype(int) - plain).max(axis=2) > 12
    assert changed[person].mean() > 0.8 and changed[~person].mean() < 0.1


def test_a_ready_video_is_cleaned(labels: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_clip(Clip.of(coloured(labels), 12), tmp_path / "ready.mp4")
    assert main(["pose", str(tmp_path / "ready.mp4"), "--kind", "densepose", "-o", str(tmp_path / "frames")]) == 0
    assert "DensePose video already" in capsys.readouterr().err
    cleaned = [read_picture(file) for file in sorted((tmp_path / "frames").glob("*.png"))]
    assert len(cleaned) == 3 and np.array_equal(coloured(nearest(cleaned[0])), cleaned[0])
    assert (nearest(cleaned[1]) == labels[1]).mean() > 0.97
    assert main(["pose", str(tmp_path / "ready.mp4"), "--kind", "densepose", "-o", str(tmp_path / "first.png")]) == 0
    np.testing.assert_array_equal(read_picture(tmp_path / "first.png"), cleaned[0])


def test_a_network_in_a_file_finds_them(tmp_path: Path) -> None:
    torch.jit.script(Half()).save(str(tmp_path / "half.pt"))
    write_picture(np.full((48, 64, 3), 200, np.uint8), tmp_path / "picture.png")
    words = ["pose", str(tmp_path / "picture.png"), "--kind", "densepose", "--densepose", str(tmp_path / "half.pt")]
    assert main([*words, "-o", str(tmp_path / "parts.png")]) == 0
    found = nearest(read_picture(tmp_path / "parts.png"))
    assert (found[:, :32] == 9).all() and not found[:, 32:].any()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--kind", "body", "-o", "{t}/a.mp4"], "no kind of pose 'body': choose skeleton or densepose"),
        (["--densepose", "{t}/half.pt", "-o", "{t}/a.json"], "add --kind densepose"),
        (["--kind", "densepose", "-o", "{t}/a.json"], "a.json"),
        (["--kind", "densepose", "-o", "{t}/ready.mp4"], "input or written twice"),
        (["--kind", "densepose", "--densepose", "{t}/none.pt", "-o", "{t}/a.mp4"], "no file .*none.pt"),
    ],
)
def test_what_cannot_be_done_is_told(words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_clip(Clip.of(np.full((2, 48, 64, 3), 200, np.uint8), 12), tmp_path / "ready.mp4")
    before = (tmp_path / "ready.mp4").read_bytes()
    assert main(["pose", str(tmp_path / "ready.mp4"), *(word.replace("{t}", str(tmp_path)) for word in words)]) == 2
    assert re.search(says, capsys.readouterr().err)
    assert (tmp_path / "ready.mp4").read_bytes() == before and not list(tmp_path.glob("a.*"))
