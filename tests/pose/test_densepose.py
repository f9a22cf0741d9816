"""DensePose pictures: their colours, and labels read back from a compressed video."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from animato.core.media import Clip, open_clip, write_clip
from animato.people.people import clip
from animato.pose.surface.densepose import PALETTE, coloured, decoded, densepose_clip, densepose_frames, is_densepose, nearest
from animato.pose.surface.parts import parts

SIZE = (320, 320)


def test_the_palette_is_viridis() -> None:
    shades = (np.arange(25) * 255 // 24).astype(np.uint8)[:, None]
    np.testing.assert_array_equal(PALETTE, cv2.applyColorMap(shades, cv2.COLORMAP_VIRIDIS)[:, 0, ::-1])
    np.testing.assert_array_equal(nearest(PALETTE), np.arange(25))


def test_frames_show_the_parts() -> None:
    _, poses = clip(1, "dance", 2, (96, 96), turn=0.0)
    frames = densepose_frames(poses, (64, 64))
    np.testing.assert_array_equal(frames, coloured(parts(poses, (64, 64))[0]))
    assert densepose_frames(poses.frames(slice(0, 0)), (64, 64)).shape == (0, 64, 64, 3)
    video = Clip.of(np.zeros((2, 48, 40, 3), np.uint8), 12)
    made = densepose_clip(poses, video)
    assert (made.size, made.fps, made.length) == ((40, 48), 12, 2)
    np.testing.assert_array_equal(list(made), densepose_frames(poses, (40, 48)))


def test_a_compressed_video_is_read_back(tmp_path: Path) -> None:
    _, poses = clip(4, "kick", 2, SIZE, turn=20.0)
    labels = parts(replace(poses, mask=None), SIZE)[0]
    write_clip(Clip.of(coloured(labels), 12), tmp_path / "parts.mp4")
    for frame, meant in zip(open_clip(tmp_path / "parts.mp4"), labels, strict=True):
        assert not np.array_equal(frame, coloured(meant))
        edges = cv2.morphologyEx(meant, cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8)) > 0
        assert (decoded(frame) == meant)[~edges].mean() > 0.999
        assert (decoded(frame) == meant)[edges].mean() > (nearest(frame) == meant)[edges].mean()


def test_densepose_videos_are_known_from_others(tmp_path: Path) -> None:
    frames, poses = clip(4, "kick", 2, (128, 128), turn=20.0)
    write_clip(Clip.of(densepose_frames(poses, (128, 128)), 12), tmp_path / "parts.mp4")
    assert all(is_densepose(frame) for frame in open_clip(tmp_path / "parts.mp4"))
    assert not any(is_densepose(frame) for frame in frames)
    assert not is_densepose(np.full((64, 64, 3), PALETTE[0]))
