"""Audio that a source brings: one file for each content, with the right extension, and whole."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from audiomcq_cli.engine.intake.audio_store import AudioStore


@pytest.mark.parametrize(
    ("name", "content", "extension"),
    [
        ("a.FLAC", b"RIFF", ".flac"),
        ("", b"RIFF....WAVE", ".wav"),
        ("x.bin", b"fLaC", ".flac"),
        ("", b"OggS", ".ogg"),
        ("", b"ID3\x04", ".mp3"),
        ("", b"\xff\xfb\x90", ".mp3"),
        ("", b"\x00\x00\x00 ftypM4A ", ".m4a"),
        ("noise", b"????", ".wav"),
    ],
)
def test_extension(tmp_path: Path, name: str, content: bytes, extension: str) -> None:
    """It is that of the name where it is one of audio, else what the content begins with says."""
    path, digest = AudioStore(tmp_path).put(content, name)
    assert digest == hashlib.sha256(content).hexdigest()
    assert path == f"{digest[:2]}/{digest}{extension}"
    assert (tmp_path / path).read_bytes() == content


def test_file_that_was_cut_off_is_written_again(tmp_path: Path) -> None:
    """A file of another size than its content is not taken for it."""
    store = AudioStore(tmp_path)
    path, _ = store.put(b"RIFF" * 100, "")
    (tmp_path / path).write_bytes(b"RIFF")
    store.put(b"RIFF" * 100, "")
    assert (tmp_path / path).stat().st_size == 400
