"""When frames are shown: clocks of phones that jitter, frames stored in another order, pictures held for long, rates that truly vary."""

import numpy as np
import pytest
from PIL import Image

import videos
from animato.core.media import open_clip, write_clip

COUNT = 60
FRAMES = [videos.frame(index) for index in range(COUNT)]
JITTER = {
    "each on its own": lambda size: np.random.default_rng(5).uniform(-size, size, COUNT),
    "early and late in turn": lambda size: size * np.resize([1, -1], COUNT),
    "slow waves": lambda size: size * np.sin(np.arange(COUNT) / 9),
    "late now and then": lambda size: size * (np.random.default_rng(6).random(COUNT) < 0.1),
    "later and later": lambda size: np.linspace(-size, size, COUNT),
}


def numbers(clip):
    return [videos.number(pixels) for pixels in clip]


@pytest.mark.parametrize("shape", JITTER)
@pytest.mark.parametrize("fps", [24, 30000 / 1001, 29.87, 60])
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_frames_of_a_clock_that_jitters_come_once_and_in_order(tmp_path, ending, fps, shape):
    for size in (0.003, 0.02, 0.2, 0.42):  # of a frame
        times = (np.arange(COUNT) + JITTER[shape](size) + 0.5) / fps
        clip = open_clip(videos.write_stamped(tmp_path / f"a.{ending}", FRAMES, times.tolist()))
        assert numbers(clip) == list(range(COUNT)), size
        assert clip.length == COUNT and float(clip.fps) == pytest.approx(fps, rel=0.02)


@pytest.mark.parametrize("size", [0.003, 0.1, 0.2])
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_a_camera_that_jitters_and_leaves_out_a_frame_holds_the_one_before(tmp_path, ending, size):
    kept = [index for index in range(COUNT) if index not in (20, 41)]
    times = (np.arange(COUNT) + JITTER["each on its own"](size) + 0.5) / 30
    path = videos.write_stamped(tmp_path / f"a.{ending}", [FRAMES[index] for index in kept], times[kept].tolist())
    assert numbers(open_clip(path)) == [index - (index in (20, 41)) for index in range(COUNT)]


@pytest.mark.parametrize("b_frames", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("fps", [25, 30, 60])
@pytest.mark.parametrize("ending", ["avi", "wmv", "mp4", "mkv", "ts", "flv", "h264"])
def test_frames_stored_in_another_order_are_shown_in_theirs(tmp_path, ending, fps, b_frames):
    clip = open_clip(videos.write_stamped(tmp_path / f"a.{ending}", FRAMES, (np.arange(COUNT) / fps).tolist(), b_frames))
    assert numbers(clip) == list(range(COUNT))
    assert not clip.notes
    if ending != "h264":  # which has no times
        assert float(clip.fps) == pytest.approx(fps, rel=1e-3)


@pytest.mark.parametrize("jitter", [0, 0.1])
@pytest.mark.parametrize("b_frames", [0, 2])
def test_a_video_that_begins_late_loses_nothing(tmp_path, b_frames, jitter):
    times = (np.arange(COUNT) + JITTER["each on its own"](jitter)) / 30 + 1.7
    clip = open_clip(videos.write_stamped(tmp_path / "a.mp4", FRAMES, times.tolist(), b_frames))
    assert numbers(clip) == list(range(COUNT)) and not clip.notes


def test_an_avi_of_reordered_frames_that_leaves_some_out_holds_the_ones_before(tmp_path):
    kept = [index for index in range(COUNT) if index not in (30, 31)]
    times = [index / 25 for index in kept]
    clip = open_clip(videos.write_stamped(tmp_path / "a.avi", [FRAMES[index] for index in kept], times, b_frames=2))
    shown = numbers(clip)
    assert sorted(set(shown)) == kept and shown == sorted(shown) and len(shown) == COUNT


@pytest.mark.parametrize("ending, seconds", [("mp4", 3), ("mp4", 0.8), ("mkv", 3), ("mkv", 40), ("mov", 12)])
@pytest.mark.parametrize("b_frames", [0, 2])
def test_a_last_frame_that_is_held_is_no_missing_end(tmp_path, ending, seconds, b_frames):
    path = videos.write_stamped(tmp_path / f"a.{ending}", FRAMES, [index / 25 for index in range(COUNT)], b_frames, held=seconds)
    clip = open_clip(path)
    assert not clip.notes
    assert numbers(clip) == list(range(COUNT))


@pytest.mark.parametrize("last", [300, 3000, 20_000])
def test_a_gif_whose_last_picture_is_held_is_whole(tmp_path, last):
    images = [Image.fromarray(pixels) for pixels in FRAMES[:20]]
    images[0].save(tmp_path / "a.gif", save_all=True, append_images=images[1:], duration=[50] * 19 + [last])
    clip = open_clip(tmp_path / "a.gif")
    assert (clip.notes, clip.fps, numbers(clip)) == ((), 20, list(range(20)))


def test_a_long_pause_and_a_doubled_rate_show_what_is_on_screen(tmp_path):
    for steps in ([40] * 30 + [3000] + [40] * 28, [40] * 30 + [20] * 29):
        times = np.concatenate([[0], np.cumsum(steps)])
        clip = open_clip(videos.write_stamped(tmp_path / "a.mp4", FRAMES, (times / 1000).tolist()))
        due = np.arange(COUNT) / float(clip.fps) * 1000
        shown = np.array(numbers(clip))
        assert (times[shown] <= due + 1.5).all() and (due - 1.5 < np.append(times, 1e9)[shown + 1]).all()


def test_eight_frames_in_ten_hours(tmp_path):
    times = [0, 5000, 10_001, 15_000, 20_000, 25_000, 30_003, 36_000]
    clip = open_clip(videos.write_stamped(tmp_path / "a.mkv", FRAMES[:8], times))
    assert numbers(clip) == list(range(8))
    assert numbers(open_clip(write_clip(clip, tmp_path / "result.mp4"))) == list(range(8))
