"""No secret is in any file or stream that a command writes: real processes, a server that repeats what it is sent.

Whatever a command leaves is searched, also inside what is compressed, for each secret: as it is, a part of it,
percent-encoded, and in base64.
"""

from __future__ import annotations

import base64
import gzip
import os
import shutil
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.backends.test_vllm_offline import WITH_FAKES
from tests.cli import NOWHERE, ROOT, Ended, audiomcq, write_audiocaps, write_recipe
from tests.servers.echoing import running_echoing
from tests.servers.process import RunningServer

KEY = "sk-Zq7/uX2+rT9vWm4Kc8Lb1NdQ=="
TOKEN = "hf_PkR5tYw8ZsD2mXv6BnJq3LcG"
PASSWORD = "Yh7-gVt3_Wd9pNx5"
SECRETS = {"key": KEY, "token": TOKEN, "password": PASSWORD}

PART = 10
"""Characters of a secret that are too many to be told."""

ENVIRONMENT = {
    "MY_KEY": KEY,
    "OPENAI_API_KEY": TOKEN[::-1],
    "HF_TOKEN": TOKEN,
    "HUGGING_FACE_HUB_TOKEN": TOKEN,
    **dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), f"http://user:{PASSWORD}@127.0.0.1:9"),
    "no_proxy": "127.0.0.1",
}

# ------------------------------------------------------------------------------------------------------ the search


def spell(secret: str) -> dict[str, bytes]:
    """How a secret may stand in a text: of each spelling a part that no other text has."""
    found = {"begin": secret[:PART], "end": secret[-PART:], "percent": quote(secret, safe="")}
    found |= {"escaped": secret.replace("/", "\\/")}
    for before in range(3):  # base64 of something that holds it, as of user:password
        whole = base64.b64encode(b"x" * before + secret.encode()).decode()
        found[f"base64 after {before}"] = whole[4:-4]
    return {name: text.encode() for name, text in found.items()}


SPELLINGS = {
    f"{name}, {how}": text for name, secret in (SECRETS | {"OpenAI's key": TOKEN[::-1]}).items()
    for how, text in spell(secret).items()
}  # fmt: skip


def find_secrets(data: bytes) -> list[str]:
    """Which secrets stand in some bytes, and how."""
    return [name for name, text in SPELLINGS.items() if text in data]


def unfold(path: Path) -> Iterator[bytes]:
    """The bytes of a file, and everything in it that is compressed."""
    data = path.read_bytes()
    yield data
    if data.startswith(b"PAR1"):
        table = pq.read_table(path)
        yield repr((table.to_pylist(), table.schema.metadata, pq.read_metadata(path).metadata)).encode()
    elif data.startswith(b"SQLite format 3"):
        yield from _unfold_database(path)
    elif data.startswith(b"\x1f\x8b"):
        yield gzip.decompress(data)
    elif data.startswith(b"\x28\xb5\x2f\xfd"):
        yield pa.input_stream(path, compression="zstd").read()


def _unfold_database(path: Path) -> Iterator[bytes]:
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            for row in connection.execute(f'SELECT * FROM "{name}"'):
                for cell in row:
                    yield cell if isinstance(cell, bytes) else str(cell).encode()
                    if isinstance(cell, bytes):
                        with suppress(zlib.error):
                            yield zlib.decompressobj().decompress(cell)  # as a reply is: a checksum stands behind it


def search(folder: Path) -> list[str]:
    """Every secret in the files below a folder, names included."""
    return [
        f"{path.relative_to(folder)}: {name}"
        for path in sorted(folder.rglob("*"))
        for name in dict.fromkeys(
            name
            for data in (path.name.encode(), *(unfold(path) if path.is_file() else ()))
            for name in find_secrets(data)
        )
    ]


# --------------------------------------------------------------------------------------------------- the commands


@dataclass
class Place:
    """A folder in which commands are run; what they said is kept.

    Attributes:
        folder: Where. root: What stands in PYTHONPATH. environment: Laid over the usual one. said: All streams.
    """

    folder: Path
    root: Path = ROOT
    environment: Mapping[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def run(self, line: str) -> Ended:
        """Run a command to its end."""
        environment = {
            **os.environ, **ENVIRONMENT, "PYTHONPATH": str(self.root), "COLUMNS": "200", "FAKE_VLLM_MANNER": "0.9 0.5",
            **self.environment,
        }  # fmt: skip
        ended = subprocess.run(
            [sys.executable, "-m", "audiomcq_cli", *line.split()],
            cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        self.said += [f"$ {line}", ended.stdout, ended.stderr]
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def check(self) -> None:
        """Make sure that nothing was told."""
        told = [f"{text[:4_000]}: {name}" for text in self.said for name in find_secrets(text.encode())]
        assert not told
        assert not search(self.folder)


def prepare(folder: Path, url: str, model: str = "", captions: int = 12) -> Place:
    """A folder with sources and a recipe whose models send the key, where they have a server."""
    write_audiocaps(folder / "train.csv", [f"A dog barks {n} times in a hall" for n in range(captions)])
    key = 'api_key_env = "MY_KEY"\n' if url else ""
    keys = f"{key}attempts = 2\ntries = 2\n{model}"
    stages = "[limits]\nmax_failed = 1.0\n[budget]\nhours = 1.0\n"
    write_recipe(folder / "recipe.toml", url, sources="audiocaps:train.csv", stages=stages, model=keys)
    return Place(folder)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that repeats what it is sent, a half of its first batch expired."""
    faults = [{"on": "batch", "do": "expire_half"}, {"on": "batch", "do": "fail:token_limit_exceeded"}]
    with running_echoing(tmp_path_factory.mktemp("server"), batch_faults=faults, key=KEY) as running:
        yield running


def read_rejects(folder: Path) -> list[dict[str, Any]]:
    """The items of a stage that were rejected or failed."""
    paths = sorted((folder / ".audiomcq/rejects").glob("*.parquet"))
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


OFFLINE = 'backend = "vllm-offline"'
BATCH = 'backend = "openai-batch"\npoll_seconds = 0.05'


@pytest.mark.parametrize(
    "model", ["", pytest.param(BATCH, marks=pytest.mark.check), pytest.param(OFFLINE, marks=pytest.mark.check)],
    ids=["online", "batch", "offline"],
)  # fmt: skip
def test_whole_life_of_a_corpus(model: str, server: RunningServer, tmp_path: Path) -> None:
    """A corpus is made, with rows that fail, and looked at: nothing that was written holds a secret."""
    place = prepare(tmp_path, "" if model == OFFLINE else server.base_url, model)
    place.root = WITH_FAKES
    ended = place.run("run recipe.toml --keep-failed --json --debug")
    assert ended.code == 0, ended.err
    if model != OFFLINE:
        failed = read_rejects(tmp_path / "build/generate")
        assert any("***" in row["detail"] for row in failed)  # the key was there, and was taken out
        assert place.run(f"trace build/generate {failed[0]['id']}").code == 0
    place.run("journal pack build journal.pack --json")
    assert (tmp_path / "journal.pack").is_file()
    place.check()


@pytest.mark.check
def test_everything_else_that_is_said_of_a_corpus(server: RunningServer, tmp_path: Path) -> None:
    """Other drivers and commands hold no secret either, in their usual words and in JSON."""
    place = prepare(tmp_path, server.base_url)
    assert place.run("run recipe.toml --dry-run").code == 0
    assert place.run("run recipe.toml --until generate --budget tokens=5000").code == 9
    assert place.run("status build").code == 0
    assert place.run("run recipe.toml").code == 0
    item = read_rejects(tmp_path / "build/generate")[0]["id"]
    for line in (
        "status build --json", f"trace build/generate {item} --json",
        "generate build/caption replayed --recipe recipe.toml --replay --keep-failed",
        "journal pack build journal.pack", "journal unpack journal.pack unpacked --json",
        "publish build/split released --recipe recipe.toml --json",
    ):  # fmt: skip
        ended = place.run(line)
        assert ended.code == 0, (line, ended.err)
    place.check()


# --------------------------------------------------------------------------------------------------------- failures

PROXIED = {"no_proxy": "", "NO_PROXY": ""}

FAILURES: dict[str, tuple[str, str, Mapping[str, str], int]] = {
    "key refused": ("{url}", "", {"MY_KEY": f"{KEY}{KEY}"}, 5),
    "key refused by batch": ("{url}", BATCH, {"MY_KEY": f"{KEY}{KEY}"}, 5),
    "model not served": ("{url}", 'model = "absent"', {}, 5),
    "model not served by batch": ("{url}", f'model = "absent"\n{BATCH}', {}, 5),
    "nothing there": (NOWHERE, "", {}, 5),
    "proxy refuses": ("{url}", BATCH, PROXIED, 5),
    "proxy of another kind": ("{url}", BATCH, PROXIED | {"http_proxy": f"gopher://user:{PASSWORD}@h"}, 4),
    "garbled": ("{root}/garbled/v1", "", {}, 5),
    "garbled for batches": ("{root}/garbled/v1", BATCH, {}, 5),
    "key of two lines by batch": ("{url}", BATCH, {"MY_KEY": f"{KEY}\n{KEY}"}, 4),
    "key with an ellipsis by batch": ("{url}", BATCH, {"MY_KEY": f"{KEY}…"}, 4),
    "user and password": (f"http://user:{PASSWORD}@127.0.0.1:9/v1", "", {}, 4),
    "user and password, encoded": (f"http://user:{PASSWORD}%40127.0.0.1:9/v1", "", {}, 4),
    "key in the query": (f"http://127.0.0.1:9/v1?key={PASSWORD}", "", {}, 4),
    "key in the fragment": (f"http://127.0.0.1:9/v1#{PASSWORD}", "", {}, 4),
    "key for an address": (PASSWORD, "", {}, 4),
    "key for a variable": ("{url}", f'api_key_env = "{KEY}"', {}, 4),
    "token for a variable": ("{url}", f'api_key_env = "{TOKEN}"', {}, 4),
    "key under an unknown name": ("{url}", f'api_key = "{KEY}"', {}, 4),
    "engine dies": ("{url}", OFFLINE, {}, 5),
}
SHORT = ("key refused by batch", "token for a variable")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What caption writes of two clips; at the words in one of them the stand-in of vLLM dies."""
    folder = tmp_path_factory.mktemp("clips")
    write_audiocaps(folder / "train.csv", ["A dog [vllm dies]", "A cat mews"])
    assert audiomcq("caption", "audiocaps:train.csv", "clips", folder=folder).code == 0
    return folder / "clips"


@pytest.mark.parametrize(
    "name", [name if name in SHORT else pytest.param(name, marks=pytest.mark.check) for name in FAILURES]
)
def test_failure(name: str, server: RunningServer, clips: Path, tmp_path: Path) -> None:
    """A command that fails tells no secret, its traceback included."""
    url, model, environment, code = FAILURES[name]
    shutil.copytree(clips, tmp_path / "clips")
    table = {"model": '"scripted"', "api_key_env": '"MY_KEY"', "base_url": f'"{url}"'}
    table = {name: value.format(url=server.base_url, root=server.url) for name, value in table.items()}
    table |= dict(line.split(" = ", 1) for line in model.splitlines())
    table = {"model": table["model"], "backend": table["backend"]} if model == OFFLINE else table
    lines = "\n".join(f"{name} = {value}" for name, value in table.items())
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f"[models.writer]\nattempts = 2\n{lines}\n")
    place = Place(tmp_path, WITH_FAKES, environment)
    ended = place.run("generate clips out --recipe recipe.toml --json --debug")
    assert ended.code == code, ended.err
    assert "Traceback" in ended.err
    recipe.unlink()  # ours, and some hold a secret
    place.check()


# ------------------------------------------------------------------------------------------------ the search itself


def write_everywhere(folder: Path, secret: str) -> list[str]:
    """Plant a secret in every kind of file and every spelling; returns their names."""
    reply = zlib.compress(f'{{"text": "{secret}"}}'.encode()) + b"\0\0\0\0"
    with closing(sqlite3.connect(folder / "blob.sqlite")) as connection, connection:
        connection.execute("CREATE TABLE replies (body BLOB)")
        connection.execute("INSERT INTO replies VALUES (?)", (reply,))
    rows = pa.table({"calls": [[{"detail": secret}]] * 50})
    pq.write_table(rows, folder / "rows.parquet", compression="zstd")
    noted = pa.table({"a": [1]}).replace_schema_metadata({"audiomcq": secret})
    pq.write_table(noted, folder / "footer.parquet")
    (folder / "log.gz").write_bytes(gzip.compress(secret.encode()))
    with pa.CompressedOutputStream(folder / "pack.zst", "zstd") as stream:
        stream.write(secret.encode() * 3)
    texts: dict[str, Any] = {
        "plain": secret,
        "percent": f"http://user:{quote(secret, safe='')}@host",
        "cut": f"the key {secret[:PART]}",
        "basic": "Basic " + base64.b64encode(f"someone:{secret}".encode()).decode(),
        "escaped": secret.replace("/", "\\/"),
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", SECRETS)
def test_search_finds_what_is_there(name: str, tmp_path: Path) -> None:
    """A secret is found in every kind of file, compressed or not, however it is spelled."""
    planted = write_everywhere(tmp_path, SECRETS[name])
    assert sorted({line.partition(":")[0] for line in search(tmp_path)}) == planted
