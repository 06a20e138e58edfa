"""breach-impact-kit: what a third-party breach means for you.

Start here: `known = impact.view(impact.load_case("mercor"))`, then `run = impact.simulate(known)`.
From there each question is a function that returns an `Answer`:

- of a view: `timeline`, `statements`, `conflicts`, `attribution`, `duties`, `sources`
- of a run: `bottom_line`, `exposure`, `weak_points`, `concentration`,
  `losses`, `itemised`, `exceedance`, `next_year`, `decisions`, `unknowns`,
  `not_known`;
  `why(run, name)` says how a party, a number, an input or a claim comes about
- of two: `compare(run)` sets the scenarios beside it, `waterfall(one, other)` tells a difference,
  `news(known, later)` what became known
- of files: `scan(*paths, known=known)` asks locks, manifests and SBOMs what advisories name;
  of a scan: `systems`, `by_file`, `held_when(scanned, known)`, `pins`, `to_settle`, `not_read`

More runs come from `what_if(run, "NAME=VALUE")`, `under(run, scenario)` and `simulate_year(known)`.

Nothing is imported until a name is used.
"""

from __future__ import annotations

from importlib import import_module
from types import FunctionType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from impact.answers.answer import Answer as Answer
    from impact.answers.attribution import attribution as attribution
    from impact.answers.brief import bottom_line as bottom_line
    from impact.answers.clocks import duties as duties
    from impact.answers.comparisons import compare as compare
    from impact.answers.comparisons import under as under
    from impact.answers.concentration import concentration as concentration
    from impact.answers.conflicts import conflicts as conflicts
    from impact.answers.decisions import decisions as decisions
    from impact.answers.differences import waterfall as waterfall
    from impact.answers.evidence import sources as sources
    from impact.answers.evidence import timeline as timeline
    from impact.answers.exposure import exposure as exposure
    from impact.answers.fleet import by_file as by_file
    from impact.answers.fleet import held_when as held_when
    from impact.answers.fleet import not_read as not_read
    from impact.answers.fleet import pins as pins
    from impact.answers.fleet import systems as systems
    from impact.answers.fleet import to_settle as to_settle
    from impact.answers.losses import losses as losses
    from impact.answers.news import news as news
    from impact.answers.statements import statements as statements
    from impact.answers.tails import exceedance as exceedance
    from impact.answers.tails import itemised as itemised
    from impact.answers.tails import next_year as next_year
    from impact.answers.unknowns import not_known as not_known
    from impact.answers.unknowns import unknowns as unknowns
    from impact.answers.verdicts import scan as scan
    from impact.answers.weak_points import weak_points as weak_points
    from impact.answers.why import why as why
    from impact.case.folder import Case as Case
    from impact.case.folder import load_case as load_case
    from impact.case.views import view as view
    from impact.simulation import Run as Run
    from impact.simulation import simulate as simulate
    from impact.simulation import what_if as what_if
    from impact.sums import simulate_year as simulate_year
    from impact.widgets import explore as explore

__version__ = "0.1.0"

_HOMES = {
    "Answer": "answers.answer",
    "Case": "case.folder",
    "Run": "simulation",
    "attribution": "answers.attribution",
    "bottom_line": "answers.brief",
    "by_file": "answers.fleet",
    "compare": "answers.comparisons",
    "concentration": "answers.concentration",
    "conflicts": "answers.conflicts",
    "decisions": "answers.decisions",
    "duties": "answers.clocks",
    "exceedance": "answers.tails",
    "explore": "widgets",
    "exposure": "answers.exposure",
    "held_when": "answers.fleet",
    "itemised": "answers.tails",
    "load_case": "case.folder",
    "losses": "answers.losses",
    "news": "answers.news",
    "next_year": "answers.tails",
    "not_known": "answers.unknowns",
    "not_read": "answers.fleet",
    "pins": "answers.fleet",
    "scan": "answers.verdicts",
    "simulate": "simulation",
    "simulate_year": "sums",
    "sources": "answers.evidence",
    "statements": "answers.statements",
    "systems": "answers.fleet",
    "timeline": "answers.evidence",
    "to_settle": "answers.fleet",
    "under": "answers.comparisons",
    "unknowns": "answers.unknowns",
    "view": "case.views",
    "waterfall": "answers.differences",
    "weak_points": "answers.weak_points",
    "what_if": "simulation",
    "why": "answers.why",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"impact has no {name!r}; it has {', '.join(__all__)}")
    found = getattr(import_module(f"impact.{_HOMES[name]}"), name)
    if isinstance(found, FunctionType):
        found = import_module("impact.errors").checked(found)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
