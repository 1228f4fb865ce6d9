"""Datasets of the Hub as a source: real commands over HTTP against a stand-in Hub."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.cli import ROOT, Ended
from tests.release.conftest import record, released_row, write_stage
from tests.servers.hub import ORG, TOKEN, RunningHub

CARD = b"---\nlicense: cc-by-4.0\n---\nTones.\n"


@pytest.fixture
def hub(hub_server: RunningHub) -> RunningHub:
    """The Hub with a dataset of sounds, and nothing else."""
    hub_server.empty()
    files = {"README.md": CARD, "data/train-00000-of-00001.parquet": write_parquet(6)}
    hub_server.commit(f"{ORG}/tones", files, private=True)
    return hub_server


def tone(pitch: int) -> bytes:
    import numpy as np
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, 0.2 * np.sin(2 * np.pi * pitch * np.arange(4_000) / 8_000), 8_000, format="WAV")
    return buffer.getvalue()


def write_parquet(rows: int, *others: str) -> bytes:
    """A file with an Audio column, as ``datasets`` writes it, and rows after those that only name a file; each row has
    a picture that is only named, too."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    held = [{"bytes": tone(200 + 50 * n), "path": f"t{n}.wav"} for n in range(rows)]
    sounds = pa.array([*held, *({"bytes": None, "path": path} for path in others)], kind)
    table = pa.table({"text": [f"tone {n}" for n in range(len(sounds))], "sound": sounds})
    text = {"dtype": "string", "_type": "Value"}
    features = {"info": {"features": {"text": text, "sound": {"_type": "Audio"}}}}
    if others:
        pictures = pa.array([{"bytes": None, "path": path} for path in [*[None] * rows, *others]], kind)
        table = table.append_column("picture", pictures)
        features["info"]["features"]["picture"] = {"_type": "Image"}
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(features)}), buffer, row_group_size=2)
    return buffer.getvalue()


def run(hub: RunningHub, folder: Path, *arguments: str, token: str = TOKEN) -> Ended:
    environment = {**os.environ, **hub.env(token), "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    ended = subprocess.run(
        [sys.executable, "-m", "audiomcq_cli", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert TOKEN not in ended.stdout + ended.stderr
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def read_clips(folder: Path) -> list[dict[str, Any]]:
    import polars as pl

    return sorted(
        pl.read_parquet(folder / "*.parquet").to_dicts(), key=lambda row: str(row.get("clip_id") or row["id"])
    )


def test_audio_comes_along_and_is_fetched_once(hub: RunningHub, tmp_path: Path) -> None:
    """Rows are streamed with a token, their audio kept undecoded; the next run only asks whether all is as it was."""
    lines = [f'[[sources]]\nadapter = "hf"\npath = "{ORG}/tones"', 'columns = { caption = "text" }', "sample = 4"]
    (tmp_path / "recipe.toml").write_text("\n".join(lines))
    ended = run(hub, tmp_path, "run", "recipe.toml", "--until", "caption")
    assert ended.code == 0, ended.err
    clips = read_clips(tmp_path / "build/caption")
    assert len(clips) == 4
    for clip in clips:
        number = int(clip["clip_id"].removeprefix("tones:t").removesuffix(".wav"))
        assert clip["captions"] == [{"text": f"tone {number}", "origin": "tones"}]
        assert (tmp_path / "build/audio" / clip["audio_path"]).read_bytes() == tone(200 + 50 * number)
        assert (clip["license"], clip["duration"]) == ("cc-by-4.0", 0.5)
        assert clip["origin"] == f"https://huggingface.co/datasets/{ORG}/tones"
    assert len(list((tmp_path / "build/audio").rglob("*.wav"))) == 4
    [told] = json.loads((tmp_path / "build/caption/.audiomcq/manifest.json").read_text())["sources"]
    assert told["file"] == f"{ORG}/tones@{hub.refs(f'{ORG}/tones')['refs/heads/main']}"
    hub.clear()
    again = run(hub, tmp_path, "run", "recipe.toml", "--until", "caption")
    assert "nothing to do" in again.err
    assert len(hub.log()) == 1


@pytest.mark.check
def test_files_beside_a_table(hub: RunningHub, tmp_path: Path) -> None:
    """Audio that lies as files in the repository is fetched as it is, and its path there names the clip."""
    files = {"train/metadata.csv": b"file_name,caption\na.wav,one\nb.wav,two\n", "train/a.wav": tone(300),
             "train/b.wav": tone(400)}  # fmt: skip
    hub.commit(f"{ORG}/files", files)
    ended = run(hub, tmp_path, "caption", f"hf:{ORG}/files", "build/clips")
    assert ended.code == 0, ended.err
    first, second = read_clips(tmp_path / "build/clips")
    assert (first["clip_id"], second["clip_id"]) == ("files:train/a.wav", "files:train/b.wav")
    assert first["captions"][0]["text"] == "one"
    assert (tmp_path / "build/audio" / second["audio_path"]).read_bytes() == tone(400)


@pytest.mark.check
def test_audio_that_is_only_named(hub: RunningHub, tmp_path: Path) -> None:
    """An address of the web is not fetched: its name is looked for in the audio folder, and counted where it is not."""
    rows = b"audio,caption\nhttps://host/x/a.wav,one\nhttps://host/x/b.wav,two\n"
    hub.commit(f"{ORG}/named", {"data.csv": rows})
    (tmp_path / "own").mkdir()
    (tmp_path / "own/a.wav").write_bytes(tone(300))
    ended = run(hub, tmp_path, "caption", f"hf:{ORG}/named", "build/clips", "--audio", "own")
    assert ended.code == 0, ended.err
    assert "1 clip has no audio file (" in ended.err
    first, second = read_clips(tmp_path / "build/clips")
    assert (first["audio_path"], first["origin"]) == ("a.wav", "https://host/x/a.wav")
    assert second["flags"] == ["audio_missing"]


def test_row_names_files_of_its_own_set_alone(hub: RunningHub, tmp_path: Path) -> None:
    """A row that names a local file, another repository or another revision, in a chain or not, is rejected with file
    and row, and nothing of it is asked for; a file of the set that is not there ends its row alone."""
    mine = tmp_path / "mine.wav"
    mine.write_bytes(tone(900))
    secret = f"{ORG}/secret"
    hub.commit(secret, {"x.wav": tone(950)}, private=True)
    old = hub.commit(f"{ORG}/rows", {"old.wav": tone(970), "own.wav": tone(300)})
    commit = hub.commit(f"{ORG}/rows", {"old.wav": None})
    own = f"hf://datasets/{ORG}/rows@{commit}"
    foreign = [
        f"file://{mine}::hf://datasets/{ORG}/rows@main/y",
        f"file://{mine}::{own}/y",
        f"local://{mine}::{own}/own.wav",
        f"zip://x.wav::file://{mine}::{own}/own.wav",
        f"hf://datasets/{secret}@main/x.wav",
        f"HF://datasets/{secret}@main/x.wav",
        f"hf://datasets/{secret}@main/x.wav::{own}/own.wav",
        f"hf://buckets/{secret}/x.wav",
        f"hf://datasets/{ORG}/rows@{old}/old.wav",
        f"hf://datasets/{ORG}/rows/own.wav",
        f"{own}/../../secret/x.wav",
        f"{own}/%2e%2e/%2e%2e/secret/x.wav",
        f"{own}/..\\x.wav",
        f"{own}/x\0.wav",
        f"simplecache::file://{mine}::{own}/own.wav",
    ]
    named = [f"file://{mine}", str(mine), f"../{mine.name}", f"{hub.url}/datasets/{secret}/resolve/main/x.wav"]
    hub.commit(f"{ORG}/rows", {"README.md": CARD, "data.parquet": write_parquet(1, *foreign, *named)})
    lines = [f'[[sources]]\nadapter = "hf"\npath = "{ORG}/rows"', 'columns = { caption = "text" }']
    (tmp_path / "recipe.toml").write_text("\n".join(lines))
    hub.clear()
    ended = run(hub, tmp_path, "run", "recipe.toml", "--until", "caption")
    assert ended.code == 0, ended.err
    assert [one["path"] for one in hub.log() if "secret" in one["path"] or "old.wav" in one["path"]] == []
    kept, rejects = read_clips(tmp_path / "build/caption"), read_clips(tmp_path / "build/caption/.audiomcq/rejects")
    assert {reject["reason"] for reject in rejects} == {"path_outside_root"}
    assert len(rejects) == len(foreign) and all(f"hf:{ORG}/rows" in reject["detail"] for reject in rejects)
    assert len(kept) == 1 + len(named)
    assert [clip["license"] for clip in kept if "audio_missing" in clip["flags"]] == [None] * len(named)
    assert [path.read_bytes() for path in (tmp_path / "build/audio").rglob("*.wav")] == [tone(200)]


def test_file_that_is_not_there_ends_its_row(hub: RunningHub, tmp_path: Path) -> None:
    """Of a table that names files beside it one that is not there rejects its row, with file and row."""
    files = {"train/metadata.csv": b"file_name,caption\na.wav,one\nb.wav,two\n", "train/a.wav": tone(300)}
    hub.commit(f"{ORG}/files", files)
    ended = run(hub, tmp_path, "caption", f"hf:{ORG}/files", "build/clips")
    assert ended.code == 0, ended.err
    [kept] = read_clips(tmp_path / "build/clips")
    [reject] = read_clips(tmp_path / "build/clips/.audiomcq/rejects")
    assert (kept["source_id"], reject["reason"]) == ("train/a.wav", "audio_missing")
    assert "row 2, column 'audio': no such file in the dataset: 'train/b.wav'" in reject["detail"]


@pytest.mark.check
def test_files_in_an_archive(hub: RunningHub, tmp_path: Path) -> None:
    """Audio in a ZIP archive of the set is read out of it, and nothing else that stands in the archive's names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("metadata.csv", "file_name,caption\na.wav,one\n")
        archive.writestr("a.wav", tone(300))
    hub.commit(f"{ORG}/packed", {"train.zip": buffer.getvalue()})
    ended = run(hub, tmp_path, "caption", f"hf:{ORG}/packed", "build/clips")
    assert ended.code == 0, ended.err
    [clip] = read_clips(tmp_path / "build/clips")
    assert clip["captions"][0]["text"] == "one"
    assert (tmp_path / "build/audio" / clip["audio_path"]).read_bytes() == tone(300)


@pytest.mark.check
@pytest.mark.parametrize("place", ["hf://datasets/{secret}@main/*.csv", "{folder}/*.csv", "../secret/*.csv"])
def test_card_that_names_data_elsewhere_is_refused(hub: RunningHub, tmp_path: Path, place: str) -> None:
    """The card of a set cannot make local files, or those of another set, into rows."""
    (tmp_path / "notes.csv").write_text("caption\nprivate\n")
    hub.commit(f"{ORG}/secret", {"x.csv": b"caption\nprivate\n"}, private=True)
    named = place.format(secret=f"{ORG}/secret", folder=tmp_path)
    card = f"---\nconfigs:\n- config_name: default\n  data_files: {named!r}\n---\n"
    hub.commit(f"{ORG}/cards", {"README.md": card.encode()})
    hub.clear()
    ended = run(hub, tmp_path, "caption", f"hf:{ORG}/cards", "build/clips")
    assert ended.code == 3, ended.err
    assert "its card names data outside of the repository" in ended.err
    assert not [one for one in hub.log() if "secret" in one["path"]]


@pytest.mark.check
def test_release_of_our_own(hub: RunningHub, tmp_path: Path) -> None:
    """What ``publish`` pushed is a source again, at any tag and of any config: a clip once, with audio and license."""
    rows = [released_row(n, "sft", ("weak", "strong")[n % 2], **record(tmp_path / "audio", n)) for n in range(4)]
    work = tmp_path / "work"
    write_stage(work / "split", [*rows, rows[0] | {"id": "AudioCaps:0:llm:1"}])
    (work / "recipe.toml").write_text('[project]\nname = "tiny"\nversion = "1.0.0"\n[publish]\naudio = "embed"\n')
    pushed = run(hub, work, "publish", "split", "release", "--recipe", "recipe.toml", "--repo", f"{ORG}/tiny", "--push")
    assert pushed.code == 0, pushed.err
    ended = run(hub, work, "caption", f"hf:{ORG}/tiny", "all/clips", "--name", "tiny")
    assert "caption: 4 in = 4 kept" in ended.err, ended.err
    assert [(clip["source_id"], clip["audio_sha256"], clip["license"]) for clip in read_clips(work / "all/clips")] == [
        (row["clip_id"], row["audio_sha256"], row["license"]) for row in rows
    ]
    ended = run(hub, work, "caption", f"hf:{ORG}/tiny@v1.0.0:strong", "strong/clips")
    assert "caption: 2 in = 2 kept" in ended.err, ended.err


@pytest.mark.check
@pytest.mark.parametrize(
    ("address", "code", "message"),
    [
        ("absent", 3, "no such dataset on the Hub"),
        ("tones@v9", 3, "no such branch, tag or commit"),
        ("tones:nope", 3, "'nope' not found. Available: ['default']"),
        ("tones:default:test", 3, "Bad split: test. Available splits: ['train']"),
        ("tones", 3, "no column is known to hold captions"),
    ],
)
def test_what_is_not_there_is_told(hub: RunningHub, tmp_path: Path, address: str, code: int, message: str) -> None:
    """A set, revision, config, split or column that is not there ends in one message with what there is."""
    if address == "tones":
        hub.commit(f"{ORG}/words", {"data.csv": b"a,b\n1,2\n"})
        address = "words"
    ended = run(hub, tmp_path, "caption", f"hf:{ORG}/{address}", "build/clips")
    assert ended.code == code, ended.err
    assert message in ended.err


@pytest.mark.check
def test_answer_that_is_cut_off_is_asked_for_again(hub: RunningHub, tmp_path: Path) -> None:
    """A connection that breaks in the middle of a file costs another request, not the run."""
    hub.clear()
    hub.fail("cut", path="/resolve/")
    ended = run(hub, tmp_path, "caption", f"hf:{ORG}/tones", "build/clips")
    struck = hub.wait_for_fault()
    hub.clear()
    assert ended.code == 0, ended.err
    assert struck["fault"] == "cut"
    assert len(read_clips(tmp_path / "build/clips")) == 6


@pytest.mark.check
@pytest.mark.parametrize(("fault", "message"), [("status:403", "no right to this"), ("status:401", "token")])
def test_hub_that_refuses_is_told(hub: RunningHub, tmp_path: Path, fault: str, message: str) -> None:
    """A Hub that refuses ends the command with the code of the Hub and what to do; nothing is half written."""
    hub.clear()
    hub.fail(fault, path="/resolve/", times=None)
    ended = run(hub, tmp_path, "caption", f"hf:{ORG}/tones", "build/clips")
    hub.clear()
    assert ended.code == 11, ended.err
    assert message in ended.err
    assert not list((tmp_path / "build").rglob("*.jsonl"))
