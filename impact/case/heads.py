"""What a reader must be told of a view before its numbers, and how a view is named."""

from __future__ import annotations

from typing import Any

from impact.base import words
from impact.case import checks, folder, lineage, scenarios, ways
from impact.case.folder import Case
from impact.case.views import moment_of, own_changes

NO_COMPROMISE = "no compromise reported"


def falling(known: Case) -> list[str]:
    """Ids of the parties that a view supposes to fall: a `falls` link whose chance is above 0."""
    supposed = {change.name for change in known.changes if change.high > 0}
    return [target for target, chances in _falls(known) if supposed & chances]


@folder.once
def _falls(known: Case) -> list[tuple[str, set[str]]]:
    """(target, the inputs of its chances) of each `falls` link."""
    falls = known["links"].filter(relation=ways.FALLS).select("target", "chances").iter_rows()
    return [(to, {checks.chance_term(term)[0] for term in terms}) for to, terms in falls]


def _unused_changes(known: Case) -> list[str]:
    """Changed inputs that nothing in a view names, as where a default gave way."""
    if not known.changes:
        return []
    entering, uses = lineage.laid_out(known)
    leads = {edge.name for edges in entering.values() for edge in edges}
    named = {name for name, row in known.inputs.items() if row["unit"] == checks.RATE}
    named.update(*(names for (of, row), names in uses.items() if of == "losses" or row in leads))
    return [change.name for change in known.changes if change.name not in named]


_STATED = 3  # statements up to which a counterfactual tells each with its day


def notices(known: Case) -> list[str]:
    """What a reader must be told before the numbers of a view: what it supposes of whom."""
    names = {name: row["name"] for name, row in known.rows("entities").items()}
    found = [
        f"Hypothetical: {names[one]} is compromised too; {NO_COMPROMISE}." for one in falling(known)
    ]
    found += [f"Rows above {words.level(known.tlp)} are left out."] if known.left_out else []
    found += [
        f"{row['meaning'].rstrip('.')}: it has lasted {words.number(known.lasted[name], 2)}"
        f" {row['unit']}s already, longer than its estimate allows."
        for name, row in ((name, known.inputs[name]) for name in known.lasted)
        if known.lasted[name] >= (row["cap"] or row["high"] or 0.0) and row["shape"] != "fixed"
    ]
    claims = [known.rows("claims")[claim] for claim in _contradicted(known)]
    stated = {(claim["claimant"], claim["stated_on"]) for claim in claims}
    if len(stated) > _STATED:
        whose = words.listed(sorted({names[claimant] for claimant, _ in stated}))
        found.append(f"Counterfactual: it contradicts the statements of {whose}.")
    else:
        found += sorted(
            f"Counterfactual: it contradicts the statement of {names[claimant]} of"
            f" {words.date(day)}."
            for claimant, day in stated
        )
    if own := "; ".join(map(str, own_changes(known))):
        found.append(f"Inputs were changed for this view: {own}.")
    found += [
        f"{name} moves nothing: nothing in this view rests on it."
        for name in _unused_changes(known)
    ]
    return found


def _contradicted(known: Case) -> list[str]:
    """The claims of a view that its scenario supposes to be untrue."""
    claims = known.rows("claims")
    return [one for one in known.scenarios[known.scenario].contradicts if one in claims]


def scenario_title(known: Case) -> str:
    """The title of a view's scenario, and that nobody reports what it supposes of a party."""
    title = known.scenarios[known.scenario].title
    return f"{title} ({NO_COMPROMISE})" if falling(known) else title


def warnings(known: Case) -> list[str]:
    """The notices of a view, and the decisions that cannot be worked out: once for a page."""
    return [*notices(known), *map(str, known.unusable.values())]


def described(known: Case) -> dict[str, Any]:
    """What a template needs to name a view: its scenario, its own changes, what it supposes."""
    return {
        "title": known.scenarios[known.scenario].title,
        "baseline": known.scenario == scenarios.BASELINE,
        "changed": len(own_changes(known)),
        "now": moment_of(known),
        "falls": falling(known),
        "denies": _contradicted(known),
    }
