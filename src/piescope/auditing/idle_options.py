"""Options that speak of what an audit does not have: refused, for who gives one believes that it counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from piescope.auditing.options import Asked, GivenSide
from piescope.problems import InputError

if TYPE_CHECKING:
    from piescope.reading.predictions import Predictions


def check_models_run(asked: Asked) -> None:
    """Refuses what is said of models where both sides are predictions.

    Raises:
        InputError: names the option.
    """
    given = (
        () if asked.settings is None else (name for name, value in vars(asked.settings).items() if value is not None)
    )
    said = {
        "--batch-size": asked.batch_size is not None,
        "--data-dir": asked.data_dir is not None and asked.dataset is None,
        "--device": asked.device != "cpu",
        f"--{next(iter(given), 'size')}": asked.settings is not None,
    }
    for option, is_said in said.items():
        if is_said:
            found, expected = "predictions on both sides", "a model that is run here"
            raise InputError.of("audit", option, found, expected, f"leave {option} out")


def check_files_named(asked: Asked, given: Mapping[str, GivenSide], read: Sequence[Predictions]) -> None:
    """Refuses names of columns where nothing that was read has any, and what is said of CSV files where there is none.

    A file that has columns, but not those, was refused when it was read.

    Args:
        asked: the options.
        given: both sides.
        read: the predictions of those that are no models.

    Raises:
        InputError: names the option.
    """
    columns = {column for part in read for column in part.columns}
    for option, names in (
        ("--prediction-column", asked.prediction_column),
        ("--score-columns", asked.score_columns),
    ):
        if names and not columns:
            cure = f"leave {option} out, or give a table or an .npz whose arrays have names"
            raise InputError.of("audit", option, "arrays without names", "columns, or arrays with names", cure)
    others = (asked.labels, asked.metadata, asked.dense_embeddings, asked.dense_layers)
    ids = (asked.id_column,) if isinstance(asked.id_column, str) else tuple(asked.id_column or ())
    is_named = hasattr(asked.labels, "columns") or bool(columns & {*ids})
    if ids and not is_named and not any(kind != "npy" for other in others for kind in _kinds(other)):
        found, expected = f"no file with {ids[0]!r}", "a table, or an .npz, with the ids of the examples"
        raise InputError.of("audit", "--id-column", found, expected, "leave --id-column out: examples go by row")
    everything = (*given.values(), *others)
    if asked.header is not None and not any(kind == "csv" for each in everything for kind in _kinds(each)):
        option = "--header" if asked.header else "--no-header"
        cure = f"leave {option} out: other files say themselves what their columns are called"
        raise InputError.of("audit", option, "no CSV file", "a CSV file", cure)


def _kinds(given: Any) -> Iterator[str]:
    """The kinds of the files that are named; of what is no file nothing."""
    from piescope.reading.files import kind_of, named_files

    for each in given if isinstance(given, list | tuple) else (given,):
        if isinstance(each, str | PathLike):
            try:
                yield from map(kind_of, named_files(fspath(each), "audit"))
            except InputError:  # a model, or a data set
                continue
