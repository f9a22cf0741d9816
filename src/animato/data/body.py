"""The body of a procedural person in clothes: tubes along the bones, with a step outwards at every hem."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animato.data.hair import hair_meshes
from animato.data.head import head_meshes
from animato.data.looks import Look
from animato.data.mesh import Halves, Mesh, Region, Ring, grid, join, ring_weights, sheet, tube
from animato.data.skeleton import FINGERS, SIDES, J, Joints, Posture, pose

# Where each piece of surface lies in the texture atlas.
SKIN = Region(0, 0, 0.625, 0.375)
HAIR = Region(0.625, 0, 0.375, 0.25)
TORSO = Region(0, 0.375, 0.5, 0.375)
ARM = Region(0.5, 0.375, 0.25, 0.375)
LEG = Region(0.75, 0.375, 0.25, 0.375)
SKIRT = Region(0, 0.75, 0.5, 0.25)
HAND = Region(0.5, 0.75, 0.125, 0.125)
SHOE = Region(0.625, 0.75, 0.25, 0.125)

TORSO_LOW, TORSO_HIGH = -0.17, 1.2  # v of the torso tube's ends, in spine lengths over the pelvis
SKIRT_TOP = 0.22  # a skirt begins at the waist, in spine lengths over the pelvis
BUILT_IN_RAISE = 50.0  # the arms' angle to the body in which the mesh is built: half way of what they do


def build_posture() -> Posture:
    """The pose in which the mesh is built."""
    posture = Posture(1)
    posture.set("shoulder", BUILT_IN_RAISE, 90.0)
    posture.curl[:] = 0.0
    posture.feet[:, :, 0] = 0.06
    return posture


@dataclass(frozen=True, eq=False)
class Body:
    """The whole person: the mesh, the joints (one frame) in the pose it was built in, and which vertices are cloth that hangs over the legs."""

    mesh: Mesh
    joints: Joints
    loose: np.ndarray


def body_mesh(look: Look) -> Body:
    """A look as a mesh."""
    joints = pose(look.build, build_posture())
    torso = _torso(look, joints)
    meshes = [torso]
    loose = np.flatnonzero((torso.surface[:, 3] >= top_hem(look)) & (torso.surface[:, 3] < 0.15))
    if look.skirt:
        meshes.append(_skirt(look, joints))
        loose = np.arange(len(torso.vertices), len(torso.vertices) + len(meshes[1].vertices))
    for s in SIDES:
        meshes += [_arm(look, joints, s), _leg(look, joints, s), _shoe(look, joints, s), *_hand(look, joints, s)]
    head = joints.position[0, J["head"]]
    meshes += head_meshes(look, SKIN, head) + hair_meshes(look, HAIR, head)
    return Body(join(meshes), joints, loose)


def _smooth(x: np.ndarray | float) -> np.ndarray:
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


# ---- torso ------------------------------------------------------------

_TORSO = np.array([  # height in spine lengths, half width in parts of hips or chest, depth in front and behind in metres at girth 1
    [-0.17, 0.0, 0.0, 0.0], [-0.165, 0.45, 0.04, 0.05], [-0.13, 0.75, 0.066, 0.08], [-0.07, 0.94, 0.088, 0.108],
    [0.0, 1.0, 0.098, 0.115], [0.1, 0.97, 0.1, 0.105], [0.22, 0.9, 0.095, 0.085], [0.34, 0.86, 0.092, 0.08],
    [0.46, 0.88, 0.098, 0.085], [0.58, 0.93, 0.106, 0.095], [0.7, 0.97, 0.11, 0.102], [0.79, 0.985, 0.105, 0.102],
    [0.86, 0.97, 0.092, 0.095], [0.9, 0.9, 0.08, 0.086], [0.935, 0.76, 0.07, 0.077], [0.965, 0.56, 0.06, 0.067],
    [0.99, 0.42, 0.054, 0.059], [1.02, 0.34, 0.05, 0.054], [1.08, 0.3, 0.048, 0.05], [1.2, 0.29, 0.046, 0.05],
])  # fmt: skip


def torso_size(look: Look, v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Half width, front and back depth of the bare torso at heights v (spine lengths over the pelvis)."""
    build, g = look.build, look.build.girth
    hips = build.hips + 0.082 * g
    chest = build.shoulders * (0.93 + 0.05 * g)
    part = np.interp(v, _TORSO[:, 0], _TORSO[:, 1])
    upper = _smooth((v - 0.1) / 0.6)
    middle = np.exp(-(((v - 0.36) / 0.17) ** 2))
    width = part * (hips * (1 - upper) + chest * upper) * (1 - middle * (1 - build.waist) * 0.75 + 0.12 * build.belly * middle)
    front = g * np.interp(v, _TORSO[:, 0], _TORSO[:, 2]) + 0.075 * g * build.belly * np.exp(-(((v - 0.3) / 0.2) ** 2))
    front = front + 0.035 * g * build.bust * np.exp(-(((v - 0.68) / 0.1) ** 2))
    return width, front, g * np.interp(v, _TORSO[:, 0], _TORSO[:, 3])


def top_hem(look: Look) -> float:
    """Where the top ends, in spine lengths over the pelvis; a dress has no hem there."""
    return {"tee": -0.06, "long": -0.05, "jacket": -0.1, "vest": -0.04}[look.top]


def sleeve_end(look: Look) -> float:
    """Where the sleeve ends along the arm: 1 the elbow, 2 the wrist."""
    return {"tee": look.sleeve, "long": 1.95, "jacket": 1.96, "vest": 0.1}[look.top]


def leg_end(look: Look) -> float:
    """Where trousers or shorts end along the leg: 1 the knee, 2 the ankle; 0 for bare legs."""
    return {"trousers": 1.93, "shorts": look.hem}.get(look.bottom, 0.0)


def cloth_thickness(look: Look) -> float:
    return {"tee": 0.010, "long": 0.011, "jacket": 0.020, "vest": 0.008}[look.top]


def _torso(look: Look, joints: Joints) -> Mesh:
    heights = _TORSO[:, 0]
    covered = (heights > (SKIRT_TOP if look.skirt else top_hem(look))) & (heights < 0.985)
    grown = np.where(covered, cloth_thickness(look), np.where(heights < 0.985, 0.004 if look.skirt else 0.008, 0.0))
    if not look.skirt:
        heights, grown = _with_hem(heights, grown, top_hem(look), cloth_thickness(look) + 0.012)
    width, front, back = torso_size(look, heights)
    width, front, back = (np.where(size > 0, size + grown, 0.0) for size in (width, front, back))
    pelvis, spine = joints.position[0, J["pelvis"]], look.build.spine
    rings = [
        Ring(
            pelvis + [0, v * spine, -0.01 * float(_smooth((v - 0.6) / 0.4))],
            np.array([1.0, 0, 0]),
            np.array([0, 0, 1.0]),
            w,
            f,
            b,
            _spine_weights(v),
            v,
        )
        for v, w, f, b in zip(heights, width, front, back, strict=True)
    ]
    points = grid(rings, 24)
    weights = _with_collars(ring_weights(rings), points, heights, look)
    mesh = sheet(points, weights, heights, TORSO, Halves(2, 1))
    mesh.normals[:, 1] = np.maximum(mesh.normals[:, 1], -0.1)  # lit like the thighs, so that the crotch does not stand out between them
    return mesh


def _with_hem(heights: np.ndarray, grown: np.ndarray, hem: float, thickness: float) -> tuple[np.ndarray, np.ndarray]:
    """Two rings at the height of a hem: just below it the body, just above it the cloth."""
    at = int(np.searchsorted(heights, hem))
    return np.insert(heights, [at, at], [hem - 0.002, hem]), np.insert(grown, [at, at], [0.008, thickness])


def _spine_weights(v: float) -> dict[str, float]:
    steps = {
        "waist": _smooth((v - 0.12) / 0.2),
        "chest": _smooth((v - 0.4) / 0.25),
        "neck": _smooth((v - 0.95) / 0.09),
        "head": _smooth((v - 1.08) / 0.12),
    }
    shares, rest = {}, 1.0
    for joint in ("head", "neck", "chest", "waist"):
        shares[joint] = rest * float(steps[joint])
        rest -= shares[joint]
    return shares | {"pelvis": rest}


def _with_collars(weights: np.ndarray, points: np.ndarray, heights: np.ndarray, look: Look) -> np.ndarray:
    """R S+1 J: the outer shoulders follow the collar bones and a little the upper arms."""
    full = np.repeat(weights[:, None], points.shape[1], axis=1)
    for s, sign in zip(SIDES, (1, -1), strict=True):
        out = _smooth((sign * points[..., 0] / look.build.shoulders - 0.35) / 0.6)
        up = (_smooth((heights - 0.62) / 0.25) * _smooth((1.02 - heights) / 0.08))[:, None]
        collar, arm = 0.75 * out * up, 0.25 * out**2 * up
        full *= (1 - collar - arm)[..., None]
        full[..., J[f"collar_{s}"]] += collar
        full[..., J[f"shoulder_{s}"]] += arm
    return full


# ---- limbs ------------------------------------------------------------

# along (0..1 first bone, 1..2 second), half width, depth in front, behind; metres at girth 1
_ARM = np.array([
    [-0.3, 0.0, 0.0, 0.0], [-0.27, 0.03, 0.04, 0.04], [-0.16, 0.042, 0.048, 0.048], [-0.06, 0.046, 0.051, 0.05], [0.04, 0.048, 0.053, 0.052],
    [0.16, 0.047, 0.053, 0.051], [0.35, 0.044, 0.05, 0.047], [0.6, 0.041, 0.046, 0.043], [0.82, 0.038, 0.041, 0.039], [0.93, 0.037, 0.038, 0.038],
    [1.0, 0.037, 0.037, 0.038], [1.08, 0.038, 0.038, 0.038], [1.25, 0.039, 0.040, 0.039], [1.5, 0.034, 0.036, 0.034], [1.75, 0.027, 0.031, 0.028],
    [1.93, 0.022, 0.029, 0.027], [2.0, 0.020, 0.029, 0.027], [2.06, 0.019, 0.029, 0.028],
])  # fmt: skip
_LEG = np.array([
    [-0.16, 0.0, 0.0, 0.0], [-0.14, 0.04, 0.045, 0.055], [-0.06, 0.06, 0.066, 0.084], [0.06, 0.072, 0.08, 0.095], [0.18, 0.078, 0.085, 0.092],
    [0.3, 0.077, 0.084, 0.085], [0.48, 0.07, 0.077, 0.075], [0.7, 0.058, 0.065, 0.062], [0.88, 0.051, 0.057, 0.053], [0.96, 0.049, 0.055, 0.048],
    [1.0, 0.048, 0.054, 0.047], [1.06, 0.046, 0.05, 0.05], [1.2, 0.048, 0.046, 0.062], [1.38, 0.048, 0.044, 0.064], [1.6, 0.04, 0.038, 0.05],
    [1.82, 0.031, 0.033, 0.036], [1.95, 0.029, 0.033, 0.033], [2.05, 0.03, 0.035, 0.035],
])  # fmt: skip
ARM_LOW, ARM_HIGH = float(_ARM[0, 0]), float(_ARM[-1, 0])
LEG_LOW, LEG_HIGH = float(_LEG[0, 0]), float(_LEG[-1, 0])


def _arm(look: Look, joints: Joints, s: str) -> Mesh:
    table = _dressed(_ARM, look.build.girth, sleeve_end(look), cloth_thickness(look), 0.35 if look.top == "tee" else 0.1)
    names = (f"shoulder_{s}", f"elbow_{s}", f"wrist_{s}")
    return _limb(table, joints, names, (f"collar_{s}", 0.1), ARM, Halves(*((15, 17, 19, 21) if s == "l" else (16, 18, 20, 22))))


def _leg(look: Look, joints: Joints, s: str) -> Mesh:
    table = _dressed(_LEG, look.build.girth, leg_end(look), 0.011, look.flare if look.bottom == "trousers" else 0.5 + 0.5 * look.flare)
    names = (f"hip_{s}", f"knee_{s}", f"ankle_{s}")
    return _limb(table, joints, names, ("pelvis", 0.14), LEG, Halves(*((10, 8, 14, 12) if s == "l" else (9, 7, 13, 11))))


def _dressed(table: np.ndarray, girth: float, end: float, thickness: float, flare: float) -> np.ndarray:
    """The table of a limb with cloth of some thickness up to `end` and a step at its hem, where it is the wider the more it flares."""
    along = table[:, 0]
    size = table[:, 1:] * girth
    if end <= 0:
        return np.column_stack([along, size])
    at = int(np.searchsorted(along, end))
    hem = np.array([np.interp(end, along, column) for column in size.T])
    along = np.insert(along, [at, at], [end, end + 0.004])
    size = np.insert(size, [at, at], [hem, hem], axis=0)
    loose = thickness + 0.02 * flare * np.clip((along - 0.5 * end) / max(0.5 * end, 0.1), 0, 1)
    covered = (np.arange(len(along)) <= at) & (size[:, 0] > 0)
    return np.column_stack([along, size + np.where(covered, loose, 0.0)[:, None]])


def _limb(table: np.ndarray, joints: Joints, names: tuple[str, str, str], root: tuple[str, float], region: Region, halves: Halves) -> Mesh:
    """A tube along two bones; within `root[1]` of its start it follows the joint `root[0]`."""
    a, b, c = (joints.position[0, J[name]] for name in names)
    sign = 1.0 if names[0].endswith("l") else -1.0
    inwards = np.linalg.norm(b - a) * (np.array([sign, -0.12, 0.0]) if region is ARM else np.array([0.1 * sign, -1.0, 0.0]))
    rings = []
    for along, width, front, back in table:
        centre = (a + along * inwards if along < 0 else a + along * (b - a)) if along < 1 else b + (along - 1) * (c - b)
        frame = joints.rotation[0, J[names[0 if along < 1 else 1]]]
        first, third = 1 - _smooth((along - 0.86) / 0.28), _smooth((along - 1.8) / 0.25)
        held = 1 - _smooth((along + root[1]) / (2.2 * root[1]))
        weights = {root[0]: held, names[0]: first - held, names[1]: 1 - first - third, names[2]: third}
        rings.append(Ring(centre, sign * frame[:, 0], frame[:, 2], width, front, back, {k: float(w) for k, w in weights.items()}, along))
    return tube(rings, 16, region, halves)


# ---- hands, shoes, skirt ------------------------------------------------------------


def _hand(look: Look, joints: Joints, s: str) -> list[Mesh]:
    """A flat palm and five fingers of three joints."""
    sign, size = (1.0 if s == "l" else -1.0), look.build.hand
    wrist, frame = joints.position[0, J[f"wrist_{s}"]], joints.rotation[0, J[f"wrist_{s}"]]
    number = Halves(4, 4) if s == "l" else Halves(3, 3)
    rings = []
    for along, thick, wide in (
        (-0.04, 0.0, 0.0),
        (-0.02, 0.1, 0.14),
        (0.12, 0.105, 0.19),
        (0.3, 0.09, 0.235),
        (0.45, 0.08, 0.235),
        (0.55, 0.06, 0.19),
        (0.585, 0.0, 0.0),
    ):
        centre = wrist + frame @ np.array([0, -size * along, 0])
        rings.append(Ring(centre, sign * frame[:, 0], frame[:, 2], size * thick, size * wide, size * wide, {f"wrist_{s}": 1.0}, along))
    meshes = [tube(rings, 10, HAND, number)]
    for finger in FINGERS:
        meshes.append(_finger(look, joints, finger, s, number))
    return meshes


def finger_tip(joints: Joints, finger: str, s: str) -> np.ndarray:
    """F 3."""
    second, third = joints.position[:, J[f"{finger}2_{s}"]], joints.position[:, J[f"{finger}3_{s}"]]
    length = 0.85 * np.linalg.norm(third - second, axis=-1, keepdims=True)
    down = np.array([0.05 * (1 if s == "l" else -1), -1, 0.2]) if finger == "thumb" else np.array([0, -1.0, 0])
    return third + (joints.rotation[:, J[f"{finger}3_{s}"]] @ (down / np.linalg.norm(down))) * length


def _finger(look: Look, joints: Joints, finger: str, s: str, number: Halves) -> Mesh:
    names = [f"{finger}{k}_{s}" for k in (1, 2, 3)]
    stops = np.concatenate([joints.position[0, [J[name] for name in names]], finger_tip(joints, finger, s)])
    radius = look.build.hand * {"thumb": 0.06, "little": 0.044}.get(finger, 0.052)
    frame = joints.rotation[0, J[names[0]]]
    rings = []
    for along, part in ((-0.15, 0.5), (0.0, 1.0), (0.8, 0.98), (1.2, 0.96), (1.8, 0.9), (2.2, 0.88), (2.75, 0.8), (2.97, 0.5), (3.05, 0.0)):
        k = int(np.clip(along, 0, 2))
        centre = stops[k] + (along - k) * (stops[k + 1] - stops[k])
        blend = float(_smooth((along - np.round(along)) / 0.5 + 0.5)) if 0.5 < along < 2.5 else 1.0
        near = int(np.clip(np.round(along), 1, 2)) if 0.5 < along < 2.5 else k
        weights = {names[near]: blend, names[near - 1]: 1 - blend} if 0.5 < along < 2.5 else {names[k]: 1.0}
        rings.append(Ring(centre, frame[:, 0], frame[:, 2], radius * part, radius * part, radius * part, weights, along / 3))
    return tube(rings, 6, HAND, number)


def _shoe(look: Look, joints: Joints, s: str) -> Mesh:
    """A tube from heel to toe with a flat sole."""
    length, ankle = look.build.foot, joints.position[0, J[f"ankle_{s}"]]
    frame = joints.rotation[0, J[f"ankle_{s}"]]
    rings, height = [], look.build.ankle
    profile = (
        (-0.27, 0.0, 0.0),
        (-0.265, 0.1, 0.55),
        (-0.22, 0.15, 0.95),
        (-0.08, 0.17, 1.25),
        (0.08, 0.165, 1.15),
        (0.2, 0.175, 0.85),
        (0.36, 0.195, 0.66),
    )
    profile += ((0.52, 0.205, 0.54), (0.64, 0.19, 0.46), (0.72, 0.16, 0.38), (0.765, 0.11, 0.26), (0.775, 0.0, 0.0))
    for along, wide, tall in profile:
        toe = float(_smooth((along - 0.46) / 0.12))
        middle = ankle + frame @ np.array([0, 0.3 * height * (wide > 0) + 0.12 * height * (wide == 0) - height, length * along])
        up, low = height * tall - 0.3 * height, 0.3 * height * (wide > 0)
        rings.append(
            Ring(middle, frame[:, 0], frame[:, 1], length * wide, max(up, 0.0), low, {f"ankle_{s}": 1 - toe, f"ball_{s}": toe}, along)
        )
    points = grid(rings, 14)
    points[..., 1] = np.maximum(points[..., 1], joints.position[0, J[f"ankle_{s}"], 1] - height)
    return sheet(
        points, ring_weights(rings)[:, None], np.array([ring.v for ring in rings]), SHOE, Halves(5, 5) if s == "l" else Halves(6, 6)
    )


def _skirt(look: Look, joints: Joints) -> Mesh:
    """From the waist over both legs down to a flat hem; each side follows its thigh, the middle both."""
    build, pelvis = look.build, joints.position[0, J["pelvis"]]
    drop = build.thigh * min(look.hem, 1.0) + build.shin * max(look.hem - 1.0, 0.0)
    rings = []
    for part in np.linspace(0, 1, 9):
        y = SKIRT_TOP * build.spine * (1 - part / 0.25) if part < 0.25 else -drop * (part - 0.25) / 0.75
        v = max(y / build.spine, -0.02)
        width, front, back = (float(size[0]) + 0.014 for size in torso_size(look, np.array([v])))
        wider = (0.02 + 0.14 * look.flare) * max(-y, 0.0) / build.thigh
        rings.append(
            Ring(
                pelvis + [0, y, 0],
                np.array([1.0, 0, 0]),
                np.array([0, 0, 1.0]),
                width + wider,
                front + 0.6 * wider,
                back + 0.6 * wider,
                {"pelvis": 1},
                1 - part,
            )
        )
    points = grid(rings, 32)
    low = _smooth((pelvis[1] - points[..., 1] + 0.03) / (0.6 * build.thigh))
    left = _smooth(points[..., 0] / (2.2 * build.hips) + 0.5)
    weights = ring_weights(rings)[:, None] * (1 - 0.8 * low)[..., None]
    weights[..., J["hip_l"]] += 0.8 * low * left
    weights[..., J["hip_r"]] += 0.8 * low * (1 - left)
    return sheet(points, weights, np.array([ring.v for ring in rings]), SKIRT, Halves(9, 7), np.ones((len(rings) - 1, 32), bool))
