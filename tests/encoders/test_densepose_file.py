"""A DensePose network in a TorchScript file: a random one of the same interface, its operators, and files that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from animato.core.errors import MissingModelError
from animato.encoders.densepose import DensePose
from animato.encoders.torchvision_ops import define_operators, nms, roi_align

define_operators()


class Tiny(nn.Module):
    """Three boxes, of which one is suppressed; the maps are random convolutions of what roi_align takes out of the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("boxes", torch.tensor([[8.0, 6.0, 30.0, 40.0], [-4.0, 10.0, 52.0, 70.0], [9.0, 7.0, 30.0, 40.0]]))
        self.register_buffer("scores", torch.tensor([0.9, 0.8, 0.7]))
        self.maps = nn.Conv2d(3, 2 + 3 * 25, 3, padding=1)

    def forward(self, image: Tensor) -> dict[str, Tensor]:  # H W 3 bytes, blue green red
        features = image.permute(2, 0, 1)[None].float() / 255
        keep = torch.ops.torchvision.nms(self.boxes, self.scores, 0.5)
        boxes = self.boxes[keep]
        rois = torch.cat([torch.zeros(len(keep), 1), boxes], dim=1)
        coarse, fine, u, v = self.maps(torch.ops.torchvision.roi_align(features, rois, 1.0, 12, 12, 2, True)).split([2, 25, 25, 25], dim=1)
        return {
            "pred_boxes": boxes,
            "scores": self.scores[keep],
            "pred_densepose_coarse_segm": coarse,
            "pred_densepose_fine_segm": fine,
            "pred_densepose_u": u,
            "pred_densepose_v": v,
        }


class Nobody(Tiny):
    def forward(self, image: Tensor) -> dict[str, Tensor]:
        empty = torch.zeros(0, 25, 8, 8)
        return {
            "pred_boxes": torch.zeros(0, 4),
            "scores": torch.zeros(0),
            "pred_densepose_coarse_segm": empty[:, :2],
            "pred_densepose_fine_segm": empty,
            "pred_densepose_u": empty,
            "pred_densepose_v": empty,
        }


class Row(Tiny):
    """The other published interface: 3 H W bytes, red green blue, in; boxes, coarse, fine, u, v out."""

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        features = image.flip(0)[None].float() / 255
        keep = torch.ops.torchvision.nms(self.boxes, self.scores, 0.5)
        boxes = self.boxes[keep]
        rois = torch.cat([torch.zeros(len(keep), 1), boxes], dim=1)
        coarse, fine, u, v = self.maps(torch.ops.torchvision.roi_align(features, rois, 1.0, 12, 12, 2, True)).split([2, 25, 25, 25], dim=1)
        return boxes, coarse, fine, u, v


class Unfixed(Row):
    """As files that end in _unfixed: two more outputs at the end."""

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        assert image.size(0) == 3
        features = image.flip(0)[None].float() / 255
        boxes = self.boxes[:2]
        rois = torch.cat([torch.zeros(2, 1), boxes], dim=1)
        coarse, fine, u, v = self.maps(torch.ops.torchvision.roi_align(features, rois, 1.0, 12, 12, 2, True)).split([2, 25, 25, 25], dim=1)
        return boxes, coarse, fine, u, v, self.scores, self.scores


class Other(nn.Module):
    def forward(self, image: Tensor) -> dict[str, Tensor]:
        return {"scores": image.float()[:, 0, 0]}


class Picky(nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        return torch.mm(image.float(), image.float())


def saved(module: nn.Module, path: Path) -> Path:
    torch.manual_seed(0)
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    torch.jit.script(module).save(str(path))
    return path


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)


def test_the_largest_person_is_pasted_where_they_are(tmp_path: Path) -> None:
    path = saved(Tiny(), tmp_path / "densepose.pt")
    labels, places = DensePose.load(path)(picture())
    found = torch.jit.load(str(path))(torch.from_numpy(picture()[..., ::-1].copy()))
    assert len(found["scores"]) == 2
    stretched = [
        interpolate(found[f"pred_densepose_{name}"][1:2], (60, 56), mode="bilinear", align_corners=False)[0].detach().numpy()
        for name in ("fine_segm", "coarse_segm", "u", "v")
    ]
    for y, x in ((12, 3), (30, 20), (60, 47), (63, 0)):  # the box begins at (-4, 10)
        fine, coarse, u, v = (values[:, y - 10, x + 4] for values in stretched)
        part = int(fine.argmax()) if coarse.argmax() > 0 else 0
        assert labels[y, x] == part
        np.testing.assert_allclose(places[y, x], np.clip([u[part], v[part]], 0, 1) if part else [0, 0], atol=1e-6)
    assert not labels[:10].any() and labels[10:].any() and labels.max() <= 24 and labels.dtype == np.uint8


@pytest.mark.parametrize("kind", [Row, Unfixed])
def test_both_interfaces_give_the_same(kind: type[Tiny], tmp_path: Path) -> None:
    """Found by what an empty picture brings; the same values in another order of axes and colours."""
    labels, places = DensePose.load(saved(Tiny(), tmp_path / "dictionary.pt"))(picture())
    others, elsewhere = DensePose.load(saved(kind(), tmp_path / "row.pt"))(picture())
    assert labels.any() and np.array_equal(labels, others) and np.array_equal(places, elsewhere)


def test_nothing_is_warned_of(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    path = saved(Row(), tmp_path / "row.pt")
    recwarn.clear()
    DensePose.load(path)(picture())
    assert not recwarn.list


def test_nobody_gives_an_empty_picture(tmp_path: Path) -> None:
    labels, places = DensePose.load(saved(Nobody(), tmp_path / "nobody.pt"))(picture())
    assert labels.shape == (64, 48) and not labels.any() and not places.any()


def test_wrong_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(MissingModelError, match="There is no file"):
        DensePose.load(tmp_path / "none.pt")
    (tmp_path / "text.pt").write_text("no network")
    with pytest.raises(MissingModelError, match="no TorchScript file"):
        DensePose.load(tmp_path / "text.pt")
    torch.save({"weight": torch.zeros(1)}, tmp_path / "weights.pt")
    with pytest.raises(MissingModelError, match="no TorchScript file"):
        DensePose.load(tmp_path / "weights.pt")
    with pytest.raises(MissingModelError, match="other.pt is another network than DensePose.*'boxes' is not as due"):
        DensePose.load(saved(Other(), tmp_path / "other.pt"))
    with pytest.raises(MissingModelError, match="another network than DensePose. It does not take a picture of 64 x 64 x 3 bytes"):
        DensePose.load(saved(Picky(), tmp_path / "picky.pt"))


def nms_reference(boxes: Tensor, scores: Tensor, threshold: float) -> list[int]:
    kept: list[int] = []
    for index in scores.argsort(descending=True, stable=True).tolist():
        if all(float(overlap(boxes[index], boxes[other])) <= threshold for other in kept):
            kept.append(index)
    return kept


def overlap(a: Tensor, b: Tensor) -> Tensor:
    low, high = torch.maximum(a[:2], b[:2]), torch.minimum(a[2:], b[2:])
    inner = (high - low).clamp(min=0).prod()
    return inner / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - inner)


@pytest.mark.parametrize("threshold", [0.2, 0.5])
def test_nms_keeps_what_the_plain_loop_keeps(threshold: float) -> None:
    torch.manual_seed(1)
    corner = 40 * torch.rand(60, 2)
    boxes, scores = torch.cat([corner, corner + 5 + 25 * torch.rand(60, 2)], dim=1), torch.rand(60)
    kept = nms(boxes, scores, threshold)
    assert kept.tolist() == nms_reference(boxes, scores, threshold) and 1 < len(kept) < 60
    assert nms(boxes[:0], scores[:0], threshold).shape == (0,)


def bilinear(feature: list[list[float]], y: float, x: float) -> float:
    height, width = len(feature), len(feature[0])
    if not (-1 <= y <= height and -1 <= x <= width):
        return 0.0
    y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    top, left = int(y), int(x)
    down, right = min(top + 1, height - 1), min(left + 1, width - 1)
    a, b = y - top, x - left
    upper = (1 - b) * feature[top][left] + b * feature[top][right]
    lower = (1 - b) * feature[down][left] + b * feature[down][right]
    return (1 - a) * upper + a * lower


def roi_align_reference(features: Tensor, rois: Tensor, scale: float, size: tuple[int, int], ratio: int, aligned: bool) -> Tensor:
    out = torch.zeros(len(rois), features.shape[1], *size)
    for n, roi in enumerate(rois):
        x0, y0, x1, y1 = (float(side) * scale - 0.5 * aligned for side in roi[1:])
        width, height = x1 - x0, y1 - y0
        if not aligned:
            width, height = max(width, 1.0), max(height, 1.0)
        down = ratio if ratio > 0 else max(1, int(np.ceil(height / size[0])))
        right = ratio if ratio > 0 else max(1, int(np.ceil(width / size[1])))
        for c in range(features.shape[1]):
            for i in range(size[0]):
                for j in range(size[1]):
                    ys = [y0 + (i + (k + 0.5) / down) * height / size[0] for k in range(down)]
                    xs = [x0 + (j + (k + 0.5) / right) * width / size[1] for k in range(right)]
                    out[n, c, i, j] = float(np.mean([bilinear(features[int(roi[0]), c].tolist(), y, x) for y in ys for x in xs]))
    return out


@pytest.mark.parametrize(("ratio", "aligned"), [(2, True), (2, False), (0, True), (0, False)])
def test_roi_align_is_the_mean_of_bilinear_samples(ratio: int, aligned: bool) -> None:
    torch.manual_seed(2)
    features = torch.randn(2, 1, 9, 11)
    rois = torch.tensor([[0, 2.0, 3.0, 15.0, 16.5], [1, -6.0, -3.0, 30.0, 9.0], [0, 4.0, 4.0, 4.2, 4.3], [1, 17.0, 12.0, 26.0, 24.0]])
    made = roi_align(features, rois, 0.5, 2, 3, ratio, aligned)
    torch.testing.assert_close(made, roi_align_reference(features, rois, 0.5, (2, 3), ratio, aligned), atol=1e-5, rtol=1e-5)
    assert roi_align(features, rois[:0], 0.5, 2, 3, ratio, aligned).shape == (0, 1, 2, 3)
