"""Documents of others: what is hostile or broken ends in a typed error with its place, soon."""

import time

import pytest
from stacks import inventory, table

from impact.base.errors import BadInput
from impact.stack import documents
from impact.stack.documents import Source, from_json, from_toml, from_xml, from_yaml

READERS = {"JSON": from_json, "TOML": from_toml, "XML": from_xml, "YAML": from_yaml}
HOSTILE = table("stack/hostile.csv")


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: f"{case['form']} {case['kind']}")
def test_a_hostile_document_is_refused_with_its_place(case: dict[str, str]) -> None:
    """`repeated` follows the content many times, before what comes `after`."""
    text = case["content"] + case["repeated"] * int(case["times"] or 0) + case["after"]
    start = time.process_time()
    with pytest.raises(BadInput, match=case["said"]) as raised:
        READERS[case["form"]](Source(text, "file"))
    assert raised.value.faults[0].where.startswith("file")
    assert time.process_time() - start < 5  # not a measure: it would be minutes


def test_scalars_of_yaml_stay_as_they_are_written() -> None:
    text = "a: no\nb: 010\nc: 12:30:00\nd: 1.10\ne: 2026-03-24\nf: &x [1]\ng: *x\n"
    assert from_yaml(Source(text, "file")) == {
        **{"a": "no", "b": "010", "c": "12:30:00", "d": "1.10", "e": "2026-03-24"},
        **{"f": ["1"], "g": ["1"]},
    }


def test_a_value_of_the_wrong_type_is_told_with_its_path() -> None:
    with pytest.raises(BadInput, match=r"file \$\[\.\.\.\]\[1\]: expected `str`, got `int`"):
        documents.shaped({"a": ["x", 1]}, dict[str, list[str]], "file")
    read, wrong = documents.each([{"name": "b"}, 3, {"name": 4}], dict[str, str], "parts")
    assert read == [{"name": "b"}]
    assert [one.why for one in wrong] == [
        "parts[1]: expected `object`, got `int`",
        "parts[2][...]: expected `str`, got `int`",
    ]


def test_components_nested_very_deep_are_all_kept() -> None:
    text = '{"name": "litellm", "version": "1.82.8", "purl": "pkg:pypi/litellm@1.82.8"}'
    for number in range(150):
        text = f'{{"name": "c{number}", "components": [{text}]}}'
    found = inventory(f'{{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{text}]}}')
    assert found.components[-1].version == "1.82.8"
    assert len(found.components) == 151
