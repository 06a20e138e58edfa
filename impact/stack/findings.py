"""What a file says of a package that advisories name: locked, asked for, absent, or not read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from impact.stack import versions
from impact.stack.advisories import Affected, examples, names_version
from impact.stack.asking import pinned
from impact.stack.inventory import LOCK, PYPI, SBOM, Ask, Component, Inventory, Unread, canonical
from impact.words import listed

LOCKED_AFFECTED, LOCKED_OTHER = "locked_affected", "locked_other"
RANGE_ADMITS, RANGE_EXCLUDES = "range_admits", "range_excludes"
ABSENT, NOT_EVALUATED = "absent", "not_evaluated"
FINDINGS = (  # the gravest first
    *(LOCKED_AFFECTED, RANGE_ADMITS, NOT_EVALUATED, LOCKED_OTHER, RANGE_EXCLUDES, ABSENT),
)
ALARMING = FINDINGS[:3]  # a scan with one of them ends with status 1
CONDA = "conda"
_BY_NAME = ("", "GitHub Actions")  # of no registry: a part of another kind may be the same package


@dataclass(frozen=True)
class Finding:
    """What one file says of one package.

    `version` is the locked version, several separated by commas; `keys` are the components that
    it was found in; `advisories` the records that name it as affected.
    """

    finding: str
    version: str = ""
    advisories: tuple[str, ...] = ()
    reason: str = ""
    keys: tuple[str, ...] = field(default=(), repr=False)


def find(inventory: Inventory, ecosystem: str, name: str, records: Sequence[Affected]) -> Finding:
    """The finding of a package in an inventory; what is locked overrules what is asked for."""
    roots = set(inventory.roots) if inventory.kind != SBOM else set()
    held = [
        component
        for component in inventory.components
        if component.key not in roots and _is(component.ecosystem, component.name, ecosystem, name)
    ]
    unread = [part for part in inventory.unread if part.name in ("", name)]
    if held:
        found = _locked(held, ecosystem, records)
        if unread and found.finding == LOCKED_OTHER:
            return Finding(NOT_EVALUATED, found.version, (), _why(unread), found.keys)
        return found
    asks = [ask for ask in inventory.asks if _is(ask.ecosystem, ask.name, ecosystem, name)]
    if inventory.kind != LOCK and any(not ask.limit for ask in asks):
        found = _asked(asks, ecosystem, records)
        if unread and found.finding not in ALARMING:
            return Finding(NOT_EVALUATED, found.version, (), unread[0].why)
        return found
    if unread:
        return Finding(NOT_EVALUATED, reason=_why(unread))
    base = ecosystem.partition(":")[0]
    if inventory.ecosystems and base and base not in inventory.ecosystems:
        return Finding(ABSENT, reason=f"it holds packages of {listed(inventory.ecosystems)} alone")
    if asks:
        return Finding(ABSENT, reason=f"named only to limit it ({asks[0].by})")
    return Finding(ABSENT)


def _is(ecosystem: str, name: str, wanted: str, package: str) -> bool:
    """Whether a component or an ask may be of a package.

    A component without a package URL has no ecosystem, and a product of a CVE record none either:
    they are told by name, a product by the end of the name.
    """
    if not wanted:
        plain = name.lower()
        return plain == package or plain.endswith(f"/{package}")
    base = wanted.partition(":")[0]
    if (
        ecosystem in _BY_NAME and ecosystem != base
    ):  # as people write it, with or without who publishes it
        ends = {name, name.rpartition("/")[2], name.rpartition(":")[2]}
        return package in {canonical(base, end) for end in ends}
    if name != package:
        return False
    return ecosystem in (base, "") or (ecosystem == CONDA and base == PYPI)


def _locked(held: Sequence[Component], ecosystem: str, records: Sequence[Affected]) -> Finding:
    """The finding of components of a package."""
    bad: dict[str, list[str]] = {}
    other: dict[str, list[str]] = {}
    unknown: list[tuple[Component, str]] = []
    for component in held:
        version = component.version
        told = {record.advisory: names_version(record, version) for record in records if version}
        if True in told.values():
            bad.setdefault(version, []).append(component.key)
        elif not version:
            unknown.append((component, "the file does not say which version it is"))
        elif None in told.values():
            unknown.append((component, f"{version} cannot be compared with the affected range"))
        elif component.ecosystem in _BY_NAME and ecosystem not in _BY_NAME:
            unknown.append(
                (component, f"{version} has no package URL of a registry: of which is it?")
            )
        else:
            other.setdefault(version, []).append(component.key)
    if bad:
        by = [r.advisory for r in records if any(names_version(r, version) for version in bad)]
        why = f"{listed(list(bad))} {'is' if len(bad) == 1 else 'are'} locked"
        why += f", beside {listed(list(other))}" if other else ""
        keys = tuple(key for found in bad.values() for key in found)
        return Finding(LOCKED_AFFECTED, ", ".join(bad), tuple(dict.fromkeys(by)), why, keys)
    if unknown:
        component, why = unknown[0]
        keys = tuple(one.key for one, _ in unknown)
        return Finding(NOT_EVALUATED, component.version, (), why, keys)
    keys = tuple(key for found in other.values() for key in found)
    notes = dict.fromkeys(record.note for record in records if record.note)
    why = f"{listed(list(other))} {'is' if len(other) == 1 else 'are'} locked; no record names "
    why += "it" if len(other) == 1 else "them"
    return Finding(LOCKED_OTHER, ", ".join(other), (), "; ".join([why, *notes]), keys)


def _asked(asks: Sequence[Ask], ecosystem: str, records: Sequence[Affected]) -> Finding:
    """The finding of requirements: whether some way to install admits an affected version."""
    if any(names_version(record, "0") is None and not record.versions for record in records):
        return Finding(NOT_EVALUATED, reason="a record does not say which versions it means")
    tests = {ask: versions.admits(ask) for ask in asks}
    for ask, test in tests.items():
        if test is None:
            return Finding(NOT_EVALUATED, reason=f'"{_said(ask)}" is in no grammar that is read')
    admitted: dict[str, tuple[Ask, ...]] = {}
    for version in _candidates(asks, records):
        for way in ways(asks):
            if all(test(version) for ask in way if (test := tests[ask])):
                admitted.setdefault(version, way)
    by = [r.advisory for r in records if any(names_version(r, version) for version in admitted)]
    pins = [version for ask in asks if (version := pinned(ask.spec, ask.ecosystem))]
    limits = sorted({ask.by for ask in asks if ask.limit})
    said = listed([f'"{_said(ask)}"' for ask in asks if not ask.limit])
    if admitted:
        named = [v for record in records for v in examples(record) if v in admitted] or admitted
        shown = listed(list(dict.fromkeys(named))[:3])
        conda = any(ask.ecosystem == CONDA for way in admitted.values() for ask in way)
        if conda:
            why = f"{said} is a package of conda; records name the one on PyPI, it may hold {shown}"
            return Finding(NOT_EVALUATED, "", (), why)
        fixed = [version for version in pins if version in admitted]
        why = f"{said} admits {shown}"
        kind = LOCKED_AFFECTED if fixed else RANGE_ADMITS
        return Finding(kind, ", ".join(fixed), tuple(dict.fromkeys(by)), why)
    why = f"{said} admits no affected version"
    if limits:
        why += f"; held by {listed(limits)}, which other installers do not read"
    if pins:
        return Finding(LOCKED_OTHER, ", ".join(dict.fromkeys(pins)), (), why)
    return Finding(RANGE_EXCLUDES, reason=why)


def ways(asks: Iterable[Ask]) -> list[tuple[Ask, ...]]:
    """The sets of requirements that count together: what always counts, with each extra or group.

    Overrides stand in place of what they override, constraints come on top.
    """
    every = list(asks)
    homes = {ask.ecosystem for ask in every}
    if len(homes) > 1:  # what pip installs comes over what conda did
        return [
            way for home in sorted(homes) for way in ways([a for a in every if a.ecosystem == home])
        ]
    # A limit with a marker holds in some environments alone, so that it excludes nothing.
    limits = tuple(ask for ask in every if ask.limit == "constraint" and not ask.marker)
    overrides = [ask for ask in every if ask.limit == "override"]
    found = [(ask, *limits) for ask in overrides]
    if any(not ask.marker for ask in overrides):
        return found
    wanted = [ask for ask in every if not ask.limit]
    always = tuple(ask for ask in wanted if not ask.scope and not ask.marker)
    sometimes: dict[tuple[str, str], list[Ask]] = {}
    for ask in wanted:
        if ask.scope or ask.marker:
            sometimes.setdefault((ask.scope, ask.marker), []).append(ask)
    found += [(*always, *limits)] if always else []
    for (scope, _), also in sometimes.items():
        found.append((*always, *also, *limits))
        if scope == "build" or scope.startswith("group "):  # can be installed alone
            found.append((*also, *limits))
    return found


def _candidates(asks: Sequence[Ask], records: Sequence[Affected]) -> list[str]:
    """Affected versions of which one is admitted if any is."""
    named = dict.fromkeys(version for record in records for version in examples(record))
    named |= dict.fromkeys(filter(None, (pinned(ask.spec, ask.ecosystem) for ask in asks)))
    if any(record.ranges for record in records):
        named |= dict.fromkeys(bound for ask in asks for bound in versions.bounds(ask.spec))
    return [version for version in named if any(names_version(r, version) for r in records)]


def _said(ask: Ask) -> str:
    extras = f"[{','.join(ask.extras)}]" if ask.extras else ""
    spec = ask.spec.removeprefix("poetry ")
    gap = " " if spec[:1].isdigit() or spec[:1] in ("^", "~", "*") else ""
    scope = f" in {ask.scope}" if ask.scope else ""
    return f"{ask.name}{extras}{gap}{spec}{scope}"


def _why(unread: Sequence[Unread]) -> str:
    more = f" (and {len(unread) - 1} more parts)" if len(unread) > 1 else ""
    return f"{unread[0].why}{more}"
