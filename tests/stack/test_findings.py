"""What a file says of a package, in the words of the contract."""

import pytest
from stacks import BAD, inventory, named

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
    ).finding == ("absent")


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
    assert "of which registry" in other.reason


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
            ("SEMVER", (("introduced", "0"), ("fixed", "0.70.0"))),), None, None)
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
        "not_evaluated"
    )
