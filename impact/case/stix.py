"""A view of a case as a STIX 2.1 bundle: parties, reported relations, claims, indicators.

Only what somebody reports is exported: no assumption, no supposed fall, no relation without a claim
or a source. Ids are made of the case and the row, so that a bundle of another day or level updates
what an earlier one brought and says nothing of rows that it does not hold.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from impact.case.folder import Case, digest
from impact.case.schema import TLP
from impact.case.views import now
from impact.numerics import times

Row = Mapping[str, Any]
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
_IDENTITIES = {
    **dict.fromkeys(("vendor", "lab", "client", "publisher", "authority"), "organization"),
    **dict.fromkeys(("group", "workforce", "competitor"), "class"),
}
_TYPES = {"event": "campaign", "actor": "threat-actor", "service": "infrastructure"}
_INDICATED = ("malware", "campaign", "threat-actor", "infrastructure")  # what may be indicated
_SOFTWARE = ("release", "package", "product")


def bundle(known: Case) -> Object:
    """The STIX 2.1 bundle of a view, as JSON values; the same view gives the same bundle.

    Claims are notes by their claimant, what they contradict is an opinion; a claim that was
    replaced or taken back is revoked. Data sets, states and projects have no object of their own:
    what is said of them is about their party.
    """
    writer = _Writer(known)
    found = [*writer.entities(), *writer.links(), *writer.claims(), *writer.indicators()]
    levels = sorted(writer.levels, key=TLP.index)
    moment = now(known)
    if found:
        found.append(
            writer.new("report", "case", known.id, levels[-1], moment)
            | {
                "name": known.title,
                "description": known.question,
                "report_types": ["campaign"],
                "published": _instant(moment),
                "object_refs": [one["id"] for one in found],
            }
        )
    marked = [_marking(level) for level in levels]
    return {
        "type": "bundle",
        "id": f"bundle--{uuid.uuid5(OURS, digest(known))}",
        "objects": [*marked, writer.author(), *found],
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
        "name": f"TLP:{level.upper()}",
        "extensions": {TLP_2: {"extension_type": "property-extension", "tlp_2_0": level}},
    }


def _instant(moment: datetime | None) -> str:
    return f"{moment or times.parse('2000'):%Y-%m-%dT%H:%M:%S.000Z}"


class _Writer:
    """Makes the objects of a view, and remembers their ids and levels."""

    def __init__(self, known: Case) -> None:
        self.known = known
        self.levels = set[str]()
        self.rows = known.rows("entities")
        links = known.rows("links").values()
        self.bad = {link["target"] for link in links if link["relation"] in BAD}
        self.ids = {name: self.id_of(row) for name, row in self.rows.items()}

    def author(self) -> Object:
        """The kit itself, by which all objects are made."""
        day = "2026-01-01T00:00:00.000Z"
        return {
            "type": "identity",
            "spec_version": "2.1",
            "id": f"identity--{OURS}",
            "created": day,
            "modified": day,
            "name": "breach-impact-kit",
            "identity_class": "system",
        }

    def new(self, kind: str, table: str, name: str, level: str, moment: datetime | None) -> Object:
        """What every object but an observable has."""
        self.levels.add(level)
        return {
            "type": kind,
            "spec_version": "2.1",
            "id": self.id(kind, table, name),
            "created_by_ref": f"identity--{OURS}",
            "created": _instant(moment),
            "modified": _instant(moment),
            "object_marking_refs": [f"marking-definition--{MARKINGS[level]}"],
        }

    def id(self, kind: str, table: str, name: str) -> str:
        """The id of the object of a row."""
        return f"{kind}--{uuid.uuid5(OURS, f'{self.known.id}|{table}|{name}')}"

    def id_of(self, row: Row) -> str | None:
        """The id of an entity's object; None for a kind without one."""
        kind = self.kind(row)
        if kind == "software":
            named = json.dumps({"name": row["name"]}, separators=(",", ":"), ensure_ascii=False)
            return f"software--{uuid.uuid5(CYBER_OBSERVABLES, named)}"
        return self.id(kind, "entities", row["id"]) if kind else None

    def kind(self, row: Row) -> str:
        """The STIX type of an entity; empty where it has none."""
        if row["kind"] in _SOFTWARE:
            return "malware" if row["id"] in self.bad and row["kind"] == "release" else "software"
        kind = str(row["kind"])
        return _TYPES.get(kind, "identity" if kind in _IDENTITIES else "")

    def level(self, row: Row) -> str:
        """The highest level of a row and of its sources."""
        sources = self.known.rows("sources")
        levels = [str(row["tlp"]), *(str(sources[s]["tlp"]) for s in row["sources"])]
        return max(levels, key=TLP.index)

    def cited(self, row: Row) -> list[Object]:
        """The sources of a row, each with its date, reliability and how it was read."""
        told = []
        for name in row["sources"]:
            source = self.known.rows("sources")[name]
            said = f"{source['title']}; published {times.as_text(source['published_on'])},"
            said += f" reliability {source['reliability']}, read: {source['access']}"
            address = {"url": source["url"]} if source["url"] else {}
            told.append({"source_name": source["publisher"], "description": said, **address})
        return told

    def object_of(self, kind: str, table: str, row: Row) -> Object:
        """The common part of a row's object, with its sources."""
        cited = self.cited(row)
        made = self.new(kind, table, row["id"], self.level(row), row["known_on"])
        return made | ({"external_references": cited} if cited else {})

    def entities(self) -> Iterator[Object]:
        """Parties, actors, software, services and the campaign."""
        for name, row in self.rows.items():
            kind, level = self.kind(row), self.level(row)
            told = {"description": row["role"]} if row["role"] else {}
            if kind == "software":
                self.levels.add(level)
                marking = [f"marking-definition--{MARKINGS[level]}"]
                common = {"type": kind, "spec_version": "2.1", "id": self.ids[name]}
                yield common | {"name": row["name"], "object_marking_refs": marking}
            elif kind:
                typed: dict[str, Object] = {
                    "identity": {"identity_class": _IDENTITIES.get(row["kind"])},
                    "infrastructure": {"infrastructure_types": ["unknown"]},
                    "threat-actor": {"threat_actor_types": ["unknown"]},
                    "malware": {"malware_types": ["unknown"], "is_family": False},
                }
                more = {"name": row["name"], **told, **typed.get(kind, {})}
                yield self.object_of(kind, "entities", row) | more

    def links(self) -> Iterator[Object]:
        """The relations that somebody reports, between parties that have an object."""
        claims = self.known.rows("claims")
        for row in self.known.rows("links").values():
            ends = [self.ids[row[end]] for end in ("source", "target")]
            if not (row["claims"] or row["sources"]) or None in ends or ends[0] == ends[1]:
                continue
            told = [claims[claim]["says"] for claim in row["claims"]]
            said = [f"Reported: {row['relation'].replace('_', ' ')}.", *told]
            numbers = [CONFIDENCE.get(claims[claim]["credibility"]) for claim in row["claims"]]
            sure = [number for number in numbers if number]
            yield (
                self.object_of("relationship", "links", row)
                | {"relationship_type": "related-to", "description": " ".join(said)}
                | {"source_ref": ends[0], "target_ref": ends[1]}
                | ({"confidence": max(sure)} if sure else {})
            )

    def claims(self) -> Iterator[Object]:
        """Each claim as a note by its claimant, and an opinion where it contradicts others."""
        standing = self.known.rows("claims")
        ended = self.known.ended.get("claims")
        rows = [*standing.values(), *(ended.iter_rows(named=True) if ended is not None else ())]
        gone = {old for row in standing.values() for old in row["supersedes"]}
        for row in rows:
            there = row["subject"] in self.rows and row["claimant"] in self.rows
            about = self.about(row["subject"]) if there else None
            if about is None:
                continue
            by = {"authors": [self.rows[row["claimant"]]["name"]]}
            sure = CONFIDENCE.get(row["credibility"])
            number = {"confidence": sure} if sure else {}
            note = self.object_of("note", "claims", row) | by | number
            note |= {
                "abstract": f"{row['stance']}, {times.as_text(row['stated_on'])}",
                "content": row["says"],
                "object_refs": [about],
                "labels": [label for label in (row["stance"], row["stage"]) if label],
            }
            revoked = row["id"] in gone or row["id"] not in standing
            yield note | ({"revoked": True} if revoked else {})
            if others := [other for other in row["contradicts"] if other in standing]:
                yield (
                    self.object_of("opinion", "claims", row)
                    | by
                    | number
                    | {
                        "opinion": "disagree",
                        "explanation": row["says"],
                        "object_refs": [self.id("note", "claims", other) for other in others],
                    }
                )

    def about(self, name: str) -> str | None:
        """The object that a claim on an entity is about: its own, its party's, or the campaign."""
        party = self.rows[name]["party"] or ""
        return self.ids[name] or self.ids.get(party) or self.ids.get("event")

    def indicators(self) -> Iterator[Object]:
        """What to hunt for, as patterns where STIX has one."""
        for row in self.known.rows("indicators").values():
            pattern, target = _pattern(row["kind"], row["value"]), self.ids[row["entity"]]
            if pattern is None:
                continue
            sure = CONFIDENCE.get(row["credibility"])
            made = self.object_of("indicator", "indicators", row)
            yield (
                made
                | {"name": f"{row['kind']} {row['value']}", "description": row["what"]}
                | {"indicator_types": ["malicious-activity"]}
                | {"pattern": pattern, "pattern_type": "stix", "valid_from": made["created"]}
                | ({"confidence": sure} if sure else {})
            )
            if target and target.startswith(_INDICATED):
                link = self.object_of("relationship", "indicators", row)
                yield link | {
                    "relationship_type": "indicates",
                    "source_ref": made["id"],
                    "target_ref": target,
                }


def _pattern(kind: str, value: str) -> str | None:
    """The STIX pattern of an indicator, whose value is written defanged; None where it has none."""
    plain = value.replace("[.]", ".").replace("hxxp", "http", 1)
    plain = plain.replace("\\", "\\\\").replace("'", "\\'")
    if kind == "path":
        folder, _, file = plain.rpartition("/")
        inside = f" AND file:parent_directory_ref.path LIKE '%{folder}'" if folder else ""
        return f"[file:name = '{file}'{inside}]"
    address = "ipv6-addr" if ":" in plain else "ipv4-addr"
    part = {
        "sha256": "file:hashes.'SHA-256'",
        "domain": "domain-name:value",
        "ip": f"{address}:value",
        "url": "url:value",
    }.get(kind)
    return f"[{part} = '{plain}']" if part else None
