"""The sound of a driving video in the result: which codec, from when to when, and the samples themselves."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import videos
from animato.core.errors import InputError
from animato.core.media import Clip, open_clip, write_clip

FRAMES = [videos.frame(index) for index in range(50)]  # 2 s
RATE = 44100


def lag(a: np.ndarray, b: np.ndarray) -> int:
    """By how many samples `a` must be moved back to be most like `b`; they must be very much alike then."""
    length = min(len(a), len(b)) - 200
    likeness = {step: np.corrcoef(a[100 + step : length + step], b[100:length])[0, 1] for step in range(-60, 61)}
    best = max(likeness, key=likeness.__getitem__)
    assert likeness[best] > 0.99
    return best


def payloads(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


@pytest.mark.parametrize("codec, name", [("aac", "a.mp4"), ("libmp3lame", "a.mp4"), ("aac", "a.ts"), ("aac", "a.mkv")])
def test_what_browsers_know_is_copied(tmp_path, codec, name):
    source = videos.write_video(tmp_path / name, FRAMES, sound=(codec, videos.tone(2)))
    result = write_clip(open_clip(source), tmp_path / "result.mp4")
    before, after = videos.read_sound(source), videos.read_sound(result)
    assert after[0] == before[0]
    assert after[1] == pytest.approx(2, abs=0.03)
    assert all(any(whole.endswith(piece) for whole in payloads(source)) for piece in payloads(result))  # not encoded anew
    assert abs(lag(videos.heard(result), videos.heard(source))) <= 50  # Matroska rounds times to 1 ms


@pytest.mark.parametrize("codec, name", [("pcm_s16le", "a.mkv"), ("libopus", "a.webm"), ("ac3", "a.mkv"), ("pcm_s16le", "a.avi")])
def test_everything_else_becomes_aac_and_is_cut_to_the_sample(tmp_path, codec, name):
    video_codec = {"a.webm": "libvpx", "a.avi": "mpeg4"}.get(name, "libx264")
    source = videos.write_video(tmp_path / name, FRAMES, codec=video_codec, sound=(codec, videos.tone(2)))
    result = write_clip(open_clip(source).take(30), tmp_path / "result.mp4")
    found, duration, _ = videos.read_sound(result)
    assert found == "aac" and duration == pytest.approx(30 / 25, abs=1e-3)
    assert abs(lag(videos.heard(result)[:55_000], videos.heard(source))) <= 2


def test_the_packet_that_primes_the_decoder_is_copied_too(tmp_path):
    raw = videos.write_video(tmp_path / "raw.mkv", FRAMES, sound=("pcm_s16le", videos.tone(2)))
    source = write_clip(open_clip(raw), tmp_path / "source.mp4")
    with av.open(str(source)) as container:
        assert next(container.demux(audio=0)).pts < 0
    result = write_clip(open_clip(source), tmp_path / "result.mp4")
    assert np.array_equal(videos.read_sound(result)[2][:, :80_000], videos.read_sound(source)[2][:, :80_000])


@pytest.mark.parametrize("frames", [1, 10, 33, 50])
@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"])
def test_sound_is_as_long_as_the_frames(tmp_path, codec, frames):
    source = videos.write_video(tmp_path / "a.mkv", FRAMES, sound=(codec, videos.tone(2)))
    result = write_clip(open_clip(source).take(frames), tmp_path / "result.mp4")
    assert videos.read_sound(result)[1] == pytest.approx(frames / 25, abs=0.013)  # half an AAC packet
    assert open_clip(result).length == frames


def test_sound_that_ends_before_the_frames_stays_short(tmp_path):
    for codec in ("aac", "pcm_s16le"):
        source = videos.write_video(tmp_path / "a.mkv", FRAMES, sound=(codec, videos.tone(0.8)))
        result = write_clip(open_clip(source), tmp_path / "result.mp4")
        assert videos.read_sound(result)[1] == pytest.approx(0.8, abs=0.05)
        assert open_clip(result).length == 50


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"])
@pytest.mark.parametrize("late_ms", [200, -200])
def test_sound_stays_in_time_with_the_picture(tmp_path, codec, late_ms):
    """A source whose sound begins after or before its first frame."""
    video_late = max(-late_ms, 0)
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = *videos.SIZE, "yuv420p"
        audio = container.add_stream(codec, rate=RATE, layout="stereo")
        for index, pixels in enumerate(FRAMES):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
            picture.pts, picture.time_base = index * 40 + video_late, Fraction(1, 1000)
            stream.codec_context.time_base = Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
        samples = np.ascontiguousarray(videos.tone(2))
        for at in range(0, samples.shape[1], 1024):
            piece = av.AudioFrame.from_ndarray(samples[:, at : at + 1024].copy(), format="fltp", layout="stereo")
            piece.sample_rate, piece.time_base = RATE, Fraction(1, RATE)
            piece.pts = at + round(max(late_ms, 0) * RATE / 1000)
            for packed in av.AudioResampler(format=audio.codec_context.format, layout="stereo", rate=RATE).resample(piece):
                container.mux(audio.encode(packed))
        container.mux(audio.encode(None))
    result = write_clip(open_clip(path), tmp_path / "result.mp4")
    moved = round(late_ms * 48)
    tone = videos.tone(2, 48000)[0]
    expected = np.concatenate([np.zeros(moved), tone]) if moved > 0 else tone[-moved:]
    assert abs(lag(videos.heard(result), expected)) <= 50  # Matroska rounds times to 1 ms


def test_clips_that_are_computed_from_another_keep_its_sound_until_told_otherwise(tmp_path):
    source = videos.write_video(tmp_path / "a.mp4", FRAMES, sound=("aac", videos.tone(2)))
    clip = open_clip(source).map(lambda pixels: pixels[::-1])
    assert write_clip(clip, tmp_path / "with.mp4") and open_clip(tmp_path / "with.mp4").sound
    assert write_clip(clip, tmp_path / "without.mp4", sound=False) and open_clip(tmp_path / "without.mp4").sound is None
    assert write_clip(clip, tmp_path / "a.gif")  # which has no sound


def test_damaged_sound_does_not_stop_the_frames(tmp_path):
    source = videos.write_video(tmp_path / "a.mkv", FRAMES, sound=("ac3", videos.tone(2)))
    data = bytearray(source.read_bytes())
    with av.open(str(source)) as container:
        positions = [packet.pos for packet in container.demux(audio=0) if packet.size]
    for position in positions[10:20]:
        data[position + 20 : position + 60] = bytes(40)
    source.write_bytes(data)
    result = write_clip(open_clip(source), tmp_path / "result.mp4")
    assert open_clip(result).length == 50
    assert videos.read_sound(result)[1] > 1


def test_a_file_without_sound_is_said_before_any_frame_is_drawn(tmp_path):
    silent = videos.write_video(tmp_path / "a.mp4", FRAMES)
    drawn = []
    clip = Clip(lambda: iter(drawn.append(1) or FRAMES), videos.SIZE, Fraction(25), 50, silent)
    with pytest.raises(InputError, match="a.mp4 holds no sound that can be read"):
        write_clip(clip, tmp_path / "result.mp4")
    assert not drawn and not (tmp_path / "result.mp4").exists()
