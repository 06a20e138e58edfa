"""A view of a case as a STIX 2.1 bundle: parties, reported relations, claims, indicators.

Only what somebody reports is exported: no assumption, no supposed fall, no relation without a claim
or a source. Ids are made of the case and the row, so that a bundle of another day or level updates
what an earlier one brought and says nothing of rows that it does not hold.
"""

from __future__ import annotations

import json
import re
import tomllib
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from impact.base import times, words
from impact.case.folder import Case, digest
from impact.case.schema import up_to
from impact.case.tables import Row
from impact.case.views import moment_of
from impact.case.ways import FALLS, ROOT

Object = dict[str, Any]
OURS = uuid.uuid5(uuid.NAMESPACE_URL, "breach-impact-kit")
CYBER_OBSERVABLES = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")  # STIX 2.1, section 2.9
TLP_2 = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"  # OASIS, TLP 2.0
FIXED = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
MARKINGS, CONFIDENCE = FIXED["marking"], FIXED["confidence"]
AUTHOR = {**FIXED["author"], "id": f"identity--{OURS}"}
_SHA256, _ADDRESS = re.compile("[0-9a-fA-F]{64}"), re.compile(r"https?://[\w.:-]+(/[!-~]*)?")


def bundle(known: Case) -> Object:
    """The STIX 2.1 bundle of a view, as JSON values; the same view gives the same bundle.

    Claims are notes by their claimant, what they contradict is an opinion; a claim that was
    replaced or taken back is revoked. Data sets, states and projects have no object of their own:
    what is said of them is about their party. Each object is marked with the level of the view.
    """
    made = _Maker(known)
    parts = made.entities(), made.links(), made.claims(), made.indicators()
    found = {one["id"]: one for part in parts for one in part}
    if found:
        report = made.object(
            "report",
            "case",
            {"id": known.id, "sources": [], "known_on": moment_of(known)},
            created=min(one["created"] for one in found.values() if "created" in one),
            name=known.title,
            description=known.question,
            report_types=["campaign"],
            published=_instant(moment_of(known)),
            object_refs=[*found],
        )
        found[report["id"]] = report
    return {
        "type": "bundle",
        "id": f"bundle--{uuid.uuid5(OURS, digest(known))}",
        "objects": [_marking(known.label), AUTHOR, *found.values()],
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


def _instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.000Z}"


class _Maker:
    """Makes the objects of a view."""

    def __init__(self, known: Case) -> None:
        self.known, self.rows, self.first = known, known.rows("entities"), _first_known(known)
        links = known.rows("links").values()
        bad = {link["target"] for link in links if link["relation"] in FIXED["bad"]}
        parts = {name: FIXED["kind"].get(row["kind"], "") for name, row in self.rows.items()}
        parts |= {name: "malware" for name in bad if self.rows[name]["kind"] == "release"}
        self.parts = {name: part for name, part in parts.items() if part}
        self.ids = {
            name: self.id(_type(part), "entities", name) for name, part in self.parts.items()
        }

    def id(self, kind: str, table: str, name: str) -> str:
        """The id of the object of a row."""
        space, made = OURS, f"{self.known.id}|{table}|{name}"
        if kind == "software":  # STIX 2.1, section 2.9: by its name, whoever tells of it
            named = {"name": self.rows[name]["name"]}
            space, made = (
                CYBER_OBSERVABLES,
                json.dumps(named, separators=(",", ":"), ensure_ascii=False),
            )
        return f"{kind}--{uuid.uuid5(space, made)}"

    def object(
        self, kind: str, table: str, row: Row, modified: datetime | None = None, **more: Any
    ) -> Object:
        """The object of a row with its sources and `more`, without what is None.

        `modified` is when it last became another.
        """
        day = modified or row["known_on"]
        sources = self.known.rows("sources")
        common = {
            "type": kind,
            "spec_version": "2.1",
            "id": self.id(kind, table, row["id"]),
            "created_by_ref": AUTHOR["id"],
            "created": _instant(self.first.get((table, row["id"]), day)),
            "modified": _instant(day),
            "object_marking_refs": [f"marking-definition--{MARKINGS[self.known.label]}"],
            "external_references": [_cited(sources[name]) for name in row["sources"]] or None,
        }
        if kind == "software":
            common = {name: common[name] for name in FIXED["observable"]}
        return {name: value for name, value in (common | more).items() if value is not None}

    def entities(self) -> Iterator[Object]:
        """Parties, actors, software, services and the campaign."""
        for name, part in self.parts.items():
            row, more = self.rows[name], dict(FIXED["part"][part])
            more |= {} if part == "software" else {"description": row["role"]}
            yield self.object(_type(part), "entities", row, name=row["name"], **more)

    def links(self) -> Iterator[Object]:
        """The relations that somebody reports, between parties that have an object."""
        claims = self.known.rows("claims")
        for row in self.known.rows("links").values():
            ids = self.ids.get(row["source"]), self.ids.get(row["target"])
            supposed = row["relation"] == FALLS or not (row["claims"] or row["sources"])
            if supposed or None in ids or ids[0] == ids[1]:
                continue
            on = [claims[claim] for claim in row["claims"]]
            says = [f"Reported: {row['relation'].replace('_', ' ')}.", *(c["says"] for c in on)]
            sure = [CONFIDENCE.get(claim["credibility"], 0) for claim in on]
            yield self.object(
                "relationship",
                "links",
                row,
                relationship_type="related-to",
                description=" ".join(says),
                source_ref=ids[0],
                target_ref=ids[1],
                confidence=max(sure, default=0) or None,
            )

    def claims(self) -> Iterator[Object]:
        """Each claim as a note by its claimant, and an opinion where it contradicts others."""
        standing, ended = self.known.rows("claims"), self.known.ended["claims"]
        later = {old: row["known_on"] for row in standing.values() for old in row["supersedes"]}
        every = (*standing.values(), *ended.iter_rows(named=True))
        rows = [row for row in every if self.about(row)]
        noted = {row["id"] for row in rows} & standing.keys()
        for row in rows:
            name, by = row["id"], self.rows[row["claimant"]]["name"]
            revoked = name in later or name not in standing
            said: Object = {"authors": [by], "confidence": CONFIDENCE.get(row["credibility"])}
            yield self.object(
                "note",
                "claims",
                row,
                max(row["known_on"], later.get(name, row["known_on"])),
                **said,
                abstract=f"{row['stance']}, {times.as_text(row['stated_on'])}",
                content=row["says"],
                object_refs=[self.about(row)],
                labels=[label for label in (row["stance"], row["stage"]) if label],
                revoked=revoked or None,
            )
            others = [self.id("note", "claims", n) for n in row["contradicts"] if n in noted]
            if others and not revoked:
                said |= {"opinion": "disagree", "explanation": row["says"], "object_refs": others}
                yield self.object("opinion", "claims", row, **said)

    def about(self, claim: Row) -> str | None:
        """The object that a claim is about: its subject, the subject's party, or the campaign.

        None where there is none, or where claimant or subject stand no more.
        """
        subject = self.rows.get(claim["subject"])
        if subject is None or claim["claimant"] not in self.rows:
            return None
        return next(
            (self.ids[n] for n in (subject["id"], subject["party"], ROOT) if n in self.ids), None
        )

    def indicators(self) -> Iterator[Object]:
        """What to hunt for, as patterns where STIX has one."""
        for row in self.known.rows("indicators").values():
            pattern, target = _pattern(row["kind"], row["value"]), self.ids.get(row["entity"], "")
            if pattern is None:
                continue
            made = self.object(
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
            if target.startswith(tuple(FIXED["indicated"])):
                ends: Object = {"source_ref": made["id"], "target_ref": target}
                ends |= {"relationship_type": "indicates"}
                yield self.object("relationship", "indicators", row, **ends)


def _type(part: str) -> str:
    """The STIX type of a part: parties are identities of a class."""
    return "identity" if "identity_class" in FIXED["part"][part] else part


def _cited(source: Row) -> Object:
    """A source with its date, reliability and how it was read."""
    text = f"{source['title']}; published {times.as_text(source['published_on'])},"
    text += f" reliability {source['reliability']}, read: {source['access']}"
    address = {"url": source["url"]} if _ADDRESS.fullmatch(source["url"] or "") else {}
    return {"source_name": source["publisher"], "description": text, **address}


def _first_known(known: Case) -> dict[tuple[str, str], datetime]:
    """(table, row) -> when it was first known at the level of a view: an object is created once."""
    at_level = pl.col("tlp").is_in(up_to(known.tlp))
    return {
        (table, name): day
        for table, rows in (known.loaded or known).tables.items()
        for name, day in rows.filter(at_level).group_by("id").agg(pl.col("known_on").min()).rows()
    }


def _pattern(kind: str, value: str) -> str | None:
    """The STIX pattern of an indicator, whose value is written defanged; None where it has none."""
    plain = value.replace("[.]", ".").replace("hxxp", "http", 1)
    quoted = plain.replace("\\", "\\\\").replace("'", "\\'")
    if kind == "path":
        folder, _, file = quoted.rpartition("/")
        inside = f" AND file:parent_directory_ref.path LIKE '%{folder}'" if folder else ""
        return f"[file:name = '{file}'{inside}]"
    if kind == "sha256" and not _SHA256.fullmatch(plain):
        return None
    part = "ipv6-addr:value" if kind == "ip" and ":" in plain else FIXED["pattern"].get(kind)
    return f"[{part} = '{quoted}']" if part else None
