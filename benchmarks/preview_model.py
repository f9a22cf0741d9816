"""How good Animate Anyone's preview model is on people and motions it has not seen: python benchmarks/preview_model.py [FOLDER] [--pck].

64 procedural people (seeds 0 to 63, none of them in training) in 64 x 64 pixels; the first frame is the reference, four others are made.
Beside the model: what its copy head fetched, the reference copied as it is, and a warp of its limbs by exact keypoints.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import torch

from animato.data.motions import MOTIONS
from animato.data.people import clip
from animato.encoders.codec import Codec
from animato.evaluation.accuracy import Accuracy
from animato.evaluation.frames import change_error, psnr, ssim
from animato.pose.keypoints import Point as P
from animato.pose.keypoints import PoseSequence
from animato.systems.preview import FOLDER, Preview, preview

PEOPLE, SIZE, LENGTH, FPS = 64, (64, 64), 12, 6.0
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


def frames_of(model: Preview, frames: np.ndarray, poses: PoseSequence) -> tuple[np.ndarray, np.ndarray]:
    """Result and fetched patches for all frames but the first: F H W 3 uint8 each."""
    given, told = poses.frames(slice(0, 1)), poses.frames(slice(1, None))
    codec = Codec(model.system.vae)
    with torch.no_grad():
        both = model.denoise(frames[0], given, told), model.fetch(frames[0], given, told).base[0]
    result, fetched = ((codec.decode(x).permute(0, 2, 3, 1).numpy() * 255).round().astype(np.uint8) for x in both)
    return result, fetched


def warped(reference: np.ndarray, mask: np.ndarray, given: np.ndarray, told: np.ndarray) -> np.ndarray:
    """The reference's trunk (affine) and limbs (one similarity each) laid over its inpainted background; points K 2 in pixels."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]] + 0.5
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


def main(words: list[str]) -> None:
    folders = [Path(word) for word in words if not word.startswith("--")]
    model, names = preview(folders[0] if folders else FOLDER), sorted(MOTIONS)
    table: dict[str, list[tuple[float, float, float]]] = {name: [] for name in ("model", "fetched", "copy", "warp")}
    changes, right, most = [], [], []
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
                table[name].append((psnr(picture, frames[k]), psnr(picture, frames[k], masks[k]), ssim(picture, frames[k])))
        if "--pck" in words:
            asked = [k - 1 for k in ASKED]
            told = PoseSequence(poses.points[list(ASKED)], poses.score[list(ASKED)], poses.size, FPS)
            right.append(accuracy(result[asked], told))
            most.append(accuracy(frames[list(ASKED)], told))
    for name, rows in table.items():
        whole, person, structure = np.mean(rows, axis=0)
        print(f"{name:8} PSNR {whole:.2f} dB, person {person:.2f} dB, SSIM {structure:.3f}")
    print(f"error of changes from frame to frame {np.mean(changes):.2f} of 255")
    if right:
        print(f"PCK@.1 {np.nanmean(right):.3f}; of the true frames {np.nanmean(most):.3f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1:])
