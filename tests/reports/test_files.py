"""What lies in a report folder: whole files of one level, held by one run at a time."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from impact.base.errors import BadInput
from impact.reports import files, index


def test_a_file_is_written_whole_with_its_folder_and_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "page.html"
    for text in ("one", "another, longer"):
        files.write(path, text)
        assert path.read_text("utf-8") == text
        assert [entry.name for entry in path.parent.iterdir()] == ["page.html"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here already", "utf-8")
    with pytest.raises(BadInput, match=r"cannot be written .*; make room, or choose another"):
        files.write(tmp_path / "file" / "page.html", "x")
    with pytest.raises(BadInput, match="cannot be written"), files.alone(tmp_path / "file" / "out"):
        pass


@pytest.mark.parametrize("kind", ["pipe", "link", "gone"])
def test_what_is_no_plain_file_is_not_replaced(tmp_path: Path, kind: str) -> None:
    """A pipe of somebody who reads, a link to another's file, a link to nowhere."""
    path, other = tmp_path / "out.json", tmp_path / "other"
    other.write_text("keep", "utf-8")
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(other if kind == "link" else tmp_path / "nowhere")
    with pytest.raises(BadInput, match="is a link or no plain file; name another file"):
        files.write(path, "{}")
    assert path.is_symlink() or path.is_fifo()
    assert other.read_text("utf-8") == "keep"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    home = tmp_path / "disk"
    home.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(home)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("a small file system needs the right to mount one (run as root)")
    yield home
    subprocess.run(["umount", str(home)], check=True)


def test_where_there_is_no_room_for_all_it_is_told_and_nothing_changes(small_disk: Path) -> None:
    one, two = small_disk / "one", small_disk / "two"
    files.write(one, "a" * 50_000)
    for contents in ([(one, "b" * 400_000)], [(one, "b" * 50_000), (two, "c" * 400_000)]):
        with pytest.raises(BadInput, match=r"No space left on device.*make room"):
            files.write_all(contents)
        assert one.read_text("utf-8") == "a" * 50_000
        assert [path.name for path in small_disk.iterdir()] == ["one"]


HOLD = """
import sys, time
from pathlib import Path
from impact.reports import files
with files.alone(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_folder_is_held_by_one_run_and_is_free_when_that_one_dies(tmp_path: Path) -> None:
    out = tmp_path / "reports"
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(out)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(BadInput, match="another run is writing here"), files.alone(out):
            pass
    finally:
        other.kill()
        other.communicate()
    with files.alone(out):
        pass


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / "case" / "baseline" / ".writing-1-0.tmp"
    files.write(left, "half")
    with files.alone(tmp_path):
        assert not left.exists()


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '"x"'])
def test_a_broken_manifest_is_an_empty_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text, "utf-8")
    assert files.read(tmp_path / "manifest.json") == {}


def test_a_file_may_be_written_twice_in_one_go(tmp_path: Path) -> None:
    """As a manifest is: first without the entry whose files are replaced, then with it."""
    one = tmp_path / "one"
    files.write_all([(one, "before"), (one, "after")])
    assert [(path.name, path.read_text("utf-8")) for path in tmp_path.iterdir()] == [
        ("one", "after")
    ]


@pytest.mark.parametrize(
    "content",
    [
        '{"name": "x", "version": "1"}',
        '{"00": {"case": "x"}}',
        '{"00": {"case": "x", "level": 3}}',
        '{"00": {"case": "x", "level": "TLP:CLEAR", "key": 3}}',
        '{"00": [1]}',
    ],
)
def test_a_manifest_of_others_is_no_report(tmp_path: Path, content: str) -> None:
    files.write(tmp_path / "ext" / "v1" / files.MANIFEST, content)
    (tmp_path / "a" / "b" / ".writing-1-x.tmp").mkdir(parents=True)
    with files.alone(tmp_path):
        assert files.reports(tmp_path) == {}
    files.one_level(tmp_path, "TLP:GREEN")


def test_a_report_of_an_earlier_kit_has_its_level_and_no_row_in_the_index(tmp_path: Path) -> None:
    entry = {"case": "x", "level": "TLP:AMBER", "figures": []}
    entry |= {part: {} for part in ("key", "files", "parameters", "headline")}
    files.write(tmp_path / "x" / "baseline" / files.MANIFEST, json.dumps({"00": entry}))
    with pytest.raises(BadInput, match="holds reports at TLP:AMBER"):
        files.one_level(tmp_path, "TLP:GREEN")
    assert "No report is finished in this folder yet" in index.index(tmp_path)


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "＝1", '=HYPERLINK("x")']


def test_no_text_of_a_csv_is_a_formula_and_numbers_stay_numbers() -> None:
    rows = pl.DataFrame({"text": [*FORMULAS, "plain", None, "a=b"], "usd": [-1.5] * 11})
    shown = list(csv.reader(io.StringIO(files.harmless(rows).write_csv(), newline="")))
    assert [row[0] for row in shown[1:]] == [*(f"'{text}" for text in FORMULAS), "plain", "", "a=b"]
    assert {row[1] for row in shown[1:]} == {"-1.5"}
