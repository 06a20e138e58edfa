"""What a file says of a package that advisories name: locked, required, absent, or not read."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from impact.base.words import count, listed
from impact.stack import versions
from impact.stack.advisories import examples, names_any, names_version
from impact.stack.grammars import COMMIT, pinned_version
from impact.stack.inventory import (
    ACTIONS,
    CONDA,
    DISTRIBUTIONS,
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
# The release of a distribution, as OSV and package URLs name it; other numbers are of products.
_RELEASE = re.compile(r"[^:]+:(?:Pro:|enterprise_linux:|Leap )?v?([\d.]+)(?=:|$)")


class Finding(NamedTuple):
    """What one file says of one package from one moment up to another; None is open.

    `version` is the locked version, several separated by commas. `kind` and `loose` are those of
    its content then; it is `recorded` where git says from when, with all branches. `side` is the
    branch that it stood on, which CI may have built or not. `advisories` are the records that name
    it as affected, `keys` the components that it was found in, `paths` the ways to them and
    `through` the packages that every way leads through. `locked` is the newest upload in a lock
    that git has later only: it was made between the two.
    """

    finding: str
    version: str = ""
    begins: datetime | None = None
    ends: datetime | None = None
    kind: str = LOCK
    loose: tuple[str, ...] = ()
    recorded: bool = False
    side: str = ""
    foreign: bool = False  # the file holds packages of other ecosystems alone
    commit: str = ""
    reason: str = ""
    advisories: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    paths: Sequence[str] = ()
    through: Sequence[str] = ()
    locked: datetime | None = None


# What makes another finding of it; the same may have other reasons and other ways.
SAYS = attrgetter("finding", "version", "kind", "loose", "recorded", "side", "foreign")


def find(inventory: Inventory, ecosystem: str, name: str, records: Records = ()) -> Finding:
    """The finding of a package in an inventory; what is locked overrules what is asked for."""
    base = ecosystem.partition(":")[0]
    roots = set(inventory.roots) if inventory.kind != SBOM else set()
    components = [part for part in inventory.components if part.key not in roots]
    held = [part for part in components if alike(part, base, name) >= SURELY]
    unread = [part for part in inventory.unread if alike(part, base, name)]
    asks = [ask for ask in inventory.asks if alike(ask, base, name) >= SURELY]
    found = Finding(ABSENT)
    if held:
        found = _locked(held, ecosystem, records)
    elif inventory.kind != LOCK and (wanted := _wanted(asks, records)):
        found = _required(wanted, ecosystem, records)
    if found.finding in ALARMING:
        return found
    if unread:
        more = f" (and {count(len(unread) - 1, 'more part')})" if len(unread) > 1 else ""
        return found._replace(finding=NOT_EVALUATED, reason=unread[0].why + more)
    if found.finding != ABSENT:
        return found
    for part in components:
        if alike(part, base, name) and any(
            names_version(record, part.version) is not False for record in records
        ):
            why = f"{part.name} {part.version} may be {name}: it does not say whose it is"
            return Finding(NOT_EVALUATED, part.version, reason=why, keys=(part.key,))
    return _absent(inventory, base, name, asks)


def _absent(inventory: Inventory, base: str, name: str, asks: Sequence[Ask]) -> Finding:
    """Whether a package that no part of a file is surely can be called absent."""
    if asks and all(ask.limit for ask in asks):
        return Finding(ABSENT, reason=f"named only to limit it ({asks[0].by})")
    if is_mentioned(name, inventory.mentions):
        return Finding(NOT_EVALUATED, reason=f"{name} stands in it, in a way that is not read")
    if image := next((a for a in inventory.asks if alike(a, base, name) == PERHAPS), None):
        return Finding(NOT_EVALUATED, reason=f"the image {image.name} may hold {name}")
    if inventory.ecosystems and base not in inventory.ecosystems:
        why = f"it holds packages of {listed(inventory.ecosystems)} alone"
        return Finding(ABSENT, foreign=True, reason=why)
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
    any; an image may lie in any registry. What has no name may be all of its ecosystem.
    """
    home = part.ecosystem.partition(":")[0]
    one, other = fold(home or base, part.name), fold(base, package)
    same, ends, shorter = one == other, one.endswith(f"/{other}"), other.endswith(f"/{one}")
    of_conda = home == CONDA and base == PYPI
    if not part.name:
        surely, perhaps = False, not base or home in ("", base) or of_conda
    elif not base:
        surely, perhaps = same or ends, one.rpartition("/")[2] == other.rpartition("/")[2]
    elif home == base or (home == GITHUB and base == ACTIONS):
        surely, perhaps = same or (base == DOCKER and ends), shorter
    elif home in _BY_NAME:
        surely = same or (home != ACTIONS and ends) or ("/" in one and shorter)
        perhaps = not home and shorter
    else:
        surely, perhaps = same and of_conda, home == DOCKER and ends
    return SURELY if surely else PERHAPS if perhaps else 0


def _locked(held: Sequence[Component], ecosystem: str, records: Records) -> Finding:
    """The finding of components of a package: the gravest of any of them."""
    told = [(*_judged(part, ecosystem, records), part) for part in held]
    kind, why, _ = min(told, key=lambda one: FINDINGS.index(one[0]))
    mine = [part for finding, _, part in told if finding == kind]
    versions = list(dict.fromkeys(part.version for part in mine))
    others = dict.fromkeys(part.version for finding, _, part in told if finding == LOCKED_OTHER)
    are, them = ("is", "it") if len(versions) == 1 else ("are", "them")
    if kind == LOCKED_AFFECTED:
        why = f"{listed(versions)} {are} locked"
        why += f", beside {listed(list(others))}" if others else ""
    elif kind == LOCKED_OTHER:
        notes = dict.fromkeys(record.note for record in records if record.note)
        why = f"{listed(versions)} {are} locked; no advisory lists {them}"
        why = "; ".join([why, *notes])
    by = _by(records, versions) if kind == LOCKED_AFFECTED else ()
    keys = tuple(part.key for part in mine)
    return Finding(kind, ", ".join(versions), reason=why, advisories=by, keys=keys)


def _judged(component: Component, ecosystem: str, records: Records) -> tuple[str, str]:
    """(finding, why it is not known) of one component."""
    version = component.version
    if _other_release(component.ecosystem, ecosystem):
        return LOCKED_OTHER, ""
    answers = [names_version(record, version) for record in records if version]
    if not ecosystem:  # a distribution writes its own revision behind the version
        bare = _REVISION.sub("", version)
        answers += [names_version(record, bare) for record in records if bare in record.versions]
    elif ecosystem.partition(":")[0] in DISTRIBUTIONS and "-" not in version:
        named = [_REVISION.sub("", one) for record in records for one in record.versions]
        answers += [None] if version in named else []
    why = ""
    home = component.ecosystem
    other = home in (GITHUB, CONDA) and ecosystem not in (*_BY_NAME, CONDA)
    if True in answers and not other:
        return LOCKED_AFFECTED, why
    if not version:
        why = "the file does not say which version it is"
    elif COMMIT.fullmatch(version):
        why = f"{version} is a commit, which is no version"
    elif True in answers:
        why = f"{version} is of {home}; records name that of {ecosystem}"
    elif None in answers:
        why = f"{version} cannot be compared with the affected range"
    elif home in _BY_NAME and ecosystem not in _BY_NAME:
        why = f"{version} has no package URL of a registry: of which is it?"
    return NOT_EVALUATED if why else LOCKED_OTHER, why


def _other_release(one: str, other: str) -> bool:
    """Whether two ecosystems are releases of a distribution that differ: 9.4 is one of 9."""
    first, second = (_RELEASE.match(ecosystem) for ecosystem in (one, other))
    if not first or not second:
        return False
    return any(a != b for a, b in zip(first[1].split("."), second[1].split("."), strict=False))


def _by(records: Records, versions: Collection[str]) -> tuple[str, ...]:
    """The advisories that name one of some versions."""
    by = [r.advisory for r in records if any(names_version(r, version) for version in versions)]
    return tuple(dict.fromkeys(by))


def _required(asks: Sequence[Ask], ecosystem: str, records: Records) -> Finding:
    """The finding of requirements: whether some way to install admits an affected version."""
    admitted: dict[str, tuple[Ask, ...]] = {}
    ways = requirement_sets(asks)
    for version in _candidates(asks, records):
        fit = {ask for ask in asks if versions.admits(ask, version)}
        for way in filter(fit.issuperset, ways):
            admitted.setdefault(version, way)
    pins = dict.fromkeys(pinned_version(ask.spec, ask.ecosystem) for ask in asks)
    meant = [ask for way in admitted.values() for ask in way] or asks
    texts = [_text(ask) for ask in dict.fromkeys(meant) if ask.limit != "constraint"]
    subject, s = listed(texts[:3]), "" if len(texts) > 1 else "s"
    unknown = next((ask for ask in asks if versions.admits(ask, "1.0.0") is None), None)
    if admitted:
        named = [one for record in records for one in examples(record) if one in admitted]
        named = [*dict.fromkeys(one for one in named or admitted if one != "0")]
        some = listed(named[:3]) or "any version"
        if ecosystem != CONDA and any(ask.ecosystem == CONDA for ask in meant):
            why = f"{subject} is a package of conda; "
            why += f"records name the one on PyPI, it may hold {some}"
            return Finding(NOT_EVALUATED, reason=why)
        fixed = [version for version in pins if version in admitted]
        kind, verb = (LOCKED_AFFECTED, "pin") if fixed else (RANGE_ADMITS, "allow")
        why = f"{subject} {verb}{s} {listed(fixed) or some}"
        return Finding(kind, ", ".join(fixed), reason=why, advisories=_by(records, admitted))
    if any(not record.versions and not record.ranges for record in records if not record.gone):
        return Finding(NOT_EVALUATED, reason="a record does not say which versions it means")
    if unknown:
        commit = COMMIT.fullmatch(unknown.spec)
        what = "names a commit, which is no version" if commit else "is in no grammar that is read"
        return Finding(NOT_EVALUATED, reason=f"{_text(unknown)} {what}")
    why = f"{subject} allow{s} no affected version"
    if limits := sorted({ask.by for ask in asks if ask.limit}):
        why += f"; held by {listed(limits)}, which other installers do not read"
    fixed = list(filter(None, pins))
    return Finding(LOCKED_OTHER if fixed else RANGE_EXCLUDES, ", ".join(fixed), reason=why)


def requirement_sets(asks: Sequence[Ask]) -> list[tuple[Ask, ...]]:
    """The sets of requirements that count together: what always counts, with each extra or group.

    Overrides stand in place of what they override, constraints come on top. What pip installs
    comes over what conda did, so that each counts for itself.
    """
    homes = sorted({ask.ecosystem for ask in asks})
    if len(homes) > 1:
        apart = ([ask for ask in asks if ask.ecosystem == home] for home in homes)
        return [way for home in apart for way in requirement_sets(home)]
    # A limit with a marker holds in some environments alone, so that it excludes nothing.
    limits = [ask for ask in asks if ask.limit == "constraint" and not ask.marker]
    found = [[ask] for ask in asks if ask.limit == "override"]
    if all(ask.marker for (ask,) in found):
        groups: dict[tuple[str, ...], list[Ask]] = defaultdict(list)
        for ask in asks:
            if not ask.limit:
                apart_by = (ask.scope, ask.marker, ask.by) if ask.scope or ask.marker else ()
                groups[apart_by].append(ask)
        always = groups.pop((), [])
        found.append(always)
        for (scope, *_), also in groups.items():
            found.append([*always, *also])
            if scope == "build" or scope.startswith("group "):  # can be installed alone
                found.append(also)
    return [(*way, *limits) for way in found if way]


def _candidates(asks: Sequence[Ask], records: Records) -> list[str]:
    """Affected versions of which one is admitted if any is."""
    named = dict.fromkeys(version for record in records for version in examples(record))
    named |= dict.fromkeys(filter(None, (pinned_version(ask.spec, ask.ecosystem) for ask in asks)))
    spans = ((record, span) for record in records for span in record.ranges)
    behind = [
        Ask(record.ecosystem, "", f">{version}")
        for record, span in spans
        for kind, version in span
        if kind == "above"
    ]
    named |= dict.fromkeys(bound for ask in (*asks, *behind) for bound in versions.bounds(ask))
    return [version for version in named if names_any(records, version)]


def _text(ask: Ask) -> str:
    """A requirement as a reader knows it, in quotes, with the scope that it counts in."""
    extras = f"[{','.join(ask.extras)}]" if ask.extras else ""
    spec = ask.spec.removeprefix("poetry ")
    gap = " " if spec and spec[0] not in "<>=!" else ""
    gap = {ACTIONS: "@", DOCKER: ":"}.get(ask.ecosystem, gap)
    scope = f" in {ask.scope}" if ask.scope else ""
    return f'"{ask.name}{extras}{gap}{spec}"{scope}'
