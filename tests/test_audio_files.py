"""Audio files: which file a path or a name means, that no path leaves its root, and content hashes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli import audio_files
from audiomcq_cli.contracts import Clip
from audiomcq_cli.errors import InputError
from tests.test_audio import write_tone

# ------------------------------------------------------------------------------------------------------- hashing


def test_pipe_is_not_hashed(tmp_path: Path) -> None:
    """A named pipe is refused at once."""
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(InputError, match="not a regular file"):
        audio_files.hash_file(tmp_path / "a.wav")


def test_hash_is_sha256_of_the_bytes(tmp_path: Path) -> None:
    """The content hash is the plain SHA-256 of the file."""
    path = write_tone(tmp_path / "a.wav")
    assert audio_files.hash_file(path) == hashlib.sha256(path.read_bytes()).hexdigest()


# --------------------------------------------------------------------------------------------------------- paths


def test_path_inside_is_resolved(tmp_path: Path) -> None:
    """A relative path gives the file below the root, and need not exist."""
    assert audio_files.resolve(tmp_path, "sub/a.wav") == tmp_path.resolve() / "sub" / "a.wav"


@pytest.mark.parametrize(
    "relative",
    ["", "/etc/passwd", "\\server\\a", "../a.wav", "sub/../../a.wav", "..\\a.wav", "sub\\..\\a", "C:\\a.wav", "c:a.wav",
     "a\0.wav", "..", "\ud800.wav"],
)  # fmt: skip
def test_path_outside_is_refused(tmp_path: Path, relative: str) -> None:
    """Absolute paths, steps upwards, drive letters, NUL and what is no path at all are refused."""
    with pytest.raises(InputError):
        audio_files.resolve(tmp_path, relative)


def test_link_out_of_the_root_is_refused(tmp_path: Path) -> None:
    """A symbolic link to a file outside the root is refused."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.wav").symlink_to(write_tone(tmp_path / "outside.wav"))
    with pytest.raises(InputError, match="symbolic link"):
        audio_files.resolve(root, "a.wav")


def test_link_inside_the_root_is_followed(tmp_path: Path) -> None:
    """A symbolic link to another file of the root is fine, and so is a root that is a link itself."""
    target = write_tone(tmp_path / "root" / "sub" / "a.wav")
    (tmp_path / "root" / "b.wav").symlink_to(target)
    (tmp_path / "link").symlink_to(tmp_path / "root")
    assert audio_files.resolve(tmp_path / "link", "b.wav") == target.resolve()


@given(relative=st.text(st.sampled_from("./\\ab:\0"), max_size=12))
def test_no_path_leaves_its_root(relative: str) -> None:
    """Whatever the path, it is refused or lies below the root."""
    root = Path("/somewhere/root")
    try:
        found = audio_files.resolve(root, relative)
    except InputError:
        return
    assert found.is_relative_to(root)


def test_clip_lies_below_the_root_that_it_was_given(tmp_path: Path) -> None:
    """A clip's file is its path below its root; without a root its source is named."""
    assert audio_files.find_clip(Clip("Set", "sub/a.wav", root=tmp_path)) == tmp_path.resolve() / "sub" / "a.wav"
    with pytest.raises(InputError, match="source 'Set'"):
        audio_files.find_clip(Clip("Set", "sub/a.wav"))


# ------------------------------------------------------------------------------------------------------- finding


def test_audio_is_listed_in_order(tmp_path: Path) -> None:
    """Audio files of all folders are listed by name; other and hidden files are not."""
    for name in ("b.wav", "a/c.FLAC", "a.wav", "notes.txt", ".hidden.wav", ".git/d.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert sorted(audio_files.walk_audio(tmp_path)) == ["a.wav", "a/c.FLAC", "b.wav"]


def test_missing_folder_is_an_input_error(tmp_path: Path) -> None:
    """A folder that is not there is named."""
    with pytest.raises(InputError, match=r"absent.*no such folder"):
        list(audio_files.walk_audio(tmp_path / "absent"))


@pytest.mark.parametrize(
    ("candidate", "found"),
    [("sub/x.wav", "sub/x.wav"), ("sub/x", "sub/x.wav"), ("x.wav", "sub/x.wav"), ("x", "sub/x.wav"), ("x.mp3", None)],
)
def test_file_is_found_by_path_name_or_stem(candidate: str, found: str | None) -> None:
    """A candidate is a path, a path without extension, a name or a stem; another extension is another file."""
    assert audio_files.FolderIndex(["sub/x.wav", "y.wav"]).find([candidate]) == found


def test_first_candidate_counts() -> None:
    """Of several candidates the first that exists is taken."""
    assert audio_files.FolderIndex(["a.wav", "b.wav"]).find(["absent", "b", "a"]) == "b.wav"


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
    assert audio_files.FolderIndex(files).find(["x"]) == audio_files.FolderIndex(files[::-1]).find(["x"]) == found


def test_end_of_a_path_is_the_whole_path_of_a_file() -> None:
    """A guess with a slash before it is no other folder's file of that name."""
    index = audio_files.FolderIndex(["a/x.wav", "y.flac"])
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
    assert audio_files.FolderIndex(files).guess(guesses) == found


def test_guessed_file_is_of_one_row_alone() -> None:
    """A file that two rows guess is nobody's, and one that a row names is that row's, whatever the order."""
    index = audio_files.FolderIndex(["a.wav", "b.wav", "c.wav"])
    for path, owner, sure in (("a.wav", "1", False), ("a.wav", "2", False), ("b.wav", "1", False),
                              ("b.wav", "1", False), ("c.wav", "1", False), ("c.wav", "2", True),
                              ("c.wav", "1", False)):  # fmt: skip
        index.claim(path, owner, sure=sure)
    assert [index.grants(path, "1") for path in ("a.wav", "b.wav", "c.wav")] == [False, True, False]
    assert not index.grants("a.wav", "2")


def test_accents_match_however_they_are_stored() -> None:
    """A name with a decomposed accent on disk is found by its composed form."""
    assert audio_files.FolderIndex(["cafe\u0301.wav"]).find(["caf\u00e9.wav"]) == "cafe\u0301.wav"


def test_files_that_were_not_marked() -> None:
    """The index tells which of its files nobody named, by name; one whose name is no UTF-8 as well."""
    index = audio_files.FolderIndex(["b.wav", "a/c.mp3", "a.wav", "\udcff.wav"])
    assert not index.empty and audio_files.FolderIndex([]).empty
    index.mark("a.wav")
    assert list(index.unmarked()) == ["a/c.mp3", "b.wav", "\udcff.wav"]
    assert index.find(["\udcff"]) == "\udcff.wav"


def test_folder_is_indexed(tmp_path: Path) -> None:
    """A folder on disk can be asked for a stem."""
    write_tone(tmp_path / "train" / "Yabc_30.wav")
    assert audio_files.index_folder(tmp_path).find(["abc_30", "Yabc_30"]) == "train/Yabc_30.wav"
