"""Any other set: a CSV, JSON, JSON Lines or Parquet file with named columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from audiomcq_cli.contracts import ImportedQuestion, Importer, option
from audiomcq_cli.errors import RecipeError
from audiomcq_cli.importers._answers import FORMS
from audiomcq_cli.importers._questions import Columns, read_set, tags_of
from audiomcq_cli.records import TYPES

_HELP = "CSV, JSON, JSON Lines or Parquet file, or a folder of them; the options name its columns"


@dataclass(frozen=True, slots=True)
class Options:
    """The columns of a table.

    Raises:
        RecipeError: A column is named as two options of the question, or no option is named.
    """

    id_column: str = option("id", "column with the id of a question; rows without one are numbered")
    audio_column: str = option("audio_path", "column with the name of the audio file")
    question_column: str = option("question", "column with the question")
    choices_column: tuple[str, ...] = option(("choices",), "column with a list of options, or one for each option")
    answer_column: str = option("answer", "column with the right option")
    answer_form: str = option(
        "auto",
        "what that is: text, letter, index (from 0), index1 (from 1); auto refuses what could mean two options",
        choices=FORMS,
    )
    type_column: str = option("", "column with the type of a question")
    question_type: str = option("", "type of all questions, where no column says it", choices=("", *TYPES))
    difficulty_column: str = option("", "column with the difficulty")
    cot_column: str = option("", "column with a chain of thought")
    license_column: str = option("", "column with the license of the audio")
    origin_column: str = option("", "column with the origin of the audio")
    tag_column: tuple[str, ...] = option((), "column to keep as a tag")
    own_names: bool = option(False, "no two audio files have the same name, even in different folders")

    def __post_init__(self) -> None:
        if not self.choices_column or len(set(self.choices_column)) < len(self.choices_column):
            raise RecipeError("choices_column: name one column with a list, or a different one for each option")
        if self.type_column and self.question_type:
            raise RecipeError("question_type: says of all questions what type_column says of each; give one of them")


def read(path: Path, options: Options) -> Iterator[ImportedQuestion]:
    """Stream the questions of a file or folder; raises ``InputError`` if one is invalid."""
    columns = Columns(
        id=options.id_column,
        audio=(options.audio_column,),
        question=options.question_column,
        choices=options.choices_column,
        answer=options.answer_column,
        form=options.answer_form,
        question_type=options.type_column or (f"={options.question_type}" if options.question_type else ""),
        difficulty=options.difficulty_column,
        cot={options.cot_column: path.name} if options.cot_column else {},
        license=options.license_column,
        origin=options.origin_column,
        tags=tags_of(*options.tag_column),
        own_names=options.own_names,
        expected=f"a table with the columns {', '.join((options.question_column, *options.choices_column))}",
    )
    return read_set(path, columns)


IMPORTER: Importer[Options] = Importer(help=_HELP, dataset="", read=read, options=Options)
