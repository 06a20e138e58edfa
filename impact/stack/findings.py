"""What a file says of a package that advisories name: locked, required, absent, or not read."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from impact.base.words import listed
from impact.stack import versions
from impact.stack.advisories import examples, names_any, names_version
from impact.stack.grammars import COMMIT, pinned_version
from impact.stack.inventory import (
    ACTIONS,
    CONDA,
    DATA,
    DOCKER,
    GITHUB,
    LOCK,
    PYPI,
    SBOM,
    Ask,
    Component,
    Inventory,
    Unread,
    fold,
    is_mentioned,
)
from impact.stack.records import Records

LOCKED_AFFECTED, LOCKED_OTHER = "locked_affected", "locked_other"
RANGE_ADMITS, RANGE_EXCLUDES = "range_admits", "range_excludes"
ABSENT, NOT_EVALUATED = "absent", "not_evaluated"
FINDINGS = (  # the gravest first
    LOCKED_AFFECTED,
    RANGE_ADMITS,
    NOT_EVALUATED,
    LOCKED_OTHER,
    RANGE_EXCLUDES,
    ABSENT,
)
ALARMING = FINDINGS[:3]  # a scan with one of them ends with status 1
_BY_NAME = ("", ACTIONS, GITHUB)  # of no registry: a part of another kind may be the same package
SURELY, PERHAPS = 2, 1  # how far a part of a file is a package
_REVISION = re.compile(r"^\d+:|-[^-]+$")
_DISTRIBUTIONS = set(DATA["distributions"].values())
FOREIGN = "it holds packages of"  # other ecosystems than that of the package


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


def find(inventory: Inventory, ecosystem: str, name: str, records: Records = ()) -> Finding:
    """The finding of a package in an inventory; what is locked overrules what is asked for."""
    base = ecosystem.partition(":")[0]
    roots = set(inventory.roots) if inventory.kind != SBOM else set()
    components = [part for part in inventory.components if part.key not in roots]
    held = [part for part in components if alike(part, base, name) >= SURELY]
    homes = ("", base, CONDA) if base == PYPI else ("", base)
    unread = [
        part
        for part in inventory.unread
        if (alike(part, base, name) if part.name else not base or part.ecosystem in homes)
    ]
    asks = [ask for ask in inventory.asks if alike(ask, base, name) >= SURELY]
    found = Finding(ABSENT)
    if held:
        found = _locked(held, ecosystem, records)
    elif inventory.kind != LOCK and (wanted := _wanted(asks, records)):
        found = _required(wanted, ecosystem, records)
    if found.finding in ALARMING:
        return found
    if unread:
        more = f" (and {len(unread) - 1} more parts)" if len(unread) > 1 else ""
        return Finding(NOT_EVALUATED, found.version, (), unread[0].why + more, found.keys)
    if held or found.finding != ABSENT:
        return found
    for part in components:
        if alike(part, base, name) and any(
            names_version(record, part.version) is not False for record in records
        ):
            why = f"{part.name} {part.version} may be {name}: it does not say whose it is"
            return Finding(NOT_EVALUATED, part.version, (), why, (part.key,))
    return _absent(inventory, base, name, asks)


def _absent(inventory: Inventory, base: str, name: str, asks: Sequence[Ask]) -> Finding:
    """Whether a package that no part of a file is surely can be called absent."""
    if asks and all(ask.limit for ask in asks):
        return Finding(ABSENT, reason=f"named only to limit it ({asks[0].by})")
    if inventory.mentions and is_mentioned(name, inventory.mentions):
        return Finding(NOT_EVALUATED, reason=f"{name} stands in it, in a way that is not read")
    if image := next((a for a in inventory.asks if alike(a, base, name) == PERHAPS), None):
        return Finding(NOT_EVALUATED, reason=f"the image {image.name} may hold {name}")
    if inventory.ecosystems and base not in inventory.ecosystems:
        return Finding(ABSENT, reason=f"{FOREIGN} {listed(inventory.ecosystems)} alone")
    return Finding(ABSENT)


def _wanted(asks: Sequence[Ask], records: Records) -> list[Ask]:
    """What brings a package in, with its limits; limits alone where they fix an affected version.

    Something else may need the package, and an installer then takes the version that is fixed.
    """
    if any(ask.limit != "constraint" for ask in asks):
        return list(asks)
    fixed = [ask for ask in asks if names_any(records, pinned_version(ask.spec, ask.ecosystem))]
    return [ask._replace(limit="", scope=ask.by) for ask in fixed]


def alike(part: Component | Ask | Unread, base: str, package: str) -> int:
    """Whether a part of a file may be a package: SURELY, by its name, PERHAPS, or 0 for no.

    A component without a package URL has no ecosystem, and a product of a CVE record has none
    either: names decide, for a product the end of the name. One that names no publisher may be of
    any; an image may lie in any registry.
    """
    ecosystem = part.ecosystem
    one, other = fold(ecosystem or base, part.name), fold(base, package)
    ends = one.endswith(f"/{other}")
    shorter = PERHAPS if other.endswith(f"/{one}") else 0
    if not base:
        last = other.rpartition("/")[2] == one.rpartition("/")[2]
        return SURELY if one == other or ends else PERHAPS if last else 0
    if ecosystem == base or (ecosystem == GITHUB and base == ACTIONS):
        return SURELY if one == other or (base == DOCKER and ends) else shorter
    if ecosystem == DOCKER:
        return PERHAPS if ends else 0
    if ecosystem not in _BY_NAME:
        return SURELY if one == other and ecosystem == CONDA and base == PYPI else 0
    if one == other or (ecosystem != ACTIONS and ends) or ("/" in one and shorter):
        return SURELY
    return shorter if ecosystem == "" else 0


def _locked(held: Sequence[Component], ecosystem: str, records: Records) -> Finding:
    """The finding of components of a package."""
    bad: dict[str, list[str]] = {}
    other: dict[str, list[str]] = {}
    unknown: list[tuple[Component, str]] = []
    for component in held:
        answers = _answers(component.version, ecosystem, records)
        if True in answers:
            bad.setdefault(component.version, []).append(component.key)
        elif why := _doubt(component, ecosystem, answers):
            unknown.append((component, why))
        else:
            other.setdefault(component.version, []).append(component.key)
    if bad:
        why = f"{listed(list(bad))} {'is' if len(bad) == 1 else 'are'} locked"
        why += f", beside {listed(list(other))}" if other else ""
        keys = tuple(chain.from_iterable(bad.values()))
        return Finding(LOCKED_AFFECTED, ", ".join(bad), _by(records, bad), why, keys)
    if unknown:
        component, why = unknown[0]
        keys = tuple(one.key for one, _ in unknown)
        return Finding(NOT_EVALUATED, component.version, (), why, keys)
    are, them = ("is", "it") if len(other) == 1 else ("are", "them")
    why = f"{listed(list(other))} {are} locked; no advisory lists {them}"
    notes = dict.fromkeys(record.note for record in records if record.note)
    keys = tuple(chain.from_iterable(other.values()))
    return Finding(LOCKED_OTHER, ", ".join(other), (), "; ".join([why, *notes]), keys)


def _answers(version: str, ecosystem: str, records: Records) -> list[bool | None]:
    """Whether each record names a version as affected; None where they cannot be compared."""
    answers = [names_version(record, version) for record in records if version]
    if not ecosystem:  # a distribution writes its own revision behind the version
        bare = _REVISION.sub("", version)
        answers += [names_version(record, bare) for record in records if bare in record.versions]
    elif ecosystem.partition(":")[0] in _DISTRIBUTIONS and "-" not in version:
        named = [_REVISION.sub("", one) for record in records for one in record.versions]
        answers += [None] if version in named else []
    return answers


def _doubt(component: Component, ecosystem: str, answers: Sequence[bool | None]) -> str:
    """Why it is not known whether a component is affected; empty where it is not affected."""
    version = component.version
    if not version:
        return "the file does not say which version it is"
    if COMMIT.fullmatch(version):
        return f"{version} is a commit, which is no version"
    if None in answers:
        return f"{version} cannot be compared with the affected range"
    if component.ecosystem in _BY_NAME and ecosystem not in _BY_NAME:
        return f"{version} has no package URL of a registry: of which is it?"
    return ""


def _by(records: Records, versions: Collection[str]) -> tuple[str, ...]:
    """The advisories that name one of some versions."""
    by = [r.advisory for r in records if any(names_version(r, version) for version in versions)]
    return tuple(dict.fromkeys(by))


def _required(asks: Sequence[Ask], ecosystem: str, records: Records) -> Finding:
    """The finding of requirements: whether some way to install admits an affected version."""
    tests = {ask: versions.admits(ask) for ask in asks}
    admitted: dict[str, tuple[Ask, ...]] = {}
    for version in _candidates(asks, records):
        for way in requirement_sets(asks):
            if all((test := tests[ask]) is not None and test(version) for ask in way):
                admitted.setdefault(version, way)
    pins = [version for ask in asks if (version := pinned_version(ask.spec, ask.ecosystem))]
    meant = [ask for way in admitted.values() for ask in way] or asks
    texts = [_text(ask) for ask in dict.fromkeys(meant) if ask.limit != "constraint"]
    subject, s = listed(texts[:3]), "" if len(texts) > 1 else "s"
    if admitted:
        named = [v for record in records for v in examples(record) if v in admitted] or admitted
        some = listed(list(dict.fromkeys(v for v in named if v != "0"))[:3]) or "any version"
        if ecosystem != CONDA and any(ask.ecosystem == CONDA for ask in meant):
            why = f"{subject} is a package of conda; "
            why += f"records name the one on PyPI, it may hold {some}"
            return Finding(NOT_EVALUATED, reason=why)
        fixed = list(dict.fromkeys(version for version in pins if version in admitted))
        kind, verb = (LOCKED_AFFECTED, "pin") if fixed else (RANGE_ADMITS, "allow")
        why = f"{subject} {verb}{s} {listed(fixed) or some}"
        return Finding(kind, ", ".join(fixed), _by(records, admitted), why)
    if any(not record.versions and not record.spans for record in records if not record.gone):
        return Finding(NOT_EVALUATED, reason="a record does not say which versions it means")
    if unknown := next((ask for ask, test in tests.items() if test is None), None):
        commit = COMMIT.fullmatch(unknown.spec)
        what = "names a commit, which is no version" if commit else "is in no grammar that is read"
        return Finding(NOT_EVALUATED, reason=f"{_text(unknown)} {what}")
    why = f"{subject} allow{s} no affected version"
    if limits := sorted({ask.by for ask in asks if ask.limit}):
        why += f"; held by {listed(limits)}, which other installers do not read"
    kind = LOCKED_OTHER if pins else RANGE_EXCLUDES
    return Finding(kind, ", ".join(dict.fromkeys(pins)), reason=why)


def requirement_sets(asks: Iterable[Ask]) -> list[tuple[Ask, ...]]:
    """The sets of requirements that count together: what always counts, with each extra or group.

    Overrides stand in place of what they override, constraints come on top.
    """
    every = list(asks)
    homes = sorted({ask.ecosystem for ask in every})
    if len(homes) > 1:  # what pip installs comes over what conda did
        apart = ([ask for ask in every if ask.ecosystem == home] for home in homes)
        return [way for home in apart for way in requirement_sets(home)]
    # A limit with a marker holds in some environments alone, so that it excludes nothing.
    limits = tuple(ask for ask in every if ask.limit == "constraint" and not ask.marker)
    overrides = [ask for ask in every if ask.limit == "override"]
    found = [(ask, *limits) for ask in overrides]
    if any(not ask.marker for ask in overrides):
        return found
    always: tuple[Ask, ...] = ()
    sometimes: dict[tuple[str, str, str], list[Ask]] = {}
    for ask in every:
        if not ask.limit and (ask.scope or ask.marker):
            sometimes.setdefault((ask.scope, ask.marker, ask.by), []).append(ask)
        elif not ask.limit:
            always += (ask,)
    found += [(*always, *limits)] if always else []
    for (scope, *_), also in sometimes.items():
        found.append((*always, *also, *limits))
        if scope == "build" or scope.startswith("group "):  # can be installed alone
            found.append((*also, *limits))
    return found


def _candidates(asks: Sequence[Ask], records: Records) -> list[str]:
    """Affected versions of which one is admitted if any is."""
    named = dict.fromkeys(version for record in records for version in examples(record))
    named |= dict.fromkeys(filter(None, (pinned_version(ask.spec, ask.ecosystem) for ask in asks)))
    if any(record.ranges for record in records):
        named |= dict.fromkeys(bound for ask in asks for bound in versions.bounds(ask.spec))
    return [version for version in named if any(names_version(r, version) for r in records)]


def _text(ask: Ask) -> str:
    """A requirement as a reader knows it, in quotes, with the scope that it counts in."""
    extras = f"[{','.join(ask.extras)}]" if ask.extras else ""
    spec = ask.spec.removeprefix("poetry ")
    gap = " " if spec[:1].isdigit() or spec[:1] in ("^", "~", "*") else ""
    gap = {ACTIONS: "@", DOCKER: ":"}.get(ask.ecosystem, gap)
    scope = f" in {ask.scope}" if ask.scope else ""
    return f'"{ask.name}{extras}{gap}{spec}"{scope}'
