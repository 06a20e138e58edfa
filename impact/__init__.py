"""breach-impact-kit: what a third-party breach means for you.

Start here: `known = impact.view(impact.load_case("mercor"))`, then `run = impact.simulate(known)`.
From there each question is a function that returns an `Answer`:

- of a view: `timeline`, `conflicts`, `duties`, `sources`
- of a run: `bottom_line`, `exposure`, `concentration`, `positions`, `losses`, `decisions`,
  `unknowns`, `not_known`;
  `why(run, name)` says how a party, a number, an input or a claim comes about

Nothing is imported until a name is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from impact.answers.answer import Answer as Answer
    from impact.answers.brief import bottom_line as bottom_line
    from impact.answers.concentration import concentration as concentration
    from impact.answers.decisions import decisions as decisions
    from impact.answers.evidence import conflicts as conflicts
    from impact.answers.evidence import duties as duties
    from impact.answers.evidence import sources as sources
    from impact.answers.evidence import timeline as timeline
    from impact.answers.exposure import exposure as exposure
    from impact.answers.losses import losses as losses
    from impact.answers.positions import positions as positions
    from impact.answers.unknowns import not_known as not_known
    from impact.answers.unknowns import unknowns as unknowns
    from impact.answers.why import why as why
    from impact.case.folder import Case as Case
    from impact.case.folder import load_case as load_case
    from impact.case.views import view as view
    from impact.simulation import Run as Run
    from impact.simulation import simulate as simulate

__version__ = "0.1.0"

_HOMES = {
    "Answer": "answers.answer",
    "Case": "case.folder",
    "Run": "simulation",
    "bottom_line": "answers.brief",
    "concentration": "answers.concentration",
    "conflicts": "answers.evidence",
    "decisions": "answers.decisions",
    "duties": "answers.evidence",
    "exposure": "answers.exposure",
    "load_case": "case.folder",
    "losses": "answers.losses",
    "not_known": "answers.unknowns",
    "positions": "answers.positions",
    "simulate": "simulation",
    "sources": "answers.evidence",
    "timeline": "answers.evidence",
    "unknowns": "answers.unknowns",
    "view": "case.views",
    "why": "answers.why",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"impact has no {name!r}; it has {', '.join(__all__)}")
    found = getattr(import_module(f"impact.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
