"""Documents of others: what is hostile or broken ends in a typed error with its place, soon."""

import time
from collections.abc import Callable

import pytest
from stacks import inventory

from impact.base.errors import BadInput
from impact.stack import documents
from impact.stack.documents import Source, from_json, from_toml, from_xml, from_yaml

DEEP = 200_000
Read = Callable[[Source], object]
HOSTILE = {
    "json nested": (from_json, "[" * DEEP, "as JSON .nested too deeply"),
    "json nested objects": (from_json, '{"a":' * DEEP, "as JSON .nested too deeply"),
    "json cut off": (from_json, '{\n "a": [1,', "cannot be read as JSON .*line 2 column"),
    "json with a key twice": (from_json, '{"a": 1, "a": 2}', '"a" stands twice'),
    "json number of 5,000 digits": (from_json, f'{{"a": {"9" * 5000}}}', "JSON .Exceeds the limit"),
    "toml nested": (from_toml, f"a = {'[' * DEEP}", "as TOML .nested too deeply"),
    "toml dotted": (from_toml, f"[{'.'.join('a' * DEEP)}]", "as TOML .nested too deeply"),
    "toml dotted in quotes": (from_toml, '."a"' * DEEP + " = 1", "cannot be read as TOML"),
    "toml cut off": (from_toml, 'a = "b', "cannot be read as TOML"),
    "toml with a key twice": (from_toml, "a = 1\na = 2\n", "as TOML .*line 2 column"),
    "yaml nested": (from_yaml, "[" * DEEP, "nested too deeply"),
    "yaml nested in lines": (from_yaml, "- " * DEEP + "a", "nested too deeply"),
    "yaml cut off": (from_yaml, 'a: "b', "cannot be read as YAML .*line 1"),
    "yaml with a key twice": (from_yaml, "a: 1\nb: 2\na: 3\n", 'file:3: the key "a" stands twice'),
    "yaml that holds itself": (from_yaml, "&a [1, *a]", "stands for what holds it"),
    "yaml bomb": (
        from_yaml,
        "a: &a [x, x]\n"
        + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n"
                  for n in range(9)),
        "more than 1,000,000 nodes",
    ),
    "yaml key that is a list": (from_yaml, "? [a]\n: b\n", "a key is no text"),
    "xml nested": (from_xml, "<a>" * DEEP, "nested too deeply"),
    "xml cut off": (from_xml, "<a>\n<b>", "cannot be read as XML .*line 2"),
    "xml bomb": (
        from_xml,
        '<!DOCTYPE a [<!ENTITY x "xxxx"><!ENTITY y "&x;&x;&x;">]><a>&y;</a>',
        "document type",
    ),
    "xml that asks for a file": (
        from_xml,
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        "document type",
    ),
    "xml of nothing": (from_xml, "", "cannot be read as XML"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_refused_with_its_place(name: str) -> None:
    read, text, said = HOSTILE[name]
    start = time.process_time()
    with pytest.raises(BadInput, match=said) as raised:
        read(Source(text, "file"))
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
