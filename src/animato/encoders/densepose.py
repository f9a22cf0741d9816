"""DensePose from a TorchScript file of the user's own: the network of Guler et al. 2018, run with torch alone."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from animato.core.errors import MissingModelError
from animato.encoders.torchvision_ops import define_operators

SHAPES = {  # of what is read of all people: shape behind their number; 0 is any length
    "boxes": (4,),
    "coarse_segm": (2, 0, 0),
    "fine_segm": (25, 0, 0),
    "u": (25, 0, 0),
    "v": (25, 0, 0),
}
People = dict[str, Tensor]
PROBE = 64  # pixels a side of an empty picture by whose answer an interface is known


@dataclass(frozen=True)
class Dictionary:
    """Takes H W 3 bytes, blue green red, and gives a dictionary: dajes/DensePose-TorchScript."""

    def given(self, picture: np.ndarray) -> np.ndarray:  # H W 3 RGB -> H W 3 BGR
        return picture[..., ::-1]

    def people(self, found: object) -> object:
        """What belongs to the names of SHAPES, so far as it is there."""
        if not isinstance(found, dict):
            return None
        return {name: found.get(f"pred_{name}" if name == "boxes" else f"pred_densepose_{name}") for name in SHAPES}

    def __str__(self) -> str:
        return "a dictionary of pred_boxes, scores, pred_densepose_coarse_segm, ..._fine_segm, ..._u, ..._v"


@dataclass(frozen=True)
class Row:
    """Takes 3 H W bytes, red green blue, and gives a row of tensors: LayerNorm/DensePose-TorchScript-with-hint-image.

    Files whose names end in _unfixed give two more at the end.
    """

    def given(self, picture: np.ndarray) -> np.ndarray:  # H W 3 RGB -> 3 H W RGB
        return picture.transpose(2, 0, 1)

    def people(self, found: object) -> object:
        """What belongs to the names of SHAPES, so far as it is there."""
        if not isinstance(found, tuple | list) or len(found) not in (len(SHAPES), len(SHAPES) + 2):
            return None
        return dict(zip(SHAPES, found, strict=False))

    def __str__(self) -> str:
        return "a row of boxes, coarse, fine, u, v"


Interface = Dictionary | Row
INTERFACES: tuple[Interface, ...] = (Dictionary(), Row())


@dataclass(frozen=True)
class DensePose:
    """A picture in, the body parts of its largest person out.

    interface  how the file's network takes pictures and gives people: boxes (N 4, x0 y0 x1 y1), coarse_segm (N 2 S S), and fine_segm, u
               and v (N 25 S S). Which one it is, an empty picture shows once.
    """

    network: torch.jit.ScriptModule
    path: Path
    device: torch.device
    interface: Interface

    @staticmethod
    def load(path: Path, device: str | torch.device = "cpu") -> DensePose:
        """The file is a program, which is run. Raises MissingModelError where there is none, or it is no DensePose."""
        if not path.is_file():
            raise MissingModelError(f"There is no file {path}: give a DensePose network saved as TorchScript.")
        define_operators()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # on what becomes of TorchScript in later versions of torch: nothing for users of a file
                network = torch.jit.load(str(path), map_location=device).eval()
        except (RuntimeError, ValueError) as error:
            raise MissingModelError(
                f"{path} is no TorchScript file that can be loaded ({_last(error)}): give a scripted DensePose."
            ) from error
        return DensePose(network, path, torch.device(device), _interface(network, path, torch.device(device)))

    @torch.no_grad()
    def __call__(self, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """H W 3 uint8 RGB -> labels H W uint8 (0 where nobody is), (u, v) H W 2 float32. Raises MissingModelError for another network."""
        people = _people(self.network, self.interface, picture, self.path, self.device)
        labels, uv = np.zeros(picture.shape[:2], np.uint8), np.zeros((*picture.shape[:2], 2), np.float32)
        boxes = people["boxes"]
        if len(boxes):
            which = int((boxes[:, 2:] - boxes[:, :2]).prod(1).argmax())
            _paste({name: values[which].float().cpu() for name, values in people.items()}, labels, uv)
        return labels, uv


@torch.no_grad()
def _interface(network: torch.jit.ScriptModule, path: Path, device: torch.device) -> Interface:
    """The first interface whose empty picture is answered as it should be. Raises MissingModelError that tells of both."""
    complaints = list[str]()
    for interface in INTERFACES:
        try:
            _people(network, interface, np.full((PROBE, PROBE, 3), 127, np.uint8), path, device)
        except MissingModelError as error:
            complaints.append(str(error))
            continue
        return interface
    raise MissingModelError(f"{path} is another network than DensePose. " + " ".join(complaints))


def _people(network: torch.jit.ScriptModule, interface: Interface, picture: np.ndarray, path: Path, device: torch.device) -> People:
    """What the network gives for a picture, by the names of SHAPES. Raises MissingModelError where that is not as due."""
    pixels = torch.from_numpy(np.ascontiguousarray(interface.given(picture))).to(device)
    shape = " x ".join(map(str, pixels.shape))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of operators inside the file
            found = network(pixels)
    except (RuntimeError, torch.jit.Error) as error:
        raise MissingModelError(f"It does not take a picture of {shape} bytes ({_last(error)}).") from error
    people = interface.people(found)
    if not isinstance(people, dict):
        raise MissingModelError(f"For {shape} bytes {path.name} does not give {interface}.")
    boxes = people["boxes"]
    count = len(boxes) if isinstance(boxes, Tensor) and boxes.ndim else 0
    for name, due in SHAPES.items():
        value = people[name]
        if not isinstance(value, Tensor) or value.ndim != 1 + len(due) or value.shape[:2] != (count, due[0]):
            raise MissingModelError(f"For {shape} bytes {path.name} does not give {interface}: '{name}' is not as due.")
    return people


def _last(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__


def _paste(person: dict[str, Tensor], labels: np.ndarray, uv: np.ndarray) -> None:
    """One person's maps, stretched to their box, written into the picture's."""
    x0, y0, x1, y1 = (int(side) for side in person["boxes"])
    width, height = max(x1 - x0, 1), max(y1 - y0, 1)
    coarse, fine, u, v = (
        interpolate(person[name][None], (height, width), mode="bilinear", align_corners=False)[0]
        for name in ("coarse_segm", "fine_segm", "u", "v")
    )
    part = fine.argmax(0) * (coarse.argmax(0) > 0)  # height width
    own = torch.stack([channel.gather(0, part[None])[0] for channel in (u, v)], dim=-1).clamp(0, 1) * (part > 0)[..., None]
    rows, columns = slice(max(y0, 0), max(y1, 0)), slice(max(x0, 0), max(x1, 0))
    seen = labels[rows, columns].shape
    top, left = max(-y0, 0), max(-x0, 0)
    labels[rows, columns] = part[top : top + seen[0], left : left + seen[1]].numpy()
    uv[rows, columns] = own[top : top + seen[0], left : left + seen[1]].numpy()
