"""The engine of the board in Chromium against the kit: counts, values and texts of any setting."""

from __future__ import annotations

import json
import os
from typing import Any

import commands
import numpy as np
import pytest
from playwright.sync_api import Browser, Page

import impact
from impact.base import words
from impact.base.errors import Refusal
from impact.base.words import significant
from impact.board import data
from impact.case import checks
from impact.case.changes import Change
from impact.measures.loss import bearers, ranges
from impact.measures.totals import net_loss, total_loss
from impact.simulation import simulate, what_if

SETTINGS = int(os.environ.get("BOARD_SETTINGS", "15"))  # of each kind
LOAD = """async ([script, data]) => {
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  window.kit = await import(address);
  window.engine = window.kit.engine(JSON.parse(data));
}"""
TELL = """([bearers, truths]) => truths.map(({ set, scenario }) => {
  const { engine } = window;
  engine.run(set, scenario);
  const mean = (who) => {
    const sum = engine.balance(who).reduce((a, b) => a + b, 0);
    return sum / engine.balance(who).length;
  };
  const table = (told) => (told.rows.length ? [told.heads, ...told.rows] : []);
  const count = (masks) => Object.fromEntries([...masks].map(([k, m]) => [k, engine.count(m)]));
  const told = {};
  for (const short of [false, true]) {
    const [losses, exposure] = [engine.losses(short ? 6 : null), engine.exposure(short ? 7 : null)];
    told[`losses ${short}`] = [losses.lead, losses.rows];
    told[`exposure ${short}`] = [exposure.lead, table(exposure)];
  }
  const of = (r) => [`${r.about}.${r.part}`, r.low, r.mid, r.high, r.chance];
  const ranges = engine.losses(null).ranges.map(of).sort((a, b) => (a[0] < b[0] ? -1 : 1));
  return {
    texts: told,
    counts: { reached: count(engine.now.reached), on: count(engine.now.on) },
    values: [...[...bearers, null].map(mean), ...ranges.flat()],
  };
})"""


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Page:
    """A page without a network."""
    return browser.new_context(offline=True).new_page()


def fixed(setting: dict[str, float]) -> list[Change]:
    """Each input of a setting at its value."""
    return [Change(name, value, value, value) for name, value in setting.items()]


def truth(run: impact.Run) -> dict[str, Any]:
    """What the kit says of a run, as `TELL` says it of the engine."""
    texts = {}
    for short in (False, True):
        losses = impact.losses(run, 6 if short else None)
        exposure = impact.exposure(run, 7 if short else None)
        texts[f"losses {str(short).lower()}"] = [list(losses.lead), losses.rows()[1:]]
        texts[f"exposure {str(short).lower()}"] = [list(exposure.lead), exposure.rows()]
    rows = sorted(
        [r["id"], r["low"], r["mid"], r["high"], r["chance"]] for r in ranges(run).to_dicts()
    )
    means = [float(net_loss(run, one).mean()) for one in bearers(run)]
    return {
        "texts": texts,
        "counts": {
            "reached": {one: mask.bit_count() for one, mask in run.reached.items()},
            "on": {link: run.on[link].bit_count() for link in run.model.terms},
        },
        "values": [*means, float(total_loss(run).mean()), *(cell for row in rows for cell in row)],
    }


def of_sliders(described: dict[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """Half of the sliders anywhere, their ends and few digits among it."""
    found = {}
    for slider in described["sliders"]:
        if rng.random() < 0.5:
            share = rng.choice([0.0, 1.0, rng.random()], p=[0.05, 0.05, 0.9])
            at = slider["min"] + share * (slider["max"] - slider["min"])
            value = 10**at if slider["log"] else at
            found[slider["name"]] = float(significant(value, int(rng.choice([1, 2, 3]))))
    return found


def of_inputs(run: impact.Run, rng: np.random.Generator) -> dict[str, float]:
    """A dozen of any inputs, or nearly all, to one or two digits; at times a link that is cut."""
    rows = [row for row in run.known.inputs.values() if row["unit"] != checks.RATE]
    whole = rng.random() < 0.2
    found = {}
    for row in rows if whole else [rows[at] for at in rng.choice(len(rows), 12, replace=False)]:
        chance = checks.is_chance(row["unit"])
        if whole and chance and rng.random() < 0.8:
            continue
        ends = 0.0, 1.0 if chance or row["unit"] == "share" else 2 * (row["mode"] or 5.0)
        low, high = (row["low"], row["high"]) if row["low"] is not None else ends
        value = (
            float(rng.integers(0, 2)) if chance and rng.random() < 0.2 else rng.uniform(low, high)
        )
        found[row["id"]] = float(significant(value, int(rng.choice([1, 2]))))
    if rng.random() < 0.2:
        found[f"link.{rng.choice([edge.name for edge in run.edges])}"] = 0.0
    return found


@pytest.mark.browser
@pytest.mark.parametrize("case", ["mercor", "drift"])
@pytest.mark.parametrize("kind", ["sliders", "inputs"])
def test_the_engine_says_what_the_kit_says(tab: Page, case: str, kind: str) -> None:
    """Counts and texts equal, raw values within 1e-9, under scenarios too."""
    rng, draws = np.random.default_rng([7, len(case), len(kind)]), 3000
    base = simulate(impact.view(impact.load_case(case)), draws)
    described = data.describe(base)
    runs, asked, wanted = {"baseline": base}, [], []
    for number in range(SETTINGS + 1):
        name = "baseline"
        if number and rng.random() < 0.5:
            name = str(rng.choice(list(described["scenarios"])))
        if name not in runs:
            runs[name] = simulate(impact.view(impact.load_case(case), name), draws)
        make = of_sliders(described, rng) if kind == "sliders" else of_inputs(runs[name], rng)
        setting = make if number else {}
        asked.append({"set": setting, "scenario": name})
        wanted.append(truth(what_if(runs[name], fixed(setting)) if setting else runs[name]))
    tab.evaluate(LOAD, [data.script(), data.packed(described)])
    found = tab.evaluate(TELL, [bearers(base), asked])
    for setting, right, told in zip(asked, wanted, found, strict=True):
        for part in ("texts", "counts"):
            assert told[part] == right[part], setting
        for one, other in zip(told["values"], right["values"], strict=True):
            near = pytest.approx(other, rel=1e-9, abs=1e-9) if isinstance(other, float) else other
            assert one == near, setting


@pytest.mark.browser
def test_numbers_are_printed_as_python_prints_them(tab: Page) -> None:
    known = impact.view(impact.load_case("mercor"))
    tab.evaluate(LOAD, [data.script(), data.packed(data.describe(simulate(known, 200)))])
    told = """(v) => { const { significant, number, money, range } = engine.print;
      return [...[1, 2, 3].flatMap((n) => [significant(v, n), number(v, n)]),
        money(v), range(-v, 2 * v)]; }"""
    for value in (0.5, 1.5, 2.5, 0.125, 1e15, 25e5, 0.05, 3.65, 1049999.5, 9.5, 95e8):
        digits = [shape(value, n) for n in (1, 2, 3) for shape in (significant, words.number)]
        right = [*digits, words.money(value), words.money_range(-value, 2 * value)]
        assert tab.evaluate(told, value) == right, value


@pytest.mark.browser
def test_the_engine_says_what_the_command_says(tab: Page) -> None:
    run = simulate(impact.view(impact.load_case("mercor")), 2000)
    described = data.describe(run)
    tab.evaluate(LOAD, [data.script(), data.packed(described)])
    settings = [of_sliders(described, np.random.default_rng(number)) for number in range(5)]
    assert all(settings)
    asked = [{"set": setting, "scenario": "baseline"} for setting in settings]
    for setting, told in zip(settings, tab.evaluate(TELL, [bearers(run), asked]), strict=True):
        set_ = [word for name, value in setting.items() for word in ("--set", f"{name}={value}")]
        done = commands.impact("show", "mercor", "--json", "--draws", "2000", *set_)
        shown = json.loads(done.stdout)
        reached = told["counts"]["reached"]
        chances = {row["entity"]: row["chance"] for row in shown["exposure"]}
        chances = {name: chance for name, chance in chances.items() if chance is not None}
        assert {name: reached.get(name, 0) / 2000 for name in chances} == pytest.approx(
            chances, abs=1e-12
        )
        found = dict(zip([*bearers(run), "total"], told["values"], strict=False))
        means = {row["bearer"]: row["mean_usd"] for row in shown["losses"]}
        means = {name: mean for name, mean in means.items() if mean is not None and name in found}
        assert means
        assert {name: found[name] for name in means} == pytest.approx(means, rel=1e-9, abs=1e-6)


def test_data_that_are_too_large_are_declined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "MOST", 1000)
    known = impact.view(impact.load_case("mercor"))
    with pytest.raises(Refusal, match=r"board: its data would have .* characters, more than 1,000"):
        data.describe(simulate(known, 200))


@pytest.mark.parametrize("case", ["mercor", "drift"])
def test_the_data_name_nobody_whom_the_board_does_not(case: str) -> None:
    """Publishers, actors and authorities are on no way; states between parties need no name."""
    run = simulate(impact.view(impact.load_case(case)), 1000)
    told = data.describe(run)
    named = {kind for _, name, kind in told["entities"] if name}
    bearing = {run.known.rows("entities")[one]["kind"] for one in bearers(run)}
    assert named <= {"lab", "client", "dataset", "vendor"} | bearing | {"product"}
    ends = {end for edge in run.edges for end in (edge.source, edge.target)}
    payers = {*run.known["losses"]["bearer"], *run.known["losses"]["received_by"]}
    assert {one for one, *_ in told["entities"]} <= ends | payers | {*told["supplies"]}
    assert {*told["did"], *told["cited"]} <= {"", *ends} | payers | {*told["supplies"]} | {
        one for _, several in told["sets"] for one in several
    }


def test_no_data_can_end_the_script_that_holds_them() -> None:
    packed = data.packed({"says": "</script><b>&amp;\u2028\u202e"})
    assert "<" not in packed
    assert "\u202e" not in packed
    assert json.loads(packed)["says"].startswith("</script><b>&amp;")


def test_the_script_is_small_and_asks_for_nothing() -> None:
    script = data.script()
    assert len(script.encode()) <= 60_000
    for word in ("import(", "fetch", "XMLHttpRequest", "eval(", "innerHTML", "http://", "https://"):
        assert word not in script.replace("http://www.w3.org/2000/svg", ""), word
