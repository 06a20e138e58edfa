"""A CSV of installs: read as it is written, with every fault at once."""

from pathlib import Path

import pytest
from stacks import at

from impact.base.errors import BadInput
from impact.stack import installs


def test_installs_are_read_with_their_times_and_ways(tmp_path: Path) -> None:
    path = tmp_path / "ci.csv"
    path.write_text(
        'when,mode,path,note\n2026-03-24T11:00Z,locked,svc,"nightly, main"\n2026-03-24,Unknown,,\n'
    )
    first, second = installs.read(path)
    assert (first.begins, first.ends) == (at("11:00"), at("11:00"))
    assert (first.mode, first.path) == ("locked", "svc")
    assert (second.begins, second.mode) == (at("0:00"), "unknown")
    assert second.ends > at("23:59")


@pytest.mark.parametrize(
    ("path", "place"), [("./a//b/", "a/b"), ("a/*", "a"), ("/", ""), ("..", ".."), ("../a", "../a")]
)
def test_a_path_that_leads_out_is_not_one_inside(tmp_path: Path, path: str, place: str) -> None:
    (tmp_path / "ci.csv").write_text(f"when,mode,path\n2026-03-24,locked,{path}\n")
    (found,) = installs.read(tmp_path / "ci.csv")
    assert found.path == place


def test_every_fault_is_told_with_its_line_and_repair(tmp_path: Path) -> None:
    path = tmp_path / "ci.csv"
    path.write_text("when,mode\n24.3.2026,locked\n2026-03-24,frozen\n2026-03-24\n")
    with pytest.raises(BadInput) as raised:
        installs.read(path)
    assert [str(fault).partition("; ")[0] for fault in raised.value.faults] == [
        "ci.csv:2 when: is no time",
        'ci.csv:3 mode: "frozen" is not allowed',
        "ci.csv:4: has 1 cell where the header has 2",
    ]
    assert "write 2026" in raised.value.faults[0].repair


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"when,how\n", "no such column"),
        (b"when\n", "column mode is missing"),
        (b"workflow\n", "column when is missing"),
        (b"\xff\xfe", "UTF-16"),
    ],
)
def test_a_file_that_is_no_table_of_installs_is_refused(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "ci.csv"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=said):
        installs.read(path)
