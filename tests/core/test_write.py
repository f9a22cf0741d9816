"""Writing clips: what comes back, what players find in the file, and that nothing half done ever takes the place of anything."""

import errno
import os
import resource
import signal
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

import videos
from animato.core.encode import Gif, Mp4, Pictures, Webp
from animato.core.errors import InputError, Interrupted, OutputError
from animato.core.media import Clip, check_output, open_clip, write_clip
from animato.core.output import explained

FRAMES = np.array([videos.frame(index) for index in range(30)])
CLIP = Clip.of(FRAMES, 25)
NAMES = ["a.mp4", "a.gif", "a.webp", "a"]


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("fps", [25, 24, Fraction(30000, 1001), 60, 12.5])
@pytest.mark.parametrize("name", NAMES)
def test_all_frames_come_back_in_order_at_their_rate(tmp_path, name, fps):
    path = write_clip(Clip.of(FRAMES, fps), tmp_path / name)
    back = open_clip(path, fps=fps)
    assert path == tmp_path / name and names(tmp_path) == [name]
    assert back.size == videos.SIZE
    if name == "a.gif" and fps == 60:
        assert float(back.fps) == pytest.approx(30, rel=0.02)  # 60 is too fast for GIF players
        assert [videos.number(pixels) for pixels in back] == list(range(0, 30, 2))
    else:
        assert float(back.fps) == pytest.approx(float(fps), rel=0.02 if name == "a.gif" else 2e-3)
        assert [videos.number(pixels) for pixels in back] == list(range(30))


def test_mp4_is_what_browsers_play(tmp_path):
    path = write_clip(CLIP, tmp_path / "a.mp4")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert (context.color_primaries, context.color_trc, context.colorspace, context.color_range) == (1, 1, 1, 1)
        assert float(stream.duration * stream.time_base) == pytest.approx(30 / 25)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # it starts to play before it is there as a whole


def test_colours_survive(tmp_path):
    colours = np.random.default_rng(0).integers(0, 256, (4, 6, 3))
    scene = np.kron(colours, np.ones((16, 16, 1))).astype(np.uint8)
    for name in ("a.mp4", "a.webp"):
        back = np.array(list(open_clip(write_clip(Clip.still(scene, 5, 25), tmp_path / name))))
        assert np.abs(back[:, 8::16, 8::16].astype(int) - colours).max() <= 6
    assert np.array_equal(next(iter(open_clip(write_clip(Clip.still(scene, 2, 25), tmp_path / "a")))), scene)


@pytest.mark.parametrize("size", [(63, 48), (64, 47), (63, 47)])
def test_odd_sizes_gain_a_row_or_column(tmp_path, size):
    scene = np.tile(np.linspace(0, 255, size[0], dtype=np.uint8)[None, :, None], (size[1], 1, 3))
    clip = open_clip(write_clip(Clip.still(scene, 2, 25), tmp_path / "a.mp4"))
    assert clip.size == (size[0] + size[0] % 2, size[1] + size[1] % 2)
    back = next(iter(clip))
    assert np.abs(back[: size[1], : size[0]].astype(int) - scene).max() <= 8
    for name in ("a.gif", "a.webp"):
        assert open_clip(write_clip(Clip.of([scene, scene[:, ::-1]], 25), tmp_path / name)).size == size


def test_endless_animations(tmp_path):
    for name in ("a.gif", "a.webp"):
        with Image.open(write_clip(CLIP, tmp_path / name)) as image:
            assert image.info["loop"] == 0 and image.n_frames == 30


def test_progress_is_told(tmp_path):
    reports = []
    write_clip(CLIP.take(3), tmp_path / "a.mp4", lambda *step: reports.append(step))
    assert reports == [("write", 1, 3), ("write", 2, 3), ("write", 3, 3)]


@pytest.mark.parametrize("name", NAMES)
def test_a_better_result_replaces_the_old_one(tmp_path, name):
    write_clip(CLIP, tmp_path / name)
    write_clip(CLIP.take(7), tmp_path / name)
    assert open_clip(tmp_path / name).length == 7
    assert names(tmp_path) == [name]


def failing(error: BaseException, at: int) -> Clip:
    def frames():
        yield from FRAMES[:at]
        raise error

    return Clip(frames, videos.SIZE, Fraction(25), 30)


@pytest.mark.parametrize("error", [InputError("a reason"), KeyboardInterrupt(), MemoryError()])
@pytest.mark.parametrize("name", NAMES)
def test_on_failure_the_old_file_stays_and_nothing_else(tmp_path, name, error):
    write_clip(CLIP, tmp_path / name)
    with pytest.raises(type(error)):
        write_clip(failing(error, 20), tmp_path / name)
    assert names(tmp_path) == [name]
    assert [videos.number(pixels) for pixels in open_clip(tmp_path / name)] == list(range(30))


@pytest.mark.parametrize("name", NAMES)
def test_on_ctrl_c_the_finished_frames_can_be_kept(tmp_path, name):
    write_clip(CLIP, tmp_path / name)
    partial = name.replace("a", "a.partial", 1)
    with pytest.raises(Interrupted, match=rf"20 frames .*/{partial}\.$") as caught:
        write_clip(failing(KeyboardInterrupt(), 20), tmp_path / name, keep_partial=True)
    assert caught.value.exit_code == 130
    assert names(tmp_path) == sorted([name, partial])
    assert [videos.number(pixels) for pixels in open_clip(tmp_path / partial)] == list(range(20))
    assert open_clip(tmp_path / name).length == 30


@pytest.mark.parametrize("name", NAMES)
def test_what_somebody_called_partial_stays(tmp_path, name):
    partial = tmp_path / name.replace("a", "a.partial", 1)
    partial.write_text("dear")
    for number in (2, 3):
        with pytest.raises(Interrupted, match=r"Stopped: the 5 frames that were finished are in .*") as caught:
            write_clip(failing(KeyboardInterrupt(), 5), tmp_path / name, keep_partial=True)
        other = partial.with_name(f"{partial.name.removesuffix(partial.suffix if '.' in name else '')}-{number}{name[1:]}")
        assert str(caught.value).endswith(f"are in {other} ({partial.name} was there already).") and open_clip(other).length == 5
    assert partial.read_text() == "dear" and len(names(tmp_path)) == 3


@pytest.mark.parametrize("name", NAMES)
def test_one_frame_can_be_kept(tmp_path, name):
    with pytest.raises(Interrupted, match="the 1 frame that was finished is in"):
        write_clip(failing(KeyboardInterrupt(), 1), tmp_path / name, keep_partial=True)
    assert len(names(tmp_path)) == 1


def test_what_is_kept_of_a_long_name_gets_a_shorter_one(tmp_path):
    with pytest.raises(Interrupted, match=r"ääää\.partial\.mp4"):
        write_clip(failing(KeyboardInterrupt(), 5), tmp_path / ("ä" * 125 + ".mp4"), keep_partial=True)
    assert len(names(tmp_path)) == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("moment", "time"), [("add", 7), ("finish", 1)])
def test_ctrl_c_at_any_moment_of_encoding_counts_what_is_there(tmp_path, monkeypatch, name, moment, time):
    """It comes when a step of the encoder is just done."""
    kind = {"a": Pictures, "a.mp4": Mp4, "a.gif": Gif, "a.webp": Webp}[name]
    real = getattr(kind, moment)
    calls = []

    def interrupted(self, *frame):
        real(self, *frame)
        calls.append(moment)
        if len(calls) == time:
            raise KeyboardInterrupt

    monkeypatch.setattr(kind, moment, interrupted)
    with pytest.raises(Interrupted) as caught:
        write_clip(CLIP, tmp_path / name, keep_partial=True)
    (left,) = tmp_path.iterdir()
    length = 7 if moment == "add" else 30
    assert [videos.number(pixels) for pixels in open_clip(left)] == list(range(length))
    assert f"the {length} frames that were finished are" in str(caught.value)


def test_ctrl_c_from_outside_keeps_the_sound_cut_to_the_frames(tmp_path, request):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # tests that run in the background are deaf to it
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    source = videos.write_video(tmp_path / "source.mp4", list(FRAMES), sound=("aac", videos.tone(1.2)))

    def stop(stage, done, total):
        if done == 15:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted):
        write_clip(open_clip(source), tmp_path / "b.mp4", stop, keep_partial=True)
    assert open_clip(tmp_path / "b.partial.mp4").length == 15
    assert videos.read_sound(tmp_path / "b.partial.mp4")[1] == pytest.approx(15 / 25, abs=0.013)


def test_ctrl_c_when_the_sound_is_just_finished_keeps_it(tmp_path, monkeypatch):
    source = videos.write_video(tmp_path / "source.mkv", list(FRAMES), sound=("libopus", videos.tone(1.2)))
    real = Mp4.finish
    calls = []

    def interrupted(self):
        real(self)
        calls.append(self)
        if len(calls) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(Mp4, "finish", interrupted)
    with pytest.raises(Interrupted, match="the 30 frames"):
        write_clip(open_clip(source), tmp_path / "b.mp4", keep_partial=True)
    assert videos.read_sound(tmp_path / "b.partial.mp4")[1] == pytest.approx(30 / 25, abs=0.013)


def test_ctrl_c_before_the_first_frame_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write_clip(failing(KeyboardInterrupt(), 0), tmp_path / "a.mp4", keep_partial=True)
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", NAMES)
def test_no_space_is_said_and_the_old_file_stays(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 256, (12, 256, 256, 3), np.uint8)
    write_clip(CLIP, tmp_path / name)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, before[1]))  # as a full disk, a limit makes writing fail half way
    try:
        with pytest.raises(OutputError, match="cannot be written: it grew larger than"):
            write_clip(Clip.of(noise, 25), tmp_path / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert names(tmp_path) == [name]
    assert open_clip(tmp_path / name).length == 30


def test_a_full_disk_is_named(tmp_path):
    with pytest.raises(OutputError, match="no space is left"), explained(tmp_path / "a.mp4"):
        raise OSError(errno.ENOSPC, "as the system says it")


def test_an_empty_clip_is_not_written(tmp_path):
    with pytest.raises(InputError, match="clip is empty"):
        write_clip(CLIP.take(0), tmp_path / "a.mp4")
    assert names(tmp_path) == []


def test_frames_of_another_size_than_said_are_a_mistake(tmp_path):
    with pytest.raises(ValueError, match="frame 0 of a clip of 48x64"):
        write_clip(CLIP.map(lambda pixels: pixels[:-1]), tmp_path / "a.mp4")
    assert names(tmp_path) == []


def test_outputs_are_checked_before_any_work(tmp_path):
    (tmp_path / "file").write_text("a file")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    (tmp_path / "folder.mp4").mkdir()
    cases = {
        "a.xyz": "has the ending '.xyz', which cannot be written: use .mp4, .gif, .webp or a folder",
        "file": "is a file, but a name without ending means a folder",
        "file/a.mp4": "file is a file, not a folder",
        "full": "holds other files",
    }
    before = names(tmp_path)
    for name, message in cases.items():
        with pytest.raises(OutputError) as caught:
            check_output(tmp_path / name)
        assert message in str(caught.value)
    for good in ("a.mp4", "A.MP4", "new/folder/a.gif", "frames", "frames.d/", "folder.mp4"):
        check_output(str(tmp_path / good) if good != "frames.d/" else f"{tmp_path}/frames.d/")
    assert names(tmp_path) == before


def test_a_folder_that_cannot_be_written_is_found_beforehand():
    with pytest.raises(OutputError, match="a.mp4 cannot be written"):
        check_output("/proc/a.mp4")


def test_a_slash_at_the_end_means_a_folder(tmp_path):
    write_clip(CLIP.take(2), f"{tmp_path}/frames.mp4/")
    assert names(tmp_path / "frames.mp4") == ["000000.png", "000001.png"]


def test_names_that_look_like_something_else(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("concat:12.mp4", "file:a.gif", "-", "%d ä'\".webp", ".hidden.mp4"):
        assert open_clip(write_clip(CLIP.take(3), name)).length == 3
    assert len(names(tmp_path)) == 5


def test_names_that_the_system_refuses(tmp_path):
    with pytest.raises(OutputError, match="cannot be written: file name too long"):
        check_output(tmp_path / ("a" * 300 + ".mp4"))
    with pytest.raises(InputError, match="cannot be read: its name is too long"):
        open_clip(tmp_path / ("a" * 300 + ".mp4"))


def test_devices_and_pipes_are_neither_read_nor_written(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe is a device or pipe"):
        open_clip(tmp_path / "pipe")
    with pytest.raises(OutputError):
        check_output("/dev/null")


def test_missing_folders_are_made(tmp_path):
    assert open_clip(write_clip(CLIP.take(2), tmp_path / "new" / "folder" / "a.mp4")).length == 2
