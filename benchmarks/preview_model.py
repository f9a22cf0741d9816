"""How good a preview model is on people and motions it has not seen: python benchmarks/preview_model.py [NAME] [--folder FOLDER] [--pck].

NAME is animate-anyone, magic-animate, uni-animate or uni-animate-mamba.

64 procedural people (seeds 0 to 63, none of them in training); the first frame is the reference, four others are made. Measured in the
model's 128 x 128 pixels, and again after all have been brought down to 64 x 64. Beside the model: what its copy head chose and
fetched, the reference copied as it is, and a warp of its limbs by exact keypoints. Then pictures of 256 x 256 pixels, in which the model
carries detail along that it does not see: with and without.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

from animato.core.shapes import Size
from animato.encoders.codec import FrameCodec
from animato.evaluation.accuracy import Accuracy
from animato.evaluation.frames import change_error, psnr, ssim
from animato.people.motions import MOTIONS
from animato.people.people import clip
from animato.pose.crop import whole_box
from animato.pose.keypoints import Point as P
from animato.pose.keypoints import PoseSequence
from animato.systems.copying import standing
from animato.systems.known import Card, with_weights
from animato.systems.preview import SIZE, Preview
from animato.systems.scene import Scene

OWN = [one for one in with_weights() if not one.preview_of]  # systems with a preview model of their own
MODELS: dict[str, tuple[Card, Path]] = {folder.name: (one, folder) for one in OWN for folder in one.previews.values()}
Pair = tuple[float, float]
PEOPLE, LENGTH, FPS = 64, 12, 6.0
LOW: Size = (64, 64)
LARGER: Size = (256, 256)
LARGE_PEOPLE = 16
ASKED = (3, 6, 9, 11)
LARGE = (512, 512)  # for the pose estimator
CORNERS = [P.R_SHOULDER, P.L_SHOULDER, P.R_HIP, P.L_HIP]
BONES = [
    (P.R_SHOULDER, P.R_ELBOW),
    (P.R_ELBOW, P.R_WRIST),
    (P.L_SHOULDER, P.L_ELBOW),
    (P.L_ELBOW, P.L_WRIST),
    (P.R_HIP, P.R_KNEE),
    (P.R_KNEE, P.R_ANKLE),
    (P.L_HIP, P.L_KNEE),
    (P.L_KNEE, P.L_ANKLE),
    (P.NECK, P.NOSE),
]
ORDER = [5, 6, 7, 8, 0, 9, 1, 2, 3, 4]  # legs, trunk, head, arms


def opened(name: str, folder: Path | None) -> Preview:
    """The model of that name, or networks of its kind in another folder."""
    system, shipped = MODELS[name]
    assert system.doors
    return system.doors().preview(folder or shipped)


def frames_of(model: Preview, frames: np.ndarray, poses: PoseSequence) -> tuple[np.ndarray, np.ndarray]:
    """Result and fetched pixels for all frames but the first: F H W 3 uint8 each."""
    where = standing(poses, whole_box(SIZE, SIZE), SIZE)
    poses = replace(poses, mask=None)  # as of an aligned motion
    reference = poses.frames(slice(0, 1))
    driving = poses.frames(slice(1, None))
    copied, _ = model.copier(frames[0], reference, where).copy(model.hints(driving))
    latents = model.denoise(frames[0], reference, driving, copied)
    return pixels(model, latents), pixels(model, copied.base[0])


def pixels(model: Preview, latents: torch.Tensor) -> np.ndarray:  # F C h w -> F H W 3 uint8
    return (FrameCodec(model.page.vae).decode(latents).permute(0, 2, 3, 1).numpy() * 255).round().astype(np.uint8)


def warped(picture: np.ndarray, mask: np.ndarray, reference: np.ndarray, driving: np.ndarray) -> np.ndarray:
    """The picture's trunk (affine) and limbs (one similarity each) laid over its inpainted background; points K 2 in pixels."""
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]] + 0.5
    grid = np.stack([x, y], -1)
    hole = (cv2.dilate(mask, np.ones((3, 3), np.uint8)) > 10).astype(np.uint8)
    out = cv2.inpaint(picture, hole, 3, cv2.INPAINT_TELEA).astype(np.float32)
    corners = np.c_[driving[CORNERS], np.ones(4)]
    affine = np.linalg.lstsq(corners, reference[CORNERS], rcond=None)[0]
    sources = [(np.c_[grid.reshape(-1, 2), np.ones(grid[..., 0].size)] @ affine).reshape(grid.shape)]
    sources += [_limb(grid, driving[[a, b]], reference[[a, b]]) for a, b in BONES]
    hull = cv2.convexHull(reference[CORNERS].astype(np.float32))
    inside = [max(-cv2.pointPolygonTest(hull, (float(a), float(b)), True), 0) + 1 for a, b in grid.reshape(-1, 2)]
    apart = [np.reshape(inside, grid.shape[:2])] + [_distance(grid, reference[[a, b]]) * (0.6 if a == P.NECK else 1) for a, b in BONES]
    owner = np.argmin(apart, axis=0)
    for part in ORDER:
        source = sources[part].astype(np.float32) - 0.5
        colour = cv2.remap(picture, source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        weight = cv2.remap((mask * (owner == part)).astype(np.float32) / 255, source, None, cv2.INTER_LINEAR, borderValue=0)[..., None]
        out = out * (1 - weight) + weight * colour
    return out.clip(0, 255).astype(np.uint8)


def _limb(grid: np.ndarray, driving: np.ndarray, reference: np.ndarray) -> np.ndarray:
    (start, bone, side), (other, its_bone, its_side) = ((p[0], p[1] - p[0], _across(p[1] - p[0])) for p in (driving, reference))
    along = (grid - start) @ bone / max(bone @ bone, 1e-3)
    across = (grid - start) @ side
    return other + along[..., None] * its_bone + across[..., None] * its_side


def _across(bone: np.ndarray) -> np.ndarray:
    return np.array([-bone[1], bone[0]]) / max(np.hypot(*bone), 1e-3)


def _distance(grid: np.ndarray, limb: np.ndarray) -> np.ndarray:
    bone = limb[1] - limb[0]
    along = np.clip((grid - limb[0]) @ bone / max(bone @ bone, 1e-3), 0, 1)
    return np.linalg.norm(grid - limb[0] - along[..., None] * bone, axis=-1)


def accuracy(frames: np.ndarray, poses: PoseSequence) -> float:
    """PCK@.1 of enlarged frames."""
    seen = Accuracy(poses.scaled(LARGE), len(frames))
    for index, frame in enumerate(frames):
        seen.see(index, cv2.resize(frame, LARGE, interpolation=cv2.INTER_CUBIC))
    return seen.value


def low(picture: np.ndarray) -> np.ndarray:  # H W (3)
    return cv2.resize(picture, LOW, interpolation=cv2.INTER_AREA)


def larger(model: Preview, seed: int, motion: str) -> Pair:
    """PSNR in a picture of twice the side, with detail carried along and without."""
    frames, poses = clip(seed, motion, LENGTH, LARGER, FPS)
    with_detail = model.animate(Scene(frames[0], poses.frames(slice(0, 1)), poses))
    pairs = [(made, frames[k]) for k, made in enumerate(with_detail) if k in ASKED]
    soft = [
        (cv2.resize(cv2.resize(made, SIZE, interpolation=cv2.INTER_AREA), LARGER, interpolation=cv2.INTER_CUBIC), true)
        for made, true in pairs
    ]
    return float(np.mean([psnr(*pair) for pair in pairs])), float(np.mean([psnr(*pair) for pair in soft]))


def shown(result: np.ndarray, fetched: np.ndarray, frames: np.ndarray, poses: PoseSequence, k: int) -> dict[str, np.ndarray]:
    """Frame k in every way: H W 3 each."""
    assert poses.mask is not None
    points = poses.points[:, 0, :, :2]
    warp = warped(frames[0], poses.mask[0], points[0], points[k])
    return {"model": result[k - 1], "fetched": fetched[k - 1], "copy": frames[0], "warp": warp}


def likeness(picture: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> tuple[float, ...]:
    """PSNR, PSNR inside the person and SSIM, in the model's pixels and in half as many."""
    fine, coarse = (picture, truth, mask), (low(picture), low(truth), low(mask))
    return tuple(value for a, b, m in (fine, coarse) for value in (psnr(a, b), psnr(a, b, m), ssim(a, b)))


def found_again(result: np.ndarray, frames: np.ndarray, poses: PoseSequence) -> Pair:
    """PCK@.1 of the frames that were made, and of the true ones."""
    asked = list(ASKED)
    driving = PoseSequence(poses.points[asked], poses.score[asked], poses.size, FPS)
    return accuracy(result[[k - 1 for k in ASKED]], driving), accuracy(frames[asked], driving)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("name", nargs="?", default=next(iter(MODELS)), choices=MODELS)
    options.add_argument("--folder", type=Path, help="other networks of this kind, as a training run leaves them")
    options.add_argument("--pck", action="store_true")
    options.add_argument("--people", type=int, default=PEOPLE)
    given = options.parse_args()
    model, motions = opened(given.name, given.folder), sorted(MOTIONS)
    table: dict[str, list[tuple[float, ...]]] = {name: [] for name in ("model", "fetched", "copy", "warp")}
    changes, joints, twice = [], [], []
    for seed in range(given.people):
        motion = motions[seed % len(motions)]
        frames, poses = clip(seed, motion, LENGTH, SIZE, FPS)
        assert poses.mask is not None
        result, fetched = frames_of(model, frames, poses)
        changes.append(change_error(result, frames[1:]))
        for k in ASKED:
            for name, picture in shown(result, fetched, frames, poses, k).items():
                table[name].append(likeness(picture, frames[k], poses.mask[k]))
        if given.pck:
            joints.append(found_again(result, frames, poses))
        if seed < LARGE_PEOPLE:
            twice.append(larger(model, seed, motion))
    report(table, changes, twice, joints)


def report(table: dict[str, list[tuple[float, ...]]], changes: list[float], twice: list[Pair], joints: list[Pair]) -> None:
    for name, rows in table.items():
        values = np.mean(rows, axis=0)
        for size, (whole, person, structure) in zip((SIZE, LOW), values.reshape(2, 3), strict=True):
            print(f"{name:8} {size[0]:4} px: PSNR {whole:.2f} dB, person {person:.2f} dB, SSIM {structure:.3f}")
    print(f"error of changes from frame to frame {np.mean(changes):.2f} of 255")
    print("{} px: PSNR {:.2f} dB with detail carried along, {:.2f} dB without".format(LARGER[0], *np.mean(twice, axis=0)))
    if joints:
        print("PCK@.1 {:.3f}; of the true frames {:.3f}".format(*np.nanmean(joints, axis=0)))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
