"""Pages printed by Chromium."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import impact
from impact.base.errors import BadInput
from impact.reports import batch, pdf
from notebooks import planned


@pytest.mark.browser
def test_a_report_is_printed_beside_its_page_the_same_each_time_with_no_time_or_place(
    chromium: str, small: impact.Case, brief: Path, tmp_path: Path
) -> None:
    tasks = planned(small, [brief], "baseline")
    batch.run(tasks, tmp_path / "out", ("html", "pdf"))
    page = tmp_path / "out" / tasks[0].place / "00_small.pdf"
    assert not page.with_suffix(".ipynb").exists()
    one = page.read_bytes()
    again = batch.run(tasks, tmp_path / "out", ("html", "ipynb", "pdf"))
    assert list(again.made.values()) == [["no ipynb file yet"]]
    assert page.read_bytes() == one
    assert one.startswith(b"%PDF-")
    assert set(re.findall(rb"Date \(D:(\d{8})", one)) == {b"19700101"}
    assert not re.search(rb"/tmp|/root|file:|impact-", one)


@pytest.mark.browser
def test_how_far_chromium_counted_is_in_no_pdf(chromium: str) -> None:
    """A busy machine counts the heads of tables otherwise."""
    head = "<tr><th>Who<th>What</tr><tr><td>a<td>b</tr>"
    table = f"<!doctype html><title>One</title><table>{head}</table><table>{head}</table>"
    one = pdf.printed(table)
    assert len({*re.findall(rb"node\d{8}", one)}) == 4
    other = re.sub(rb"(?<=node)\d{8}", lambda at: b"%08d" % (int(at[0]) + 31), one)
    assert other != one
    assert pdf.settled(other) == one


def test_where_there_is_no_browser_the_way_to_one_is_told_before_any_kernel(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInput, match=r"--format pdf: none of chromium.*apt-get install chromium"):
        batch.formats("html,pdf")


def test_a_page_that_is_not_printed_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\necho 'no display' >&2\nexit 1\n", "utf-8")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(BadInput, match=r"was not printed \(no display\)"):
        pdf.printed("<!doctype html><title>One</title>")
