"""A view of a case as a STIX 2.1 bundle: parties, reported relations, claims, indicators.

Only what somebody reports is exported: no assumption, no supposed fall, no relation without a claim
or a source. Ids are made of the case and the row, so that a bundle of another day or level updates
what an earlier one brought and says nothing of rows that it does not hold.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from impact.base import times, words
from impact.case.folder import Case, digest
from impact.case.schema import TLP, highest
from impact.case.tables import Row
from impact.case.views import now

Object = dict[str, Any]
OURS = uuid.uuid5(uuid.NAMESPACE_URL, "breach-impact-kit")
CYBER_OBSERVABLES = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")  # STIX 2.1, section 2.9
TLP_2 = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"  # OASIS, TLP 2.0
MARKINGS = {
    "clear": "94868c89-83c2-464b-929b-a1a8aa3c8487",
    "green": "bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "amber": "55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "amber+strict": "939a9414-2ddd-4d32-a0cd-375ea402b003",
    "red": "e828b379-4e03-4974-9ac4-e53a884c97c1",
}
CONFIDENCE = {"1": 90, "2": 70, "3": 50, "4": 30, "5": 10}  # STIX 2.1, appendix A; 6 has none
BAD = ("poisons", "publishes")  # relations whose target, a release, is malicious
_TYPES: dict[str, tuple[str, Object]] = {  # kind of an entity -> STIX type, and what only that has
    "event": ("campaign", {}),
    "actor": ("threat-actor", {"threat_actor_types": ["unknown"]}),
    "service": ("infrastructure", {"infrastructure_types": ["unknown"]}),
    **dict.fromkeys(
        ("vendor", "lab", "client", "publisher", "authority"),
        ("identity", {"identity_class": "organization"}),
    ),
    **dict.fromkeys(
        ("group", "workforce", "competitor"), ("identity", {"identity_class": "class"})
    ),
    **dict.fromkeys(("release", "package", "product"), ("software", {})),
}
_MALWARE: tuple[str, Object] = "malware", {"malware_types": ["unknown"], "is_family": False}
AUTHOR = {  # the kit itself, by which all objects are made
    "type": "identity",
    "spec_version": "2.1",
    "id": f"identity--{OURS}",
    "created": "2026-01-01T00:00:00.000Z",
    "modified": "2026-01-01T00:00:00.000Z",
    "name": "breach-impact-kit",
    "identity_class": "system",
}
_SHA256, _ADDRESS = re.compile("[0-9a-fA-F]{64}"), re.compile(r"https?://[\w.:-]+(/[!-~]*)?")
_INDICATED = ("malware", "campaign", "threat-actor", "infrastructure")  # what may be indicated


def bundle(known: Case) -> Object:
    """The STIX 2.1 bundle of a view, as JSON values; the same view gives the same bundle.

    Claims are notes by their claimant, what they contradict is an opinion; a claim that was
    replaced or taken back is revoked. Data sets, states and projects have no object of their own:
    what is said of them is about their party. Each object has the highest level of the rows whose
    words it uses.
    """
    objects = _Objects(known)
    found = [*objects.entities(), *objects.links(), *objects.claims(), *objects.indicators()]
    levels = sorted(objects.levels, key=TLP.index)
    if found:
        row = {"id": known.id, "tlp": levels[-1], "sources": [], "known_on": now(known)}
        report = objects.object_of(
            "report",
            "case",
            row,
            created=min(one["created"] for one in found if "created" in one),
            name=known.title,
            description=known.question,
            report_types=["campaign"],
            published=_instant(now(known)),
            object_refs=[one["id"] for one in found],
        )
        found.append(report)
    return {
        "type": "bundle",
        "id": f"bundle--{uuid.uuid5(OURS, digest(known))}",
        "objects": [*map(_marking, levels), AUTHOR, *found],
    }


def text(made: Object) -> str:
    """A bundle as a JSON text."""
    return json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _marking(level: str) -> Object:
    """The marking definition of a TLP 2.0 level, as OASIS publishes it."""
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{MARKINGS[level]}",
        "created": "2022-10-01T00:00:00.000Z",
        "name": words.level(level),
        "extensions": {TLP_2: {"extension_type": "property-extension", "tlp_2_0": level}},
    }


def _instant(moment: datetime | None) -> str:
    return f"{moment or times.parse('2000'):%Y-%m-%dT%H:%M:%S.000Z}"


class _Objects:
    """Makes the objects of a view, and remembers their ids and levels."""

    def __init__(self, known: Case) -> None:
        self.known = known
        self.levels = set[str]()
        self.rows, self.sources = known.rows("entities"), known.rows("sources")
        links = known.rows("links").values()
        self.bad = {link["target"] for link in links if link["relation"] in BAD}
        self.ids = {name: self.id_of(row) for name, row in self.rows.items()}
        self.first = {table: _first_known(known, table) for table in known.tables}

    def id(self, kind: str, table: str, name: str) -> str:
        """The id of the object of a row."""
        return f"{kind}--{uuid.uuid5(OURS, f'{self.known.id}|{table}|{name}')}"

    def id_of(self, row: Row) -> str | None:
        """The id of an entity's object; None for a kind without one."""
        kind, _ = self.kind(row)
        if kind == "software":
            named = json.dumps({"name": row["name"]}, separators=(",", ":"), ensure_ascii=False)
            return f"software--{uuid.uuid5(CYBER_OBSERVABLES, named)}"
        return self.id(kind, "entities", row["id"]) if kind else None

    def kind(self, row: Row) -> tuple[str, Object]:
        """The STIX type of an entity, empty where it has none, and what only that type has."""
        malicious = row["kind"] == "release" and row["id"] in self.bad
        return _MALWARE if malicious else _TYPES.get(row["kind"], ("", {}))

    def markings(self, rows: Sequence[Row]) -> list[str]:
        """The marking of these rows: the highest level of them and of their sources."""
        cited = [self.sources[source] for row in rows for source in row["sources"]]
        level = highest(row["tlp"] for row in [*rows, *cited])
        self.levels.add(level)
        return [f"marking-definition--{MARKINGS[level]}"]

    def cited(self, row: Row) -> list[Object]:
        """The sources of a row, each with its date, reliability and how it was read."""
        found = []
        for source in (self.sources[name] for name in row["sources"]):
            text = f"{source['title']}; published {times.as_text(source['published_on'])},"
            text += f" reliability {source['reliability']}, read: {source['access']}"
            address = {"url": source["url"]} if _ADDRESS.fullmatch(source["url"] or "") else {}
            found.append({"source_name": source["publisher"], "description": text, **address})
        return found

    def object_of(
        self,
        kind: str,
        table: str,
        row: Row,
        used: Iterable[Row] = (),
        moment: datetime | None = None,
        **properties: Any,
    ) -> Object:
        """The object of a row, made once, with its sources; `used` are rows that it quotes.

        `moment` is when it last became another. A property that is None is left out.
        """
        day = moment or row["known_on"]
        common = {
            "type": kind,
            "spec_version": "2.1",
            "id": self.id(kind, table, row["id"]),
            "created_by_ref": AUTHOR["id"],
            "created": _instant(self.first.get(table, {}).get(row["id"], day)),
            "modified": _instant(day),
            "object_marking_refs": self.markings([row, *used]),
            "external_references": self.cited(row) or None,
        }
        found = {**common, **properties}
        return {name: value for name, value in found.items() if value is not None}

    def entities(self) -> Iterator[Object]:
        """Parties, actors, software, services and the campaign."""
        for name, row in self.rows.items():
            kind, typed = self.kind(row)
            if kind == "software":
                same = [self.rows[n] for n, found in self.ids.items() if found == self.ids[name]]
                if same[0] is row:  # packages of one name are one object
                    common = {"type": kind, "spec_version": "2.1", "id": self.ids[name]}
                    marking = self.markings(same)
                    yield common | {"name": row["name"], "object_marking_refs": marking}
            elif kind:
                described = {"name": row["name"], "description": row["role"] or None}
                yield self.object_of(kind, "entities", row, **described, **typed)

    def links(self) -> Iterator[Object]:
        """The relations that somebody reports, between parties that have an object."""
        claims = self.known.rows("claims")
        for row in self.known.rows("links").values():
            source, target = (self.rows[row[end]] for end in ("source", "target"))
            ids = self.ids[source["id"]], self.ids[target["id"]]
            supposed = row["relation"] == "falls" or not (row["claims"] or row["sources"])
            if supposed or None in ids or ids[0] == ids[1]:
                continue
            on = [claims[claim] for claim in row["claims"]]
            sure = [CONFIDENCE.get(claim["credibility"], 0) for claim in on]
            says = [f"Reported: {row['relation'].replace('_', ' ')}.", *(c["says"] for c in on)]
            yield self.object_of(
                "relationship",
                "links",
                row,
                [source, target, *on],
                relationship_type="related-to",
                description=" ".join(says),
                source_ref=ids[0],
                target_ref=ids[1],
                confidence=max(sure, default=0) or None,
            )

    def claims(self) -> Iterator[Object]:
        """Each claim as a note by its claimant, and an opinion where it contradicts others."""
        standing = self.known.rows("claims")
        later = {old: row for row in standing.values() for old in row["supersedes"]}
        ended = self.known.ended.get("claims")
        rows = [*standing.values(), *(ended.iter_rows(named=True) if ended is not None else ())]
        about = {row["id"]: self.about(row) for row in rows}
        for row in rows:
            after = later.get(row["id"])
            revoked = after is not None or row["id"] not in standing
            if thing := about[row["id"]]:
                yield self.note(row, thing, after, revoked)
                others = [name for name in row["contradicts"] if about.get(name)]
                others = [standing[name] for name in others if name in standing]
                if others and not revoked:
                    yield self.opinion(row, others)

    def note(self, claim: Row, thing: str, after: Row | None, revoked: bool) -> Object:
        """What a claim says about an object; `after` is the claim that replaced it, if any."""
        used = [self.rows[claim["claimant"]], self.rows[claim["subject"]]]
        return self.object_of(
            "note",
            "claims",
            claim,
            [*used, after] if after else used,
            moment=max(claim["known_on"], after["known_on"]) if after else None,
            authors=[used[0]["name"]],
            confidence=CONFIDENCE.get(claim["credibility"]),
            abstract=f"{claim['stance']}, {times.as_text(claim['stated_on'])}",
            content=claim["says"],
            object_refs=[thing],
            labels=[label for label in (claim["stance"], claim["stage"]) if label],
            revoked=revoked or None,
        )

    def opinion(self, claim: Row, others: list[Row]) -> Object:
        """That a claim contradicts others."""
        claimant = self.rows[claim["claimant"]]
        return self.object_of(
            "opinion",
            "claims",
            claim,
            [claimant, *others],
            authors=[claimant["name"]],
            confidence=CONFIDENCE.get(claim["credibility"]),
            opinion="disagree",
            explanation=claim["says"],
            object_refs=[self.id("note", "claims", other["id"]) for other in others],
        )

    def about(self, claim: Row) -> str | None:
        """The object that a claim is about: its subject, the subject's party, or the campaign.

        None where there is none, or where claimant or subject stand no more.
        """
        if claim["subject"] not in self.rows or claim["claimant"] not in self.rows:
            return None
        party = self.rows[claim["subject"]]["party"] or ""
        return self.ids[claim["subject"]] or self.ids.get(party) or self.ids.get("event")

    def indicators(self) -> Iterator[Object]:
        """What to hunt for, as patterns where STIX has one."""
        for row in self.known.rows("indicators").values():
            pattern, entity = _pattern(row["kind"], row["value"]), self.rows[row["entity"]]
            if pattern is None:
                continue
            made = self.object_of(
                "indicator",
                "indicators",
                row,
                name=f"{row['kind']} {row['value']}",
                description=row["what"],
                indicator_types=["malicious-activity"],
                pattern=pattern,
                pattern_type="stix",
                confidence=CONFIDENCE.get(row["credibility"]),
            )
            yield made | {"valid_from": made["created"]}
            target = self.ids[entity["id"]]
            if target and target.startswith(_INDICATED):
                yield self.object_of(
                    "relationship",
                    "indicators",
                    row,
                    [entity],
                    relationship_type="indicates",
                    source_ref=made["id"],
                    target_ref=target,
                )


def _first_known(known: Case, table: str) -> dict[str, datetime]:
    """Row -> when it was first known at the level of a view: an object is created once."""
    whole = known.loaded or known
    rows = whole[table].filter(pl.col("tlp").is_in(TLP[: TLP.index(known.tlp) + 1]))
    return dict(rows.group_by("id").agg(pl.col("known_on").min()).iter_rows())


def _pattern(kind: str, value: str) -> str | None:
    """The STIX pattern of an indicator, whose value is written defanged; None where it has none."""
    plain = value.replace("[.]", ".").replace("hxxp", "http", 1)
    quoted = plain.replace("\\", "\\\\").replace("'", "\\'")
    if kind == "path":
        folder, _, file = quoted.rpartition("/")
        inside = f" AND file:parent_directory_ref.path LIKE '%{folder}'" if folder else ""
        return f"[file:name = '{file}'{inside}]"
    address = "ipv6-addr" if ":" in plain else "ipv4-addr"
    part = {"domain": "domain-name:value", "ip": f"{address}:value", "url": "url:value"}
    part |= {"sha256": "file:hashes.'SHA-256'"} if _SHA256.fullmatch(plain) else {}
    return f"[{part[kind]} = '{quoted}']" if kind in part else None
