"""Each reader on files that its own tool wrote, with what another way of counting says of them."""

import csv
import json
import re
from pathlib import Path

import pytest
from packageurl import PackageURL
from stacks import inventory, inventory_of

from impact.base.errors import BadInput
from impact.stack import paths, readers
from impact.stack.inventory import (
    LOCK,
    MANIFEST,
    Ask,
    Entry,
    Inventory,
    from_purl,
    lock_inventory,
)

HERE = Path(__file__).resolve().parents[1] / "assets" / "stack"
INDEX = list(csv.DictReader((HERE / "index.csv").read_text("utf-8").splitlines()))
READ = [row for row in INDEX if row["format"] not in ("spdx-xml-2.3", "spdx-rdf-xml-2.3")]
WITH_WORKSPACE = (
    "sbom-npm/",
    "sbom-spdx/",
    "npm-8-v1/",
)  # its member is a component there, not a root
WITH_PATCH = ("yarn-2/yarn.lock", "yarn-4/yarn.lock")  # a package and its patch are one here
# Relations that the index counts by another rule than `who needs whom among what is locked`.
OTHER_EDGES = {
    "yarn-2/yarn.lock": "what needs a package and its patch needs one here",
    "yarn-4/yarn.lock": "what needs a package and its patch needs one here",
    "poetry-2/poetry.lock": "one name with two versions counts twice here",
    "uv/requirements-hashes.txt": "one name with two versions counts twice here",
    "npm-8-v1/package-lock.json": "the workspace counts as needed by the project here",
    "npm-6/package-lock.json": "the peer dependency counts as needed by the project here",
    "sbom-spdx/npm-sbom.spdx.json": "what the document describes counts here",
    "sbom-spdx/pyspdxtools-2.3.spdx": "what the document describes counts here",
    "sbom-spdx/pyspdxtools-2.3.spdx.yaml": "what the document describes counts here",
}


def ids(row: dict[str, str]) -> str:
    return row["file"]


def held(found: Inventory) -> dict[str, set[str]]:
    versions: dict[str, set[str]] = {}
    for component in found.components:
        if component.key not in found.roots:
            versions.setdefault(component.name, set()).add(component.version)
    return versions


@pytest.mark.parametrize("row", READ, ids=ids)
def test_components_and_edges_are_those_that_another_tool_counts(row: dict[str, str]) -> None:
    found = inventory_of(HERE / row["file"])
    roots = set(found.roots)
    many = sum(component.key not in roots for component in found.components)
    many += row["file"] in WITH_PATCH
    assert many == int(row["components"]) + row["file"].startswith(WITH_WORKSPACE)
    if row["edges"] and row["file"] not in OTHER_EDGES:
        assert len(found.edges) == int(row["edges"])
    assert found.unread == []


@pytest.mark.parametrize("row", READ, ids=ids)
def test_facts_of_the_tools_are_found(row: dict[str, str]) -> None:
    found = inventory_of(HERE / row["file"])
    versions = held(found)
    looked_at = 0
    for fact in row["facts"].split(" | "):
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
            keys = [part.key for part in found.components if part.name == last]
            ways = paths.paths(found, keys, most=50)
            assert any(above in told and told[-1].split(" ")[0] == last for told in ways) or row[
                "file"
            ].startswith("sbom-spdx"), (fact, ways)
        looked_at += bool(locked or alias or way)
    assert looked_at


@pytest.mark.parametrize("row", [row for row in INDEX if row not in READ], ids=ids)
def test_a_format_without_a_reader_is_named(row: dict[str, str]) -> None:
    with pytest.raises(BadInput, match=r"SPDX (XML|RDF) is not read"):
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


@pytest.mark.parametrize("sums", ["{}", "{ sha256 = [] }", "{ sha256 = 7 }", "[1]", "true"])
def test_a_hash_that_is_no_text_fixes_nothing(sums: str) -> None:
    head = 'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "a"\nversion = "1"\n'
    wheel = 'wheels = [{ name = "a-1-py3-none-any.whl", hashes = %s }]\n'
    assert inventory(head + wheel % sums).loose == ("a has no hash",)
    assert inventory(head + wheel % '{ sha256 = "00" }').loose == ()


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


# requirements


def asks(found: Inventory) -> dict[str, str]:
    return {ask.name: ask.spec for ask in found.asks}


@pytest.mark.parametrize(
    "named", ["-r base.txt\n-climits.txt", "--requirement=base.txt\n--constraint 'limits.txt'"]
)
def test_requirements_follow_the_files_that_they_name(named: str) -> None:
    found = inventory(
        f"{named}\nrequests>=2\n",
        base_dot_txt="LiteLLM [proxy] >= 1.77 ; python_version >= '3.9'  # why\n",
        limits_dot_txt="litellm<1.82.7\n",
    )
    mine, limit = [ask for ask in found.asks if ask.name == "litellm"]
    assert (mine.spec, mine.marker, mine.extras) == (
        ">=1.77",
        'python_version >= "3.9"',
        ("proxy",),
    )
    assert (limit.spec, limit.limit) == ("<1.82.7", "constraint")
    assert found.kind == MANIFEST


def test_a_named_file_that_cannot_be_read_is_told() -> None:
    found = inventory("requests==2\n-r gone.txt\n")
    assert [part.why for part in found.unread] == ["gone.txt: is not there; add it"]
    assert found.kind == MANIFEST


def test_files_that_name_each_other_in_a_circle_are_read_once() -> None:
    found = inventory("-r a.txt\nx==1\n", a_dot_txt="-r a.txt\ny==2\n")
    assert {part.name for part in found.components} == {"x", "y"}


@pytest.mark.parametrize(
    "line",
    [
        "git+https://code.example/BerriAI/litellm@v1.82.8#egg=litellm",
        "litellm @ https://files.example/litellm-1.82.8-py3-none-any.whl",
        "-e git+https://code.example/litellm.git#egg=litellm",
        "https://files.example/litellm-1.82.8.tar.gz#egg=litellm",
    ],
)
def test_an_address_says_no_version_and_is_not_evaluated(line: str) -> None:
    found = inventory(f"requests==2.0\n{line}\n", "requirements.txt")
    assert {part.name for part in found.unread} <= {"litellm", ""} or pinned_bad(found)


def pinned_bad(found: Inventory) -> bool:
    """Whether a wheel's own name says the version."""
    return {(part.name, part.version) for part in found.components} >= {("litellm", "1.82.8")}


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


# manifests


def test_pyproject_tells_extras_groups_and_the_limits_of_uv() -> None:
    found = inventory(
        """
[project]
name = "svc"
dependencies = ["litellm>=1.77", "svc[x]"]
[project.optional-dependencies]
llm = ["litellm[proxy]<2"]
[dependency-groups]
dev = ["litellm!=1.82.8", {include-group = "other"}]
other = ["pytest"]
[tool.uv]
constraint-dependencies = ["litellm<1.82.7"]
override-dependencies = ["grpcio==1.5"]
"""
    )
    mine = [(ask.spec, ask.scope, ask.limit) for ask in found.asks if ask.name == "litellm"]
    assert mine == [
        (">=1.77", "", ""),
        ("<2", "extra llm", ""),
        ("!=1.82.8", "group dev", ""),
        ("<1.82.7", "", "constraint"),
    ]
    assert "svc" not in asks(found)
    assert [component.name for component in found.components] == ["svc"]


def test_poetry_asks_in_its_own_grammar() -> None:
    found = inventory(
        """
[tool.poetry]
name = "svc"
[tool.poetry.dependencies]
python = "^3.9"
litellm = { version = "^1.80", extras = ["proxy"], optional = true }
openai = [{ version = "<1", python = "<3.9" }, { version = ">=1" }]
mine = { path = "../mine" }
theirs = { git = "https://code.example/theirs.git" }
[tool.poetry.group.dev.dependencies]
pytest = "*"
"""
    )
    assert Ask("PyPI", "litellm", "poetry ^1.80", "an extra", "", ("proxy",)) in found.asks
    assert sum(ask.name == "openai" for ask in found.asks) == 2
    assert [part.name for part in found.unread] == ["mine", "theirs"]
    assert "python" not in asks(found)


def test_dynamic_dependencies_are_read_from_their_file_or_told() -> None:
    head = '[project]\nname = "svc"\ndynamic = ["dependencies"]\n'
    file = '[tool.setuptools.dynamic]\ndependencies = { file = ["req.txt"] }\n'
    found = inventory(head + file, req_dot_txt="litellm>=1.77 # llm\n")
    assert asks(found) == {"litellm": ">=1.77"}
    assert "build script" in inventory(head).unread[0].why


def test_environment_files_tell_conda_from_pip() -> None:
    found = inventory(
        """
name: svc
channels: [conda-forge]
dependencies:
  - python=3.11
  - conda-forge::litellm=1.82
  - pip:
      - litellm>=1.77
      - -r more.txt
"""
    )
    mine = [(ask.ecosystem, ask.spec) for ask in found.asks if ask.name == "litellm"]
    assert mine == [("conda", "==1.82.*"), ("PyPI", ">=1.77")]
    assert "more.txt" in found.unread[0].why


def test_package_json_tells_groups_aliases_and_overrides() -> None:
    found = inventory(
        """{"name": "web", "dependencies": {"pale": "npm:Chalk@^5.0.0", "x": "workspace:*",
        "y": "github:a/b"}, "devDependencies": {"debug": "4 || 5"},
        "overrides": {"a>chalk@5": "5.6.2", "ms": "2.0.0"}}"""
    )
    assert Ask("npm", "chalk", "^5.0.0", "dependencies") in found.asks
    assert Ask("npm", "debug", "4 || 5", "dev") in found.asks
    assert Ask("npm", "ms", "2.0.0", by="overrides", limit="override") in found.asks
    assert [part.name for part in found.unread] == [
        "x",
        "",
        "chalk",
    ]  # what an address holds may have any name


# parts that cannot be read


def test_one_component_that_cannot_be_read_is_told_and_the_rest_is_kept() -> None:
    found = inventory(
        """{"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [
        {"name": "a", "version": "1", "purl": "pkg:pypi/a@1"},
        {"name": "litellm", "version": 1.82, "purl": "pkg:pypi/litellm@1.82"},
        {"name": "b", "version": "2", "components": [{"name": "c", "version": "3"}]}]}"""
    )
    assert {part.name for part in found.components} == {"a", "b", "c"}
    assert [(part.name, part.why) for part in found.unread] == [
        ("", "components[1].version: expected `str`, got `float`")
    ]


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


def test_what_a_bill_says_twice_or_against_itself_is_never_lost() -> None:
    both = inventory(
        """{"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [
        {"name": "litellm", "version": "1.82.8", "purl": "pkg:pypi/litellm@1.82.6"}]}"""
    )
    assert {part.version for part in both.components} == {"1.82.6", "1.82.8"}
    xml = inventory(
        """<bom xmlns="http://cyclonedx.org/schema/bom/1.5"><components><component>
        <name>litellm</name><version>1.82.6</version><version>1.82.8</version></component>
        </components></bom>"""
    )
    assert [part.why for part in xml.unread] == [
        "components[0].version: expected `str`, got `array`"
    ]
    refs = ", ".join(
        f'{{"referenceType": "purl", "referenceLocator": "pkg:pypi/litellm@1.82.{n}"}}'
        for n in (6, 8)
    )
    spdx = inventory(
        f"""{{"spdxVersion": "SPDX-2.3", "packages": [{{"SPDXID": "SPDXRef-a", "name": "litellm",
        "externalRefs": [{refs}]}}]}}"""
    )
    assert {part.version for part in spdx.components} == {"1.82.6", "1.82.8"}
    tag = inventory(
        "SPDXVersion: SPDX-2.3\nPackageName: litellm\nSPDXID: SPDXRef-a\n"
        "ExternalRef: PACKAGE-MANAGER purl pkg:pypi/litellm@1.82.8\n"
        "ExternalRef: PACKAGE-MANAGER purl pkg:pypi/litellm@1.82.6\n"
    )
    assert {part.version for part in tag.components} == {"1.82.6", "1.82.8"}


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
