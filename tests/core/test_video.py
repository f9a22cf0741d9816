"""Videos of every kind that users have: which frames come, how they are turned and timed, and what is said about those that are none."""

import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

import videos
from animato.core.errors import InputError
from animato.core.media import open_clip

FRAMES = [videos.frame(index) for index in range(40)]


def numbers(path: Path) -> list[int]:
    return [videos.number(pixels) for pixels in open_clip(path)]


@pytest.mark.parametrize(
    "name, codec",
    [
        ("a.mp4", "libx264"),
        ("a.mov", "libx264"),
        ("a.mkv", "libx264"),
        ("a.ts", "libx264"),
        ("a.flv", "libx264"),
        ("a.h264", "libx264"),
        ("a.webm", "libvpx"),
        ("a.webm", "libvpx-vp9"),
        ("a.avi", "mpeg4"),
        ("a.wmv", "wmv2"),
        ("a.mkv", "ffv1"),
        ("a.avi", "mjpeg"),
        ("a.gif", "gif"),
        ("a.apng", "apng"),
    ],
)
def test_every_frame_of_every_kind_comes_once_and_in_order(tmp_path, name, codec):
    if codec == "gif":
        images = [Image.fromarray(pixels) for pixels in FRAMES]
        images[0].save(tmp_path / name, save_all=True, append_images=images[1:], duration=40)
    else:
        videos.write_video(tmp_path / name, FRAMES, codec=codec)
    clip = open_clip(tmp_path / name)
    assert (clip.size, clip.fps, clip.length, clip.sound) == (videos.SIZE, 25, 40, None)
    assert [videos.number(pixels) for pixels in clip] == list(range(40))
    assert [videos.number(pixels) for pixels in clip] == list(range(40))  # any number of times
    assert all(pixels.dtype == np.uint8 and pixels.flags.writeable and pixels.shape == (*videos.SIZE[::-1], 3) for pixels in clip)


@pytest.mark.parametrize("fps", [Fraction(24000, 1001), 24, Fraction(30000, 1001), 50, 60, Fraction(25, 2)])
@pytest.mark.parametrize("ending", ["mp4", "mkv"])  # mkv rounds its times to 1 ms
def test_the_rate_is_kept_exactly(tmp_path, fps, ending):
    clip = open_clip(videos.write_video(tmp_path / f"a.{ending}", FRAMES, fps=fps))
    assert clip.fps == fps
    assert [videos.number(pixels) for pixels in clip] == list(range(40))


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_variable_rate_becomes_constant_and_every_frame_shows_what_is_on_screen(tmp_path, ending):
    steps = np.random.default_rng(3).integers(15, 90, 39)
    times = np.concatenate([[0], np.cumsum(steps)])
    clip = open_clip(videos.write_video(tmp_path / f"a.{ending}", FRAMES, times_ms=times.tolist()))
    assert clip.length == 40
    assert float(clip.fps) == pytest.approx(39 / times[-1] * 1000, rel=1e-3)
    due = np.arange(40) / float(clip.fps) * 1000  # ms
    shown = np.array([videos.number(pixels) for pixels in clip])
    comes, goes = times[shown], np.append(times, 1e9)[shown + 1]
    assert (comes <= due + 1.5).all() and (due - 1.5 < goes).all()  # 1.5 ms: the clock's tick and the rounding of the rate


def test_dropped_frames_of_a_constant_rate_are_filled_by_the_ones_before(tmp_path):
    kept = [index for index in range(40) if index not in (7, 20, 21)]
    path = videos.write_video(tmp_path / "a.mkv", [FRAMES[index] for index in kept], times_ms=[index * 40 for index in kept])
    clip = open_clip(path)
    assert (clip.fps, clip.length) == (25, 40)
    expected = [max(k for k in kept if k <= index) for index in range(40)]
    assert [videos.number(pixels) for pixels in clip] == expected


def test_frames_that_are_shown_twice_are_not_the_same_array(tmp_path):
    clip = open_clip(videos.write_video(tmp_path / "a.mkv", FRAMES[:12], times_ms=[*range(0, 440, 40), 480]))
    frames = list(clip)
    assert len({id(pixels) for pixels in frames}) == len(frames) == 13


@pytest.mark.parametrize("degrees, mirrored", [(90, False), (-90, False), (180, False), (0, True), (90, True)])
def test_rotation_metadata_is_applied(tmp_path, degrees, mirrored):
    path = videos.write_video(tmp_path / "a.mp4", [FRAMES[37]] * 3, rotation=(degrees, mirrored))
    upright = np.rot90(FRAMES[37], degrees // 90)
    upright = upright[:, ::-1] if mirrored else upright
    clip = open_clip(path)
    assert clip.size == upright.shape[1::-1]
    assert np.abs(next(iter(clip)).astype(int) - upright).mean() < 5


def test_pixels_that_are_not_square_are_made_so(tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 48, 64, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        for index in range(5):
            picture = av.VideoFrame.from_ndarray(FRAMES[index], format="rgb24")
            picture.pts = index
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    clip = open_clip(path)
    assert clip.size == (64, 64)
    assert [videos.number(pixels) for pixels in clip] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("size", [(51, 33), (64, 49)])
def test_odd_sizes(tmp_path, size):
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 4), np.uint8)
    pixels[..., 3] = 255
    clip = open_clip(videos.write_video(tmp_path / "a.mkv", [pixels] * 3, codec="ffv1"))
    assert clip.size == size
    assert np.array_equal(next(iter(clip)), pixels[..., :3])


def test_transparent_video_shows_the_background(tmp_path):
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[:, 16:] = (10, 20, 30, 255)
    clip = open_clip(videos.write_video(tmp_path / "a.mkv", [pixels] * 2, codec="ffv1"), background=(255, 0, 128))
    first = next(iter(clip))
    assert (first[:, :16] == (255, 0, 128)).all() and (first[:, 16:] == (10, 20, 30)).all()


def test_a_video_of_one_frame_opens(tmp_path):
    clip = open_clip(videos.write_video(tmp_path / "a.mp4", FRAMES[5:6]))
    assert clip.length == 1 and [videos.number(pixels) for pixels in clip] == [5]


def test_sound_is_found(tmp_path):
    path = videos.write_video(tmp_path / "a.mp4", FRAMES, sound=("aac", videos.tone(1.6)))
    assert open_clip(path).sound == path


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.ts"])
def test_of_a_truncated_video_comes_what_is_there_and_a_note(tmp_path, name):
    noise = np.random.default_rng(1).integers(0, 60, (40, *videos.SIZE[::-1], 3), np.uint8)
    whole = videos.write_video(
        tmp_path / name, [a // 2 + b for a, b in zip(FRAMES, noise, strict=True)], options={"movflags": "+faststart"}
    )
    data = whole.read_bytes()
    cut = tmp_path / f"cut_{name}"
    cut.write_bytes(data[: len(data) * 6 // 10])
    clip = open_clip(cut)
    frames = list(clip)
    assert clip.length == len(frames) and 10 < len(frames) < 35
    if name in ("a.mp4", "a.mkv"):  # the others promise nothing that could be missed
        assert re.search(r"ends early: 0\.\d s of the 1\.6 s", clip.notes[0])


def test_a_video_cut_after_its_first_frame_is_refused(tmp_path):
    path = videos.write_video(tmp_path / "a.mp4", FRAMES, options={"movflags": "+faststart"})
    with av.open(str(path)) as container:
        second = [packet.pos for packet in container.demux()][1]
    (tmp_path / "cut.mp4").write_bytes(path.read_bytes()[: second + 10])
    with pytest.raises(InputError, match="cut.mp4 .*damaged or truncated"):
        open_clip(tmp_path / "cut.mp4")


def test_damage_in_the_middle_holds_the_frames_before(tmp_path):
    path = videos.write_video(
        tmp_path / "a.mkv", [np.dstack([pixels, np.full_like(pixels[..., :1], 255)]) for pixels in FRAMES], codec="ffv1"
    )
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 60] = bytes(60)
    path.write_bytes(data)
    clip = open_clip(path)
    found = [videos.number(pixels) for pixels in clip]
    assert len(found) == clip.length and found[:10] == list(range(10)) and found[-5:] == list(range(35, 40))


def test_what_cannot_be_read_is_said_in_one_sentence(tmp_path):
    mp4 = videos.write_video(tmp_path / "good.mp4", FRAMES, sound=("aac", videos.tone(1.6))).read_bytes()
    Image.fromarray(FRAMES[3]).save(tmp_path / "good.png")
    Image.fromarray(FRAMES[3]).save(tmp_path / "good.gif")
    tiny = videos.write_video(tmp_path / "small.mkv", [np.zeros((8, 64, 4), np.uint8)] * 2, codec="ffv1").read_bytes()
    cases = {
        "missing.mp4": (None, "There is no file"),
        "empty.mp4": (b"", "is empty (0 bytes)"),
        "no_index.mp4": (mp4[: len(mp4) // 2], "is not a video that can be read"),
        "text.mp4": (b"just words, and more words\n" * 50, "is not a video that can be read"),
        "text.txt": (b"just words, and more words\n" * 50, "is not a video"),
        "zeros.avi": (bytes(5000), "is not a video that can be read"),
        "picture.png": ((tmp_path / "good.png").read_bytes(), "is a picture, where a video is due"),
        "picture.mp4": ((tmp_path / "good.png").read_bytes(), "is a picture, where a video is due"),
        "still.gif": ((tmp_path / "good.gif").read_bytes(), "is a picture, where a video is due"),
        "tiny.mkv": (tiny, "64x8 pixels: at least 16"),
    }
    for name, (content, message) in cases.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=re.escape(message)) as caught:
            open_clip(tmp_path / name)
        assert name in str(caught.value) and "\n" not in str(caught.value)


def test_music_with_a_cover_is_no_video(tmp_path):
    with av.open(str(tmp_path / "a.mp3"), "w") as container:
        audio = container.add_stream("libmp3lame", rate=44100, layout="stereo")
        samples = av.AudioFrame.from_ndarray(videos.tone(0.5), format="fltp", layout="stereo")
        samples.sample_rate = 44100
        resampler = av.AudioResampler(format=audio.codec_context.format, layout="stereo", rate=44100, frame_size=1152)
        for piece in (*resampler.resample(samples), *resampler.resample(None)):
            container.mux(audio.encode(piece))
        container.mux(audio.encode(None))
    with pytest.raises(InputError, match="holds only sound"):
        open_clip(tmp_path / "a.mp3")


def test_untagged_colours_follow_the_size_as_in_players(tmp_path):
    """Pure red in BT.601 and in BT.709 has different luma; a file without tags must be decoded as the one that its size suggests."""

    def red_as(path: Path, height: int, matrix: int) -> np.ndarray:
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=25, options={"crf": "1"})
            stream.width, stream.height, stream.pix_fmt = 32, height, "yuv420p"
            picture = av.VideoFrame.from_ndarray(np.full((height, 32, 3), (200, 20, 20), np.uint8), format="rgb24")
            picture = picture.reformat(format="yuv420p", dst_colorspace=matrix)
            picture.colorspace = 2
            picture.pts = 0
            container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
        return next(iter(open_clip(path))).reshape(-1, 3).mean(axis=0)

    bt709, bt601 = 1, 5
    assert np.abs(red_as(tmp_path / "small.mp4", 480, bt601) - (200, 20, 20)).max() < 4
    assert np.abs(red_as(tmp_path / "large.mp4", 720, bt709) - (200, 20, 20)).max() < 4


def test_titles_in_any_encoding_do_no_harm(tmp_path):
    path = videos.write_video(tmp_path / "a.mp4", FRAMES[:3])
    data = path.read_bytes()
    assert b"Lavf" in data  # the name of the program that wrote the file
    path.write_bytes(data.replace(b"Lavf", b"\xe4\xff\xfe\xfc"))
    assert [videos.number(pixels) for pixels in open_clip(path)] == [0, 1, 2]


def test_a_pyav_that_knows_no_metadata_errors_reads_videos(tmp_path, monkeypatch):
    """PyAV 19 has dropped the argument."""
    path = videos.write_video(tmp_path / "a.mp4", FRAMES[:3], sound=("aac", videos.tone(0.1)))

    def later_open(file, mode=None, format=None, options=None, container_options=None, of_18=av.open):
        return of_18(file, mode, format, options, container_options)

    monkeypatch.setattr(av, "open", later_open)
    clip = open_clip(path)
    assert [videos.number(pixels) for pixels in clip] == [0, 1, 2] and clip.sound == path
