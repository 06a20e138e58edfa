"""breach-impact-kit: what a third-party breach means for you.

Start here: `known = impact.view(impact.load_case("mercor"))`, then `run = impact.simulate(known)`.
From there each question is a function that returns an `Answer`:

- of a view, such as `timeline(known)` and `statements(known)`: what is known and how sure
- of a run, such as `exposure(run)` and `losses(run)`: who is reached and what it costs;
  `why(run, name)` says how a party, a number, an input or a claim comes about
- of two: `compare(run)` sets the scenarios beside it, `waterfall(one, other)` tells a difference,
  `news(known, later)` what became known
- of files: `scan(*paths, known=known)` asks locks, manifests and SBOMs what advisories name;
  `systems(scanned, known)` sums up a scan by system

More runs come from `what_if(run, "NAME=VALUE")`, `under(run, scenario)` and `simulate_year(known)`.

Nothing is imported until a name is used; `__init__.pyi` lists the names, docs/reference.md says
what each does.
"""

from types import FunctionType

from lazy_loader import attach_stub

__version__ = "0.1.0"
_loaded, __dir__, __all__ = attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"impact has no {name!r}; it has {', '.join(__all__)}")
    found = _loaded(name)
    if isinstance(found, FunctionType):
        from impact.base.errors import checked

        found = globals()[name] = checked(found)
    return found
