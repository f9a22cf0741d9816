"""Which files FFmpeg is let near: those that hold their pictures and sound themselves, none that send it to other files or addresses."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

import videos
from animato.core.container import holds_video, open_container
from animato.core.errors import InputError
from animato.core.media import Clip, open_clip, write_clip
from animato.core.picture import read_picture

FRAMES = [videos.frame(index) for index in range(30)]
HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1.2,\n{}\n#EXT-X-ENDLIST\n"
DASH = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1.2S"
profiles="urn:mpeg:dash:profile:isoff-main:2011">
<Period><AdaptationSet contentType="video">
<Representation id="0" mimeType="video/mp4" codecs="avc1" bandwidth="1000" width="48" height="64"><BaseURL>{}</BaseURL></Representation>
</AdaptationSet></Period></MPD>
"""
SDP = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
PLAYLISTS = {
    "hls": HLS.format("secret.ts"),
    "hls of a path": HLS.format("{folder}/secret.ts"),
    "hls of an address": HLS.format("file:{folder}/secret.ts"),
    "hls of playlists": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{folder}/other.m3u8\n",
    "hls after a mark of order": "\ufeff" + HLS.format("secret.ts"),
    "ffconcat": "ffconcat version 1.0\nfile secret.mp4\n",
    "ffconcat of a path": "ffconcat version 1.0\noption safe 0\nfile '{folder}/secret.mp4'\n",
    "dash": DASH.format("secret.mp4"),
    "a broadcast": SDP,
    "text": "just words\n" * 100,
    "subtitles": "WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n",
}
ENDINGS = ("m3u8", "m3u", "hls", "mpd", "ffconcat", "sdp", "mp4", "mov", "avi", "ts", "mkv", "gif", "png", "jpg", "txt", "mp3", "")


@pytest.fixture
def folder(tmp_path):
    """A folder with a file that must not be read through another."""
    videos.write_video(tmp_path / "secret.mp4", FRAMES, sound=("aac", videos.tone(1)))
    videos.write_video(tmp_path / "secret.ts", FRAMES)
    (tmp_path / "other.m3u8").write_text(HLS.format("secret.ts"))
    return tmp_path


@pytest.mark.parametrize("kind", PLAYLISTS)
def test_no_list_of_other_files_is_followed_whatever_its_name(folder, kind):
    for ending in ENDINGS:
        path = folder / f"list.{ending}"
        path.write_text(PLAYLISTS[kind].replace("{folder}", str(folder)))
        with pytest.raises(InputError, match="is not a video that can be read") as caught:
            open_clip(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)
        assert not holds_video(path)
        with pytest.raises(InputError, match="is not a picture that can be read"):
            read_picture(path)


@pytest.mark.parametrize("kind", ["hls", "ffconcat", "dash", "a broadcast"])
def test_sound_is_not_fetched_through_a_list_either(folder, kind):
    path = folder / "list.m3u8"
    path.write_text(PLAYLISTS[kind].replace("{folder}", str(folder)))
    with pytest.raises(InputError, match="list.m3u8 is not a video that can be read"):
        write_clip(Clip(lambda: iter(FRAMES), videos.SIZE, Fraction(25), 30, path), folder / "result.mp4")
    assert not (folder / "result.mp4").exists()


@pytest.mark.parametrize("name", ["%03d.jpg", "%d.jpg", "00%d.bmp", "*.png", "0?0.jpg", "%03d.ppm", "%03d.jp2"])
def test_a_name_is_no_pattern_for_other_names(tmp_path, name):
    for index in range(5):
        for ending in ("jpg", "png", "bmp", "ppm"):
            Image.fromarray(FRAMES[index]).save(tmp_path / f"{index:03d}.{ending}")
    (tmp_path / name).write_text("no picture at all")
    with pytest.raises(InputError, match="is not a video that can be read"):
        open_clip(tmp_path / name)


def test_a_name_is_no_address_device_or_recipe(folder, monkeypatch):
    monkeypatch.chdir(folder)
    for name in (
        "concat:secret.mp4",
        "lavfi:testsrc",
        "file:secret.mp4",
        "subfile,,start,0,end,0,,:secret.mp4",
        "data:,x",
        "hls+file:other.m3u8",
    ):
        Path(name).write_text("no video at all")
        with pytest.raises(InputError, match="is not a video that can be read"):
            open_clip(name)
        Path(name).write_bytes(Path("secret.mp4").read_bytes())
        assert open_clip(name).length == 30
    for name in ("/dev/video0", "/dev/null", "http://127.0.0.1/a.mp4", "testsrc"):
        with pytest.raises(InputError, match="There is no file|is a device"):
            open_clip(name)


def test_the_pictures_of_a_film_lie_in_the_film(folder):
    """A QuickTime film may say that its pictures lie in another file."""
    film = folder / "film.mov"
    film.write_bytes(_elsewhere((folder / "secret.mp4").read_bytes(), "secret.mp4"))
    with av.open(str(film), container_options={"enable_drefs": "1"}) as container:  # what FFmpeg makes of it where that is allowed
        assert [videos.number(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)] == list(range(30))
    with pytest.raises(InputError, match=r"film\.mov .* damaged or truncated"):
        open_clip(film)


def _elsewhere(mp4: bytes, name: str) -> bytes:
    """An MP4 without its pictures, whose tracks are said to be in the file `name` beside it: a Macintosh alias record."""
    path = name.encode()
    record = bytes(14 + 1 + 27 + 12) + bytes([len(path)]) + path.ljust(63, b"\0") + bytes(16) + struct.pack(">hh", 1, 1) + bytes(16)
    record += struct.pack(">HH", 2, len(path)) + path + bytes(len(path) % 2) + struct.pack(">hH", -1, 0)
    entry = struct.pack(">I4s", 8 + len(record), b"alis") + record
    return _grown(mp4, [b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"], entry)


def _grown(data: bytes, names: list[bytes], entry: bytes) -> bytes:
    """The boxes of an MP4 with the only entry of each track's dref replaced; the pictures themselves left out."""
    result, at = b"", 0
    while at + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + size]
        if name == b"mdat":
            body = bytes(len(body))
        elif name == names[0]:
            body = body[:8] + entry if len(names) == 1 else _grown(body, names[1:], entry)
        result += struct.pack(">I4s", 8 + len(body), name) + body
        at += size
    return result


KINDS = [
    ("a.3gp", "libx264"),
    ("a.m4v", "libx264"),
    ("a.mpg", "mpeg2video"),
    ("a.m2v", "mpeg2video"),
    ("a.m2ts", "libx264"),
    ("a.ogv", "libvpx"),
    ("a.ivf", "libvpx"),
    ("a.y4m", "wrapped_avframe"),
    ("a.mxf", "mpeg2video"),
    ("a.nut", "libx264"),
    ("a.asf", "wmv2"),
    ("without_an_ending", "libx264"),
]


@pytest.mark.parametrize("name, codec", KINDS)
def test_rarer_kinds_of_video_stay_readable(tmp_path, name, codec):
    path = videos.write_video(tmp_path / (name if "." in name else "a.mp4"), FRAMES, codec=codec)
    path = path.rename(tmp_path / name)
    assert [videos.number(pixels) for pixels in open_clip(path)][-29:] == list(range(1, 30))


@pytest.mark.parametrize(
    "ending, codec", [("mp3", "libmp3lame"), ("wav", "pcm_s16le"), ("flac", "flac"), ("m4a", "aac"), ("ogg", "libopus")]
)
def test_music_is_opened_and_is_no_video(tmp_path, ending, codec):
    path = tmp_path / f"a.{ending}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=48000, layout="stereo")
        resampler = av.AudioResampler(format=stream.codec_context.format, layout="stereo", rate=48000, frame_size=960)
        samples = av.AudioFrame.from_ndarray(videos.tone(0.5), format="fltp", layout="stereo")
        samples.sample_rate = 44100
        for piece in (*resampler.resample(samples), *resampler.resample(None)):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    with open_container(path) as container:
        assert container.streams.audio
    with pytest.raises(InputError, match="holds only sound"):
        open_clip(path)
