"""The STIX 2.1 bundle of a view: valid, marked, of what is reported and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import commands
import pytest
import stix2validator
from tiny import evidence

import impact
from impact.case import stix
from impact.case.schema import TLP

HUNTED = {"id": "i", "action": "hunt", "what": "a file", "credibility": "3"}
DAYS = ("1990", "2026-03-24T12:00Z", "2026-04-04", "2026-08-28", "")


def of(bundle: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [one for one in bundle["objects"] if one["type"] == kind]


def valid(bundle: dict[str, Any]) -> None:
    """Whether the validator of OASIS finds nothing wrong; ids are name-based on purpose ({103})."""
    options = stix2validator.ValidationOptions(version="2.1", disabled="103,302")
    found = stix2validator.validate_string(stix.text(bundle), options)
    assert found.is_valid, found
    assert [str(w) for w in found.warnings] == []


def test_the_bundle_of_each_day_is_valid_and_every_reference_leads_to_an_object_of_it(
    mercor: impact.Case,
) -> None:
    """What a bundle of an earlier day held as it is was valid then, and is not tried again."""
    seen: list[dict[str, Any]] = []
    for day in DAYS:
        bundle = stix.bundle(impact.view(mercor, as_of=day))
        objects = bundle["objects"]
        valid(bundle | {"objects": [one for one in objects if one not in seen]})
        seen += objects
        ids = [one["id"] for one in objects]
        assert len(set(ids)) == len(ids)
        for one in objects:
            named = [one[key] for key in one if key.endswith("_ref")]
            named += [name for key in one if key.endswith("_refs") for name in one[key]]
            assert set(named) <= set(ids), one


def test_the_validator_does_find_what_is_wrong(tmp_path: Path) -> None:
    bundle = stix.bundle(impact.view(evidence(tmp_path / "case", claims=[{"id": "c"}])))
    valid(bundle)
    del of(bundle, "note")[0]["content"]
    with pytest.raises(AssertionError):
        valid(bundle)


def test_the_same_view_gives_the_same_bytes_and_an_object_keeps_its_id_from_day_to_day(
    mercor: impact.Case,
) -> None:
    views = [impact.view(mercor, as_of=day) for day in ("2026-04-04", "2026-08-28", "2026-08-28")]
    early, late, again = (stix.bundle(known) for known in views)
    assert stix.text(late) == stix.text(again)
    assert {one["id"] for one in early["objects"]} < {one["id"] for one in late["objects"]}


def test_only_what_is_reported_is_a_relation(mercor: impact.Case) -> None:
    bundle = stix.bundle(impact.view(mercor, "surge-falls"))
    relations = of(bundle, "relationship")
    said = " ".join(one.get("description", "") for one in relations)
    assert "Reported: supplies." in said
    assert "falls" not in said
    assert not any(one.get("external_references") == [] for one in bundle["objects"])
    reported = [one for one in relations if one["relationship_type"] != "indicates"]
    assert all(one["external_references"] for one in reported)


def test_a_claim_is_a_note_of_its_claimant_with_sources_and_confidence_where_it_can_be_judged(
    mercor: impact.Case,
) -> None:
    bundle = stix.bundle(impact.view(mercor))
    notes = of(bundle, "note")
    (note,) = [one for one in notes if one["content"] == "Meta paused its work with Mercor."]
    (meta,) = [one for one in of(bundle, "identity") if one["name"] == "Meta"]
    found = [note[name] for name in ("authors", "confidence", "abstract", "object_refs")]
    assert found == [["Meta"], 90, "asserts, 2026-04-23", [meta["id"]]]
    cited = note["external_references"][0]
    assert cited["source_name"] == "Wall Street Journal"
    assert "reliability B, read: secondhand" in cited["description"]
    unjudged = [one for one in notes if "confidence" not in one]
    unsure = mercor["claims"].filter(credibility="6")
    assert len(unjudged) == unsure.height > 5
    by_veln = [one for one in notes if one["authors"] == ["veln.sh"]]
    assert by_veln
    assert all(one in unjudged for one in by_veln)


def test_a_dispute_is_an_opinion_and_what_was_replaced_is_revoked(mercor: impact.Case) -> None:
    bundle = stix.bundle(impact.view(mercor))
    notes = {one["id"]: one for one in of(bundle, "note")}
    (opinion,) = [
        one
        for one in of(bundle, "opinion")
        if one["explanation"] == "Meta and other major AI labs paused all work with Mercor."
    ]
    against = [notes[ref]["content"] for ref in opinion["object_refs"]]
    assert "Meta paused its work, OpenAI went on, and others re-evaluate theirs." in against
    gone = [one["content"] for one in notes.values() if one.get("revoked")]
    assert gone == ["The registry account of a maintainer may have been taken over."]


def test_indicators_are_patterns_of_what_was_written_defanged(mercor: impact.Case) -> None:
    patterns = {one["pattern"] for one in of(stix.bundle(impact.view(mercor)), "indicator")}
    assert "[domain-name:value = 'models.litellm.cloud']" in patterns
    path = (
        "[file:name = 'proxy_server.py' AND file:parent_directory_ref.path LIKE '%litellm/proxy']"
    )
    assert path in patterns
    assert any(p.startswith("[file:hashes.'SHA-256' = '") for p in patterns)
    assert not any("[.]" in pattern for pattern in patterns)


# sharing


@pytest.mark.parametrize("level", TLP)
def test_markings_are_those_of_tlp_2_and_nothing_above_the_level_is_in_it(
    tmp_path: Path, level: str
) -> None:
    claims = [
        {"id": f"c-{rank}", "object": mark, "tlp": mark, "says": f"Secret {mark}."}
        for rank, mark in enumerate(TLP)
    ]
    case = evidence(tmp_path / "case", claims=claims)
    bundle = stix.bundle(impact.view(case, tlp=level))
    valid(bundle)
    seen = {mark for mark in TLP if f"Secret {mark}." in json.dumps(bundle)}
    assert seen == set(TLP[: TLP.index(level) + 1])
    (marking,) = of(bundle, "marking-definition")
    assert marking["name"] == f"TLP:{level.upper()}"
    marked = [one["object_marking_refs"] for one in bundle["objects"][2:]]
    assert marked == [[f"marking-definition--{stix.MARKINGS[level]}"]] * len(marked)


def test_a_row_above_the_level_moves_no_byte(tmp_path: Path) -> None:
    claims = [{"id": "c", "object": "x"}, {"id": "r", "tlp": "red"}]
    plain = evidence(tmp_path / "plain", claims=claims)
    secret = evidence(tmp_path / "secret", claims=[*claims, {"id": "s", "tlp": "red"}])
    texts = [stix.text(stix.bundle(impact.view(case, tlp="green"))) for case in (plain, secret)]
    assert texts[0] == texts[1]


def test_an_object_has_the_level_of_every_row_whose_words_it_uses(tmp_path: Path) -> None:
    said = [{"id": "d"}, {"id": "d", "says": "SECRET", "tlp": "amber"}]
    link = {"id": "l", "source": "a", "target": "b", "claims": "d"}
    party = {"id": "a", "name": "SECRET firm", "tlp": "amber"}
    amber = [f"marking-definition--{stix.MARKINGS['amber']}"]
    for case in (
        evidence(tmp_path / "said", claims=said, links=[link]),
        evidence(tmp_path / "named", claims=[{"id": "c"}], entities=[party]),
    ):
        bundle = stix.bundle(impact.view(case, tlp="amber"))
        valid(bundle)
        using = [one for one in bundle["objects"] if "SECRET" in json.dumps(one)]
        assert using
        assert all(one["object_marking_refs"] == amber for one in using)


def test_an_object_is_created_once_and_modified_when_it_changes(tmp_path: Path) -> None:
    days = [f"2026-0{n}-01" for n in (1, 2, 3)]
    old = {"id": "old", "known_on": days[0]}
    claims = [old, {"id": "new", "object": "x", "known_on": days[1], "supersedes": "old"}]
    case = evidence(tmp_path / "case", claims=claims)
    early, late = (stix.bundle(impact.view(case, as_of=day)) for day in (days[0], days[2]))
    before = {one["id"]: one for one in early["objects"]}
    for one in late["objects"]:
        if one["id"] in before and "modified" in one:
            assert one["created"] == before[one["id"]]["created"]
            same = one == before[one["id"]]
            assert same == (one["modified"] == before[one["id"]]["modified"]), one
    (revoked,) = [one for one in of(late, "note") if one.get("revoked")]
    assert revoked["modified"].startswith("2026-02-01")


def test_equal_names_bad_addresses_and_bad_digests_leave_it_valid(tmp_path: Path) -> None:
    twins = [
        {"id": "package", "name": "same", "kind": "package"},
        {"id": "product", "name": "same", "kind": "product", "tlp": "amber"},
    ]
    indicator = HUNTED | {"entity": "package", "kind": "sha256", "value": "zz"}
    sources = [{"id": "s", "url": "not a url"}]
    claims = [{"id": "c", "sources": "s", "on": "package"}]
    case = evidence(
        tmp_path / "case", entities=twins, claims=claims, sources=sources, indicators=[indicator]
    )
    bundle = stix.bundle(impact.view(case, tlp="amber"))
    valid(bundle)
    (same,) = of(bundle, "software")
    assert same["object_marking_refs"] == [f"marking-definition--{stix.MARKINGS['amber']}"]
    assert of(bundle, "indicator") == []
    assert "not a url" not in json.dumps(bundle)


def test_a_supposed_fall_is_no_relation_even_with_a_source(tmp_path: Path) -> None:
    link = {"id": "l", "source": "event", "target": "b", "relation": "falls", "sources": "s"}
    case = evidence(tmp_path / "case", sources=[{"id": "s"}], links=[link])
    assert of(stix.bundle(impact.view(case)), "relationship") == []


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    hostile = '\'] OR [file:name = "x"] </script> \\'
    rows = [HUNTED | {"entity": "b", "kind": "domain", "value": hostile, "what": hostile}]
    case = evidence(tmp_path / "case", claims=[{"id": "c", "says": hostile}], indicators=rows)
    bundle = stix.bundle(impact.view(case))
    valid(bundle)
    (made,) = of(bundle, "indicator")
    assert made["pattern"] == (r"""[domain-name:value = '\'] OR [file:name = "x"] </script> \\']""")


# the command


def test_export_writes_a_whole_file_or_none(tmp_path: Path) -> None:
    path = tmp_path / "bundle.json"
    done = commands.impact("export", "mercor", "--to", "stix", str(path), "--as-of", "2026-04-04")
    assert done.returncode == 0, done.stderr
    bundle = json.loads(path.read_text("utf-8"))
    assert f"{len(bundle['objects'])} objects" in done.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["bundle.json"]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("mercor", "--to", "misp", "x.json"), 2, "'misp' is not one of 'stix', 'csv'"),
        (("mercr", "--to", "stix", "x.json"), 2, 'no such case; did you mean "mercor"?'),
        (
            ("mercor", "--to", "stix", "file/x.json"),
            2,
            r"cannot be written \(.*choose another folder",
        ),
        (
            (
                "mercor",
                "--to",
                "stix",
                "x.json",
                "--scenario",
                "long-pause",
                "--as-of",
                "2026-03-24",
            ),
            1,
            "it is not known in this view",
        ),
    ],
)
def test_a_wrong_export_is_told_and_writes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    status: int,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("x")
    done = commands.impact("export", *words)
    assert done.returncode == status
    assert re.search(said, done.stderr)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
