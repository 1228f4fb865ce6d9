from __future__ import annotations

import hashlib
import os
from functools import partial
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli import audio
from audiomcq_cli.contracts import Audio
from audiomcq_cli.errors import InputError


def make_tone(seconds: float = 1.0, rate: int = 16_000, channels: int = 1) -> Any:
    """A tone for each channel, at different pitches, shape (frames, channels)."""
    times = np.arange(round(seconds * rate)) / rate
    pitches = 220 * np.arange(1, channels + 1)
    return (0.4 * np.sin(2 * np.pi * times[:, None] * pitches)).astype(np.float32)


def write_tone(path: Path, seconds: float = 1.0, rate: int = 16_000, channels: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, make_tone(seconds, rate, channels), rate)
    return path


# ------------------------------------------------------------------------------------------------------- hashing


def test_pipe_is_not_hashed(tmp_path: Path) -> None:
    """A named pipe is refused at once."""
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(InputError, match="not a regular file"):
        audio.hash_file(tmp_path / "a.wav")


def test_hash_is_sha256_of_the_bytes(tmp_path: Path) -> None:
    """The content hash is the plain SHA-256 of the file."""
    path = write_tone(tmp_path / "a.wav")
    assert audio.hash_file(path) == hashlib.sha256(path.read_bytes()).hexdigest()


# --------------------------------------------------------------------------------------------------------- paths


def test_path_inside_is_resolved(tmp_path: Path) -> None:
    """A relative path gives the file below the root, and need not exist."""
    assert audio.resolve(tmp_path, "sub/a.wav") == tmp_path.resolve() / "sub" / "a.wav"


@pytest.mark.parametrize(
    "relative",
    ["", "/etc/passwd", "\\server\\a", "../a.wav", "sub/../../a.wav", "..\\a.wav", "sub\\..\\a", "C:\\a.wav", "c:a.wav",
     "a\0.wav", "..", "\ud800.wav"],
)  # fmt: skip
def test_path_outside_is_refused(tmp_path: Path, relative: str) -> None:
    """Absolute paths, steps upwards, drive letters, NUL and what is no path at all are refused."""
    with pytest.raises(InputError):
        audio.resolve(tmp_path, relative)


def test_link_out_of_the_root_is_refused(tmp_path: Path) -> None:
    """A symbolic link to a file outside the root is refused."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.wav").symlink_to(write_tone(tmp_path / "outside.wav"))
    with pytest.raises(InputError, match="symbolic link"):
        audio.resolve(root, "a.wav")


def test_link_inside_the_root_is_followed(tmp_path: Path) -> None:
    """A symbolic link to another file of the root is fine, and so is a root that is a link itself."""
    target = write_tone(tmp_path / "root" / "sub" / "a.wav")
    (tmp_path / "root" / "b.wav").symlink_to(target)
    (tmp_path / "link").symlink_to(tmp_path / "root")
    assert audio.resolve(tmp_path / "link", "b.wav") == target.resolve()


@given(relative=st.text(st.sampled_from("./\\ab:\0"), max_size=12))
def test_no_path_leaves_its_root(relative: str) -> None:
    """Whatever the path, it is refused or lies below the root."""
    root = Path("/somewhere/root")
    try:
        found = audio.resolve(root, relative)
    except InputError:
        return
    assert found.is_relative_to(root)


# ------------------------------------------------------------------------------------------------------- finding


def test_audio_is_listed_in_order(tmp_path: Path) -> None:
    """Audio files of all folders are listed by name; other and hidden files are not."""
    for name in ("b.wav", "a/c.FLAC", "a.wav", "notes.txt", ".hidden.wav", ".git/d.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert audio.list_audio(tmp_path) == ["a.wav", "a/c.FLAC", "b.wav"]


def test_missing_folder_is_an_input_error(tmp_path: Path) -> None:
    """A folder that is not there is named."""
    with pytest.raises(InputError, match=r"absent.*no such folder"):
        audio.list_audio(tmp_path / "absent")


@pytest.mark.parametrize(
    ("candidate", "found"),
    [("sub/x.wav", "sub/x.wav"), ("sub/x", "sub/x.wav"), ("x.wav", "sub/x.wav"), ("x", "sub/x.wav"), ("x.mp3", None)],
)
def test_file_is_found_by_path_name_or_stem(candidate: str, found: str | None) -> None:
    """A candidate is a path, a path without extension, a name or a stem; another extension is another file."""
    assert audio.FolderIndex(["sub/x.wav", "y.wav"]).find([candidate]) == found


def test_first_candidate_counts() -> None:
    """Of several candidates the first that exists is taken."""
    assert audio.FolderIndex(["a.wav", "b.wav"]).find(["absent", "b", "a"]) == "b.wav"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["a/x.wav", "x.mp3"], "x.mp3"),
        (["x.mp3", "x.flac"], "x.flac"),
        (["b/x.wav", "a/x.wav"], "a/x.wav"),
        (["x.wav.flac", "x.wav"], "x.wav"),
    ],
)
def test_ties_do_not_depend_on_order(files: list[str], found: str) -> None:
    """The file nearest to the root counts, then the better format, then the name, in whatever order they came."""
    assert audio.FolderIndex(files).find(["x"]) == audio.FolderIndex(files[::-1]).find(["x"]) == found


def test_end_of_a_path_is_the_whole_path_of_a_file() -> None:
    """A guess with a slash before it is no other folder's file of that name."""
    index = audio.FolderIndex(["a/x.wav", "y.flac"])
    assert index.guess(["/x.wav", "/x"]) == []
    assert index.guess(["/y.wav", "/y"]) == ["y.flac"]


@pytest.mark.parametrize(
    ("files", "guesses", "found"),
    [
        (["id.wav", "7.wav"], ["id", "Yid", "7"], ["id.wav", "7.wav"]),
        (["a/7.wav", "b/7.wav"], ["7"], ["a/7.wav", "b/7.wav"]),
        (["7.wav", "7.flac"], ["7"], ["7.wav"]),
        (["set/a.wav", "a.wav"], ["/set/a.wav", "/set/a", "/a.wav", "/a"], ["set/a.wav"]),
    ],
)
def test_files_that_are_guessed(files: list[str], guesses: list[str], found: list[str]) -> None:
    """Two recordings that could be meant are both told; two formats of one, or a shorter end of a path, are none."""
    assert audio.FolderIndex(files).guess(guesses) == found


def test_guessed_file_is_of_one_row_alone() -> None:
    """A file that two rows guess is nobody's, and one that a row names is that row's, whatever the order."""
    index = audio.FolderIndex(["a.wav", "b.wav", "c.wav"])
    for path, owner, sure in (("a.wav", "1", False), ("a.wav", "2", False), ("b.wav", "1", False),
                              ("b.wav", "1", False), ("c.wav", "1", False), ("c.wav", "2", True),
                              ("c.wav", "1", False)):  # fmt: skip
        index.claim(path, owner, sure=sure)
    assert [index.grants(path, "1") for path in ("a.wav", "b.wav", "c.wav")] == [False, True, False]
    assert not index.grants("a.wav", "2")


def test_accents_match_however_they_are_stored() -> None:
    """A name with a decomposed accent on disk is found by its composed form."""
    assert audio.FolderIndex(["cafe\u0301.wav"]).find(["caf\u00e9.wav"]) == "cafe\u0301.wav"


def test_files_that_were_not_marked() -> None:
    """The index tells which of its files nobody named, by name; one whose name is no UTF-8 as well."""
    index = audio.FolderIndex(["b.wav", "a/c.mp3", "a.wav", "\udcff.wav"])
    assert not index.empty and audio.FolderIndex([]).empty
    index.mark("a.wav")
    assert list(index.unmarked()) == ["a/c.mp3", "b.wav", "\udcff.wav"]
    assert index.find(["\udcff"]) == "\udcff.wav"


def test_folder_is_indexed(tmp_path: Path) -> None:
    """A folder on disk can be asked for a stem."""
    write_tone(tmp_path / "train" / "Yabc_30.wav")
    assert audio.index_folder(tmp_path).find(["abc_30", "Yabc_30"]) == "train/Yabc_30.wav"


# ------------------------------------------------------------------------------------------------------- hearing


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("native", "channels", "extension"), [(44_100, 2, "wav"), (8_000, 1, "flac"), (16_000, 3, "wav")]
)
def test_samples_are_those_of_librosa(tmp_path: Path, native: int, channels: int, extension: str) -> None:
    """Loading gives the samples of librosa.load, at a higher, a lower and the same rate, also over many blocks."""
    import librosa

    path = write_tone(tmp_path / f"a.{extension}", 4.321, native, channels)
    expected, _ = librosa.load(path, sr=16_000, mono=True)
    found = audio.load(path, 16_000)
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("extension", ["mp3", "ogg", "flac"])
def test_long_clip_is_decoded_without_a_seam(tmp_path: Path, extension: str) -> None:
    """A clip of more than one block has the samples that reading all of it at once gives: a decoder of mp3 that is
    interrupted begins anew with silence."""
    path = tmp_path / f"a.{extension}"
    write_tone(path, 14.0, 44_100, 2)
    whole, _ = sf.read(path, dtype="float32")
    assert np.array_equal(audio.load(path, 44_100), whole.mean(axis=1))


@pytest.mark.parametrize("content", [b"", b"not audio"])
def test_loading_what_is_not_audio_is_an_input_error(tmp_path: Path, content: bytes) -> None:
    """Loading a file that cannot be decoded names it."""
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.wav: cannot be decoded"):
        audio.load(tmp_path / "a.wav", 16_000)


def test_header_that_lies_does_not_take_memory(tmp_path: Path) -> None:
    """A header that promises hundreds of gigabytes costs only what is there."""
    path = tmp_path / "a.au"
    header = b".snd" + b"".join(number.to_bytes(4, "big") for number in (24, 0xFFFFFFFF, 3, 16_000, 2))
    path.write_bytes(header + bytes(6_400))
    assert len(audio.load(path, 16_000)) == 1_600


@pytest.mark.parametrize("format", audio.FORMATS)
def test_encoded_samples_come_back(format: str) -> None:
    """Encoding keeps samples within 16 bits, and clips those beyond full scale instead of wrapping them."""
    samples = np.append(make_tone()[:, 0], [1.5, -1.5]).astype(np.float32)
    decoded, rate = sf.read(BytesIO(audio.encode(samples, 16_000, format)), dtype="float32")
    assert rate == 16_000
    np.testing.assert_allclose(decoded, np.clip(samples, -1, 1), atol=1e-4)


def test_encoding_is_repeatable() -> None:
    """The same samples give the same bytes."""
    encode = partial(audio.encode, make_tone()[:, 0], 16_000)
    assert [encode("wav"), encode("flac")] == [encode("wav"), encode("flac")]


def test_unknown_format_is_an_input_error() -> None:
    """A format that cannot be written names those that can."""
    with pytest.raises(InputError, match="mp3") as caught:
        audio.encode(make_tone()[:, 0], 16_000, "mp3")
    assert "wav, flac" in caught.value.hint


@pytest.mark.parametrize("format", audio.FORMATS)
def test_silence_is_digital_silence(format: str) -> None:
    """The silence part is zeros of the length asked for, and needs no file."""
    part = audio.read_part(Audio.silence(2.5), {}, 16_000, format)
    decoded, rate = sf.read(BytesIO(part))
    assert (len(decoded), rate) == (40_000, 16_000)
    assert not decoded.any()


def test_original_is_the_clip_at_the_rate_asked(tmp_path: Path) -> None:
    """The original part is the clip, mono, at the model's rate."""
    write_tone(tmp_path / "sub" / "a.wav", 1.0, 44_100, 2)
    part = audio.read_part(Audio("original", "Set", "sub/a.wav"), {"Set": tmp_path}, 16_000, "wav")
    info = sf.info(BytesIO(part))
    assert (info.frames, info.samplerate, info.channels) == (16_000, 16_000, 1)


@pytest.mark.parametrize("extension", ["wav", "flac", "mp3", "ogg"])
def test_window_holds_the_samples_of_its_time(tmp_path: Path, extension: str) -> None:
    """A window is the very samples that the whole clip has there, whatever the format, and is as long as asked."""
    write_tone(tmp_path / f"a.{extension}", 4.0, 16_000, 2)
    clip = Audio("original", "Set", f"a.{extension}")
    whole, cut = (
        sf.read(BytesIO(audio.read_part(part, {"Set": tmp_path}, 16_000, "wav")))[0]
        for part in (clip, clip.cut(1.234, 1.5))
    )
    assert np.array_equal(cut, whole[19_744:43_744])


def test_windows_of_a_clip_are_all_of_it(tmp_path: Path) -> None:
    """Windows one after another hold every sample once, at a rate that does not divide into them; the last one ends
    with the clip."""
    write_tone(tmp_path / "a.wav", 3.0, 44_100)
    clip = Audio("original", "Set", "a.wav")
    ends = (0.0, 1.001, 2.003, 3.5)
    parts = [clip.cut(start, end - start) for start, end in pairwise(ends)]
    lengths = [sf.info(BytesIO(audio.read_part(part, {"Set": tmp_path}, 44_100, "flac"))).frames for part in parts]
    assert sum(lengths) == 3 * 44_100 and lengths[0] == round(1.001 * 44_100)


def test_window_behind_the_end_is_refused(tmp_path: Path) -> None:
    """Where a clip has nothing there is nothing to send."""
    write_tone(tmp_path / "a.wav", 1.0)
    with pytest.raises(InputError, match="holds no samples there"):
        audio.read_part(Audio("original", "Set", "a.wav").cut(1.0, 1.0), {"Set": tmp_path}, 16_000, "wav")


def test_length_is_read_from_files_and_bytes(tmp_path: Path) -> None:
    """The header tells how long a file is, and what was encoded here; what has none is refused."""
    path = write_tone(tmp_path / "a.flac", 1.5)
    assert audio.read_length(path) == audio.read_length(BytesIO(path.read_bytes())) == 1.5
    (tmp_path / "b.wav").write_bytes(b"text")
    with pytest.raises(InputError):
        audio.read_length(tmp_path / "b.wav")


def test_part_of_a_changed_file_is_refused(tmp_path: Path) -> None:
    """A file that is no longer the one that was hashed is not sent under its hash."""
    path = write_tone(tmp_path / "a.wav")
    part = Audio("original", "Set", "a.wav", audio.hash_file(path))
    assert audio.read_part(part, {"Set": tmp_path}, 16_000, "wav")
    write_tone(path, 2.0)
    with pytest.raises(InputError, match="has changed"):
        audio.read_part(part, {"Set": tmp_path}, 16_000, "wav")


@pytest.mark.parametrize(
    "part",
    [
        Audio("original", "Set", "../a.wav"),
        Audio("original", "Set", "absent.wav"),
        Audio("original", "Other", "a.wav"),
        Audio("reversed", "Set", "a.wav"),
        Audio("window:1", "Set", "a.wav"),
        Audio("window:-1:2", "Set", "a.wav"),
        Audio("silence:"),
        Audio("silence:-1"),
        Audio("silence:inf"),
        Audio("silence:long"),
    ],
    ids=lambda part: f"{part.transform} {part.path}",
)
def test_bad_part_is_an_input_error(tmp_path: Path, part: Audio) -> None:
    """A path out of the root, a missing file, an unknown source and a transform that makes no sense are refused."""
    write_tone(tmp_path / "a.wav")
    with pytest.raises(InputError):
        audio.read_part(part, {"Set": tmp_path}, 16_000, "wav")
