"""torchvision's two operators that TorchScript files of detectron2 call, in plain torch: nms and roi_align.

Such a file names its operators, and loading it fails where they are not defined. animato does not depend on torchvision, which often does
not fit the installed torch; where it is imported already its own operators are used.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

_CHUNK = 64  # boxes sampled at once

_NMS = "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_ROI_ALIGN = (
    "roi_align(Tensor input, Tensor rois, float spatial_scale, int pooled_height, int pooled_width, int sampling_ratio, bool aligned)"
    " -> Tensor"
)


@cache
def define_operators() -> tuple[torch.library.Library, ...]:
    """Makes torchvision::nms and torchvision::roi_align known to torch, unless they are. They last as long as what is returned."""
    libraries = []
    for schema, function in ((_NMS, nms), (_ROI_ALIGN, roi_align)):
        name = schema.partition("(")[0]
        if not hasattr(torch.ops.torchvision, name):
            library = torch.library.Library("torchvision", "FRAGMENT")
            library.define(schema)
            library.impl(name, function, "CompositeExplicitAutograd")
            libraries.append(library)
    return tuple(libraries)


def nms(dets: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Indices of the boxes (N 4: x0 y0 x1 y1) that stay, best first, when each takes away those that overlap it more than the threshold."""
    order = scores.argsort(descending=True, stable=True)
    boxes = dets[order]
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    alive = torch.ones(len(boxes), dtype=torch.bool, device=dets.device)
    for index in range(len(boxes)):
        if alive[index]:
            rest = boxes[index + 1 :]
            inner = (torch.minimum(boxes[index, 2:], rest[:, 2:]) - torch.maximum(boxes[index, :2], rest[:, :2])).clamp(min=0).prod(1)
            alive[index + 1 :] &= inner <= iou_threshold * (area[index] + area[index + 1 :] - inner)
    return order[alive]


def roi_align(
    input: Tensor, rois: Tensor, spatial_scale: float, pooled_height: int, pooled_width: int, sampling_ratio: int, aligned: bool
) -> Tensor:
    """N C h w: bilinear samples of a feature map (B C H W) averaged in the cells of boxes (N 5: row of the batch, x0 y0 x1 y1).

    He et al. 2017, section 3. A sampling ratio of 0 takes as many samples a cell as the cell has pixels. `aligned` takes half a pixel off.
    """
    size = (pooled_height, pooled_width)
    if not len(rois):
        return input.new_zeros((0, input.shape[1], *size))
    chunks = rois.split(_CHUNK if sampling_ratio > 0 else 1)
    return torch.cat([_pooled(input, chunk, spatial_scale, size, sampling_ratio, aligned) for chunk in chunks])


def _pooled(features: Tensor, rois: Tensor, scale: float, size: tuple[int, int], ratio: int, aligned: bool) -> Tensor:
    start = rois[:, 1:3] * scale - 0.5 * aligned  # x, y
    extent = (rois[:, 3:] - rois[:, 1:3]) * scale
    extent = extent if aligned else extent.clamp(min=1.0)
    axes = []
    for axis, (cells, length) in enumerate(zip(size[::-1], features.shape[:1:-1], strict=True)):
        count = ratio if ratio > 0 else max(1, int(torch.ceil(extent[0, axis] / cells)))
        step = (torch.arange(cells * count, device=rois.device, dtype=rois.dtype) + 0.5) / (cells * count)
        axes.append(_corners(start[:, axis, None] + step * extent[:, axis, None], length))
    (x, x_weight), (y, y_weight) = axes
    batch = rois[:, 0].long()[:, None, None]
    total = features.new_zeros(len(rois), y[0].shape[1], x[0].shape[1], features.shape[1])
    for i in (0, 1):
        for j in (0, 1):
            corner = features[batch, :, y[i][:, :, None], x[j][:, None, :]]  # N rows columns C
            total += corner * (y_weight[i][:, :, None] * x_weight[j][:, None, :])[..., None].to(corner.dtype)
    cells = total.unflatten(1, (size[0], -1)).unflatten(3, (size[1], -1))
    return cells.mean(dim=(2, 4)).permute(0, 3, 1, 2)


def _corners(position: Tensor, length: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """The two neighbours of positions (N S) on an axis and their weights; 0 more than a pixel outside."""
    inside = (position >= -1) & (position <= length)
    position = position.clamp(0, length - 1)
    low = position.floor().long()
    high = (low + 1).clamp(max=length - 1)
    weight = position - low
    return (low, high), ((1 - weight) * inside, weight * inside)
