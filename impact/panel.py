"""`explore`: a case in one panel, whose pictures move with its sliders.

It shows Answers and nothing else; every number in it can be had from a page or a terminal too.
"""

from __future__ import annotations

import asyncio
import html
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as ipw
import numpy as np
import traitlets

from impact.answers.answer import Answer
from impact.answers.differences import waterfall
from impact.answers.exposure import exposure
from impact.answers.losses import losses
from impact.answers.news import news
from impact.answers.tails import exceedance
from impact.answers.unknowns import unknowns
from impact.answers.why import why
from impact.base import times, words
from impact.base.errors import ImpactError, bad
from impact.case import checks, views
from impact.case.changes import Change
from impact.case.folder import Case, cases, find_case, load_case
from impact.case.scenarios import BASELINE, Scenario
from impact.case.schema import TLP
from impact.case.writer import keep
from impact.measures.evidence import names
from impact.measures.loss import bearers
from impact.simulation import Run, drawn_inputs, simulate, what_if

MOST_SLIDERS = 6
WIDE = 50  # times between the ends of a range from which its slider goes by powers
ALL = "all that is known"


class Board(anywidget.AnyWidget):
    """Pictures drawn in the browser, offline.

    A picture is `name`, `title`, `says`, and `svg`, or `spec` (Vega-Lite as JSON, its data named)
    and `tables` (JSON: rows by the name of the data). It is drawn anew when `state` changes.
    """

    pictures: traitlets.List[dict[str, str]] = traitlets.List().tag(sync=True)
    state = traitlets.Int(0).tag(sync=True)


@cache
def bundle() -> str:
    """The script of the board with Vega, as one module without an outside address."""
    import vl_convert

    script = resources.files("impact").joinpath("board.js").read_text("utf-8")
    return str(vl_convert.javascript_bundle(script, vl_version="6.4"))


def picture(answer: Answer) -> dict[str, str]:
    """An Answer as the board shows it: its chart with data apart, its title and its sentence."""
    from impact.charts import theme

    shown = {"name": answer.name, "title": answer.asks, "says": answer.sentence}
    shown |= {"svg": "", "spec": "", "tables": "{}"}
    if answer.draw is None:
        return shown
    drawn = theme.described(answer.draw, answer.title, answer.subtitle, (), wide=True)
    if isinstance(drawn, str):
        return {**shown, "svg": theme.svg(drawn, answer.name, answer.told())}
    tables = dict[str, Any]()
    spec = _apart(theme.readable(drawn), tables)
    return {**shown, "spec": json.dumps(spec), "tables": json.dumps(tables)}


def _apart(part: Any, tables: dict[str, Any]) -> Any:
    """A part of a description with its inline data moved to tables, by name."""
    if isinstance(part, list):
        return [_apart(value, tables) for value in part]
    if not isinstance(part, dict):
        return part
    found = {}
    for key, value in part.items():
        if key == "data" and "values" in value:
            found[key] = {"name": f"table-{len(tables)}"}
            tables[found[key]["name"]] = value["values"]
        else:
            found[key] = _apart(value, tables)
    return found


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
        self.base: Run | None = None  # of the view, without the sliders
        self.baseline: Run | None = None  # without the scenario too
        self.run: Run | None = None
        self.changes: dict[str, Change] = {}
        self.making: asyncio.Future[None] | None = None
        self.quiet = False  # while a control is set by the panel itself
        wide = {"layout": ipw.Layout(width="auto"), "style": {"description_width": "5rem"}}
        names = list(dict.fromkeys([case, *cases()]))
        self.case = ipw.Dropdown(options=names, value=case, description="Case", **wide)
        self.scenario = ipw.Dropdown(options=[BASELINE], description="Scenario", **wide)
        self.day = ipw.SelectionSlider(options=[(ALL, "")], description="As of", **wide)
        self.level = ipw.Dropdown(options=[TLP[0]], description="TLP", **wide)
        self.sliders = ipw.VBox()
        self.back = _button("Back to the evidence", "Undo all sliders")
        self.name = ipw.Text(placeholder="name of a scenario", layout=ipw.Layout(width="12rem"))
        self.keep = _button("Keep as scenario", "Write it into scenarios.toml")
        self.make = _button("Make the report", "All notebooks of this scenario, as pages")
        self.asked = ipw.Dropdown(options=[], description="Why?", **wide)
        self.head, self.said, self.told, self.wrong, self.why = (ipw.HTML() for _ in range(5))
        self.board = Board(_esm=bundle())
        self.whole = self._laid_out()
        self.case.observe(self._on_case, "value")
        self.level.observe(self._on_level, "value")
        for control in (self.scenario, self.day):
            control.observe(self._on_view, "value")
        self.asked.observe(lambda change: self._explain(change["new"]), "value")
        self.back.on_click(lambda _: self._undo())
        self.keep.on_click(lambda _: self._keep())
        self.make.on_click(lambda _: self._report())
        self._on_case(None)

    def _laid_out(self) -> ipw.VBox:
        keeping = ipw.HBox([self.name, self.keep, self.make], layout=_wrapped())
        controls = [self.case, self.scenario, self.day, self.level, self.sliders, self.back]
        left = ipw.VBox(
            [*controls, keeping, self.told, self.asked, self.why],
            layout=ipw.Layout(flex="1 1 20rem", min_width="18rem", max_width="30rem"),
        )
        right = ipw.VBox(
            [self.said, self.board], layout=ipw.Layout(flex="3 1 36rem", overflow="auto")
        )
        return ipw.VBox([self.head, self.wrong, ipw.HBox([left, right], layout=_wrapped())])

    def _guarded(self, step: Any, *arguments: Any) -> None:
        """Do a step; what is wrong is listed in the panel, which shows what it showed."""
        try:
            step(*arguments)
        except ImpactError as error:
            lines = "".join(f"<li>{_safe(str(fault))}</li>" for fault in error.faults)
            self.wrong.value = (
                f"<div role='alert'><b>This cannot be shown:</b><ul>{lines}</ul></div>"
            )
        else:
            self.wrong.value = ""

    def _on_case(self, _: object) -> None:
        self._guarded(self._load)

    def _on_view(self, _: object) -> None:
        if not self.quiet and self.loaded is not None:
            self._guarded(self._look)

    def _on_level(self, _: object) -> None:
        if not self.quiet and self.loaded is not None:
            self._guarded(self._offer)

    def _load(self) -> None:
        """Read the case anew and set the controls to what it has."""
        self.loaded = None
        loaded = load_case(self.case.value)
        self.quiet = True
        self.level.options = TLP[: TLP.index(loaded.tlp) + 1]
        self.level.value = loaded.tlp
        self.quiet, self.loaded, self.base = False, loaded, None
        self.changes = {}
        self._offer()

    def _offer(self) -> None:
        """Scenarios and days of the level, those that were chosen kept where it has them."""
        if self.loaded is None:
            return
        seen = views.view(self.loaded, tlp=self.level.value)
        scenario, day = self.scenario.value, self.day.value
        self.quiet = True
        self.scenario.options = [(one.title, name) for name, one in seen.scenarios.items()]
        self.scenario.value = scenario if scenario in seen.scenarios else BASELINE
        every = days(seen)
        self.day.options = [*((day, day) for day in every), (ALL, "")]
        self.day.value = day if day in every else ""
        self.quiet = False
        self._look()

    def _look(self) -> None:
        """The view of scenario, day and level; its sliders are kept where it has their inputs."""
        if self.loaded is None:
            return
        known = views.view(self.loaded, self.scenario.value, self.day.value, self.level.value)
        base = simulate(known, self.draws, self.seed, self.base)
        if self.base is None or base.known.inputs.keys() != self.base.known.inputs.keys():
            self.sliders.children = [
                ipw.VBox([_meant(base, name), self._slider(base, name)]) for name in _first(base)
            ]
        self.base = self.baseline = base
        if known.before is not None and known.changes:
            self.baseline = simulate(known.before, self.draws, self.seed, base)
        self._move()

    def _slider(self, run: Run, name: str) -> ipw.Widget:
        kind, settings = slider(run, name)
        made = kind(**settings, continuous_update=True, layout=ipw.Layout(width="95%"))
        made.add_class(f"input-{name}")
        start, step = float(made.value), made.step
        by_powers = kind is ipw.FloatLogSlider

        def moved(change: dict[str, Any]) -> None:
            value = float(change["new"])
            off = np.log10(value / start) if by_powers else value - start
            self._set(name, None if abs(off) < 0.6 * step else words.significant(value, 3))

        made.observe(moved, "value")
        return made

    def _set(self, name: str, value: float | None) -> None:
        """Fix an input at a value; None, where a slider begins, leaves it as it is estimated."""
        change = None if value is None else Change(name, value, value, value)
        if self.quiet or self.changes.get(name) == change:
            return
        self.changes.pop(name, None)
        if change is not None:
            self.changes[name] = change
        self._guarded(self._move)

    def _undo(self) -> None:
        self.changes = {}
        self.base = None
        self._guarded(self._look)

    def _move(self) -> None:
        """Work out what the sliders change, and show it."""
        if self.base is None:
            return
        held = [c for name, c in self.changes.items() if name in self.base.known.inputs]
        run = what_if(self.base, held) if held else self.base
        beside = self.baseline if run is not self.baseline else None
        told = [losses(run), exceedance(run, beside), exposure(run)]
        changed = [waterfall(run)] if held or run.known.changes else []
        self.run = run
        with self.board.hold_sync():
            self.board.pictures = [picture(answer) for answer in told]
            self.board.state += 1
        self._say(run, changed, run.known.label)

    def _say(self, run: Run, changed: Sequence[Answer], label: str) -> None:
        known = run.known
        day = words.date(known.as_of) if known.as_of else ALL
        seen = f"{words.level(label)} · {known.scenarios[known.scenario].title} · as of: {day}"
        self.head.value = f"<h2>{_safe(known.title)}</h2><p>{_safe(seen)}</p>"
        told = [*views.notices(known), *(answer.sentence for answer in changed)]
        told = told or ["No input is changed."]
        if known.as_of and self.loaded is not None:
            every = [day for _, day in self.day.options if day]
            before = [day for day in every if day < self.day.value]
            if before:
                view = (self.scenario.value, before[-1], self.level.value)
                told.append(news(views.view(self.loaded, *view), known).sentence)
        self.said.value = "".join(f"<p>{_safe(text)}</p>" for text in told)
        said = names(known)
        named = {*bearers(run), *exposure(run).table["ids"].explode()}
        parties = sorted((words.capital(said[one]), one) for one in named)
        shown = [("", ""), ("all parties together", "total"), *parties]
        if shown != list(self.asked.options):
            self.quiet, self.asked.options, self.quiet = True, shown, False
        self._explain(self.asked.value)

    def _explain(self, name: str | None) -> None:
        """Why a party, a row of losses or the total is what it is."""
        if not name or self.run is None or self.quiet:
            return
        try:
            answer = why(self.run, name)
        except ImpactError as error:
            self.why.value = f"<p>{_safe(str(error))}</p>"
        else:
            self.why.value = answer._repr_html_()

    def _keep(self) -> None:
        self.told.value = ""
        self._guarded(self._kept)

    def _kept(self) -> None:
        """Write scenario, sliders and day as a scenario of the case, and choose it."""
        if self.run is None or self.loaded is None:
            return
        name = self.name.value.strip()
        if not name:
            raise bad("name", "is empty", "write one beside the button")
        if not self.run.known.changes:
            raise bad("sliders", "nothing is changed", "move one first")
        today = times.parse(datetime.now(UTC).date().isoformat())
        says = f"Kept from the panel on {words.date(today)}."
        view = (self.run.known.changes, self.day.value)
        kept = Scenario(name, name.replace("-", " "), says, *view, tlp=self.level.value)
        keep(find_case(self.case.value), kept)
        self._load()
        self.scenario.value = name
        self.told.value = f"<p>Kept as scenario {_safe(name)}.</p>"

    def _report(self) -> None:
        """Make the pages of this view in a process of their own, and tell how it goes."""
        command = [sys.executable, "-m", "impact", "report", self.case.value]
        command += ["--scenario", self.scenario.value, "--notebook", "all"]
        lower = self.loaded is not None and self.level.value != self.loaded.tlp
        command += ["--tlp", self.level.value] if lower else []
        command += ["--as-of", self.day.value] if self.day.value else []
        command += [part for change in self.changes.values() for part in ("--set", str(change))]

        async def run() -> None:
            self.make.disabled = True
            self.told.value = "<p>The report is being made; this takes about half a minute.</p>"
            pipe = asyncio.subprocess.PIPE
            started = await asyncio.create_subprocess_exec(
                *command, stdout=pipe, stderr=asyncio.subprocess.STDOUT
            )
            out, _ = await started.communicate()
            lines = "<br>".join(_safe(line) for line in out.decode("utf-8", "replace").split("\n"))
            self.told.value = f"<p role='status'>{lines}</p>"
            self.make.disabled = False

        self.making = asyncio.ensure_future(run())


def days(known: Case) -> list[str]:
    """The days on which a claim became known, in order."""
    found = {when.date() for when in known["claims"]["known_on"]}
    return [day.isoformat() for day in sorted(found)]


def _first(run: Run) -> list[str]:
    """The inputs that matter most, the most first: those that are drawn and can be asked about."""
    drawn = {one for one, _, _ in drawn_inputs(run)}
    ranked = [name for name in unknowns(run).table["id"] if name in drawn]
    return ranked[:MOST_SLIDERS]


def slider(run: Run, name: str) -> tuple[type[ipw.Widget], dict[str, Any]]:
    """(kind, settings) of the slider of an input: at its median, over what it is thought to be."""
    draws = next(values for one, _, values in drawn_inputs(run) if one == name)
    low, middle, high = np.quantile(draws, (0.0, 0.5, 1.0)).tolist()
    if checks.is_chance(run.known.inputs[name]["unit"]):
        at = round(middle, 2)
        return ipw.FloatSlider, {"min": 0.0, "max": 1.0, "step": 0.01, "value": at}
    shape = {"readout_format": ".3s" if high >= 1000 else ".3r"}
    if low > 0 and high > WIDE * low:
        ends = {"min": float(np.log10(low)), "max": float(np.log10(high)), "step": 0.02}
        return ipw.FloatLogSlider, {**ends, **shape, "value": middle}
    step = words.significant((high - low) / 100, 1) or 1.0
    begin, at = min(low, 0.0), round(middle / step) * step
    return ipw.FloatSlider, {"min": begin, "max": 1.5 * high, "step": step, "value": at, **shape}


def _meant(run: Run, name: str) -> ipw.HTML:
    row = run.known.inputs[name]
    return ipw.HTML(
        f"<label>{_safe(row['meaning'])} <small>({_safe(row['unit'])}, "
        f"{_safe(row['basis_kind'])})</small></label>"
    )


def _button(text: str, tip: str) -> ipw.Button:
    return ipw.Button(description=text, tooltip=tip, layout=ipw.Layout(width="auto"))


def _wrapped() -> ipw.Layout:
    return ipw.Layout(flex_flow="row wrap", width="100%", grid_gap="0 1rem")


def _safe(text: str) -> str:
    return html.escape(words.shown(text))
