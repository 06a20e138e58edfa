"""The tables of measures and answers: their columns, as frames.toml declares them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import rtoml

from impact.base import times

_COLUMNS = rtoml.load(Path(__file__).with_suffix(".toml"))
_TYPES: dict[str, Any] = {
    **{"text": pl.String, "number": pl.Float64, "count": pl.Int64, "flag": pl.Boolean},
    **{"texts": pl.List(pl.String), "counts": pl.List(pl.Int64), "time": times.INSTANT},
    "others": pl.List(pl.Struct({"client": pl.String, "others": pl.List(pl.String)})),
}


def frame(name: str, rows: Sequence[Mapping[str, Any] | Sequence[Any]]) -> pl.DataFrame:
    """Rows as a table of the columns that frames.toml declares for that name."""
    schema = {column: _TYPES.get(kind) for column, kind in _COLUMNS[name].items()}
    return pl.DataFrame(rows, schema=schema, orient="row")
