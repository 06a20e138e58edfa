"""The case of Salesloft Drift: what was known on each day, and that every row is traceable."""

import csv
from pathlib import Path

import polars as pl
import pytest

import impact
from impact.case import ways
from impact.case.schema import TABLES
from impact.measures import reach
from impact.numerics import graph
from impact.reports import index

FOUR = ("cloudflare", "palo-alto-networks", "workiva", "zscaler")
NAMED = {  # day -> companies that a claim reports as reached by then, see `told_of`
    **{"2025-08-19": 0, "2025-08-20": 0, "2025-08-26": 0, "2025-08-28": 0, "2025-09-01": 1},
    **{"2025-09-03": 4, "2025-09-08": 6, "2025-09-18": 15, "2025-09-30": 17, "2025-11-21": 18},
    **{"2025-12-31": 20, "": 20},
}
LISTED = ("named_in_a_list",)  # chances of a link to a company that is named in a list only
SECOND_HALF = (  # one half of a statement that asserts and denies
    *("okta-allow-list", "okta-controls-held", "algolia-left-drift", "fbi-separate-label"),
    "scope-salesforce-only",  # the collected fact is its denial for all others
)
CHAIN = (
    *("salesloft-github", "drift-aws", "drift-oauth-tokens", "cloudflare", "cloudflare-cases"),
    *("cloudflare-api-tokens", "cloudflare-customers"),
)


@pytest.fixture(scope="module")
def drift() -> impact.Case:
    """The bundled case."""
    return impact.load_case("drift")


def run_of(case: impact.Case, scenario: str = "baseline", as_of: str = "") -> impact.Run:
    """A small run of a view."""
    return impact.simulate(impact.view(case, scenario, as_of), 1_000, 1)


def reported(run: impact.Run) -> set[str]:
    """The clients of which the exposure says that somebody reports them as reached."""
    texts = {figure.name: figure.text for figure in impact.exposure(run).figures}
    return {
        entity
        for entity, row in reach.by_entity(run).items()
        if row["kind"] == "client"
        and row["how"] == "established"
        and texts.get(f"chance.{entity}", "").startswith("reported by")
    }


def listed(run: impact.Run) -> set[str]:
    """The clients that are named in a list only, so that their link holds a chance."""
    links = run.known["links"].to_dicts()
    return {row["target"] for row in links if tuple(row["chances"]) == LISTED}


def told_of(run: impact.Run) -> set[str]:
    """The clients that a claim reports: over certain links, or over the chance of a list."""
    return reported(run) | listed(run)


def facts(
    acceptance: Path, *tables: str, folder: str = "facts-drift", by: str = "id"
) -> dict[str, dict[str, str]]:
    """The rows of tables of the collected facts by their ids."""
    found = {}
    for table in tables:
        path = acceptance.parent / folder / f"{table}.csv"
        if not path.is_file():
            pytest.skip(f"there is no {path}; put it there")
        rows = csv.DictReader(path.read_text("utf-8").splitlines(keepends=True))
        found |= {row[by]: row for row in rows}
    return found


@pytest.mark.parametrize(("day", "companies"), NAMED.items())
def test_companies_are_reached_from_the_day_on_which_it_is_reported(
    drift: impact.Case, day: str, companies: int
) -> None:
    run = run_of(drift, as_of=day)
    assert len(told_of(run)) == companies
    assert all(run.chance(client) == 1.0 for client in reported(run))
    assert not listed(run) & reported(run)


def test_a_company_named_in_a_list_only_is_likely_and_no_more(drift: impact.Case) -> None:
    run = run_of(drift)
    assert listed(run) == {"tanium", "spycloud"}
    row = run.known.inputs[LISTED[0]]
    assert (row["low"], row["high"], row["basis_kind"]) == (0.55, 0.8, "assumption")
    assert all(0.5 < run.chance(client) < 0.85 for client in listed(run))


def test_the_first_four_are_those_that_told_of_a_theft_themselves(drift: impact.Case) -> None:
    assert reported(run_of(drift, as_of="2025-09-03")) == set(FOUR)


def test_on_the_first_day_an_issue_is_known_and_no_theft(drift: impact.Case) -> None:
    known = impact.view(drift, as_of="2025-08-20")
    assert known.title == "Security issue in Drift, August 2025"
    assert not (known["claims"]["stage"] == "theft").any()
    assert known["windows"].is_empty()
    told = impact.bottom_line(impact.simulate(known, 1_000, 1)).sentence
    assert told.startswith("A security issue was found in Drift")
    assert "release" not in told


def test_theft_and_window_are_known_before_any_company_is_named(drift: impact.Case) -> None:
    known = impact.view(drift, as_of="2025-08-26")
    assert (known["claims"]["stage"] == "theft").any()
    assert known["windows"].height == 1
    assert impact.simulate(known, 1_000, 1).chance("drift-oauth-tokens") == 1.0


def test_each_company_is_reached_over_a_link_that_a_claim_carries(
    drift: impact.Case,
) -> None:
    run = run_of(drift)
    ways_in = (("certain",), LISTED)
    into = {
        row["target"]: row
        for row in run.known["links"].to_dicts()
        if tuple(row["chances"]) in ways_in
    }
    for client in told_of(run):
        claims = run.known["claims"].filter(pl.col("id").is_in(into[client]["claims"]))
        through = claims.filter(pl.col("says").str.contains("through Drift"))
        assert through.height or client in listed(run), client
        assert set(claims["stance"]) == {"asserts"}, client
        assert (claims["subject"] == client).all(), client


def test_the_allow_list_of_okta_cut_its_edge_and_without_it_okta_is_reached(
    drift: impact.Case,
) -> None:
    baseline, without = run_of(drift), run_of(drift, "no-allow-list-at-okta")
    assert baseline.chance("okta") == 0.0
    assert "okta" not in set(impact.exposure(baseline).table["id"])
    assert without.chance("okta") == 1.0


def test_an_allow_list_at_every_client_leaves_only_the_one_that_names_no_app(
    drift: impact.Case,
) -> None:
    assert reported(run_of(drift, "allow-list")) == {"workiva"}


def test_a_token_that_ends_with_the_contract_spares_zscaler_alone(drift: impact.Case) -> None:
    before, after = reported(run_of(drift)), reported(run_of(drift, "leaving-revokes"))
    assert before - after == {"zscaler"}


def test_the_chain_from_the_repository_to_the_customers_of_a_client_is_a_way(
    drift: impact.Case,
) -> None:
    run = run_of(drift)
    edges = graph.shortest(ways.modelled(run.known["links"]), ways.ROOT)["cloudflare-customers"]
    assert tuple(edge.target for edge in edges) == CHAIN
    said = dict(run.known["entities"].select("id", "name").iter_rows())
    path = f"PATH: {' > '.join(said[node] for node in CHAIN)}"
    assert any(line.startswith(path) for line in impact.why(run, CHAIN[-1]).lead)


def test_the_next_hop_stays_likely_at_most(drift: impact.Case) -> None:
    run = run_of(drift)
    assert 0 < run.chance("gainsight-orgs") <= 0.8
    assert run.known.inputs["drift_opened_gainsight"]["high"] <= 0.8
    assert run_of(drift, "gainsight-through-drift").chance("gainsight-orgs") == 1.0


def test_every_source_is_one_of_the_collected_facts(drift: impact.Case, acceptance: Path) -> None:
    collected = facts(acceptance, "sources")
    general = facts(acceptance, "calibration", folder="facts", by="source_url")
    assert drift["sources"].height > 10
    for source in drift["sources"].iter_rows(named=True):
        if source["x_fact"] == "calibration":
            assert source["url"] in general, source["id"]
            continue
        fact = collected[source["x_fact"]]
        assert (source["url"] or "") == fact["url"], source["id"]
        assert source["reliability"] == fact["admiralty_reliability"], source["id"]
        assert source["access"] == fact["access"], source["id"]
        assert fact["published"], f"{source['id']} is undated"


def test_calibration_prices_and_says_nothing_of_the_case(drift: impact.Case) -> None:
    general = set(drift["sources"].filter(pl.col("x_fact") == "calibration")["id"])
    for table in TABLES:
        if table.name in ("sources", "inputs"):
            continue
        cited = set(drift[table.name].explode("sources")["sources"].drop_nulls())
        assert not cited & general, table.name
    priced = drift["inputs"].filter(
        pl.col("sources").list.eval(pl.element().is_in(list(general))).list.any()
    )
    assert set(priced["basis_kind"]) == {"analogue"}


def test_every_claim_names_its_fact_and_its_credibility(
    drift: impact.Case, acceptance: Path
) -> None:
    said = facts(acceptance, "claims")
    known = {*said, *facts(acceptance, "events", "figures", "conflicts"), "relationships"}
    assert drift["claims"].height > 50
    for claim in drift["claims"].iter_rows(named=True):
        fact = claim["x_fact"]
        assert fact is None or fact in known, claim["id"]
        if fact in said:
            assert claim["credibility"] == said[fact]["admiralty_credibility"], claim["id"]
            assert claim["stance"] == said[fact]["stance"] or claim["id"] in SECOND_HALF
        if claim["stance"] != "is asked":
            assert claim["sources"], claim["id"]
            assert fact, claim["id"]


def test_every_collected_claim_and_event_stands_in_the_case(
    drift: impact.Case, acceptance: Path
) -> None:
    used = set(drift["claims"]["x_fact"].drop_nulls())
    assert facts(acceptance, "claims", "events").keys() <= used


def test_no_number_stands_without_a_source_or_a_stated_assumption(drift: impact.Case) -> None:
    inputs = drift["inputs"]
    sourced = pl.col("basis_kind").is_in(["reported", "analogue"])
    classed = pl.col("reference").is_not_null()
    assert (inputs.filter(sourced & ~classed)["sources"].list.len() > 0).all()
    said = drift["claims"].filter(pl.any_horizontal(pl.col("low", "mode", "high").is_not_null()))
    assert (said["sources"].list.len() > 0).all()
    assert (inputs["basis"].str.len_chars() > 10).all()


def test_a_case_without_packages_says_that_nothing_was_looked_for(drift: impact.Case) -> None:
    scanned = impact.scan(known=impact.view(drift))
    assert scanned.table.is_empty()
    for answer in (scanned, impact.systems(scanned)):
        assert not answer.there
        assert "nothing was looked for" in answer.sentence.lower()


def test_clients_that_stand_alike_are_one_row_in_short(drift: impact.Case) -> None:
    answer = impact.exposure(run_of(drift), most=7)
    drawn = answer.svg() or ""
    assert "SpyCloud" in drawn
    assert "Tenable" not in drawn
    (alike,) = (row for row in answer.rows() if row[0] == "18 clients")
    assert alike[1].startswith("Reported as affected: Akamai, BeyondTrust")
    assert "Tenable" in alike[1]


def test_a_counterfactual_against_many_statements_names_their_claimants_once(
    drift: impact.Case,
) -> None:
    many = impact.exposure(run_of(drift, "allow-list")).notices
    few = impact.exposure(run_of(drift, "leaving-revokes")).notices
    assert len(many) == 1
    assert many[0].startswith("Counterfactual: it contradicts the statements of Akamai, BigID")
    assert few == (
        "Counterfactual: it contradicts the statement of Zscaler of 1 September 2025.",
        "Counterfactual: it contradicts the statement of Zscaler of September 2025.",
    )


def test_the_index_says_that_data_was_reported_as_copied_and_supposes_nothing(
    drift: impact.Case,
) -> None:
    baseline = run_of(drift)
    copied, passed_on = index.headline(baseline, baseline)["states"]
    assert copied == "reported" != passed_on
    other = index.headline(run_of(drift, "allow-list"), baseline)
    assert "reported" not in other["states"]
