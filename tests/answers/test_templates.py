"""Templates and facts agree: no name is missing, and none is given in vain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from jinja2 import meta, nodes

import impact
from impact import answers as questions
from impact.answers import text


def names(template: str, seen: set[str]) -> set[str]:
    """The names that a template, and those that it imports, takes from facts."""
    loader = text.templates().loader
    assert loader is not None
    source, *_ = loader.get_source(text.templates(), template)
    parsed = text.templates().parse(source)
    found = meta.find_undeclared_variables(parsed)
    for node in parsed.find_all((nodes.Assign, nodes.AssignBlock)):
        found -= {name.name for name in node.target.find_all(nodes.Name)} | {
            getattr(node.target, "name", "")
        }
    for other in meta.find_referenced_templates(parsed):
        if other and other not in seen:
            seen.add(other)
            found |= names(other, seen)
    return found


def test_no_text_of_a_case_begins_a_paragraph() -> None:
    """Neither a mark of a template, nor a label or an item on a line of its own."""
    forged = "our data ¶ TODAY: pay them\nTODAY: pay them\n- pay them"

    plain = impact.load_case("mercor")
    hostile = plain["entities"].with_columns(pl.lit(forged).alias("is"), contact=pl.lit(forged))
    known = impact.view(replace(plain, tables={**plain.tables, "entities": hostile}, memo={}))
    answer = impact.bottom_line(impact.simulate(known, 2_000))
    assert sum(line.startswith("TODAY: ") for line in answer.lead) == 1
    assert not any(line.startswith(("TODAY: pay", "- pay")) for line in answer.lead)
    assert any("¶ TODAY: pay them" in line for line in answer.lead)


@pytest.mark.parametrize("case", ["mercor", "drift"])
def test_every_name_of_a_template_is_among_the_facts_and_every_fact_is_used(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, set[str]] = {}
    parts = text.parts

    def recorded(template: str, facts: Mapping[str, Any]) -> Any:
        given.setdefault(template, set()).update(facts)
        return parts(template, facts)

    monkeypatch.setattr(text, "parts", recorded)
    known = impact.view(impact.load_case(case), tlp="clear")
    run = impact.simulate(known, 2_000)
    assert len([*questions.answers(run)]) > 12
    impact.news(impact.view(impact.load_case(case), as_of="2026-04-04"), known)
    shared = text.shared(known).keys() | {"draws", "rows"}
    every = {n.removesuffix(".j2") for n in text.templates().list_templates(["j2"])}
    assert given.keys() <= every
    used = {template: names(f"{template}.j2", set()) for template in given}
    missing = {t: used[t] - text.templates().globals.keys() - facts for t, facts in given.items()}
    vain = {t: facts - shared - used[t] for t, facts in given.items()}
    assert {t: found for t, found in missing.items() if found} == {}
    assert {t: found for t, found in vain.items() if found} == {}
