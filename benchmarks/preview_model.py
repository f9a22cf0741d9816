"""How good a preview model is on people and motions it has not seen: python benchmarks/preview_model.py [NAME] [--folder FOLDER] [--pck].

NAME is animate-anyone, magic-animate, uni-animate or uni-animate-mamba.

64 procedural people (seeds 0 to 63, none of them in training); the first frame is the reference, four others are made. Told in the
model's 128 x 128 pixels, and again after all have been brought down to 64 x 64. Beside the model: what its copy head chose and
fetched, the reference copied as it is, and a warp of its limbs by exact keypoints. Then pictures of 256 x 256 pixels, in which the model
carries detail along that it does not see: with and without.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from animato.systems.preview_magic import MagicPreview, parts
from animato.systems.preview_uni import UniPreview

from animato.core.shapes import Size
from animato.encoders.codec import FrameCodec
from animato.evaluation.accuracy import Accuracy
from animato.evaluation.frames import change_error, psnr, ssim
from animato.people.motions import MOTIONS
from animato.people.people import clip
from animato.pose.crop import whole_box
from animato.pose.keypoints import Point as P
from animato.pose.keypoints import PoseSequence
from animato.pose.surface.parts import rendered
from animato.systems import preview, preview_magic, preview_uni
from animato.systems.copying import standing
from animato.systems.preview import SIZE, Preview, limbs
from animato.systems.scene import Scene

Model = Preview | MagicPreview | UniPreview
MODELS: dict[str, tuple[Callable[[Path], Model], Path]] = {
    "animate-anyone": (preview.preview, preview.FOLDER),
    "magic-animate": (preview_magic.preview, preview_magic.FOLDER),
    "uni-animate": (preview_uni.preview, preview_uni.FOLDERS["attention"]),
    "uni-animate-mamba": (preview_uni.preview, preview_uni.FOLDERS["mamba"]),
}
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


def frames_of(model: Model, frames: np.ndarray, poses: PoseSequence) -> tuple[np.ndarray, np.ndarray]:
    """Result and fetched pixels for all frames but the first: F H W 3 uint8 each."""
    where, poses = standing(poses, whole_box(SIZE, SIZE), SIZE), replace(poses, mask=None)  # as of an aligned motion
    given, told = poses.frames(slice(0, 1)), poses.frames(slice(1, None))
    codec, copier = FrameCodec(model.system.vae), model.copier(frames[0], given, where)
    if isinstance(model, MagicPreview):
        body = list(rendered(told, SIZE))
        copied, _ = copier.copy(parts(body))
        latents = model.denoise(frames[0], body, copied)
    elif isinstance(model, UniPreview):
        copied, _ = copier.copy(limbs(told))
        latents = model.denoise(frames[0], given, told, copied)
    else:
        copied, _ = copier.copy(limbs(told))
        latents = model.denoise(frames[0], told, copied)
    result, fetched = ((codec.decode(x).permute(0, 2, 3, 1).numpy() * 255).round().astype(np.uint8) for x in (latents, copied.base[0]))
    return result, fetched


def warped(reference: np.ndarray, mask: np.ndarray, given: np.ndarray, told: np.ndarray) -> np.ndarray:
    """The reference's trunk (affine) and limbs (one similarity each) laid over its inpainted background; points K 2 in pixels."""
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]] + 0.5
    place = np.stack([x, y], -1)
    hole = (cv2.dilate(mask, np.ones((3, 3), np.uint8)) > 10).astype(np.uint8)
    out = cv2.inpaint(reference, hole, 3, cv2.INPAINT_TELEA).astype(np.float32)
    corners = np.c_[told[CORNERS], np.ones(4)]
    affine = np.linalg.lstsq(corners, given[CORNERS], rcond=None)[0]
    sources = [(np.c_[place.reshape(-1, 2), np.ones(place[..., 0].size)] @ affine).reshape(place.shape)]
    sources += [_limb(place, told[[a, b]], given[[a, b]]) for a, b in BONES]
    hull = cv2.convexHull(given[CORNERS].astype(np.float32))
    inside = [max(-cv2.pointPolygonTest(hull, (float(a), float(b)), True), 0) + 1 for a, b in place.reshape(-1, 2)]
    apart = [np.reshape(inside, place.shape[:2])] + [_distance(place, given[[a, b]]) * (0.6 if a == P.NECK else 1) for a, b in BONES]
    owner = np.argmin(apart, axis=0)
    for part in ORDER:
        source = sources[part].astype(np.float32) - 0.5
        colour = cv2.remap(reference, source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        share = cv2.remap((mask * (owner == part)).astype(np.float32) / 255, source, None, cv2.INTER_LINEAR, borderValue=0)[..., None]
        out = out * (1 - share) + share * colour
    return out.clip(0, 255).astype(np.uint8)


def _limb(place: np.ndarray, told: np.ndarray, given: np.ndarray) -> np.ndarray:
    (start, bone, side), (other, its_bone, its_side) = ((p[0], p[1] - p[0], _across(p[1] - p[0])) for p in (told, given))
    along, across = (place - start) @ bone / max(bone @ bone, 1e-3), (place - start) @ side
    return other + along[..., None] * its_bone + across[..., None] * its_side


def _across(bone: np.ndarray) -> np.ndarray:
    return np.array([-bone[1], bone[0]]) / max(np.hypot(*bone), 1e-3)


def _distance(place: np.ndarray, limb: np.ndarray) -> np.ndarray:
    bone = limb[1] - limb[0]
    along = np.clip((place - limb[0]) @ bone / max(bone @ bone, 1e-3), 0, 1)
    return np.linalg.norm(place - limb[0] - along[..., None] * bone, axis=-1)


def accuracy(frames: np.ndarray, poses: PoseSequence) -> float:
    """PCK@.1 of enlarged frames."""
    seen = Accuracy(poses.scaled(LARGE), len(frames))
    for index, frame in enumerate(frames):
        seen.see(index, cv2.resize(frame, LARGE, interpolation=cv2.INTER_CUBIC))
    return seen.value


def low(picture: np.ndarray) -> np.ndarray:  # H W (3)
    return cv2.resize(picture, LOW, interpolation=cv2.INTER_AREA)


def larger(model: Model, seed: int, motion: str) -> tuple[float, float]:
    """PSNR in a picture of twice the side, with detail carried along and without."""
    frames, poses = clip(seed, motion, LENGTH, LARGER, FPS)
    with_detail = model.animate(Scene(frames[0], poses.frames(slice(0, 1)), poses))
    pairs = [(made, frames[k]) for k, made in enumerate(with_detail) if k in ASKED]
    soft = [
        (cv2.resize(cv2.resize(made, SIZE, interpolation=cv2.INTER_AREA), LARGER, interpolation=cv2.INTER_CUBIC), true)
        for made, true in pairs
    ]
    return float(np.mean([psnr(*pair) for pair in pairs])), float(np.mean([psnr(*pair) for pair in soft]))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("name", nargs="?", default="animate-anyone", choices=MODELS)
    options.add_argument("--folder", type=Path, help="other networks of this kind, as a training run leaves them")
    options.add_argument("--pck", action="store_true")
    given = options.parse_args()
    opened, own = MODELS[given.name]
    model, names = opened(given.folder or own), sorted(MOTIONS)
    table: dict[str, list[tuple[float, ...]]] = {name: [] for name in ("model", "fetched", "copy", "warp")}
    changes, right, most, twice = [], [], [], []
    for seed in range(PEOPLE):
        frames, poses = clip(seed, names[seed % len(names)], LENGTH, SIZE, FPS)
        points, masks = poses.points[:, 0, :, :2], poses.mask
        assert masks is not None
        result, fetched = frames_of(model, frames, poses)
        changes.append(change_error(result, frames[1:]))
        for k in ASKED:
            shown = {"model": result[k - 1], "fetched": fetched[k - 1], "copy": frames[0]}
            shown["warp"] = warped(frames[0], masks[0], points[0], points[k])
            for name, picture in shown.items():
                fine, coarse = (picture, frames[k], masks[k]), (low(picture), low(frames[k]), low(masks[k]))
                table[name].append(tuple(value for a, b, m in (fine, coarse) for value in (psnr(a, b), psnr(a, b, m), ssim(a, b))))
        if given.pck:
            asked = [k - 1 for k in ASKED]
            told = PoseSequence(poses.points[list(ASKED)], poses.score[list(ASKED)], poses.size, FPS)
            right.append(accuracy(result[asked], told))
            most.append(accuracy(frames[list(ASKED)], told))
        if seed < LARGE_PEOPLE:
            twice.append(larger(model, seed, names[seed % len(names)]))
    for name, rows in table.items():
        values = np.mean(rows, axis=0)
        for size, (whole, person, structure) in zip((SIZE, LOW), values.reshape(2, 3), strict=True):
            print(f"{name:8} {size[0]:4} px: PSNR {whole:.2f} dB, person {person:.2f} dB, SSIM {structure:.3f}")
    print(f"error of changes from frame to frame {np.mean(changes):.2f} of 255")
    print("{} px: PSNR {:.2f} dB with detail carried along, {:.2f} dB without".format(LARGER[0], *np.mean(twice, axis=0)))
    if right:
        print(f"PCK@.1 {np.nanmean(right):.3f}; of the true frames {np.nanmean(most):.3f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
