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

import polars as pl
import pytest
from stacks import ADMITS, at, lock
from tiny import SAID, cells, figures, write

import impact
from impact.measures import fleet

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
    return {
        "id": f"runs-{name}",
        "claimant": "a",
        "subject": name,
        "predicate": "runs_when",
        "object": when,
        "stated_on": DAY,
        "known_on": DAY,
        "sources": "s1",
    }


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


def places(table: pl.DataFrame) -> list[str]:
    """The files of a table, from the folder of their system on."""
    parts = [Path(file).parts for file in table["file"]]
    return ["/".join(part[-3 if "alpha" in part else -2 :]) for part in parts]


def test_each_system_has_its_gravest_verdict_the_gravest_first(
    scanned: impact.Answer, known: impact.Case
) -> None:
    """1.82.8 is locked and runs at every start: exposed. 1.82.7 runs only where it is imported,
    one step less: likely. An open range may have been resolved then: possible. 1.82.6 is another
    version, by a lock of which no install is recorded: unlikely."""
    answer = impact.systems(scanned, known)
    assert cells(answer, "system", "verdict", "package", "version", "files") == [
        ("alpha", "exposed", "litellm", "1.82.8", 2),
        ("beta", "likely", "litellm", "1.82.7", 1),
        ("delta", "possible", "litellm", "", 1),
        ("gamma", "possible", "litellm", "", 1),
        ("epsilon", "unknown", "all", "", 1),
        ("zeta", "unlikely", "litellm", "1.82.6", 1),
    ]
    counts = {"exposed": 1, "likely": 1, "possible": 2, "unknown": 1, "unlikely": 1}
    of_verdicts = {f"systems.{verdict}": many for verdict, many in counts.items()}
    assert figures(answer) == {"systems": 6, **of_verdicts, "systems.holding": 2}
    told = [answer.sentence.index(f"{many} {verdict}") for verdict, many in counts.items()]
    assert told == sorted(told)


def test_each_file_has_its_own_finding_way_and_advisory(scanned: impact.Answer) -> None:
    """Seven files: three lock a bad version, two allow one, one is not read, one is another's."""
    table = fleet.by_file(scanned.table)
    found = ["locked_affected"] * 3 + ["range_admits"] * 2 + ["not_evaluated", "locked_other"]
    assert table["finding"].to_list() == found
    assert len(scanned.rows()) == 1 + table.height
    assert places(table) == [
        *("alpha/api/uv.lock", "alpha/worker/uv.lock", "beta/uv.lock"),
        *("delta/pyproject.toml", "gamma/pyproject.toml", "epsilon/bom.json", "zeta/uv.lock"),
    ]
    assert table["path"].to_list()[:3] == [
        "labeling-service > dspy > litellm 1.82.8",
        "labeling-service > litellm 1.82.8",
        "labeling-service > dspy > litellm 1.82.7",
    ]
    assert table["advisory"].to_list() == ["MAL-1"] * 5 + [""] * 2
    tallies = {"": 7, ".locked_affected": 3, ".range_admits": 2, ".not_evaluated": 1}
    assert figures(scanned) == {f"files{name}": many for name, many in tallies.items()}
    assert scanned.label == "clear"


def test_what_was_held_is_told_from_the_first_moment_on(
    scanned: impact.Answer, known: impact.Case
) -> None:
    """A lock cannot be older than the newest upload in it; alpha's first is of 10:52 and is the
    first of all that held a bad version. Of zeta another version is told, of the others nothing."""
    held = fleet.holds(scanned.table).select("system", "version", "finding", "begins", "ends")
    assert held.rows() == [
        ("alpha", "1.82.8", "locked_affected", datetime(2026, 3, 24, 10, 52, 19, tzinfo=UTC), None),
        ("alpha", "1.82.8", "locked_affected", at("11:30"), None),
        ("beta", "1.82.7", "locked_affected", at("11:00"), None),
        ("zeta", "1.82.6", "locked_other", at("19 08:00"), None),
    ]
    answer = impact.systems(scanned, known)
    since = dict(cells(answer, "system", "begins"))
    assert [name for name, begins in since.items() if begins] == ["alpha", "beta"]
    assert answer.svg() is not None
    (first,) = (part for part in answer.sentence.split(". ") if "at the earliest" in part)
    assert "10:52" in first
    assert "alpha" in first
    assert "litellm 1.82.8" in first
    assert not any(later in first for later in ("11:00", "11:30", "beta", "1.82.7"))


def test_a_pin_frees_a_system_only_if_every_way_in_it_leads_through_the_package(
    scanned: impact.Answer,
) -> None:
    """dspy is on both ways of beta but on one of the two of alpha: its pin frees beta alone. A pin
    of litellm itself frees both. The project's own name is no pin."""
    assert fleet.pins(scanned.table).rows() == [
        ("litellm", 2, ["alpha", "beta"]),
        ("dspy", 1, ["beta"]),
    ]
    assert "A pin of litellm frees two systems of two." in impact.systems(scanned).sentence


def test_each_system_says_what_would_settle_it(scanned: impact.Answer) -> None:
    """An incident is handled, an import is looked for, a resolve is looked up, a form that is not
    read is rewritten, and of a lock of another version frozen installs are a no."""
    found = impact.systems(scanned).table["settle"].to_list()
    keys = ("rebuilt", "import", "resolve", "resolve", "form that is read", "frozen")
    assert all(key in text for key, text in zip(keys, found, strict=True))


def test_what_was_not_read_is_named_with_its_reason_and_not_called_clean(
    scanned: impact.Answer,
) -> None:
    rows = scanned.table.filter(scanned.table["finding"] == "not_evaluated")
    assert places(rows) == ["epsilon/bom.json"]
    assert rows.select("format", "why").rows() == [("CycloneDX JSON", "CycloneDX 9 is not read")]
    told = impact.systems(scanned).sentence
    assert "One file could not be evaluated." in told
    assert "not called clean" in told
