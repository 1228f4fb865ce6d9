"""Bad input, as users meet it: one clear message, a documented exit code, and nothing but data on stdout."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import NOWHERE, Ended, audiomcq, spawn, start, write_audiocaps, write_recipe, write_tones
from tests.conftest import strike
from tests.servers.process import RunningServer
from tests.servers.scripted import running_scripted

SCRIPT = {"question": ['{"question": "What hums?", "question_type": "sound"}'], "*": ["{}"]}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with sources good and bad, recipes good and bad, and ``built/clips``, the output of caption."""
    folder = tmp_path_factory.mktemp("place")
    write_tones(folder / "tones", 2)
    write_audiocaps(folder / "audiocaps.csv", ["A dog barks", "Rain falls on a roof"])
    (folder / "empty.csv").write_text("")
    (folder / "header.csv").write_text("audiocap_id,youtube_id,start_time,caption\n")
    (folder / "columns.csv").write_text("id,text\n1,A dog barks\n")
    (folder / "hollow").mkdir()
    (folder / "file").write_text("I am a file.")
    (folder / "script.json").write_text(json.dumps(SCRIPT))
    write_recipe(folder / "nowhere.toml", NOWHERE, sources="audiocaps:audiocaps.csv")
    good = (folder / "nowhere.toml").read_text()
    (folder / "typo.toml").write_text(good.replace("[models.grader]", "[modles.grader]"))
    (folder / "deaf.toml").write_text(good.replace("audio = true\n", ""))
    (folder / "sourceless.toml").write_text(good.partition("[[sources]]")[0])
    (folder / "publish.toml").write_text(f'{good}\n[publish]\nrepo = "no-slash"\n')
    (folder / "ungraded.toml").write_text(good.replace("[models.grader]", "[models.teacher]"))
    (folder / "scripted.toml").write_text(
        '[models.writer]\nbackend = "scripted"\nmodel = "m"\nscript = "script.json"\ntries = 1\n'
    )
    assert audiomcq("caption", "audiocaps:audiocaps.csv", "built/clips", folder=folder).code == 0
    shard = "part-00000-of-00001.parquet"
    (folder / "corrupt").mkdir()
    (folder / "corrupt" / shard).write_bytes((folder / "built/clips" / shard).read_bytes()[:500])
    _double_rows(folder / "built/clips" / shard, folder / "doubled" / shard)
    (folder / "unfinished").mkdir()
    (folder / "unfinished" / shard.replace("00001", "00002")).write_bytes((folder / "built/clips" / shard).read_bytes())
    return folder


def _double_rows(source: Path, target: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(source)
    target.parent.mkdir()
    pq.write_table(pa.concat_tables([table, table]), target)


SHARD = "part-00000-of-00001.parquet"
GENERATE = "generate built/clips OUT --recipe nowhere.toml"

CASES = {
    "missing file": ("caption audiocaps:none.csv OUT", 3, "none.csv: no such file, expected a CSV file"),
    "empty file": ("caption audiocaps:empty.csv OUT", 3, "empty.csv: is empty, expected a CSV file with the columns"),
    "no rows": ("caption audiocaps:header.csv OUT", 3, "header.csv: no rows"),
    "wrong columns": ("caption audiocaps:columns.csv OUT", 3, "columns.csv: the header .*'youtube_id'.*: id, text"),
    "missing folder": ("caption folder:none OUT", 3, "none: no such folder"),
    "empty folder": ("caption folder:hollow OUT", 3, "hollow: holds no audio and no captions file"),
    "unknown adapter": ("caption audocaps:x.csv OUT", 4, "unknown adapter 'audocaps'; did you mean 'audiocaps'"),
    "no adapter": ("caption audiocaps.csv OUT", 4, "'audiocaps.csv': expected ADAPTER:PATH"),
    "no source": ("caption OUT", 4, "no source\n.*ADAPTER:PATH before OUT"),
    "same name": ("caption audiocaps:audiocaps.csv audiocaps:header.csv OUT", 4, "two sources are called 'AudioCaps'"),
    "IN is not there": ("generate none OUT --recipe nowhere.toml", 3, "none: no such folder\n.*run the stage before"),
    "IN has no shards": ("generate hollow OUT --recipe nowhere.toml", 3, "hollow: no Parquet shards"),
    "IN lacks shards": ("generate unfinished OUT --recipe nowhere.toml", 3, "unfinished: 1 of 2 shards are missing"),
    "IN is corrupt": ("generate corrupt OUT --recipe scripted.toml", 3, f"corrupt/{SHARD}: not a readable Parquet"),
    "duplicate ids": ("generate doubled OUT --recipe scripted.toml", 3, f"doubled/{SHARD}, column 'clip_id': .*twice"),
    "wrong stage": ("split built/clips OUT", 3, f"built/clips/{SHARD}"),
    "IN is OUT": ("generate built/clips built/clips --recipe nowhere.toml", 4, "built/clips: cannot write"),
    "source is OUT": ("caption folder:tones tones", 4, "tones: cannot write into the folder that is read"),
    "OUT is of another stage": ("split corrupt built/clips", 4, "built/clips: holds what caption wrote"),
    "OUT has other files": ("caption audiocaps:audiocaps.csv corrupt", 4, f"corrupt: holds {SHARD}, which"),
    "OUT is a file": ("generate built/clips file --recipe nowhere.toml", 3, "file: is a file, expected a folder"),
    "OUT is in a file": ("caption audiocaps:audiocaps.csv file/OUT", 3, "file: is a file, expected a folder"),
    "workdir is a file": ("run nowhere.toml --workdir file", 3, "file: is a file, expected a folder"),
    "no such recipe": ("run none.toml", 3, "none.toml: the recipe cannot be read: No such file"),
    "recipe is a folder": ("run tones", 3, "tones: the recipe cannot be read: Is a directory"),
    "recipe typo": ("run typo.toml", 4, r"typo.toml, line \d+, key modles: unknown table; did you mean 'models'\?"),
    "recipe without sources": ("run sourceless.toml", 4, r"sourceless.toml: no \[\[sources\]\]"),
    "wrong publish": ("run publish.toml", 4, r"publish.toml, line \d+, key publish.repo: 'no-slash' .*org/name"),
    "unknown until": ("run nowhere.toml --until verfy", 4, "--until 'verfy': no such stage\n.*verify"),
    "no model": ("run ungraded.toml", 4, r"ungraded.toml: stage verify needs a model 'grader'.*\n.*\[models.grader\]"),
    "no recipe": ("verify built/clips OUT --graders x", 4, "model 'x', and no recipe is given; .*smollm2\n.*--recipe"),
    "deaf without recipe": ("filter built/clips OUT --judges smollm2 --weak-at 1 --condition silence", 4,
                            "needs audio of model 'smollm2'.*; no recipe is given\n.*--recipe.*--condition none"),
    "nothing to run": ("run", 4, "neither a recipe nor a source\n.*RECIPE.*--source folder:"),
    "run source twice": ("run --source folder:tones --source folder:tones", 4, "two sources are called 'tones'"),
    "run bad source": ("run nowhere.toml --source tones", 4, "'tones': expected ADAPTER:PATH"),
    "shards not numbers": (f"{GENERATE} --shards all", 4, "--shards 'all': expected numbers such as 0-15"),
    "shards backwards": (f"{GENERATE} --shards 5-2", 4, "--shards '5-2': expected numbers"),
    "no such shard": (f"{GENERATE} --shards 0,7", 4, "no shard 7\n.*shards are 0 to 0"),
    "bad choice": (f"{GENERATE} --difficulty harsh", 4, "--difficulty: expected one of .*'hard', found 'harsh'"),
    "too small": (f"{GENERATE} --questions-per-clip 0", 4, "--questions-per-clip: 0 is less than the minimum of 1"),
    "bad pair": (f"{GENERATE} --types speech=much", 4, "--types 'speech=much': expected NAME=NUMBER"),
    "unknown type": (f"{GENERATE} --types spech=1", 4, "unknown question type 'spech'\n.*speech"),
    "unreachable server": (GENERATE, 5,
                           f"'writer' at {NOWHERE}: nothing answers: connection refused\n.*is the server running"),
    "deaf judge": ("run deaf.toml", 4,
                   r"deaf.toml: stage filter needs audio of model 'judge1'.*\n.*audio = true.*condition = \"none\""),
    "budget of no kind": (f"{GENERATE} --budget 20", 4, "--budget '20': expected tokens=N, money=X or hours=X\n"
                          ".*--budget money=20"),
    "budget of another kind": (f"{GENERATE} --budget euros=20", 4, "expected tokens=N, money=X or hours=X"),
    "replay of nothing": (f"{GENERATE} --replay", 7, "the journal has no reply to prompt 'question'"),
    "no such item": ("trace built/clips none", 3, "no item 'none'"),
    "nothing to trace": ("trace hollow x", 3, "hollow: no finished stage in this folder"),
    "publish too early": ("publish built/clips OUT", 3, "column is missing\n.*reads what split writes"),
    "OUT is no release": ("publish built/clips tones", 8, "tones is in the way"),
    "export too early": ("export audiomcq built/clips OUT", 3, "column is missing"),
    "export onto things": ("export audiomcq built/clips tones", 3, "tones: the folder is not empty"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_bad_input(name: str, place: Path) -> None:
    """Each mistake ends in one message that says what is wrong and where, and in the documented exit code."""
    line, code, expected = CASES[name]
    ended = audiomcq(*line.replace("OUT", name.replace(" ", "-")).split(), folder=place)
    assert re.search(expected, ended.error), ended.error
    assert (ended.code, ended.out) == (code, "")


@pytest.mark.parametrize(
    "line",
    ["frobnicate", "generate built/clips", "run nowhere.toml --limit 0", "caption a:b out --shard-count 0",
     f"{GENERATE} --no-such-option", f"{GENERATE} --seed x"],
)  # fmt: skip
def test_wrong_usage_exits_with_2(line: str, place: Path) -> None:
    """What the command line itself does not take is said on stderr, with the way to help."""
    ended = audiomcq(*line.split(), folder=place)
    assert (ended.code, ended.out) == (2, "")
    assert "Try 'audiomcq" in ended.err


@pytest.mark.parametrize("where", ["before", "after"])
def test_debug_shows_the_traceback(where: str, place: Path) -> None:
    """With --debug, anywhere on the line, the traceback comes first, and message and exit code stay."""
    line = ["caption", "audiocaps:empty.csv", "out"]
    ended = audiomcq(*(["--debug", *line] if where == "before" else [*line, "--debug"]), folder=place)
    assert ended.err.startswith("Traceback (most recent call last):")
    assert "\nerror: empty.csv: is empty" in ended.err
    assert (ended.code, ended.out) == (3, "")


@pytest.mark.parametrize(
    ("line", "code", "kind"),
    [
        ("caption audiocaps:empty.csv out --json", 3, "InputError"),
        ("run typo.toml --json", 4, "RecipeError"),
        ("frobnicate --json", 2, "WrongUsage"),
        ("trace hollow x --json", 3, "InputError"),
    ],
)
def test_json_tells_of_errors(line: str, code: int, kind: str, place: Path) -> None:
    """With --json stdout is one document also where the command fails, and holds the error."""
    ended = audiomcq(*line.split(), folder=place)
    assert ended.code == code
    assert ended.json["error"]["type"] == kind
    assert ended.json["error"]["exit_code"] == code
    assert ended.json["error"]["message"]


@pytest.mark.parametrize(
    "keys", ['api_key_env = "sk-secret"', 'base_url = "http://me:sk-secret@h/v1"', 'base_url = "me:sk-secret@h"']
)
def test_secrets_do_not_show(keys: str, tmp_path: Path) -> None:
    """A key that stands where the name of its variable should is not repeated, nor is one in an address."""
    (tmp_path / "recipe.toml").write_text(f'[models.m]\nmodel = "m"\n{keys}\n')
    ended = audiomcq("run", "recipe.toml", folder=tmp_path)
    assert ended.code == 4
    assert "line 3, key models.m." in ended.error
    assert "secret" not in ended.err


def test_bad_rows_are_rejected_with_a_reason(tmp_path: Path) -> None:
    """Where single files or rows are at fault they are rejected, each with its reason, and the others go on."""
    write_tones(tmp_path / "clips", 2)
    (tmp_path / "clips/broken.wav").write_text("not audio at all")
    (tmp_path / "clips/empty.wav").write_bytes(b"")
    with (tmp_path / "clips/captions.csv").open("a") as table:
        table.write("broken.wav,A dog,\nempty.wav,A cat,\n../outside.wav,A cow,\n,A hen,\n")
    ended = audiomcq("caption", "folder:clips", "out", "--json", folder=tmp_path)
    assert ended.code == 0
    [stage] = ended.json["stages"]
    assert stage["items"] == {"in": 6, "kept": 2, "rejected": 4, "failed": 0}
    assert stage["reasons"]["rejected"]["path_outside_root"] == 1
    assert stage["reasons"]["rejected"]["no_id"] == 1
    assert sum(stage["reasons"]["rejected"].values()) == 4
    assert "rejected: " in ended.err
    assert all(reason in ended.err for reason in stage["reasons"]["rejected"])


# --------------------------------------------------------------------------------------------- servers and replies


def test_model_not_served(http: RunningServer, tmp_path: Path) -> None:
    """A model that the server does not have is warned of, with those it has, and stops the stage at its first call."""
    write_audiocaps(tmp_path / "a.csv", ["A dog barks"])
    write_recipe(tmp_path / "recipe.toml", http.base_url, sources="audiocaps:a.csv")
    text = (tmp_path / "recipe.toml").read_text().replace('model = "scripted"', 'model = "scriptd"')
    (tmp_path / "recipe.toml").write_text(text)
    ended = audiomcq("run", "recipe.toml", "--json", folder=tmp_path)
    assert ended.code == 5
    assert re.search("does not list 'scriptd'.* it lists scripted", ended.err)
    assert re.search("model 'writer' at .* answered 404", ended.error)
    assert [stage["items"]["kept"] for stage in ended.json["stages"]] == [1, 0]
    assert ended.json["error"]["type"] == "ModelNotServed"
    assert http.stats()["completed"] == 0


@pytest.mark.parametrize(
    ("fault", "reason"), [("prose", "not_json"), ("not_json", "bad_body"), ("wrong_schema", "schema")]
)
def test_unusable_replies_fail_their_row(fault: str, reason: str, http: RunningServer, tmp_path: Path) -> None:
    """A reply that is of no use after every try fails its row alone: exit code 6, and --keep-failed goes on."""
    write_audiocaps(tmp_path / "a.csv", ["A dog barks", f"Rain falls {strike(fault)}"])
    write_recipe(tmp_path / "recipe.toml", http.base_url, sources="audiocaps:a.csv", model="tries = 2\nattempts = 1")
    line = ("run", "recipe.toml", "--until", "generate", "--json")
    ended = audiomcq(*line, folder=tmp_path)
    assert ended.code == 6
    assert "generate: 1 item failed\n" in ended.error
    assert "audiomcq run recipe.toml --until generate --json" in ended.error
    stage = ended.json["stages"][-1]
    assert stage["items"] == {"in": 2, "kept": 1, "rejected": 0, "failed": 1}
    assert stage["reasons"]["failed"] == {reason: 1}
    assert ended.json["error"]["retryable"]
    if fault == "prose":
        assert audiomcq(*line, "--keep-failed", folder=tmp_path).code == 0


def test_stdout_holds_nothing_but_data(http: RunningServer, tmp_path: Path) -> None:
    """Without --json a run says all it has to say on stderr."""
    write_audiocaps(tmp_path / "a.csv", ["A dog barks"])
    write_recipe(tmp_path / "recipe.toml", http.base_url, sources="audiocaps:a.csv")
    ended = spawn("run", "recipe.toml", "--until", "generate", folder=tmp_path)
    assert (ended.code, ended.out) == (0, "")
    assert "generate: 1 in = 1 kept + 0 rejected + 0 failed" in ended.err


def test_captions_cannot_steer_the_terminal(http: RunningServer, tmp_path: Path) -> None:
    """A trace shows what steers a terminal and is allowed in captions (U+009B, U+202E) as escapes."""
    write_audiocaps(tmp_path / "a.csv", ["A \x9b31mred\x9b0m dog\u202e [bold]barks"])
    write_recipe(tmp_path / "recipe.toml", http.base_url, sources="audiocaps:a.csv")
    assert audiomcq("run", "recipe.toml", "--until", "generate", folder=tmp_path).code == 0
    ended = audiomcq("trace", "build/generate", "AudioCaps:video000000_0:llm:0", folder=tmp_path)
    assert ended.code == 0
    assert not {"\x9b", "\u202e"} & set(ended.out)
    assert r"A \x9b31mred\x9b0m dog\u202e [bold]barks" in ended.out


def test_rejected_captions_cannot_steer_the_terminal(http: RunningServer, tmp_path: Path) -> None:
    """An ESC in a caption ends its row; neither the run nor the trace of it sends the character on."""
    write_audiocaps(tmp_path / "a.csv", ["A \x1b[31mred\x1b[0m dog barks", "Rain falls"])
    write_recipe(tmp_path / "recipe.toml", http.base_url, sources="audiocaps:a.csv")
    ran = audiomcq("run", "recipe.toml", "--until", "generate", folder=tmp_path)
    assert (ran.code, "control_characters 1" in ran.err) == (0, True), ran.err
    traced = audiomcq("trace", "build/caption", "AudioCaps:video000000_0", folder=tmp_path)
    assert (traced.code, "row 1 holds U+001B" in traced.out) == (0, True), traced.out
    assert "\x1b" not in ran.err + ran.out + traced.err + traced.out


def test_reader_that_has_gone(place: Path) -> None:
    """A pipe that is closed early, as by head, is no error."""
    process = start("recipe-schema", folder=place)
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(60) == 0


# ---------------------------------------------------------------------------------------------------- interruptions


@pytest.fixture(scope="module")
def slow() -> Iterator[RunningServer]:
    """A server that takes some seconds for each reply."""
    with running_scripted(latency_ms=1_500) as server:
        yield server


class Watched:
    """A running command and what it has said on stderr so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.err = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.err += line

    def end(self) -> Ended:
        """Wait for the end."""
        assert self.process.stdout
        assert self.process.stderr
        out = self.process.stdout.read()
        code = self.process.wait(60)
        self._reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return Ended(code, out, self.err)


def wait_until(holds: object, timeout: float = 60) -> None:
    """Wait until a function says yes."""
    assert callable(holds)
    deadline = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def begin_slow_run(slow: RunningServer, folder: Path) -> Watched:
    """Begin a run and wait until calls are in flight."""
    slow.reset()
    write_audiocaps(folder / "a.csv", [f"Dog {n} barks" for n in range(8)])
    write_recipe(folder / "recipe.toml", slow.base_url, sources="audiocaps:a.csv", model="concurrency = 2")
    watched = Watched(start("run", "recipe.toml", "--until", "generate", "--json", folder=folder))
    wait_until(lambda: slow.stats()["in_flight"] == 2)
    return watched


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_a_run_gently(
    number: signal.Signals, slow: RunningServer, http: RunningServer, tmp_path: Path
) -> None:
    """Calls in flight end and are kept, the command that goes on is said, and it does not ask again for what it has."""
    watched = begin_slow_run(slow, tmp_path)
    watched.process.send_signal(number)
    ended = watched.end()
    assert ended.code == 130
    assert "stopping: calls in flight end and are kept" in ended.err
    assert "generate: stopped (interrupted): 0 of 8 clips finished; 2 replies are kept in the journal" in ended.err
    assert "0 in = 0 kept" not in ended.err
    assert "this goes on: audiomcq run recipe.toml --until generate --json" in ended.error
    assert ended.json["error"]["type"] == "Interrupted"
    assert slow.stats()["in_flight"] == 0
    done = slow.stats()["completed"]
    assert done >= 2
    write_recipe(tmp_path / "recipe.toml", http.base_url, sources="audiocaps:a.csv")  # the same model elsewhere
    again = audiomcq("run", "recipe.toml", "--until", "generate", "--json", folder=tmp_path)
    assert again.code == 0, again.err
    assert again.json["stages"][-1]["items"]["kept"] == 8
    assert http.stats()["received"] == 16 - done


def test_second_signal_ends_a_run_at_once(slow: RunningServer, tmp_path: Path) -> None:
    """A second Ctrl-C does not wait for the calls in flight."""
    with running_scripted(latency_ms=30_000) as server:
        watched = begin_slow_run(server, tmp_path)
        watched.process.send_signal(signal.SIGINT)
        wait_until(lambda: "stopping" in watched.err)
        began = time.monotonic()
        watched.process.send_signal(signal.SIGINT)
        ended = watched.end()
        assert time.monotonic() - began < 10
    assert ended.code == 130
    assert "generate: stopped (interrupted): " in ended.err
    assert "CancelledError" not in ended.err + (tmp_path / "build/generate/.audiomcq/run.jsonl").read_text()
    assert "this goes on: audiomcq run recipe.toml" in ended.error
