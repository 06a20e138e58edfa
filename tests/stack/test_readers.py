"""Each reader on files that its own tool wrote, with what another way of counting says of them."""

import json
import re
from pathlib import Path

import pytest
from packageurl import PackageURL
from stacks import ASSETS, inventory, inventory_of, table

from impact.base.errors import BadInput
from impact.stack import paths, readers
from impact.stack.inventory import LOCK, Ask, Entry, from_purl, lock_inventory

HERE = ASSETS / "stack"
INDEX = table("stack/index.csv")
UNREAD = [row for row in INDEX if row["unread"].endswith("is not read")]
READ = [row for row in INDEX if row not in UNREAD]


def ids(row: dict[str, str]) -> str:
    return row["file"]


@pytest.mark.parametrize("row", READ, ids=ids)
def test_components_and_edges_are_those_that_another_tool_counts(row: dict[str, str]) -> None:
    """Where the kit counts by another rule, `why` says which."""
    found = inventory_of(HERE / row["file"])
    many = sum(bool(part.name) and part.key not in found.roots for part in found.components)
    assert many == int(row["components_here"] or row["components"])
    assert len(found.edges) == int(row["edges_here"] or row["edges"])
    assert [part.why for part in found.unread] == row["unread"].splitlines()


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("package-lock.json", "has the name of a lock and none of its keys; get the whole file"),
        ("notes.txt", "is no lock, manifest or SBOM that is known; see"),
    ],
)
def test_a_lock_cut_before_its_first_key_is_told_apart_from_what_is_none(
    name: str, what: str
) -> None:
    with pytest.raises(BadInput, match=f"{name}: {what}"):
        inventory('{"lockf', name)


@pytest.mark.parametrize("row", READ, ids=ids)
def test_facts_of_the_tools_are_found(row: dict[str, str]) -> None:
    found = inventory_of(HERE / row["file"])
    versions: dict[str, set[str]] = {}
    for part in found.components:
        if part.key not in found.roots:
            versions.setdefault(part.name.lower(), set()).add(part.version)
    looked_at = 0
    for fact in row["facts"].lower().split(" | "):
        locked = re.fullmatch(r"(\S+) (\S+?)(?: and (\S+))?(?: are both| is) locked", fact)
        alias = re.fullmatch(r"pale is really (\S+) (\S+)", fact)
        way = re.fullmatch(r"path (.+)", fact)
        if locked:
            assert versions[locked[1]] >= {locked[2], locked[3] or locked[2]}, fact
        elif alias:
            assert alias[2] in versions[alias[1]], fact
            assert "pale" not in versions
        elif way and found.edges:
            *_, above, last = way[1].split(" > ")
            keys = [part.key for part in found.components if part.name.lower() == last]
            ways = [told for told in paths.paths(found, keys, most=50) if len(told) > 1]
            assert above in [told[-2].lower() for told in ways], (fact, ways)
        looked_at += bool(locked or alias or way)
    assert looked_at


@pytest.mark.parametrize("row", UNREAD, ids=ids)
def test_a_format_without_a_reader_is_named(row: dict[str, str]) -> None:
    with pytest.raises(BadInput, match=re.escape(row["unread"])):
        inventory_of(HERE / row["file"])


def test_every_lock_and_bill_that_is_read_is_tried_on_a_real_file(corpus: Path) -> None:
    samples = HERE.parents[2] / "data" / "samples"
    files = [path for home in (HERE, samples, corpus) for path in home.rglob("*") if path.is_file()]
    texts = [(path.read_text("utf-8", "replace"), path.name) for path in files]
    tried = {form.name for text, name in texts if (form := readers.format_of(text, name))}
    kinds = ("bills.", "javascript.")
    read = {one.name for one in readers.FORMATS if one.lock or one.read.startswith(kinds)}
    assert len(read) > 15
    assert read - tried == set()


@pytest.mark.parametrize("row", READ, ids=ids)
def test_a_file_is_known_by_its_content_and_by_one_reader_alone(row: dict[str, str]) -> None:
    text = (HERE / row["file"]).read_text("utf-8")
    assert [readers.format_of(text).name] == [inventory_of(HERE / row["file"]).format]


def test_locks_with_all_hashes_are_complete_and_others_say_what_is_loose() -> None:
    assert inventory_of(HERE / "uv/uv.lock").loose == ()
    assert inventory_of(HERE / "poetry-2/poetry.lock").loose == ()
    assert "has no hash" in inventory_of(HERE / "pip-tools/requirements.txt").loose[0]
    assert inventory_of(HERE / "uv/uv.lock").newest.startswith("2026-")


def test_package_urls_are_read_as_the_reference_implementation_reads_them(corpus: Path) -> None:
    texts = [path.read_text("utf-8") for path in HERE.rglob("*.cdx.json")]
    texts.append((corpus / "files/S003/bom.1.4.json").read_text("utf-8"))
    purls = {purl for text in texts for purl in re.findall(r'"purl": "([^"]+)"', text)}
    assert len(purls) > 1000
    for purl in purls:
        other = PackageURL.from_string(purl)
        ecosystem, name, version = from_purl(purl)
        whole = "/".join(filter(None, [other.namespace, other.name])).lower()
        assert (ecosystem, name) == ({"npm": "npm", "pypi": "PyPI"}[other.type], whole)
        assert version == other.version


# what a text says

BESIDE = {
    "base_dot_txt": "LiteLLM [proxy] >= 1.77 ; python_version >= '3.9'  # why\n",
    "limits_dot_txt": "litellm<1.82.7\n",
    "circle_dot_txt": "-r circle.txt\ny==2\n",
    "req_dot_txt": "litellm>=1.77 # llm\n",
}


def written(ask: Ask) -> str:
    """A requirement as asks.csv has it: `PyPI litellm >=1.77 [proxy] (extra llm) if marker`."""
    said = (
        *(ask.ecosystem, ask.name, ask.spec or "any"),
        f"[{','.join(ask.extras)}]" if ask.extras else "",
        f"({ask.scope})" if ask.scope else "",
        f"if {ask.marker}" if ask.marker else "",
        f"{ask.limit} by {ask.by}" if ask.limit or ask.by else "",
    )
    return " ".join(filter(None, said))


@pytest.mark.parametrize("case", table("stack/asks.csv"), ids=lambda case: case["claim"])
def test_a_text_asks_for_and_holds_what_it_says_and_no_more(case: dict[str, str]) -> None:
    found = inventory(case["content"], **BESIDE)
    assert found.kind == case["kind"]
    assert "; ".join(map(written, found.asks)) == case["asks"]
    held = [f"{part.name} {part.version}".strip() for part in found.components]
    assert "; ".join(held) == case["components"]
    unread = [": ".join(filter(None, [part.name, part.why])) for part in found.unread]
    assert "; ".join(unread) == case["unread"]


def test_compiled_requirements_with_hashes_are_a_lock_with_ways() -> None:
    found = inventory(
        "litellm==1.82.8 \\\n    --hash=sha256:aa\n    # via dspy\n"
        "dspy==3.0 --hash=sha256:bb\n    # via svc (pyproject.toml)\n"
    )
    assert (found.kind, found.loose) == (LOCK, ())
    keys = [part.key for part in found.components if part.name == "litellm"]
    assert paths.paths(found, keys) == [("svc", "dspy", "litellm 1.82.8")]


def test_prose_is_no_requirements_file() -> None:
    for text in ("Apache License\nVersion 2.0, January 2004\n", "hello\nworld\n", "a == b means\n"):
        with pytest.raises(BadInput, match="no lock, manifest or SBOM"):
            inventory(text)


def test_a_reference_that_two_components_share_keeps_both() -> None:
    found = inventory(
        """{"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [
        {"bom-ref": "x", "name": "a", "version": "1"},
        {"bom-ref": "x", "name": "b", "purl": "pkg:pypi/litellm@1.82.8"}],
        "dependencies": [{"ref": "x", "dependsOn": ["x", "gone"]}]}"""
    )
    assert [part.name for part in found.components] == ["a", "litellm"]
    keys = [part.key for part in found.components if part.name == "litellm"]
    assert paths.paths(found, keys)[0][-1] == "litellm 1.82.8"


def test_parts_of_the_described_component_are_no_roots_and_stand_once() -> None:
    part = {"type": "library", "bom-ref": "p", "purl": "pkg:pypi/litellm@1.82.7", "name": "litellm"}
    app = {"type": "application", "bom-ref": "app", "name": "app", "components": [part]}
    bill = {"bomFormat": "CycloneDX", "specVersion": "1.5", "metadata": {"component": app}}
    found = inventory(json.dumps(bill), "bom.json")
    assert ([one.key for one in found.components], found.roots) == (["app", "p"], ["app"])
    assert found.notes == ()


def test_a_need_in_other_capitals_is_that_of_its_version_alone() -> None:
    both = [Entry("Evil", "1.0"), Entry("Evil", "2.0")]
    found = lock_inventory("NuGet", [Entry("app", "", [("evil", "2.0")], own=True), *both])
    ((root, end),) = found.edges
    assert (root, end.rpartition(" ")[2]) == ("app", "2.0")


@pytest.mark.parametrize("sums", ["{}", "{ sha256 = [] }", "{ sha256 = 7 }", "[1]", "true"])
def test_a_hash_that_is_no_text_fixes_nothing(sums: str) -> None:
    head = 'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "a"\nversion = "1"\n'
    wheel = 'wheels = [{ name = "a-1-py3-none-any.whl", hashes = %s }]\n'
    assert inventory(head + wheel % sums).loose == ("a has no hash",)
    assert inventory(head + wheel % '{ sha256 = "00" }').loose == ()


def test_a_go_mod_leaves_out_what_it_excludes_and_shows_where_it_was_cut() -> None:
    found = inventory_of(HERE / "gomod-pitfalls/go.mod")
    assert "golang.org/x/crypto" not in {part.name for part in found.components}
    cut = "module a\n\ngo 1.21\n\nrequire (\n\texample.com/b v1.0.0\n"
    assert [part.name for part in inventory(cut, "go.mod").unread] == [""]
