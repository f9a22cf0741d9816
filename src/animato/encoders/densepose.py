"""DensePose from a TorchScript file of the user's own: the network of Guler et al. 2018, run with torch alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from animato.core.errors import MissingModelError
from animato.encoders.torchvision_ops import define_operators

OUTPUTS = {  # name -> shape behind the number of people; 0 is any length
    "pred_boxes": (4,),
    "scores": (),
    "pred_densepose_coarse_segm": (2, 0, 0),
    "pred_densepose_fine_segm": (25, 0, 0),
    "pred_densepose_u": (25, 0, 0),
    "pred_densepose_v": (25, 0, 0),
}


@dataclass(frozen=True)
class DensePose:
    """A picture in, the body parts of its largest person out.

    The file's network takes H W 3 bytes in the order blue, green, red and gives a dictionary: pred_boxes (N 4, x0 y0 x1 y1), scores (N),
    pred_densepose_coarse_segm (N 2 S S) and ..._fine_segm, ..._u, ..._v (N 25 S S).
    """

    network: torch.jit.ScriptModule
    path: Path
    device: torch.device

    @staticmethod
    def load(path: Path, device: str | torch.device = "cpu") -> DensePose:
        """Raises MissingModelError where there is no file or it is no TorchScript."""
        if not path.is_file():
            raise MissingModelError(f"There is no file {path}: give a DensePose network saved as TorchScript.")
        define_operators()
        try:
            network = torch.jit.load(str(path), map_location=device)
        except (RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines()[-1]
            raise MissingModelError(f"{path} is no TorchScript file that can be loaded ({reason}): give a scripted DensePose.") from error
        return DensePose(network.eval(), path, torch.device(device))

    @torch.no_grad()
    def __call__(self, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """H W 3 uint8 RGB -> labels H W uint8 (0 where nobody is), (u, v) H W 2 float32. Raises MissingModelError for another network."""
        pixels = torch.from_numpy(np.ascontiguousarray(picture[..., ::-1])).to(self.device)
        try:
            found = self.network(pixels)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise MissingModelError(f"{self.path} is no DensePose that takes a picture of H x W x 3 bytes ({reason}).") from error
        self._check(found)
        labels, uv = np.zeros(picture.shape[:2], np.uint8), np.zeros((*picture.shape[:2], 2), np.float32)
        if len(found["scores"]):
            boxes = found["pred_boxes"]
            which = int((boxes[:, 2:] - boxes[:, :2]).prod(1).argmax())
            _paste({name: found[name][which].float().cpu() for name in OUTPUTS}, labels, uv)
        return labels, uv

    def _check(self, found: object) -> None:
        given = found if isinstance(found, dict) else {}
        scores = given.get("scores")
        count = len(scores) if isinstance(scores, Tensor) and scores.ndim == 1 else 0
        for name, shape in OUTPUTS.items():
            value = given.get(name)
            if not isinstance(value, Tensor) or value.ndim != 1 + len(shape) or value.shape[:2] != (count, *shape)[:2]:
                raise MissingModelError(f"{self.path} is another network: a DensePose gives {', '.join(OUTPUTS)}; '{name}' is not as due.")


def _paste(person: dict[str, Tensor], labels: np.ndarray, uv: np.ndarray) -> None:
    """One person's maps, stretched to their box, written into the picture's."""
    x0, y0, x1, y1 = (int(side) for side in person["pred_boxes"])
    width, height = max(x1 - x0, 1), max(y1 - y0, 1)
    coarse, fine, u, v = (
        interpolate(person[f"pred_densepose_{name}"][None], (height, width), mode="bilinear", align_corners=False)[0]
        for name in ("coarse_segm", "fine_segm", "u", "v")
    )
    part = fine.argmax(0) * (coarse.argmax(0) > 0)  # height width
    own = torch.stack([channel.gather(0, part[None])[0] for channel in (u, v)], dim=-1).clamp(0, 1) * (part > 0)[..., None]
    rows, columns = slice(max(y0, 0), max(y1, 0)), slice(max(x0, 0), max(x1, 0))
    seen = labels[rows, columns].shape
    top, left = max(-y0, 0), max(-x0, 0)
    labels[rows, columns] = part[top : top + seen[0], left : left + seen[1]].numpy()
    uv[rows, columns] = own[top : top + seen[0], left : left + seen[1]].numpy()
