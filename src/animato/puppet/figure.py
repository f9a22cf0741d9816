"""Figure: the person of a picture measured, which is what every step of taking the picture apart looks at."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from animato.pose.skeleton import PRIOR, SIDES, J
from animato.puppet.bones import LIMBS, Bone

BEHIND = 0.22  # T by which an arm lies behind the middle of the body before the body covers it (docs/puppet.md, 7)


@dataclass(frozen=True, eq=False)
class Figure:
    """The person of a picture.

    picture   H W 3  uint8
    alpha     H W    float32  opacity of the person
    xy        J 2    float64  joints in pixels
    unit      T in pixels
    bones     layer -> its bones
    radii     layer -> half thickness in pixels of its bones
    relative  limb -> H W float32 distance to it in its half thicknesses
    hands     arm -> H W float32 distance to its hand in half thicknesses of a finger; only where the hand was estimated
    hidden    arm -> H W bool where the body covers it; only for arms behind the body
    own_colours  H W 3  uint8 the person's, without the background that shines through at the edge
    """

    picture: np.ndarray
    alpha: np.ndarray
    xy: np.ndarray
    unit: float
    bones: dict[str, list[Bone]]
    radii: dict[str, tuple[float, ...]]
    relative: dict[str, np.ndarray]
    hands: dict[str, np.ndarray]
    hidden: dict[str, np.ndarray] = field(default_factory=dict)
    own_colours: np.ndarray | None = None

    @property
    def colours(self) -> np.ndarray:
        """H W 3 uint8."""
        return self.picture if self.own_colours is None else self.own_colours

    @property
    def inside(self) -> np.ndarray:
        """H W bool."""
        return self.alpha > 0.5

    @property
    def shape(self) -> tuple[int, int]:
        return self.alpha.shape[0], self.alpha.shape[1]

    def joint(self, name: str) -> np.ndarray:
        """x, y."""
        return self.xy[J[name]]


Window = tuple[slice, slice]


def around(region: np.ndarray, reach: float) -> Window:
    """The rows and columns of a region (H W bool) and `reach` pixels more."""
    x, y, width, height = cv2.boundingRect(region.astype(np.uint8))
    more = int(np.ceil(reach))
    return slice(max(y - more, 0), y + height + more), slice(max(x - more, 0), x + width + more)


def cropped(figure: Figure, window: Window) -> Figure:
    """The figure within some rows and columns: steps that look at one part need not look at the whole picture."""
    corner = np.array([window[1].start, window[0].start])
    bones = {
        layer: [Bone(each.a - corner, each.b - corner, each.t[window], each.distance[window]) for each in those]
        for layer, those in figure.bones.items()
    }
    fields = ({name: values[window] for name, values in group.items()} for group in (figure.relative, figure.hands, figure.hidden))
    relative, hands, hidden = fields
    own = None if figure.own_colours is None else figure.own_colours[window]
    return Figure(
        figure.picture[window], figure.alpha[window], figure.xy - corner, figure.unit, bones, figure.radii, relative, hands, hidden, own
    )


def measure(
    picture: np.ndarray, alpha: np.ndarray, xy: np.ndarray, unit: float, bones: dict[str, list[Bone]], hands: dict[str, np.ndarray]
) -> Figure:
    """A figure whose half thicknesses are read off its mask."""
    radii = measured_radii(alpha > 0.5, trunk(xy, (alpha.shape[0], alpha.shape[1]), 0.9), bones, unit)
    return with_radii(Figure(picture, alpha, xy, unit, bones, {}, {}, hands), radii)


def with_radii(figure: Figure, radii: dict[str, tuple[float, ...]]) -> Figure:
    """The figure with other half thicknesses."""
    relative = {layer: limb_distance(figure.bones[layer], radii[layer], figure.hands.get(layer)) for layer in LIMBS}
    return replace(figure, radii=radii, relative=relative)


def measured_radii(inside: np.ndarray, body: np.ndarray, bones: dict[str, list[Bone]], unit: float) -> dict[str, tuple[float, ...]]:
    """Layer -> half thickness in pixels of its bones, measured on the side of the mask that looks away from the body.

    inside  H W  bool  the person
    body    H W  bool  the trunk
    """
    middle = (bones["torso"][0].a + bones["torso"][0].b) / 2
    radii = {"torso": tuple(radius * unit for radius in PRIOR["torso"])}
    for layer in LIMBS:
        priors = [prior * unit for prior in PRIOR[layer]]
        long = zip(bones[layer][:2], priors[:2], strict=True)
        measured = [np.clip(_reach(inside, body, each, middle, 2 * prior), 0.6 * prior, 1.5 * prior) for each, prior in long]
        radii[layer] = (*map(float, measured), *(1.2 * prior for prior in priors[2:]))
    return radii


def limb_distance(bones: list[Bone], radii: tuple[float, ...], hand: np.ndarray | None) -> np.ndarray:
    """H W float32: distance to a limb in its half thicknesses. An estimated hand stands in for the bones beyond the wrist."""
    fields = [each.distance / np.float32(radius) for each, radius in zip(bones, radii, strict=True)]
    return np.minimum.reduce(fields if hand is None else [*fields[:2], hand])


def hand_distance(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """H W float32: distance to a hand (21 2 in pixels, palm and finger bones) in half thicknesses of a finger.

    A finger is about a tenth as thick as the hand is long.
    """
    sketch = np.ones(shape, np.uint8)
    whole = np.round(points).astype(np.int32)
    cv2.fillPoly(sketch, [whole[[0, 1, 5, 9, 13, 17]]], 0)
    for finger in range(5):
        cv2.polylines(sketch, [whole[[0, *range(4 * finger + 1, 4 * finger + 5)]]], False, 0)
    length = max(float(np.linalg.norm(points[[8, 12, 16, 20]] - points[0], axis=1).max()), _palm_length(points))
    return cv2.distanceTransform(sketch, cv2.DIST_L2, 5) / np.float32(0.055 * length)


def trunk(xy: np.ndarray, shape: tuple[int, int], shrink: float) -> np.ndarray:
    """H W bool: the quad between the shoulders, drawn to the neck by `shrink`, and the hips."""
    neck = xy[J["neck"]]
    corners = [neck + shrink * (xy[J[f"shoulder_{side}"]] - neck) for side in "lr"] + [xy[J["hip_r"]], xy[J["hip_l"]]]
    canvas = np.zeros(shape, np.uint8)
    cv2.fillPoly(canvas, [np.round(corners).astype(np.int32)], 1)
    return canvas > 0


def distance_to(region: np.ndarray) -> np.ndarray:
    """H W float32: pixels to the nearest pixel of a region (H W bool)."""
    return cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, 5)


def distance_to_point(point: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """H W float32: pixels to a point (x, y)."""
    x = np.arange(shape[1], dtype=np.float32) + np.float32(0.5 - point[0])
    y = np.arange(shape[0], dtype=np.float32)[:, None] + np.float32(0.5 - point[1])
    return np.sqrt(x * x + y * y)


def widened(region: np.ndarray, reach: float) -> np.ndarray:
    """A region (H W bool) and all that lies within `reach` pixels of it; at least one pixel more."""
    side = 2 * max(round(reach), 1) + 1
    return cv2.dilate(region.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))) > 0


def opened(region: np.ndarray, width: float) -> np.ndarray:
    """A region (H W bool) without what is narrower than `width` pixels, and than three pixels in any case."""
    side = 2 * max(round(width / 2), 1) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return cv2.morphologyEx(region.astype(np.uint8), cv2.MORPH_OPEN, disc) > 0


def _palm_length(points: np.ndarray) -> float:
    """Twice the wrist-to-knuckle length: a fist's hand length."""
    return 2 * float(np.linalg.norm(points[[5, 9, 13]] - points[0], axis=1).max())


def hidden_by_body(figure: Figure, z: np.ndarray) -> dict[str, np.ndarray]:
    """Arm -> H W bool where the body covers it, from the joints' z (J, smaller is nearer); arms in front of the body are left out."""
    depth = 0.6 * z[J["neck"]] + 0.4 * z[J["pelvis"]]
    body = trunk(figure.xy, figure.shape, 1.0) | (figure.relative["leg_l"] < 1) | (figure.relative["leg_r"] < 1)
    found = {}
    for side in SIDES:
        ends = [z[J[f"{joint}_{side}"]] for joint in ("shoulder", "elbow", "wrist")]
        parts = (ends[0] + ends[1]) / 2, (ends[1] + 2 * ends[2]) / 3  # upper arm, forearm with hand
        behind = [part - depth > BEHIND * figure.unit for part in parts]
        if any(behind):
            upper, *rest = (each.distance for each in figure.bones[f"arm_{side}"])
            lower = np.minimum.reduce(rest)
            found[f"arm_{side}"] = body & np.where(upper < lower, behind[0], behind[1])
    return found


def touching(region: np.ndarray, core: np.ndarray) -> np.ndarray:
    """The connected components of a region (H W bool) that touch `core`."""
    _, pieces = cv2.connectedComponents(region.astype(np.uint8), connectivity=4)
    keep = np.zeros(pieces.max() + 1, bool)
    keep[np.unique(pieces[core & region])] = True
    keep[0] = False
    return keep[pieces]


def _reach(inside: np.ndarray, body: np.ndarray, bone: Bone, middle: np.ndarray, limit: float) -> float:
    """Pixels from a bone to the edge of the mask.

    That is on the side away from `middle`; also on the other side where the mask ends there within `limit` and before the body,
    because a sleeve hangs down farther than it stands up.
    """
    along = bone.b - bone.a
    normal = np.array([-along[1], along[0]]) / max(bone.length, 1e-6)
    if normal @ ((bone.a + bone.b) / 2 - middle) < 0:
        normal = -normal
    outer = _to_edge(inside, np.zeros_like(body), bone, normal, limit)
    inner = _to_edge(inside, body, bone, -normal, limit)
    return max(outer, inner) if inner < limit else outer


def _to_edge(inside: np.ndarray, body: np.ndarray, bone: Bone, normal: np.ndarray, limit: float) -> float:
    """Median over a bone of the distance to the edge of the mask along a normal; `limit` where that is farther or the body comes before."""
    steps = np.arange(0, max(limit, 1), 1.0)
    points = bone.a + np.linspace(0.3, 0.9, 7)[:, None, None] * (bone.b - bone.a) + steps[:, None] * normal  # 7 steps 2
    x = np.clip(points[..., 0].astype(int), 0, inside.shape[1] - 1)
    y = np.clip(points[..., 1].astype(int), 0, inside.shape[0] - 1)
    out = ~inside[y, x] | body[y, x]
    first = out.argmax(axis=1)
    open_side = out.any(axis=1) & ~body[y, x][np.arange(len(first)), first]
    reach = np.where(open_side, first, limit)
    return float(np.median(reach))
