"""A file into an `Inventory`: one table of formats, each told by its own keys or its own name."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable
from typing import NamedTuple

from impact.errors import bad
from impact.stack.documents import Source
from impact.stack.inventory import MANIFEST, Inventory, asking, mentioned
from impact.stack.readers import bills, ci, javascript, locks, manifests, requirements

Read = Callable[[Source], Inventory]
_JSON, _XML = r"\A\s*\{", r"\A\s*<"
_TABLES = "dependencies|devDependencies|optionalDependencies|peerDependencies"
_HEADS = (
    r"project|build-system|dependency-groups|tool\.(?:poetry|uv|pdm|setuptools|pixi|flit|hatch)"
)
_LISTED = {lock.form: lock.read for lock in locks.LOCKS}


class Format(NamedTuple):
    """A format of files: what it holds (patterns, all of them) or is called, and its reader.

    One without a reader is named and not evaluated. One whose content has to show it (`sure`) is
    not taken by its name alone.
    """

    name: str
    read: Read | None
    holds: tuple[str | Callable[[str], bool], ...] = ()
    called: str = ""
    sure: bool = True


def _searched(name: str, *ecosystems: str, remark: str = r"(?:^|\s)#.*") -> Read:
    """The reader of a text in which names are looked for, and nothing is understood."""

    def read(source: Source) -> Inventory:
        return asking(name, (), *ecosystems, kind=MANIFEST, mentions=mentioned(source.text, remark))

    return read


def _places(*rows: tuple[str, str, str]) -> list[Format]:
    """Formats that are searched for names: (name, what it is called, the sign of a remark)."""
    marks = {"#": r"(?:^|\s)#.*", "<": r"(?s)<!--.*?-->", "/": r"(?:^|\s)//.*", "": ""}
    return [Format(name, _searched(name, remark=marks[mark]), (), called, False)
            for name, called, mark in rows]  # fmt: skip


FORMATS: tuple[Format, ...] = (
    Format("CycloneDX JSON", bills.cyclonedx_json, (_JSON, r'"bomFormat"\s*:\s*"CycloneDX"')),
    Format("CycloneDX XML", bills.cyclonedx_xml, (_XML, r"http://cyclonedx\.org/schema/bom/")),
    Format("SPDX JSON", bills.spdx_json, (_JSON, r'"spdxVersion"\s*:\s*"SPDX-2')),
    Format("SPDX 3 JSON-LD", bills.spdx_3, (_JSON, r'spdx\.org/rdf/3|"spdxVersion"\s*:\s*"SPDX-3')),
    Format("SPDX tag-value", bills.spdx_tag, (r"(?m)^SPDXVersion:[ \t]*SPDX-2",)),
    Format("SPDX YAML", bills.spdx_yaml, (r"""(?m)^["']?spdxVersion["']?:\s*["']?SPDX-2""",)),
    Format("SPDX XML", None, (_XML, r"<spdxVersion>\s*SPDX-")),
    Format("SPDX RDF", None, (_XML, r"http://spdx\.org/rdf/terms")),
    Format("SPDX of another version", None, (r'(?m)"spdxVersion"\s*:|^(?:SPDX|spdx)Version:',)),
    Format("Syft JSON", None, (_JSON, r'"schema"\s*:\s*\{[^}]*anchore/syft|"artifacts"\s*:[\s\S]*"descriptor"\s*:')),
    Format("Trivy JSON", None, (_JSON, r'"SchemaVersion"\s*:', r'"(?:ArtifactName|Results)"\s*:')),
    Format("CycloneDX of another form", None, (r'"\$schema"\s*:\s*"[^"]*cyclonedx|urn:cdx:',)),
    Format("SWID tag", None, (_XML, r"<SoftwareIdentity\b")),
    Format("bun.lock", None, (_JSON, '"lockfileVersion"', r'"workspaces"\s*:\s*\{\s*"'), r"bun\.lock$"),
    Format("bun.lockb", None, (r"\A#!/usr/bin/env bun",), r"bun\.lockb$"),
    Format("package-lock.json", javascript.package_lock,
           (_JSON, r'"lockfileVersion"\s*:\s*\d|"dependencies"\s*:\s*\{\s*"[^"]+"\s*:\s*\{\s*"(?:version|from|resolved)"\s*:'),
           r"(?:package-lock|npm-shrinkwrap)\.json$"),
    Format("Pipfile.lock", _LISTED["Pipfile.lock"], (_JSON, '"_meta"', '"pipfile-spec"'), r"Pipfile\.lock$"),
    Format("composer.lock", _LISTED["composer.lock"], (_JSON, '"content-hash"', '"packages-dev"'), r"composer\.lock$"),
    Format("packages.lock.json", _LISTED["packages.lock.json"],
           (_JSON, r'"dependencies"\s*:\s*\{\s*(?:\}|"(?:net|\.NET|uap|native|monoandroid|xamarin)[^"]*"\s*:\s*\{)'), r"packages\.lock\.json$"),
    Format("project.assets.json", None, (_JSON, r'"targets"\s*:', r'"libraries"\s*:', r'"project"\s*:'), r"project\.assets\.json$"),
    Format("deps.json of .NET", None, (_JSON, r'"runtimeTarget"\s*:', r'"libraries"\s*:'), r"\.deps\.json$"),
    Format("deno.lock", None, (_JSON, r'"version"\s*:\s*"\d"', r'"(?:npm|jsr|specifiers|remote)"\s*:'), r"deno\.lock$"),
    Format("pip inspect", locks.installed, (_JSON, r'"pip_version"\s*:', r'"installed"\s*:')),
    Format("pip list (JSON)", locks.installed, (r'\A\s*\[\s*\{\s*"name"\s*:\s*"[^"]*"\s*,\s*"version"\s*:',)),
    Format("pip list (columns)", locks.installed, (r"\APackage +Version.*\n-+ -+",)),
    Format("METADATA of a package", locks.installed, (r"\AMetadata-Version: ",), r"\.(?:dist|egg)-info/(?:METADATA|PKG-INFO)$"),
    Format("notebook", ci.notebook, (_JSON, r'"nbformat"\s*:', r'"cells"\s*:'), r"\.ipynb$"),
    Format("package.json", manifests.package_json,
           (_JSON, rf'"(?:{_TABLES})"\s*:\s*\{{\s*(?:\}}|"[^"]*"\s*:\s*"[^"]*"\s*[,}}])'), r"(?:^|/)package\.json$", False),
    Format("yarn.lock v1", javascript.yarn_classic, (r"\A(?:\s*#.*\n)*# yarn lockfile v1",), r"yarn\.lock$"),
    Format("yarn.lock v2+", javascript.yarn_berry, (r"(?m)^__metadata:\s*$",), r"yarn\.lock$"),
    Format("pnpm-lock.yaml", javascript.pnpm, (r"(?m)^lockfileVersion: ",), r"pnpm-lock\.ya?ml$"),
    Format("pnpm-workspace.yaml", manifests.catalogs, (), r"pnpm-workspace\.ya?ml$", False),
    Format("environment.yml", manifests.environment,
           (r"(?m)^dependencies:\s*$", r"(?m)^(?:channels|name|prefix):"), r"(?:conda|environment)[^/]*\.ya?ml$"),
    Format("conda-lock.yml", None, (r"(?m)^metadata:[ \t]*$", r"(?m)^  (?:content_hash|channels):"), r"conda-lock\.ya?ml$"),
    Format("conda explicit list", None, (r"(?m)^@EXPLICIT\s*$",)),
    Format("workflow", ci.pipeline("workflow"), (r"(?m)^jobs:", r"(?m)^[\"']?on[\"']?:"), r"\.github/workflows/[^/]*\.ya?ml$", False),
    Format("action", ci.pipeline("action"), (r"(?m)^runs:", r"(?m)^\s+using:"), r"(?:^|/)action\.ya?ml$", False),
    Format("compose file", ci.pipeline("compose file", MANIFEST), (), r"(?:^|/)(?:docker-)?compose[^/]*\.ya?ml$", False),
    Format("pipeline", ci.pipeline("pipeline"), (),
           r"(?:^|/)(?:\.gitlab-ci|azure-pipelines|bitbucket-pipelines|\.travis|\.drone|\.pre-commit-config|cloudbuild)[^/]*\.ya?ml$|\.circleci/[^/]*\.ya?ml$", False),
    Format("Dockerfile", ci.dockerfile, (r"(?mi)\A(?:\s*#.*\n|\s*ARG .*\n|\s*\n)*FROM \S+", r"(?m)^(?:RUN|COPY|CMD|ENTRYPOINT|ADD) "),
           r"(?:^|/)(?:Dockerfile|Containerfile)[^/]*$|\.[Dd]ockerfile$", False),
    Format("poetry.lock", _LISTED["poetry.lock"], (r"\A.*generated by Poetry|(?m:^content-hash = )", r"(?m)^\[\[package\]\]|^package = \[\]"), r"poetry\.lock$"),
    Format("pdm.lock", _LISTED["pdm.lock"], (r"\A.*generated by PDM|(?m:^lock_version = )",), r"pdm\.lock$"),
    Format("uv.lock", _LISTED["uv.lock"], (r"(?m)\A(?:#.*\n|\s*\n)*version = \d+\s*$", r"(?m)^(?:requires-python|revision|resolution-markers) = "), r"uv\.lock$"),
    Format("pylock.toml", _LISTED["pylock.toml"], (r"(?m)^lock-version = ", r"(?m)^\[\[packages\]\]|^packages = \[\]|^created-by = "), r"pylock[^/]*\.toml$"),
    Format("Cargo.lock", _LISTED["Cargo.lock"], (r"# It is not intended for manual editing|checksum = \"|(?m:^source = \"registry\+)|\A\s*version = [34]\s*\Z",), r"Cargo\.lock$"),
    Format("pixi.toml", manifests.pixi, (), r"(?:^|/)pixi\.toml$", False),
    Format("pyproject.toml", manifests.pyproject, (rf"(?m)^\[(?:{_HEADS})[\].]", r"\A(?![\s\S]*\[\[package\]\])"), r"(?:^|/)pyproject\.toml$", False),
    Format("go.sum", locks.go, (r"\A\S+ v\S+ h1:\S+=",), r"(?:^|/)go\.sum$"),
    Format("go.mod", locks.go, (r"(?m)^module\s+\S+", r"(?m)^(?:go \d|require\b)"), r"(?:^|/)go\.mod$"),
    Format("Gemfile.lock", _LISTED["Gemfile.lock"], (r"(?m)^(?:GEM|PATH|GIT)\n  remote: |^DEPENDENCIES\s*$",), r"Gemfile\.lock$|gems\.locked$"),
    Format("gradle.lockfile", None, (r"# This is a Gradle generated file for dependency locking",), r"gradle\.lockfile$"),
    Format("mix.lock", None, (r'(?m)\A%\{\s*$|^  "\w+": \{:hex,',), r"mix\.lock$"),
    Format("pubspec.lock", None, (r"(?m)^packages:\n  \w+:\n    dependency:",), r"pubspec\.lock$"),
    Format("Package.resolved", None, (_JSON, r'"pins"\s*:'), r"Package\.resolved$"),
    Format("setup.py", None, (r"(?m)^[ \t]*(?:setuptools\.)?setup\(",), r"(?:^|/)setup\.py$"),
    Format("script (PEP 723)", manifests.script, (r"(?m)^# /// script\s*$",)),
    Format("build.gradle", None, (), r"\.gradle(?:\.kts)?$", False),
    *_places(
        ("setup.cfg", r"(?:^|/)setup\.cfg$", "#"), ("tox.ini", r"(?:^|/)tox\.ini$", "#"),
        ("Pipfile", r"(?:^|/)Pipfile$", "#"), ("Cargo.toml", r"(?:^|/)Cargo\.toml$", "#"),
        ("conda recipe", r"(?:^|/)(?:meta|recipe)\.ya?ml$", "#"), ("mise.toml", r"(?:^|/)\.?mise[^/]*\.toml$|\.tool-versions$", "#"),
        ("versions of Gradle", r"\.versions\.toml$", "#"), ("Gemfile", r"(?:^|/)(?:Gemfile|gems\.rb|[^/]*\.gemspec)$", "#"),
        ("composer.json", r"(?:^|/)composer\.json$", ""), ("deno.json", r"(?:^|/)(?:deno|jsr|import_map)\.jsonc?$", "/"),
        ("pom.xml", r"(?:^|/)(?:pom|[^/]*\.pom)(?:\.xml)?$", "<"), ("MSBuild project", r"\.(?:cs|fs|vb)proj$|(?:^|/)(?:packages\.config|Directory\.[^/]*\.props)$", "<"),
        ("mix.exs", r"(?:^|/)mix\.exs$", "#"), ("pubspec.yaml", r"(?:^|/)pubspec\.ya?ml$", "#"), ("Brewfile", r"(?:^|/)Brewfile$", "#"),
        ("Jenkinsfile", r"(?:^|/)Jenkinsfile[^/]*$", "/"), ("justfile or Makefile", r"(?:^|/)(?:[Jj]ustfile|Earthfile|Tiltfile|Procfile)$", "#"),
    ),
    Format("requirements.txt", requirements.read, (requirements.is_list,),
           r"(?i:requirements|constraints)[^/]*(?:/[^/]*)?\.(?:txt|in)$", False),
)  # fmt: skip
# Names that promise a lock, a manifest or an SBOM; a file that is called so is never passed over.
PROMISING = re.compile(
    r"(?:^|/)[^/]*(?:\.lock|lock\.(?:json|ya?ml|toml)|bom[._-][^/]*(?:json|xml)"
    r"|\.(?:cdx|spdx)(?:\d?\.(?:json|xml|ya?ml|rdf))?)$|(?:^|/)s?bom\.(?:json|xml)$",
    re.IGNORECASE,
)


_CALLED = re.compile("|".join(f"(?:{one.called})" for one in FORMATS if one.called))


def promised(path: str) -> bool:
    """Whether the name of a file says that packages are named in it."""
    return bool(_CALLED.search(path) or PROMISING.search(path))


def _named(form: Format, path: str) -> bool:
    return bool(form.called) and re.search(form.called, path) is not None


def _shows(key: str | Callable[[str], bool], text: str) -> bool:
    return re.search(key, text) is not None if isinstance(key, str) else key(text)


def format_of(text: str, where: str = "") -> Format | None:
    """The format of a text: of those that it is called, then of all, the first that it holds.

    A name alone is enough where a format has no keys of its own.
    """
    mine = [one for one in FORMATS if _named(one, where)]
    for one in (*mine, *FORMATS):
        if one.holds and all(_shows(key, text) for key in one.holds):
            return one
    return next((one for one in mine if not one.sure), None)


def read(source: Source) -> Inventory:
    """What a file says; raises BadInput where it is of no format that is read."""
    found = format_of(source.text, source.where)
    if found is None:
        raise bad(source.where, "is no lock, manifest or SBOM that is known", "see `impact scan`")
    if found.read is None:
        raise bad(source.where, f"{found.name} is not read", "give a lock or an SBOM that is")
    collecting = gc.isenabled()
    gc.disable()  # what is read holds no cycles, and looking for them takes a quarter of the time
    try:
        return found.read(source)
    finally:
        if collecting:
            gc.enable()
