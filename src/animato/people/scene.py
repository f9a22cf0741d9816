"""Where a procedural person stands: the camera, the light, the room behind and the shadow on the floor."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from animato.core.shapes import Size
from animato.people.looks import CLOTHS, Colour, mixed

FLOORS = ("plain", "planks", "tiles", "rug")
_WOODS: tuple[Colour, ...] = ((176, 132, 88), (140, 100, 66), (196, 160, 116), (150, 146, 140), (110, 106, 104), (204, 196, 184))
_GRASS: tuple[Colour, Colour] = ((110, 160, 84), (98, 148, 76))
WALLS = ("plain", "columns", "dots", "panel", "sky")


@dataclass(frozen=True)
class Camera:
    """A level perspective camera on the z axis, `distance` in front of the origin, looking along -z.

    focal and the principal point (x, y) are in picture heights; metres otherwise.
    """

    distance: float
    height: float
    focal: float
    centre: tuple[float, float]
    size: Size

    @staticmethod
    def fit(stature: float, size: Size, distance: float = 4.5, height: float = 1.2, margin: tuple[float, float] = (0.14, 0.07)) -> Camera:
        """The camera that sees somebody of this stature at the origin with margins (parts of the picture's height) above and below."""
        focal = (1 - sum(margin)) * distance / stature
        return Camera(distance, height, focal, (0.5 * size[0] / size[1], 1 - margin[1] - focal * height / distance), size)

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels (... 2) and nearness 1/distance (...) of points (... 3)."""
        near = 1 / np.maximum(self.distance - points[..., 2], 0.05)
        scale = self.size[1] * self.focal * near
        x = self.size[1] * self.centre[0] + scale * points[..., 0]
        y = self.size[1] * self.centre[1] - scale * (points[..., 1] - self.height)
        return np.stack([x, y], axis=-1), near

    def enlarged(self, factor: int) -> Camera:
        """The same view with `factor` times as many pixels each way."""
        return Camera(self.distance, self.height, self.focal, self.centre, (self.size[0] * factor, self.size[1] * factor))


@dataclass(frozen=True)
class Scene:
    """The look of a room. wall_z is how far behind the person the wall stands."""

    wall: Colour
    wall_second: Colour
    wall_kind: str
    floor: Colour
    floor_second: Colour
    floor_kind: str
    wall_z: float
    things: int
    seed: int
    light: tuple[float, float, float] = (-0.45, 0.65, 0.62)


def random_scene(rng: np.random.Generator) -> Scene:
    """Indoors with up to three things, or outdoors on grass."""
    kind = str(rng.choice(WALLS, p=[0.35, 0.15, 0.1, 0.2, 0.2]))
    outdoors = kind == "sky"
    wood = _WOODS[int(rng.integers(len(_WOODS)))]
    floor_kind = "tiles" if outdoors and rng.random() < 0.4 else str(rng.choice(FLOORS))
    pale = [mixed((235, 235, 235), CLOTHS[int(k)], 0.45) for k in rng.choice(len(CLOTHS), 2, replace=False)]
    return Scene(
        wall=pale[0],
        wall_second=pale[1],
        wall_kind=kind,
        floor=_GRASS[0] if outdoors else wood,
        floor_second=_GRASS[1] if outdoors else mixed(wood, (0, 0, 0), 0.12),
        floor_kind=floor_kind,
        wall_z=float(rng.uniform(1.2, 2.8)),
        things=0 if outdoors else int(rng.integers(0, 4)),
        seed=int(rng.integers(1 << 30)),
        light=(float(rng.uniform(-0.7, 0.7)), float(rng.uniform(0.5, 0.8)), float(rng.uniform(0.5, 0.8))),
    )


def plain_scene(colour: Colour = (226, 224, 220)) -> Scene:
    """A studio: one colour, floor and wall running into each other."""
    return Scene(colour, colour, "plain", colour, colour, "plain", 50.0, 0, 0)


def backdrop(scene: Scene, camera: Camera) -> np.ndarray:
    """H W 3 uint8 RGB: the room without a person."""
    big = camera.enlarged(2)
    width, height = big.size
    y = (np.arange(height)[:, None] + 0.5) / height
    x = (np.arange(width)[None] + 0.5) / height
    wall_scale = camera.focal / (camera.distance + scene.wall_z)  # picture heights per metre on the wall
    wall_x, wall_y = (x - camera.centre[0]) / wall_scale, camera.height - (y - camera.centre[1]) / wall_scale
    picture = _wall(scene, wall_x, wall_y)
    depth = camera.focal * camera.height / np.maximum(y - camera.centre[1], 1e-6)
    on_floor = wall_y < 0
    floor = _floor(scene, (x - camera.centre[0]) * depth / camera.focal, np.broadcast_to(camera.distance - depth, (height, width)))
    picture = np.where(on_floor[..., None], floor, picture)
    if scene.wall_z < 20:
        skirting = (wall_y >= 0) & (wall_y < 0.09) & (scene.wall_kind != "sky")
        picture = np.where(skirting[..., None], np.array(scene.wall_second) * 0.75 + 60, picture)
    canvas = np.clip(picture, 0, 255).astype(np.uint8)
    _furnish(canvas, scene, big)
    return cv2.resize(canvas, camera.size, interpolation=cv2.INTER_AREA)


def _wall(scene: Scene, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    first, second = np.array(scene.wall, float), np.array(scene.wall_second, float)
    light = (0.94 + 0.05 * np.clip(y, 0, 3) / 3 + 0.02 * np.clip(x, -2, 2))[..., None]
    if scene.wall_kind == "sky":
        sky = (
            np.array([150, 196, 232]) + (np.array([232, 240, 246]) - np.array([150, 196, 232])) * np.exp(-np.clip(y, 0, 9) / 1.2)[..., None]
        )
        hills = (y < 0.5 + 0.25 * np.sin(1.7 * x + scene.seed % 7) + 0.12 * np.sin(4.1 * x))[..., None]
        return np.where(hills, np.array([120, 158, 110]) * light, sky)
    mask = np.zeros(np.broadcast_shapes(x.shape, y.shape), bool)
    if scene.wall_kind == "columns":
        mask |= np.mod(x, 0.3) < 0.15
    elif scene.wall_kind == "dots":
        mask |= (np.mod(x, 0.25) - 0.125) ** 2 + (np.mod(y, 0.25) - 0.125) ** 2 < 0.03**2
    elif scene.wall_kind == "panel":
        mask |= y < 0.95
    mixed = np.where(mask[..., None], 0.5 * first + 0.5 * second, first)
    return mixed * light


def _floor(scene: Scene, x: np.ndarray, z: np.ndarray) -> np.ndarray:
    mask = np.zeros(x.shape)
    if scene.floor_kind == "planks":
        row = np.floor(x / 0.14)
        mask = 0.6 * np.mod(np.sin(row * 12.9898) * 43758.5453, 1.0) + 0.8 * (np.mod(x, 0.14) < 0.01)
    elif scene.floor_kind == "tiles":
        mask = (np.mod(np.floor(x / 0.4) + np.floor(z / 0.4), 2) > 0).astype(float)
    elif scene.floor_kind == "rug":
        inside, rim = (x / 1.1) ** 2 + (z / 0.75) ** 2, 0.8
        rug = np.where((inside < rim)[..., None], np.array(scene.wall_second, float) * 0.8, np.array(scene.wall, float) * 0.7)
        return np.where((inside < 1)[..., None], rug, np.array(scene.floor, float))
    mask = np.clip(mask, 0, 1)[..., None]
    return np.array(scene.floor) * (1 - mask) + np.array(scene.floor_second) * mask


def _furnish(canvas: np.ndarray, scene: Scene, camera: Camera) -> None:
    rng = np.random.default_rng(scene.seed)
    columns = rng.permutation([-1.5, -0.75, 0.8, 1.55])
    for k in range(scene.things):
        x = float(columns[k])
        kind = int(rng.integers(5))
        colour = CLOTHS[int(rng.integers(len(CLOTHS)))]
        if kind == 0:
            _window(canvas, camera, x, scene)
        elif kind == 1:
            _framed(canvas, camera, x, colour, scene, rng)
        elif kind == 2:
            _box(canvas, camera, (x - 0.35, 0.0, -scene.wall_z), (0.7, float(rng.uniform(0.5, 1.3)), 0.4), colour)
        elif kind == 3:
            _box(canvas, camera, (x - 0.5, 0.0, -scene.wall_z), (1.0, 0.4, 0.7), colour)
            _box(canvas, camera, (x - 0.5, 0.4, -scene.wall_z), (1.0, 0.4, 0.2), colour)
        else:
            _plant(canvas, camera, x, scene, rng)


def _quad(canvas: np.ndarray, camera: Camera, corners: np.ndarray, colour: np.ndarray | Colour) -> None:
    pixels = camera.project(corners)[0]
    cv2.fillPoly(canvas, [np.round(pixels * 16).astype(np.int32)], tuple(int(c) for c in np.clip(colour, 0, 255)), cv2.LINE_AA, 4)


def _upright(x: float, y: float, z: float, width: float, height: float) -> np.ndarray:
    return np.array([[x, y, z], [x + width, y, z], [x + width, y + height, z], [x, y + height, z]])


def _window(canvas: np.ndarray, camera: Camera, x: float, scene: Scene) -> None:
    z = -scene.wall_z
    _quad(canvas, camera, _upright(x - 0.45, 0.95, z, 0.9, 1.1), (248, 248, 246))
    for dx in (0, 0.44):
        for dy in (0, 0.54):
            _quad(canvas, camera, _upright(x - 0.39 + dx * 0.92, 1.01 + dy * 0.95, z, 0.36, 0.46), (176, 212, 236))


def _framed(canvas: np.ndarray, camera: Camera, x: float, colour: Colour, scene: Scene, rng: np.random.Generator) -> None:
    z = -scene.wall_z
    wide = float(rng.uniform(0.3, 0.6))
    high = float(rng.uniform(0.3, 0.6))
    _quad(canvas, camera, _upright(x - wide / 2, 1.3, z, wide, high), (70, 60, 54))
    _quad(canvas, camera, _upright(x - wide / 2 + 0.03, 1.33, z, wide - 0.06, high - 0.06), colour)
    _quad(canvas, camera, _upright(x - wide / 2 + 0.03, 1.33, z, wide - 0.06, 0.4 * (high - 0.06)), np.array(colour) * 0.7)


def _box(
    canvas: np.ndarray, camera: Camera, corner: tuple[float, float, float], extent: tuple[float, float, float], colour: Colour
) -> None:
    """A piece of furniture: front, the side that is seen, and the top if it is below the eye."""
    (x, y, z), (w, h, d) = corner, extent
    tone = np.array(colour)
    side = x + w if x + w < 0 else x
    if x > 0 or x + w < 0:
        _quad(canvas, camera, np.array([[side, y, z], [side, y, z + d], [side, y + h, z + d], [side, y + h, z]]), tone * 0.7)
    if y + h < camera.height:
        _quad(canvas, camera, np.array([[x, y + h, z], [x + w, y + h, z], [x + w, y + h, z + d], [x, y + h, z + d]]), tone * 1.1)
    _quad(canvas, camera, _upright(x, y, z + d, w, h), tone * 0.88)
    _quad(canvas, camera, _upright(x + 0.08 * w, y + 0.1 * h, z + d, 0.84 * w, 0.78 * h), tone * 0.94)


def _plant(canvas: np.ndarray, camera: Camera, x: float, scene: Scene, rng: np.random.Generator) -> None:
    z = -scene.wall_z + 0.3
    for _ in range(9):
        lean, tall = float(rng.uniform(-0.35, 0.35)), float(rng.uniform(0.6, 1.1))
        leaf = np.array(
            [
                [x - 0.02, 0.3, z],
                [x + lean - 0.09, 0.25 + 0.6 * tall, z],
                [x + lean * 1.4, 0.3 + tall, z],
                [x + lean + 0.09, 0.25 + 0.6 * tall, z],
            ]
        )
        _quad(canvas, camera, leaf, (int(rng.integers(50, 90)), int(rng.integers(110, 150)), 70))
    _quad(canvas, camera, np.array([[x - 0.12, 0, z], [x + 0.12, 0, z], [x + 0.16, 0.34, z], [x - 0.16, 0.34, z]]), (172, 100, 72))


def shadow(camera: Camera, feet: np.ndarray, pelvis: np.ndarray) -> np.ndarray:
    """H W float32, a factor 0..1: dark under feet (N 2 3 metres: heel and toes) that are near the floor, soft under the body."""
    width, height = camera.size
    small = (max(width // 2, 1), max(height // 2, 1))
    half = Camera(camera.distance, camera.height, camera.focal, camera.centre, small)
    soft = np.zeros((small[1], small[0]), np.float32)
    _blot(soft, half, pelvis[None] * [1, 0, 1], (0.36, 0.24), 0.2)
    dark = cv2.GaussianBlur(soft, (0, 0), max(0.02 * small[1], 0.6))
    sharp = np.zeros_like(soft)
    for heel_toe in feet:
        strength = 0.5 * float(np.exp(-max(heel_toe[:, 1].min(), 0.0) / 0.08))
        _blot(sharp, half, heel_toe * [1, 0, 1], (0.06, 0.06), strength)
    near = cv2.GaussianBlur(sharp, (0, 0), max(0.006 * small[1], 0.5))
    return cv2.resize((1 - dark) * (1 - near), (width, height), interpolation=cv2.INTER_LINEAR)


def _blot(canvas: np.ndarray, camera: Camera, along: np.ndarray, radius: tuple[float, float], strength: float) -> None:
    """The hull of ellipses on the floor around each of the points `along` (N 3), at least as dark as `strength`."""
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    ring = np.stack([radius[0] * np.cos(angle), np.zeros(16), radius[1] * np.sin(angle)], axis=1)
    outline = camera.project((along[:, None] + ring).reshape(-1, 3))[0]
    hull = cv2.convexHull(np.round(outline * 16).astype(np.int32))
    layer = np.zeros_like(canvas)
    cv2.fillConvexPoly(layer, hull, strength, cv2.LINE_AA, 4)
    np.maximum(canvas, layer, out=canvas)
