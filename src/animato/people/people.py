"""Procedural people: articulated cartoon persons with exact keypoints, parts, (u, v) and mask, the same for the same seed.

frames, poses = clip(7, "walk", 48, (128, 128))

person = Person.random(7)
view = random_view(np.random.default_rng(7), person.stature, (128, 128))
rendered = render(person, person.pose(walk(times, Style())), frame, view)
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from animato.core.errors import InputError
from animato.core.raster import Raster, interpolate, rasterize
from animato.core.shapes import Size
from animato.people.body import Body, body_mesh
from animato.people.looks import Look, random_look
from animato.people.motions import MOTIONS, random_style
from animato.people.paint import paint
from animato.people.points import keypoints, scores
from animato.people.scene import Camera, Scene, backdrop, random_scene, shadow
from animato.people.skeleton import SIDES, J, Joints, Posture, pose
from animato.pose.keypoints import PoseSequence


@dataclass(frozen=True, eq=False)
class Person:
    """A look made into a body and its painted texture; can be posed and rendered any number of times."""

    look: Look
    body: Body
    atlas: np.ndarray

    @staticmethod
    def of(look: Look) -> Person:
        return Person(look, body_mesh(look), paint(look))

    @staticmethod
    def random(seed: int) -> Person:
        return Person.of(random_look(np.random.default_rng([seed, 1])))

    @property
    def stature(self) -> float:
        """Height in metres, hair not counted."""
        build = self.look.build
        return build.leg + build.spine + build.neck + 0.8 * build.head

    def pose(self, posture: Posture) -> Joints:
        return pose(self.look.build, posture)


@dataclass(frozen=True, eq=False)
class View:
    """A camera and what it sees without the person: H W 3 uint8."""

    camera: Camera
    scene: Scene
    backdrop: np.ndarray

    @staticmethod
    def of(scene: Scene, camera: Camera) -> View:
        return View(camera, scene, backdrop(scene, camera))


@dataclass(frozen=True, eq=False)
class Rendered:
    """One frame and everything that is known about it.

    picture  H W 3  uint8 RGB
    parts    H W    uint8, 0 background, 1..24 as in people/mesh.py
    uv       H W 2  float32, 0..1 within the part (0 in the background)
    mask     H W    uint8, 255 x the share of the pixel that the person covers
    points   134 3  as in PoseSequence
    score    134    1 seen, 0.5 hidden behind the body, 0 outside the picture or on the far side of the head
    """

    picture: np.ndarray
    parts: np.ndarray
    uv: np.ndarray
    mask: np.ndarray
    points: np.ndarray
    score: np.ndarray


def render(person: Person, joints: Joints, frame: int, view: View, antialias: int = 2) -> Rendered:
    """One frame of a posed person. `antialias` is the number of samples per pixel each way (1 is fastest)."""
    camera = view.camera.enlarged(antialias)
    mesh = person.body.mesh
    vertices, normals = deform(person, joints, frame)
    points, near = camera.project(vertices)
    visible = _front(points, mesh.faces) | mesh.open
    faces = mesh.faces[visible]
    raster = rasterize(points, near, faces, camera.size)
    values = np.concatenate([normals, mesh.surface], axis=1).astype(np.float32)
    pixel, values = interpolate(raster, points, faces, values)
    colours = _shade(person.atlas, values, view.scene)
    picture, mask = _composite(view, joints, frame, pixel, colours, antialias)
    parts, uv = _surface(raster, pixel, values, mesh.part[visible], mesh.shift[visible], antialias)
    known = keypoints(person.look, joints, frame)
    points, score = scores(known, view.camera, raster)
    return Rendered(picture, parts, uv, mask, points, score)


def deform(person: Person, joints: Joints, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V 3 metres) and normals (V 3, about unit) of the posed body: linear blend skinning, loose cloth pushed off the legs."""
    body, mesh = person.body, person.body.mesh
    turn = joints.rotation[frame] @ body.joints.rotation[0].swapaxes(-1, -2)  # J 3 3
    move = joints.position[frame] - np.einsum("jik,jk->ji", turn, body.joints.position[0])
    blended = mesh.weights @ np.concatenate([turn.reshape(-1, 9), move], axis=1)  # V 12
    matrix = blended[:, :9].reshape(-1, 3, 3)
    vertices = np.einsum("vik,vk->vi", matrix, mesh.vertices) + blended[:, 9:]
    normals = np.einsum("vik,vk->vi", matrix, mesh.normals)
    if len(body.loose):
        vertices[body.loose] = _off_legs(vertices[body.loose], joints, frame, person.look.build.girth)
    return vertices, normals


def _off_legs(cloth: np.ndarray, joints: Joints, frame: int, girth: float) -> np.ndarray:
    """Vertices that lie inside a clothed leg moved out to its surface."""
    position = joints.position[frame]
    for s in SIDES:
        for a, b, radius in ((f"hip_{s}", f"knee_{s}", 0.097 * girth + 0.006), (f"knee_{s}", f"ankle_{s}", 0.07 * girth)):
            start, bone = position[J[a]], position[J[b]] - position[J[a]]
            along = np.clip((cloth - start) @ bone / (bone @ bone), 0, 1)
            away = cloth - start - along[:, None] * bone
            distance = np.linalg.norm(away, axis=1, keepdims=True)
            cloth = cloth + away / np.maximum(distance, 1e-6) * np.maximum(radius - distance, 0)
    return cloth


def _front(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """T bool: seen from outside (anti-clockwise in space is clockwise in a picture whose y points down, a negative area)."""
    a, b, c = points[faces[:, 0]], points[faces[:, 1]], points[faces[:, 2]]
    return (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0]) < 0


def _shade(atlas: np.ndarray, values: np.ndarray, scene: Scene) -> np.ndarray:
    """N 3 float32: texture colours in soft light from one side, a little sky from above."""
    normal = values[:, :3]
    inside = normal[:, 2] < -0.15 * np.linalg.norm(normal, axis=1)
    light = np.array(scene.light, np.float32) / np.float32(np.linalg.norm(scene.light))
    length = np.maximum(np.sqrt((normal * normal).sum(1)), 1e-6)
    lit = np.where(inside, -0.6, normal @ light / length)
    factor = 0.60 + 0.40 * np.clip(0.55 + 0.6 * lit, 0, 1) + 0.07 * normal[:, 1] / length
    return _texture(atlas, values[:, 3:5]) * factor[:, None]


def _texture(atlas: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """N 3 float32: the atlas at (u, v) (N 2 in 0..1), bilinear."""
    columns = 256  # cv2.remap takes no picture wider than 32767
    rows = -(-len(uv) // columns)
    padded = np.zeros((2, rows * columns), np.float32)
    padded[:, : len(uv)] = uv.T * atlas.shape[0] - 0.5
    x, y = padded.reshape(2, rows, columns)
    return cv2.remap(atlas, x, y, cv2.INTER_LINEAR).reshape(-1, 3)[: len(uv)].astype(np.float32)


def _composite(
    view: View, joints: Joints, frame: int, pixel: np.ndarray, colours: np.ndarray, antialias: int
) -> tuple[np.ndarray, np.ndarray]:
    width, height = view.camera.size
    layer = np.zeros((height * antialias * width * antialias, 4), np.float32)
    layer[pixel, :3], layer[pixel, 3] = colours, 1
    small = cv2.resize(layer.reshape(height * antialias, -1, 4), (width, height), interpolation=cv2.INTER_AREA)
    position = joints.position[frame]
    feet = np.stack([position[[J[f"ankle_{s}"], J[f"ball_{s}"]]] - np.array([[0, 0.07, 0], [0, 0.03, 0]]) for s in SIDES])
    ground = view.backdrop * shadow(view.camera, feet, position[J["pelvis"]])[..., None]
    picture = small[..., :3] + ground * (1 - small[..., 3:])
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8), np.round(255 * small[..., 3]).astype(np.uint8)


def _surface(
    raster: Raster, pixel: np.ndarray, values: np.ndarray, part: np.ndarray, shift: np.ndarray, antialias: int
) -> tuple[np.ndarray, np.ndarray]:
    """Part (H W) and (u, v) (H W 2) of one sample of every pixel: they cannot be averaged."""
    height, width = raster.face.shape
    face = raster.face.ravel()[pixel]
    parts, uv = np.zeros(height * width, np.uint8), np.zeros((height * width, 2), np.float32)
    parts[pixel] = part[face]
    uv[pixel, 0] = np.clip(values[:, 5] * shift[face, 0] + shift[face, 1], 0, 1)
    uv[pixel, 1] = np.clip(values[:, 6] + shift[face, 2], 0, 1)
    middle = slice(antialias // 2, None, antialias)
    return parts.reshape(height, width)[middle, middle], uv.reshape(height, width, 2)[middle, middle]


def clip(seed: int, motion: str, frames: int, size: Size, fps: float = 24.0, turn: float | None = None) -> tuple[np.ndarray, PoseSequence]:
    """A person, a room, a camera and a style of moving, all drawn from the seed: frames (F H W 3 uint8) and their exact poses with mask.

    `turn` fixes the angle in degrees to which the person is turned away from the camera; None draws it.
    Raises InputError for an unknown motion, no frames or a size below 16 x 16.
    """
    if motion not in MOTIONS:
        raise InputError(f"There is no motion {motion!r}: choose one of {', '.join(MOTIONS)}.")
    if frames < 1 or min(size) < 16:
        raise InputError(f"A clip needs at least 1 frame and 16 x 16 pixels, not {frames} frame(s) of {size[0]} x {size[1]}.")
    rng = np.random.default_rng([seed, 2])
    person = Person.random(seed)
    style = random_style(rng)
    view = random_view(rng, person.stature, size)
    posture = MOTIONS[motion](np.arange(frames) / fps, style)
    posture.turn = posture.turn + (rng.uniform(-50, 50) if turn is None else turn)
    rendered = [render(person, joints, frame, view) for joints in [person.pose(posture)] for frame in range(frames)]
    return np.stack([item.picture for item in rendered]), sequence(rendered, size, fps)


def random_view(rng: np.random.Generator, stature: float, size: Size) -> View:
    """A room and a camera that sees all of the person, arms raised too."""
    camera = Camera.fit(
        stature, size, rng.uniform(3.6, 6.0), stature * rng.uniform(0.55, 0.85), (rng.uniform(0.16, 0.22), rng.uniform(0.06, 0.1))
    )
    return View.of(random_scene(rng), camera)


def sequence(rendered: list[Rendered], size: Size, fps: float) -> PoseSequence:
    """The poses of rendered frames."""
    points, score = np.stack([item.points for item in rendered]), np.stack([item.score for item in rendered])
    return PoseSequence(points[:, None], score[:, None], size, fps, np.stack([item.mask for item in rendered]))
