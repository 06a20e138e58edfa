"""What hangs on one supplier: each in turn as the only one that falls."""

from __future__ import annotations

import re

import pytest

import impact
from impact.measures import suppliers
from impact.measures.totals import total_loss
from impact.simulation import Run, Sampler, run_from


@pytest.fixture(scope="module")
def run() -> Run:
    return impact.simulate(impact.view(impact.load_case("mercor")))


def alone(run: Run, entity: str) -> Run:
    """The run in which one entity alone falls, worked out afresh."""
    model = suppliers.only(run.known, entity)
    return run_from(Sampler(run.known, model, run.draws, run.seed, {}))


def test_only_the_fallen_and_what_hangs_on_it_is_reached(run: Run) -> None:
    fallen = alone(run, "handshake")
    reached = {entity for entity, mask in fallen.reached.items() if mask}
    assert reached == {"event", "handshake", "openai"}
    chance = fallen.chance("openai")
    scenario = impact.view(impact.load_case("mercor"), changes="handshake_falls=1")
    both = impact.simulate(scenario).reached["openai"]
    assert both & fallen.reached["openai"] == fallen.reached["openai"]  # the same draws
    assert 0 < chance < both.bit_count() / run.draws


def test_the_loss_of_one_is_what_the_simulation_of_that_one_gives(run: Run) -> None:
    rows = {row["id"]: row for row in impact.suppliers(run).table.to_dicts()}
    assert rows["surge"]["mean_usd"] == total_loss(alone(run, "surge")).mean()


def test_a_supplier_without_a_reported_client_brings_no_loss_and_the_page_says_so(
    run: Run,
) -> None:
    answer = impact.suppliers(run)
    rows = {row["id"]: row for row in answer.table.to_dicts()}
    for quiet in ("turing", "labelbox"):
        assert rows[quiet]["mean_usd"] == rows[quiet]["parties"] == 0
        (told,) = (row for row in answer.rows() if row[0].lower() == quiet)
        assert told.count("none") == 2
    assert "No client of Labelbox or Turing is reported." in answer.sentence


def test_who_is_not_reported_as_hit_is_named_with_those_words(run: Run) -> None:
    answer = impact.suppliers(run)
    assert "Surge AI (no compromise reported)" in answer.sentence
    assert any("No compromise of" in note and "Surge AI" in note for note in answer.notes)
    svg = re.sub('<desc>.*?</desc>|aria-label="[^"]*"', "", answer.svg() or "")
    assert "Surge AI (no compromise reported) would cost most" in svg
    assert "Hollow: no compromise is reported." in svg


def test_no_index_is_given_where_shares_are_not_known(run: Run) -> None:
    answer = impact.suppliers(run)
    rows = {row["id"]: row for row in answer.table.to_dicts()}
    assert (rows["mercor"]["known_shares"], rows["mercor"]["links"]) == (0, 6)
    assert "Supply shares known" not in answer.rows()[0]
    assert not any("Herfindahl" in note for note in answer.notes)
    assert not any("index" in figure.name for figure in answer.figures)


def test_suppliers_of_an_empty_view_is_an_answer() -> None:
    early = impact.simulate(impact.view(impact.load_case("mercor"), as_of="2000-01-01"))
    assert impact.suppliers(early).sentence.startswith("No loss would follow")
