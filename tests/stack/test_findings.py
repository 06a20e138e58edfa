"""What a file says of a package, in the words of the contract."""

import json
from typing import Any

import pytest
from stacks import BAD, inventory, named

from impact.base.errors import BadInput
from impact.stack.advisories import Affected
from impact.stack.findings import Finding, find

PYPROJECT = '[project]\nname = "svc"\ndependencies = [{}]\n'


def told(text: str, records: list[Affected] | None = None, **beside: str) -> Finding:
    records = records or named(*BAD)
    found = inventory(text, **beside)
    return find(found, records[0].ecosystem, records[0].name, records)


def uv(*packages: str) -> str:
    head = 'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n'
    return head + "".join(f"[[package]]\n{package}\n" for package in packages)


ROOT = 'name = "svc"\nversion = "0"\nsource = { virtual = "." }\n'
HASHED = 'wheels = [{ url = "x", hash = "sha256:aa" }]'


@pytest.mark.parametrize(
    ("asks", "finding"),
    [
        ('"litellm>=1.77"', "range_admits"),
        ('"litellm"', "range_admits"),
        ('"litellm<=1.82.7"', "range_admits"),
        ('"litellm<1.82.7"', "range_excludes"),
        ('"litellm>=1.75,!=1.82.7,!=1.82.8"', "range_excludes"),
        ('"litellm==1.82.8"', "locked_affected"),
        ('"litellm===1.82.8"', "locked_affected"),
        ('"litellm==1.82.6"', "locked_other"),
        ('"litellm>=1.77", "litellm<1.82"', "range_excludes"),
        ('"litellm>=1.77", "litellm<1.82; python_version < \'3.10\'"', "range_admits"),
        ('"LiteLLM[proxy] >= 1.77"', "range_admits"),
        ('"lite_llm>=1"', "absent"),
        ('"litellm @ git+https://code.example/x@v1.82.8"', "not_evaluated"),
        ('"litellm=>1"', "not_evaluated"),
        ("", "absent"),
    ],
)
def test_a_manifest_says(asks: str, finding: str) -> None:
    assert told(PYPROJECT.format(asks)).finding == finding


@pytest.mark.parametrize("asks", ['"litellm>=1.77"', '"litellm[proxy]==1.82.8"', '"litellm"'])
def test_a_requirement_is_said_as_it_is_written(asks: str) -> None:
    assert told(PYPROJECT.format(asks)).reason.startswith(
        (f"{asks} allows 1.82", f"{asks} pins 1.82.8")
    )


def test_a_reason_says_where_a_step_stands_and_the_versions_of_the_records_alone() -> None:
    record = Affected("A", "PyPI", "litellm", (), ((("introduced", "1.82.7"),),))
    build = inventory("FROM scratch\n\nRUN \\\n pip install 'litellm>=1.80'\n", "Dockerfile")
    why = '"litellm>=1.80" in line 3 allows 1.82.7'
    assert find(build, "PyPI", "litellm", [record]).reason == why


def test_a_limit_of_uv_holds_and_says_who_reads_it() -> None:
    text = PYPROJECT.format('"litellm>=1.77"')
    limited = told(f'{text}[tool.uv]\nconstraint-dependencies = ["litellm<1.82.7"]\n')
    assert limited.finding == "range_excludes"
    assert "uv's constraint-dependencies, which other installers do not read" in limited.reason
    override = told(f'{text}[tool.uv]\noverride-dependencies = ["litellm==1.82.8"]\n')
    assert override.finding == "locked_affected"
    alone = told(PYPROJECT.format("") + '[tool.uv]\nconstraint-dependencies = ["litellm<1.82.7"]\n')
    assert alone.finding == "absent"


def test_a_requirement_in_one_extra_is_enough() -> None:
    text = PYPROJECT.format('"litellm<1.82"')
    both = f'{text}[project.optional-dependencies]\nx = ["litellm>=1.77"]\n'
    assert told(both).finding == "range_excludes"  # the extra comes on top of what always counts
    other = PYPROJECT.format("") + '[project.optional-dependencies]\nx = ["litellm>=1.77"]\n'
    assert told(other).finding == "range_admits"


def test_overrides_of_npm_stand_in_the_place_of_what_is_asked_for() -> None:
    records = named("5.6.1", package="chalk", ecosystem="npm")
    text = '{{"dependencies": {{"chalk": "^5.0.0"}}, "overrides": {{"chalk": "{}"}}}}'
    assert told(text.format("5.6.2"), records).finding == "locked_other"
    assert told(text.format("^5"), records).finding == "range_admits"


@pytest.mark.parametrize(
    ("versions", "finding", "version"),
    [
        (("1.82.8",), "locked_affected", "1.82.8"),
        (("1.82.6",), "locked_other", "1.82.6"),
        (("1.82.6", "1.82.8"), "locked_affected", "1.82.8"),
        (("1.80.0", "1.81.0"), "locked_other", "1.80.0, 1.81.0"),
    ],
)
def test_a_lock_says_the_gravest_of_the_versions_that_it_holds(
    versions: tuple[str, ...], finding: str, version: str
) -> None:
    packages = [f'name = "litellm"\nversion = "{one}"\n{HASHED}' for one in versions]
    found = told(uv(ROOT, *packages))
    assert (found.finding, found.version) == (finding, version)


def test_a_locked_version_overrules_requirement_strings_in_the_same_lock() -> None:
    text = uv(
        ROOT + '[package.metadata]\nrequires-dist = [{ name = "litellm", specifier = ">=1" }]\n',
        f'name = "litellm"\nversion = "1.82.6"\n{HASHED}',
    )
    assert told(text).finding == "locked_other"
    assert told(
        uv(ROOT + '[package.metadata]\nrequires-dist = [{ name = "litellm" }]')
    ).finding == ("not_evaluated")  # it is asked for and not there: the lock was cut


def test_the_project_itself_and_its_members_give_no_finding() -> None:
    own = 'name = "litellm"\nversion = "1.82.8"\nsource = { editable = "." }\n'
    assert told(uv(own)).finding == "absent"
    lock = '{"lockfileVersion": 3, "name": "chalk", "packages": {"": {"name": "chalk"}}}'
    assert told(lock, named("5.6.1", package="chalk", ecosystem="npm")).finding == "absent"


def test_a_version_that_is_not_said_is_not_evaluated() -> None:
    git = 'name = "litellm"\nsource = { git = "https://code.example/x" }\n'
    assert told(uv(ROOT, git)).finding == "not_evaluated"


def bill(*components: str) -> str:
    held = ", ".join(components)
    return f'{{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{held}]}}'


def test_components_without_a_package_url_are_told_by_name_only_where_they_alarm() -> None:
    assert told(bill('{"name": "litellm", "version": "1.82.8"}')).finding == "locked_affected"
    other = told(bill('{"name": "litellm", "version": "1.82.6"}'))
    assert other.finding == "not_evaluated"
    assert "has no package URL" in other.reason


def test_an_unreadable_part_that_could_be_the_package_is_never_absent() -> None:
    assert told(bill('{"name": "a"}', '{"version": "1.82.8"}')).finding == "not_evaluated"
    assert told(bill('{"name": "a"}', '{"name": "b", "version": 3}')).finding == "absent"
    assert told(bill('{"name": "litellm", "version": 3}')).finding == "not_evaluated"


def test_a_lock_of_another_ecosystem_says_why_it_is_absent() -> None:
    found = told('{"lockfileVersion": 3, "packages": {"": {"name": "x"}}}')
    assert (found.finding, found.reason) == ("absent", "it holds packages of npm alone")


def test_a_conda_package_of_the_name_is_not_the_one_on_the_registry() -> None:
    text = "name: x\nchannels: [conda-forge]\ndependencies:\n  - {}\n"
    assert told(text.format("litellm>=1.77")).finding == "not_evaluated"
    assert told(text.format("litellm=1.80")).finding == "range_excludes"


def test_a_product_of_a_cve_is_found_by_the_end_of_its_name() -> None:
    records = [
        Affected("CVE-1", "", "aquasecurity/trivy", (), (
            (("introduced", "0"), ("fixed", "0.70.0")),), None, None)
    ]  # fmt: skip
    purl = "pkg:golang/github.com/aquasecurity/trivy@v0.69.4"
    assert told(bill(f'{{"name": "trivy", "purl": "{purl}"}}'), records).finding == (
        "locked_affected"
    )
    assert told(bill('{"name": "trivy", "purl": "pkg:pypi/trivy@1"}'), records).finding == "absent"


def test_a_source_of_uv_that_is_no_registry_is_not_evaluated() -> None:
    text = PYPROJECT.format('"litellm>=1.77"')
    git = f'{text}[tool.uv.sources]\nLiteLLM = {{ git = "https://code.example/x" }}\n'
    assert told(git).finding == "not_evaluated"
    index = f'{text}[tool.uv.sources]\nlitellm = {{ index = "mine" }}\n'
    assert told(index).finding == "range_admits"


CUT = {  # locks that end too early and are still sound documents
    "uv": uv('name = "svc"\nsource = { virtual = "." }\ndependencies = [{ name = "litellm" }]'),
    "pnpm": "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      litellm:\n"
    "        specifier: ^1\n        version: 1.82.8\n",
}


@pytest.mark.parametrize("name", CUT)
def test_what_is_needed_and_not_there_is_not_absent(name: str) -> None:
    ecosystem = "npm" if name == "pnpm" else "PyPI"
    assert told(CUT[name], named(*BAD, ecosystem=ecosystem)).finding == "not_evaluated"


@pytest.mark.parametrize(
    "text",
    [
        "requests==2.0 --hash=sha256:aa\n# a remark \\\nlitellm==1.82.8 --hash=sha256:bb\n",
        "requests==2.0\n-rbase.txt\nsix==1\n",
        "requests==2.0\n--no-binary :all: -r base.txt\nsix==1\n",
        "requests==2.0\nsix==1\n./wheels/litellm-1.82.8-py3-none-any.whl\n",
        "litellm==1.82.8+local\n",
        "requests==2.0\n# a remark that ends for pip\u2028litellm==1.82.8\n",
    ],
)
def test_requirements_are_followed_as_pip_follows_them(text: str) -> None:
    assert told(text, base_dot_txt="litellm==1.82.8\n").finding == "locked_affected"


@pytest.mark.parametrize("line", ["-e .", "../x", "git+https://x.example/y@v1#egg=other"])
def test_what_could_bring_anything_is_never_a_whole_lock(line: str) -> None:
    text = f"requests==2.0 --hash=sha256:aa\nsix==1 --hash=sha256:bb\n{line}\n"
    assert told(text).finding == "not_evaluated"


def test_a_version_that_is_none_is_not_another_version() -> None:
    records = named("5.6.1", package="chalk", ecosystem="npm")
    for version in ("^5.0.0", "latest", "5.x", "*"):
        part = f'{{"name": "chalk", "version": "{version}", "purl": "pkg:npm/chalk"}}'
        assert told(bill(part), records).finding == "not_evaluated", version


def test_groups_that_are_installed_alone_count_alone() -> None:
    text = PYPROJECT.format('"litellm<1.82"')
    assert told(f'{text}[dependency-groups]\ndev = ["litellm>=1.82"]\n').finding == "range_admits"
    assert told(f'{text}[tool.hatch.envs.x]\ndependencies = ["litellm"]\n').finding == (
        "range_admits"
    )


CHALK = named("5.6.1", package="chalk", ecosystem="npm")
AT = "https://npm.registry.example/chalk/-/chalk-5.6.1.tgz"
YARN, BERRY = "# yarn lockfile v1\n\n\n", "__metadata:\n  version: 8\n\n"


def npm_lock(packages: dict[str, Any]) -> str:
    return json.dumps({"name": "x", "lockfileVersion": 3, "packages": {"": {}, **packages}})


AWRY = {  # locks and manifests of npm in which the package is called otherwise, or is cut off
    "address of another version": npm_lock(
        {"node_modules/chalk": {"version": "5.3.0", "resolved": AT, "integrity": "x"}}
    ),
    "address of another name": npm_lock(
        {"node_modules/pale": {"version": "5.6.1", "resolved": AT, "integrity": "x"}}
    ),
    "version 1, by address": json.dumps(
        {"lockfileVersion": 1, "dependencies": {"pale": {"version": AT}}}
    ),
    "before npm 5": json.dumps(
        {"name": "x", "dependencies": {"a": {"version": "1.0.0", "from": "a@1", "dependencies": {
            "chalk": {"version": "5.6.1"}}}}}
    ),
    "manifest, by address": json.dumps({"dependencies": {"pale": AT}}),
    "manifest, optional alone": json.dumps({"optionalDependencies": {"chalk": "5.6.1"}}),
    "copied into the project": npm_lock(
        {"node_modules/chalk": {"resolved": "vendor/chalk", "link": True},
         "vendor/chalk": {"version": "5.6.1"}}
    ),
    "pnpm 6, from another registry": "lockfileVersion: '6.0'\npackages:\n"
    "  npm.registry.example/chalk@5.6.1:\n    resolution: {integrity: x}\n",
    "pnpm 9, by address": f"lockfileVersion: '9.0'\npackages:\n  pale@{AT}:\n"
    f"    resolution: {{tarball: {AT}}}\n    version: 5.6.1\n",
    "yarn 1, by address": f'{YARN}"pale@{AT}":\n  version "5.6.1"\n  resolved "{AT}#x"\n',
    "yarn 1, address of another": f'{YARN}chalk@^5:\n  version "5.3.0"\n  resolved "{AT}#x"\n',
    "berry, of two versions": f'{BERRY}"chalk@npm:^5.0.0":\n  version: 5.3.0\n'
    '  resolution: "chalk@npm:5.6.1"\n',
    "berry, soft": f'{BERRY}"chalk@npm:^5.0.0":\n  version: 5.6.1\n'
    '  resolution: "chalk@npm:5.6.1"\n  linkType: soft\n',
    "berry, one resolution twice": f'{BERRY}"chalk@npm:^5.0.0":\n  version: 5.6.1\n'
    '  resolution: "chalk@npm:5.6.1"\n"chalk@npm:^5.1.0":\n  version: 5.3.0\n'
    '  resolution: "chalk@npm:5.6.1"\n',
}  # fmt: skip
LOST = {
    "link without its folder": npm_lock(
        {"node_modules/chalk": {"resolved": "vendor/chalk", "link": True}}
    ),
    "needed by the project": npm_lock({"": {"dependencies": {"chalk": "^5.6.0"}}}),
    "needed by a package": npm_lock(
        {"node_modules/a": {"version": "1.0.0", "dependencies": {"chalk": "5.6.1"}}}
    ),
    "yarn 1": f'{YARN}a@1:\n  version "1.0.0"\n  dependencies:\n    chalk "^5.6.0"\n',
    "berry": f'{BERRY}"a@npm:^1":\n  version: 1.0.0\n  resolution: "a@npm:1.0.0"\n'
    '  dependencies:\n    chalk: "npm:^5.6.0"\n',
    "berry, no resolution": f'{BERRY}"pale@npm:chalk@^5.0.0":\n  version: 5.6.1\n',
    "repository": json.dumps({"dependencies": {"pale": "github:chalk/chalk#v5.6.1"}}),
    "catalog": json.dumps({"dependencies": {"chalk": "catalog:"}}),
}


@pytest.mark.parametrize("name", AWRY)
def test_a_package_of_npm_is_found_by_whatever_leads_an_installer_to_it(name: str) -> None:
    found = told(AWRY[name], CHALK)
    assert found.finding == "locked_affected", found
    assert "5.6.1" in found.version


@pytest.mark.parametrize("name", LOST)
def test_what_a_lock_of_npm_needs_and_does_not_hold_is_not_evaluated(name: str) -> None:
    assert told(LOST[name], CHALK).finding == "not_evaluated"
    other = named("1.0.0", package="left-pad", ecosystem="npm")
    anything = name in ("repository", "berry, no resolution", "berry", "yarn 1")  # cut off
    assert told(LOST[name], other).finding == ("not_evaluated" if anything else "absent")


def test_an_optional_need_may_be_left_out_and_an_own_workspace_is_no_dependency() -> None:
    needs = {"dependencies": {"chalk": "5"}, "optionalDependencies": {"chalk": "5"}}
    assert told(npm_lock({"": needs}), CHALK).finding == "absent"
    own = {"": {"workspaces": ["packages/*"]}, "packages/chalk": {"version": "5.6.1"}}
    assert told(npm_lock(own), CHALK).finding == "absent"


@pytest.mark.parametrize("marks", [("bomFormat", "CycloneDX"), ("spdxVersion", "SPDX-2.3")])
def test_a_file_of_two_formats_is_refused(marks: tuple[str, str]) -> None:
    text = json.dumps({**json.loads(npm_lock({})), marks[0]: marks[1], "specVersion": "1.5"})
    with pytest.raises(BadInput, match="keys of two formats"):
        inventory(text)
    with pytest.raises(BadInput, match=r"bun\.lock is not read"):
        inventory('{"workspaces": {"": {}}, "packages": {}, "lockfileVersion": 1}')


@pytest.mark.parametrize(
    "text",
    [
        uv(
            'name = "litellm"\nversion = "1.80.0"\nwheels = [{ url = "https://files.example/'
            'litellm-1.82.8-py3-none-any.whl", hash = "sha256:aa" }]'
        ),
        '# generated by Poetry\n[[package]]\nname = "litellm[proxy]"\nversion = "1.82.8"\n',
        '# generated by Poetry\n[[package]]\nname = " litellm"\nversion = "1.82.8"\n',
        '{"_meta": {"pipfile-spec": 6}, "default": {"litellm[proxy]": {"version": "==1.82.8"}}}',
        '{"_meta": {"pipfile-spec": 6}, "default": {"pale": {"file": '
        '"https://files.example/litellm-1.82.8-py3-none-any.whl"}}}',
        '[tool.poetry.dependencies]\nlitellm = "1.82.8+local"\n',
    ],
)
def test_a_package_of_python_is_found_by_its_file_and_under_any_spelling(text: str) -> None:
    assert "1.82.8" in told(text).version
    assert told(text).finding == "locked_affected"


def spdx(*packages: dict[str, Any]) -> str:
    return json.dumps({"spdxVersion": "SPDX-2.3", "packages": packages})


def test_references_of_a_bill_count_in_whatever_form() -> None:
    purl = "pkg:pypi/litellm%401.82.8"
    assert told(bill(f'{{"name": "x", "purl": "{purl}"}}')).finding == "locked_affected"
    source = '{"name": "x", "purl": "pkg:github/BerriAI/litellm@v1.82.6"}'
    assert told(bill(source)).finding == "not_evaluated"
    reference = {"referenceType": "pypi", "referenceLocator": "litellm@1.82.8"}
    package = {"name": "x", "SPDXID": "SPDXRef-1", "externalRefs": [reference]}
    assert told(spdx(package)).finding == "locked_affected"
    tags = "SPDXVersion: SPDX-2.3\nPackageName: x\nExternalRef: PACKAGE-MANAGER purl {}\n"
    assert told(tags.format("pkg:pypi/litellm@1.82.8")).finding == "not_evaluated"


def test_a_bill_that_calls_itself_incomplete_says_nothing_of_what_it_lacks() -> None:
    says = '"compositions": [{"aggregate": "incomplete"}], "components": [{"name": "a"}]'
    text = f'{{"bomFormat": "CycloneDX", "specVersion": "1.5", {says}}}'
    assert told(text).finding == "not_evaluated"
    space = "http://cyclonedx.org/schema/bom/1."
    other = f'<bom xmlns="{space}4"><components xmlns="{space}3"><component><name>a</name>'
    assert told(f"{other}</component></components></bom>").finding == "not_evaluated"
    inside = "<compositions><composition><aggregate>incomplete</aggregate></composition>"
    assert told(f'<bom xmlns="{space}4">{inside}</compositions></bom>').finding == "not_evaluated"


def test_a_range_between_two_releases_may_hold_a_version_of_four_parts() -> None:
    record = Affected("X-1", "PyPI", "litellm", (), (
        (("introduced", "0.5"), ("fixed", "2")),), None, None)  # fmt: skip
    for asks in ('"litellm>1.0,<1.0.1"', '"litellm>1.0.0.3,<1.0.0.9"'):
        assert told(PYPROJECT.format(asks), [record]).finding == "range_admits", asks
