"""The preview video: its panels, their sizes, and that nothing is made before it is asked for."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from animato.core.media import Clip
from animato.pose.alignment.align import align
from animato.pose.alignment.preview import GAP, LABEL, overlaid, preview
from animato.pose.draw import draw_overlay
from dancers import dancer

HEIGHT = 120
PICTURE = np.full((400, 300, 3), (10, 200, 90), np.uint8)  # in the shape of the dancers' pictures, at half their size


def driving(count: int, asked: list[int]) -> Clip:
    def frames():
        for index in range(count):
            asked.append(index)
            yield np.full((360, 640, 3), 40 * index + 40, np.uint8)

    return Clip(frames, (640, 360), Fraction(30), count, sound=None)


def panels(frame: np.ndarray, widths: list[int]) -> list[np.ndarray]:
    starts = np.cumsum([0, *(width + GAP for width in widths[:-1])])
    return [frame[LABEL:, start : start + width] for start, width in zip(starts, widths, strict=True)]


def test_panels_show_what_their_titles_say() -> None:
    reference, motion = dancer(3, 1), replace(dancer(2, 3), size=(640, 360))
    aligned, asked = align(reference, motion), []
    clip = preview(PICTURE, reference, driving(3, asked), motion, aligned, HEIGHT)
    widths = [90, 90, 213, 213, 90]
    assert clip.size == (sum(widths) + 4 * GAP, HEIGHT + LABEL)
    assert (clip.length, clip.fps) == (3, 30)
    assert asked == []
    frames = list(clip)
    assert {frame.shape for frame in frames} == {(clip.size[1], clip.size[0], 3)}
    for index, frame in enumerate(frames):
        picture, pose, video, driven, target = panels(frame, widths)
        assert (picture == PICTURE[0, 0]).all()
        assert (video == 40 * index + 40).all()
        dim, dark = (np.full_like(panel, panel[0, 0] * 0.35) for panel in (picture, video))
        np.testing.assert_array_equal(pose, draw_overlay(dim, reference))
        np.testing.assert_array_equal(driven, draw_overlay(dark, motion, index))
        np.testing.assert_array_equal(target, draw_overlay(dim, aligned.pose, index))


def test_every_panel_has_a_title() -> None:
    reference, motion = dancer(3, 1), dancer(2, 2)
    frame = next(iter(preview(PICTURE, reference, None, motion, align(reference, motion), HEIGHT)))
    head = frame[:LABEL]
    for start in range(0, 5 * (90 + GAP), 90 + GAP):
        title = head[:, start : start + 90]
        assert title.max() > 200 > np.median(title)


def test_a_motion_without_video_has_black_frames_and_its_own_rate() -> None:
    reference, motion = dancer(3, 1), dancer(2, 4)
    clip = preview(PICTURE, reference, None, motion, align(reference, motion), HEIGHT)
    assert (clip.fps, clip.length, clip.sound) == (25, 4, None)
    frames = list(clip)
    assert len(frames) == 4
    assert not panels(frames[0], [90] * 5)[2].any()


def test_frames_are_made_one_by_one() -> None:
    reference, motion, asked = dancer(3, 1), dancer(2, 3), []
    frames = iter(preview(PICTURE, reference, driving(3, asked), motion, align(reference, motion), HEIGHT))
    next(frames)
    assert asked == [0]


@pytest.mark.parametrize("width", [301, 302, 303, 304])
def test_the_width_is_even(width: int) -> None:
    reference, motion = replace(dancer(3, 1), size=(width, 400)), dancer(2, 2)
    clip = preview(PICTURE, reference, None, motion, align(reference, motion), 200)
    assert clip.size[0] % 2 == 0
    assert next(iter(clip)).shape[1] == clip.size[0]


def test_overlaid_is_the_clip_with_its_poses() -> None:
    motion, asked = replace(dancer(2, 5), size=(640, 360)), []
    clip = overlaid(driving(3, asked), motion)
    assert (clip.length, clip.size, asked) == (3, (640, 360), [])
    for index, (shown, plain) in enumerate(zip(clip, driving(3, []), strict=True)):
        np.testing.assert_array_equal(shown, draw_overlay(plain, motion, index))
