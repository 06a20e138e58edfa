"""A view written as a case folder: what reads it again sees the same, and nothing else."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import msgspec
import polars as pl
import rtoml

from impact.base.errors import BadInput, bad
from impact.base.texts import staged
from impact.case import scenarios
from impact.case.folder import ARROW, VIEW, About, Case, load_case, write_originals
from impact.case.scenarios import Scenario
from impact.case.tables import WRITTEN, harmless, ordered


def write(known: Case, home: Path) -> None:
    """Write the rows of a view, before its scenario and changes, as a case folder, which is made.

    It holds what stands by the day and at the level of the view, what ended others by then, and the
    scenarios and decisions of that level: no row of another day or above the level. Its tables are
    in Arrow's format, which is read in a tenth of the time of CSV.
    """
    home.mkdir(parents=True)
    before = known.before or known
    for table, rows in before.tables.items():
        every = pl.concat([rows, before.ended[table]])
        ordered(every).write_ipc(home / (table + ARROW))
    write_originals(home, known.files)
    about = {part.name: getattr(known, part.name) for part in fields(About)}
    (home / VIEW).write_bytes(msgspec.json.encode(about))


def keep(folder: Path, scenario: Scenario) -> None:
    """Add a scenario to the `scenarios.toml` of a case folder, whose own text stays as it is.

    Raises BadInput where the name is taken or the case would have a fault with it; the file is
    then left as it was. It is replaced in one step, so that it is never half written.
    """
    path, case = folder / scenarios.FILE, load_case(folder)
    if scenario.id.casefold() in map(str.casefold, case.scenarios):
        raise bad(f"scenario {scenario.id}", "is there already", "give another name")
    texts = {name: getattr(scenario, name) for name in ("title", "says", "as_of", "contradicts")}
    settings = {name: value for name, value in texts.items() if value} | {"tlp": scenario.tlp}
    settings["set"] = {
        c.name: c.mode if c.low == c.high else [c.low, c.mode, c.high] for c in scenario.changes
    }
    new = rtoml.dumps({"scenario": {scenario.id: settings}})
    read = scenarios.read(rtoml.loads(new), case.tables, case.tlp, case.defaults)
    if read.faults:
        raise BadInput(read.faults)
    try:
        new = f"{path.read_text('utf-8').rstrip()}\n\n{new}"
        staged(path, new.encode()).replace(path)
    except OSError as error:  # no room, or no right to write
        what = f"cannot be written ({error.strerror or type(error).__name__})"
        raise bad(path.name, what, "check room and rights of the case folder") from None


def text(rows: pl.DataFrame) -> str:
    """Rows of a table as CSV, as `impact.case.tables.read` reads it."""
    lists, flags = pl.col(pl.List(pl.String)).list.join("; "), pl.col(pl.Boolean).cast(pl.String)
    written = rows.with_columns(WRITTEN, lists, flags.replace("false", None))
    return harmless(written.drop("file_line", strict=False)).write_csv()
