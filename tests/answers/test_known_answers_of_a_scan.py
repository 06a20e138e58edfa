"""What a scan says of six systems, each answer worked out by hand.

Bad are litellm 1.82.7, whose code runs on import and which could be had from 10:39 to 13:38, and
1.82.8, whose code runs at every start and which could be had from 10:52 to 13:11. The fleet:

| system | file | holds | by way of | newest upload |
|---|---|---|---|---|
| alpha | api/uv.lock | 1.82.8 | dspy | 24 March 10:52:19 |
| alpha | worker/uv.lock | 1.82.8 | itself | 24 March 11:30 |
| beta | uv.lock | 1.82.7 | dspy | 24 March 11:00 |
| delta, gamma | pyproject.toml | asks for litellm>=1.77 | | |
| epsilon | bom.json | in a form that is not read | | |
| zeta | uv.lock | 1.82.6 | dspy | 19 March 08:00 |
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from stacks import ADMITS, at, lock
from tiny import SAID, write

import impact

BAD, DAY = ("1.82.7", "1.82.8"), "2026-03-24"
RECORD = {
    "schema_version": "1.7.4",
    "id": "MAL-1",
    "published": "2026-03-24T12:00:00Z",
    "modified": "2026-03-24T12:00:00Z",
    "affected": [
        {"package": {"ecosystem": "PyPI", "name": "litellm"}, "versions": list(BAD)},
    ],
}


def runs(version: str, when: str) -> dict[str, str]:
    """A claim of what makes the code of a version run."""
    name = f"r{version[-1]}"
    return {"id": f"runs-{name}", "claimant": "a", "subject": name, "predicate": "runs_when",
            "object": when, "stated_on": DAY, "known_on": DAY, "sources": "s1"}  # fmt: skip


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> impact.Case:
    """A case of the two releases, when each could be had, and one advisory that names them."""
    span = {"1.82.7": ("10:39", "13:38"), "1.82.8": ("10:52", "13:11")}
    rows: dict[str, list[dict[str, str]]] = {
        "entities": [
            {"id": "event", "name": "event", "kind": "event"},
            {"id": "a", "name": "a"},
            *(
                {"id": f"r{version[-1]}", "name": f"litellm {version}", "kind": "release"}
                for version in BAD
            ),
        ],
        "sources": [{"id": "s1", "published_on": DAY, "known_on": DAY}],
        "claims": [runs("1.82.7", "import of a module"), runs("1.82.8", "start of Python")],
        "windows": [
            {"id": f"w{version[-1]}", "entity": f"r{version[-1]}"}
            | {"opens": f"2026-03-24T{opens}Z", "closes": f"2026-03-24T{closes}Z"}
            for version, (opens, closes) in span.items()
        ],
    }
    folder = write(tmp_path_factory.mktemp("case") / "tiny", rows, filled=SAID)
    (folder / "advisories").mkdir()
    (folder / "advisories" / "MAL-1.json").write_text(json.dumps(RECORD))
    return impact.view(impact.load_case(folder), as_of="2026-03-25")


@pytest.fixture(scope="module")
def scanned(known: impact.Case, tmp_path_factory: pytest.TempPathFactory) -> impact.Answer:
    """The scan of the fleet."""
    home = tmp_path_factory.mktemp("fleet")
    direct = 'dependencies = [{ name = "litellm" }]'
    alone = lock(stamp="2026-03-24T11:30:00Z").replace(direct, "")  # dspy needs nothing
    files = {
        "alpha/api/uv.lock": lock(),
        "alpha/worker/uv.lock": alone.replace('dependencies = [{ name = "dspy" }]', direct),
        "beta/uv.lock": lock("1.82.7", "2026-03-24T11:00:00Z"),
        "delta/pyproject.toml": ADMITS,
        "gamma/pyproject.toml": ADMITS,
        "epsilon/bom.json": '{"bomFormat": "CycloneDX", "specVersion": "9"}',
        "zeta/uv.lock": lock("1.82.6", "2026-03-19T08:00:00Z"),
    }
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    return impact.scan(home, known=known)


def figures(answer: impact.Answer) -> dict[str, float | None]:
    return {figure.name: figure.value for figure in answer.figures}


def cells(answer: impact.Answer, *columns: str) -> list[tuple[Any, ...]]:
    return answer.table.select(columns).rows()


def places(answer: impact.Answer) -> list[str]:
    """The files of a table, from the folder of their system on."""
    parts = [Path(file).parts for file in answer.table["file"]]
    return ["/".join(part[-3 if "alpha" in part else -2 :]) for part in parts]


def test_each_system_has_its_gravest_verdict_the_gravest_first(scanned: impact.Answer) -> None:
    """1.82.8 is locked and runs at every start: exposed. 1.82.7 runs only where it is imported,
    one step less: likely. An open range may have been resolved then: possible. 1.82.6 is another
    version, by a lock of which no install is recorded: unlikely."""
    answer = impact.systems(scanned)
    assert cells(answer, "system", "verdict", "package", "version", "files") == [
        ("alpha", "exposed", "litellm", "1.82.8", 2),
        ("beta", "likely", "litellm", "1.82.7", 1),
        ("delta", "possible", "litellm", "", 1),
        ("gamma", "possible", "litellm", "", 1),
        ("epsilon", "unknown", "all", "", 1),
        ("zeta", "unlikely", "litellm", "1.82.6", 1),
    ]
    counts = {"exposed": 1, "likely": 1, "possible": 2, "unknown": 1, "unlikely": 1}
    assert figures(answer) == {"systems": 6, **{f"systems.{k}": n for k, n in counts.items()}}
    told = [answer.sentence.index(f"{many} {verdict}") for verdict, many in counts.items()]
    assert told == sorted(told)


def test_each_file_has_its_own_finding_way_and_advisory(scanned: impact.Answer) -> None:
    """Seven files: three lock a bad version, two allow one, one is not read, one is another's."""
    answer = impact.by_file(scanned)
    found = ["locked_affected"] * 3 + ["range_admits"] * 2 + ["not_evaluated", "locked_other"]
    assert answer.table["finding"].to_list() == found
    assert places(answer) == [
        *("alpha/api/uv.lock", "alpha/worker/uv.lock", "beta/uv.lock"),
        *("delta/pyproject.toml", "gamma/pyproject.toml", "epsilon/bom.json", "zeta/uv.lock"),
    ]
    assert answer.table["path"].to_list()[:3] == [
        "labeling-service > dspy > litellm 1.82.8",
        "labeling-service > litellm 1.82.8",
        "labeling-service > dspy > litellm 1.82.7",
    ]
    assert answer.table["advisory"].to_list() == ["MAL-1"] * 5 + [""] * 2
    tallies = {"": 7, ".locked_affected": 3, ".range_admits": 2, ".not_evaluated": 1}
    assert figures(answer) == {f"files{name}": many for name, many in tallies.items()}


def test_what_was_held_is_told_from_the_first_moment_on(
    scanned: impact.Answer, known: impact.Case
) -> None:
    """A lock cannot be older than the newest upload in it; alpha's first is of 10:52 and is the
    first of all that held a bad version. Of zeta another version is told, of the others nothing."""
    answer = impact.held_when(scanned, known)
    assert cells(answer, "system", "version", "finding", "begins", "ends") == [
        ("alpha", "1.82.8", "locked_affected", datetime(2026, 3, 24, 10, 52, 19, tzinfo=UTC), None),
        ("alpha", "1.82.8", "locked_affected", at("11:30"), None),
        ("beta", "1.82.7", "locked_affected", at("11:00"), None),
        ("zeta", "1.82.6", "locked_other", at("19 08:00"), None),
    ]
    assert figures(answer) == {"systems.holding": 2}
    first = answer.sentence.partition(";")[0]
    assert "10:52" in first
    assert "alpha" in first
    assert "litellm 1.82.8" in first
    assert not any(later in first for later in ("11:00", "11:30", "beta", "1.82.7"))


def test_a_pin_frees_a_system_only_if_every_way_in_it_leads_through_the_package(
    scanned: impact.Answer,
) -> None:
    """dspy is on both ways of beta but on one of the two of alpha: its pin frees beta alone. A pin
    of litellm itself frees both. The project's own name is no pin."""
    answer = impact.pins(scanned)
    assert cells(answer, "pin", "systems", "which") == [
        ("litellm", 2, ["alpha", "beta"]),
        ("dspy", 1, ["beta"]),
    ]
    assert figures(answer) == {"systems.locked_affected": 2}
    assert "litellm" in answer.sentence
    assert "dspy" not in answer.sentence


def test_the_gravest_question_comes_first_and_of_equals_the_one_on_most_systems(
    scanned: impact.Answer,
) -> None:
    """alpha is exposed, beta likely, delta and gamma share a possible one, then what is not read,
    and last the lock of another version, of which only frozen installs are a no."""
    answer = impact.to_settle(scanned)
    asked = cells(answer, "systems", "which", "verdict")
    assert asked == [
        (1, ["alpha"], "exposed"),
        (1, ["beta"], "likely"),
        (2, ["delta", "gamma"], "possible"),
        (1, ["epsilon"], "unknown"),
        (1, ["zeta"], "unlikely"),
    ]
    keys = ("rebuilt", "import", "resolve", "form that is read", "frozen")
    assert all(key in text for key, text in zip(keys, answer.table["settle"], strict=True))
    assert figures(answer) == {"questions": 5}
    assert "rebuilt" in answer.sentence
    assert "frozen" not in answer.sentence


def test_of_two_questions_of_one_verdict_that_on_more_systems_comes_first(
    scanned: impact.Answer,
) -> None:
    """The rows of delta and gamma doubled under a question of its own on one system: 2 before 1,
    though by its name it would come first."""
    import polars as pl

    one = scanned.table.filter(pl.col("system") == "delta").with_columns(
        settle=pl.lit("A question?"), system=pl.lit("eta")
    )
    more = impact.Answer("scan", "x.", pl.concat([one, scanned.table]), label="clear")
    asked = cells(impact.to_settle(more), "settle", "systems", "verdict")
    assert [row[1:] for row in asked[2:4]] == [(2, "possible"), (1, "possible")]
    assert asked[3][0] == "A question?"


def test_what_was_not_read_is_named_with_its_reason(scanned: impact.Answer) -> None:
    answer = impact.not_read(scanned)
    assert places(answer) == ["epsilon/bom.json"]
    assert cells(answer, "format", "why") == [("CycloneDX JSON", "CycloneDX 9 is not read")]
    assert figures(answer) == {"files.not_evaluated": 1}
