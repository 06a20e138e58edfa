"""`explore`: a case in one panel, the board of a live page with what only a kernel can do.

While a slider moves nothing is asked of the kernel. When it is let go, the kernel renews what the
board does not compute, and answers *Why?*, *Keep as scenario* and *Make the report*.
"""

from __future__ import annotations

import asyncio
import html
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as ipw
import msgspec
import traitlets

from impact.answers.comparisons import decisions, under
from impact.answers.differences import news
from impact.answers.unknowns import unknowns
from impact.answers.why import why
from impact.base import times, words
from impact.base.errors import ImpactError, Refusal, bad
from impact.board import data as board_data
from impact.case import heads, views
from impact.case.changes import Change
from impact.case.folder import Case, cases, find_case, load_case
from impact.case.scenarios import BASELINE, Scenario
from impact.case.schema import TLP, up_to
from impact.case.writer import keep
from impact.measures.evidence import names
from impact.measures.loss import bearers
from impact.measures.reach import by_entity, possible
from impact.simulation import Run, simulate, what_if

ALL = "all that is known"


class Board(anywidget.AnyWidget):
    """The board of a live page: `data` as `impact.board.data.describe` has them, or `declined`.

    `settings` are those on which its sliders have settled: `set` (input to value), `scenario`.
    """

    _esm = traitlets.Unicode(board_data.script()).tag(sync=True)
    _css = traitlets.Unicode(board_data.style()).tag(sync=True)
    data: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    settings: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)


class Settings(msgspec.Struct):
    """What the board has settled on: values of inputs, and a scenario, empty for its own."""

    set: dict[str, float] = {}
    scenario: str = ""


def explore(case: str | Path = "mercor", draws: int = 10_000, seed: int = 1) -> ipw.VBox:
    """A panel of a case: scenario, day, level and the inputs that matter most, with what they move.

    Show it as the last line of a cell. `case` is a name under `data/cases` or a folder; faults of
    a folder are listed in the panel, which stays. A slider that was moved stands for one value in
    place of the input's estimate; nothing is written but by *Keep as scenario*.
    """
    return _Panel(str(case), draws, seed).whole


class _Panel:
    """The widgets of a panel and the view that they stand for."""

    def __init__(self, case: str, draws: int, seed: int) -> None:
        self.draws, self.seed = draws, seed
        self.loaded: Case | None = None
        self.base: Run | None = None  # of the view, without the sliders and their scenario
        self.run: Run | None = None
        self.quiet = False  # while a control is set by the panel itself
        look: dict[str, Any] = {"style": {"description_width": "4rem"}}
        offered = dict.fromkeys([case, *cases()])
        self.case = ipw.Dropdown(options=list(offered), value=case, description="Case", **look)
        self.day = ipw.SelectionSlider(options=[(ALL, "")], description="As of", **look)
        self.day.layout.flex = "0 0 26rem"  # room for what is chosen
        self.level = ipw.Dropdown(options=[TLP[0]], description="TLP", **look)
        self.name = ipw.Text(placeholder="name of a scenario", layout=ipw.Layout(width="14rem"))
        self.keep = ipw.Button(description="Keep as scenario")
        self.make = ipw.Button(description="Make the report")
        self.asked = ipw.Dropdown(options=[], description="Why?", **look)
        self.head, self.told, self.said, self.wrong, self.why = (ipw.HTML() for _ in range(5))
        self.board = Board()
        row = {"layout": ipw.Layout(flex_flow="row wrap", grid_gap="0 1rem")}
        of_view = ipw.HBox([self.case, self.day, self.level], **row)
        keeping = ipw.HBox([self.name, self.keep, self.make], **row)
        parts = (self.head, self.wrong, of_view, self.board, keeping, self.told)
        self.whole = ipw.VBox([*parts, self.asked, self.why, self.said])
        for control, name, step in (
            (self.case, "value", self._load),
            (self.day, "value", self._look),
            (self.level, "value", self._look),
            (self.board, "settings", self._settle),
            (self.asked, "value", self._explain),
        ):
            control.observe(partial(self._guarded, step), name)
        self.keep.on_click(partial(self._guarded, self._kept))
        self.make.on_click(partial(self._guarded, self._report))
        self._guarded(self._load)

    def _guarded(self, step: Callable[[], None], _: object = None) -> None:
        """Do a step; what is wrong is listed in the panel, which shows what it showed.

        That stays until it is mended: while no case is read nothing but reading one is done.
        """
        if self.quiet or (self.loaded is None and step != self._load):
            return
        try:
            step()
        except ImpactError as error:
            lines = "".join(f"<li>{_safe(str(fault))}</li>" for fault in error.faults)
            told = f"<div role='alert'><b>This cannot be shown:</b><ul>{lines}</ul></div>"
            self.wrong.value, self.quiet = told, False
        else:
            self.wrong.value = self.wrong.value if step == self._explain else ""

    def _set(self, control: Any, options: Sequence[Any], value: str) -> None:
        """Give a control other options and a value, which is no choice of a reader."""
        self.quiet = True
        control.options, control.value = options, value
        self.quiet = False

    def _load(self, scenario: str = BASELINE) -> None:
        """Read the case anew and set the controls to what it has."""
        self.loaded, self.base, self.run, self.told.value = None, None, None, ""
        loaded = self.loaded = load_case(self.case.value)
        self._set(self.level, up_to(loaded.tlp), loaded.tlp)
        self._look(scenario)

    def _look(self, scenario: str = BASELINE) -> None:
        """The view of day and level: its days, and the board of it."""
        if self.loaded is None:
            return
        every = days(views.view(self.loaded, tlp=self.level.value))
        day = self.day.value if self.day.value in every else ""
        self._set(self.day, [*((one, one) for one in every), (ALL, "")], day)
        known = views.view(self.loaded, scenario, day, self.level.value)
        self.base = self.run = simulate(known, self.draws, self.seed)
        try:
            described = board_data.describe(self.base)
        except Refusal as refusal:
            described = {"declined": f"The board is not shown: {refusal.faults[0].what}."}
        with self.board.hold_trait_notifications():
            self.board.settings, self.board.data = {}, described
        self._say()

    def _settle(self) -> None:
        """Work out what the board does not, of the settings on which it has settled."""
        if self.base is None:
            return
        try:
            asked = msgspec.convert(self.board.settings, Settings)
        except msgspec.ValidationError as error:
            raise bad("settings", str(error), "move a slider") from None
        changes = [Change(name, value, value, value) for name, value in asked.set.items()]
        of = self.base.known.scenario
        run = under(self.base, asked.scenario) if asked.scenario not in ("", of) else self.base
        self.run = what_if(run, changes) if changes else run
        self._say()

    def _say(self) -> None:
        """What the board does not compute: decisions, questions, news, and whom to ask about."""
        if self.run is None or self.loaded is None:
            return
        run, known = self.run, self.run.known
        day = words.date(known.as_of) if known.as_of else ALL
        seen = f"{words.level(known.label)} · as of: {day}"
        self.head.value = f"<h2>{_safe(known.title)}</h2><p>{_safe(seen)}</p>"
        told = [f"<p><b>{_safe(one)}</b></p>" for one in heads.notices(known)]
        if before := [day for _, day in self.day.options if day and day < self.day.value]:
            other = views.view(self.loaded, BASELINE, before[-1], self.level.value)
            told.append(f"<p>{_safe(news(other, known).sentence)}</p>")
        answers = (decisions(run, most=1), unknowns(run, most=5))
        self.said.value = "".join([*told, *(one._repr_html_() for one in answers if one.there)])
        said, rows = names(known), by_entity(run)
        named = {*bearers(run), *(one for one, row in rows.items() if possible(row))}
        parties = sorted((words.capital(said[one]), one) for one in named if one in said)
        offered = [("", ""), ("all parties together", "total"), *parties]
        here = self.asked.value if self.asked.value in dict(offered).values() else ""
        self._set(self.asked, offered, here)
        self._explain()

    def _explain(self) -> None:
        """Why the party that is asked about, or the total, is what it is."""
        name = self.asked.value
        self.why.value = why(self.run, name)._repr_html_() if name and self.run else ""

    def _kept(self) -> None:
        """Write scenario, sliders and day as a scenario of the case, and choose it."""
        if self.run is None:
            return
        title = " ".join(self.name.value.split())
        name = slug(title)
        if not name:
            raise bad("name", "is empty", "write one beside the button")
        if not self.run.known.changes:
            raise bad("sliders", "nothing is changed", "move one first")
        today = times.parse(datetime.now(UTC).date().isoformat())
        says = f"Kept from the panel on {words.date(today)}."
        view = (self.run.known.changes, self.day.value)
        keep(find_case(self.case.value), Scenario(name, title, says, *view, tlp=self.level.value))
        self._load(name)
        self.told.value = f"<p>Kept as scenario {_safe(name)}.</p>"

    def _report(self) -> None:
        """Make the pages of this view in a process of their own, and tell how it goes."""
        if self.run is None or self.loaded is None:
            return
        known = self.run.known
        options = [f"--scenario={known.scenario}", "--notebook=all", f"--as-of={self.day.value}"]
        options += [f"--tlp={self.level.value}"] if self.level.value != self.loaded.tlp else []
        options += [f"--set={change}" for change in views.own_changes(known)]
        command = [sys.executable, "-m", "impact", "report", self.case.value, *options]
        self.making = asyncio.ensure_future(self._made(command))  # else it may end half-way

    async def _made(self, command: Sequence[str]) -> None:
        """Run the command, then show what it said and where the report is served."""
        self.make.disabled = True
        self.told.value = "<p>The report is being made; this takes about half a minute.</p>"
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True)
        told = (done.stdout + done.stderr).decode(errors="replace")
        lines = "<br>".join(_safe(line) for line in told.split("\n"))
        made = _served(Path("reports/index.html")) if done.returncode == 0 else ""
        link = f"<a href='{_safe(made)}' target='_blank'>Open the report</a>" if made else ""
        self.told.value = f"<p role='status'>{lines}</p>{link}"
        self.make.disabled = False


def _served(path: Path) -> str:
    """Where the Jupyter server of this kernel serves a file; empty where none does."""
    from jupyter_server.serverapp import list_running_servers

    for server in list_running_servers():
        root = Path(str(server["root_dir"])).resolve()
        if path.resolve().is_relative_to(root):
            return f"{server['base_url']}files/{path.resolve().relative_to(root).as_posix()}"
    return ""


def slug(text: str) -> str:
    """A text as a name that a scenario may have.

    >>> slug("Long pause: 40 weeks")
    'long-pause-40-weeks'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:60].strip("-")


def days(known: Case) -> list[str]:
    """The days on which a claim became known, in order."""
    found = {when.date() for when in known["claims"]["known_on"]}
    return [day.isoformat() for day in sorted(found)]


def _safe(text: str) -> str:
    return html.escape(words.shown(text))
