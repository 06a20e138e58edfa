"""The page and the shared notebook: both rebuilt from the Answers of an executed notebook.

Nothing of the executed file reaches a reader but markdown cells and answer records: no code in the
page, no paths, users, times or ids in the notebook. Every text is escaped.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, TypedDict
from urllib.parse import urlsplit

import jinja2
import mistune
from markupsafe import Markup

from impact import words
from impact.answers.answer import MIME
from impact.case import folder, views
from impact.case.views import now
from impact.reports.plan import Task, kit_version

Notebook = Mapping[str, Any]


class Part(TypedDict):
    """A piece of a page: `kind` markdown (with `html`) or answer (with `record`)."""

    kind: str
    html: Markup
    record: dict[str, Any]


def records(notebook: Notebook) -> list[dict[str, Any]]:
    """The answer records of an executed notebook, in order."""
    return [part["record"] for part in parts(notebook) if part["kind"] == "answer"]


def parts(notebook: Notebook) -> Iterator[Part]:
    """Markdown and answers of an executed notebook, in order; the first heading is left out."""
    titled = False
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            text = "".join(cell["source"])
            if not titled and text.startswith("# "):
                titled, text = True, text.partition("\n")[2]
            yield Part(kind="markdown", html=markdown(text), record={})
        for output in cell.get("outputs", ()):
            if MIME in output.get("data", {}):
                yield Part(kind="answer", html=Markup(), record=output["data"][MIME])


class _Plain(mistune.HTMLRenderer):
    """Markdown without raw HTML, images or links to anything but the web."""

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return mistune.escape(text)

    def link(self, text: str, url: str, title: str | None = None) -> str:
        safe = web_address(url)
        return f'<a href="{mistune.escape(safe)}" rel="noreferrer">{text}</a>' if safe else text


def markdown(text: str) -> Markup:
    """Markdown as HTML; what it holds of HTML is shown as text."""
    return Markup(mistune.create_markdown(renderer=_Plain(escape=True))(text))  # noqa: S704


def web_address(text: str) -> str:
    """The text where it is an http or https address with a host, else an empty text."""
    try:
        found = urlsplit(text)
    except ValueError:
        return ""
    clean = found.scheme in ("http", "https") and bool(found.netloc) and text.isprintable()
    return text if clean and " " not in text else ""


def host(address: str) -> str:
    """The host of an address, as the text of its link."""
    return urlsplit(address).netloc


@cache
def templates() -> jinja2.Environment:
    """The templates, with autoescape; a name that is missing is an error."""
    found = jinja2.Environment(
        loader=jinja2.PackageLoader("impact.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"web": web_address, "host": host, "plain": words.plain}
    return found


@cache
def style() -> tuple[Markup, str]:
    """(the style sheet, its CSP source)."""
    text = (files("impact.reports") / "templates" / "style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Markup(text), f"'sha256-{digest}'"  # noqa: S704


def page(task: Task, notebook: Notebook) -> str:
    """The page of a task as one HTML text: no script, no outside address."""
    known, sheet = task.known, style()
    told = list(parts(notebook))
    for part in told:
        if part["kind"] == "answer" and part["record"]["svg"]:
            part["html"] = Markup(part["record"]["svg"])  # noqa: S704
    moment = now(known)
    return templates().get_template("page.html").render(
        title=title(task, notebook),
        notices=views.notices(known),
        scenario=known.scenarios[known.scenario],
        parts=told,
        style=sheet[0],
        style_source=sheet[1],
        footer={
            "Case": known.id,
            "Scenario": known.scenario,
            "As of": words.date(moment) if moment else "no day",
            "Level": f"TLP:{known.tlp.upper()}",
            "Draws": f"{task.parameters.draws:,}",
            "Seed": str(task.parameters.seed),
            "Kit": kit_version(),
            "View": folder.digest(known)[:16],
        },
    )  # fmt: skip


def title(task: Task, notebook: Notebook) -> str:
    """The page's title: the case, the notebook's question, what is supposed of a named party."""
    known = task.known
    texts = ("".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown")
    headings = (text.partition("\n")[0][2:] for text in texts if text.startswith("# "))
    question = next(headings, known.question)
    said = f"{known.title}: {question[:1].lower()}{question[1:]}"
    if known.scenario != "baseline":
        said += f" {known.scenarios[known.scenario].title}"
        if views.falling(known):
            said += f" ({views.NO_COMPROMISE})"
    return said


def shared_notebook(notebook: Notebook) -> dict[str, Any]:
    """The executed notebook rebuilt for sharing: sources, texts and images, no trace of a run."""
    cells = []
    for number, cell in enumerate(notebook["cells"]):
        kept: dict[str, Any] = {
            "cell_type": cell["cell_type"],
            "id": f"cell-{number}",
            "metadata": {"tags": tags} if (tags := cell["metadata"].get("tags")) else {},
            "source": "".join(cell["source"]),
        }
        if cell["cell_type"] == "code":
            kept |= {"execution_count": None, "outputs": list(_outputs(cell))}
        cells.append(kept)
    python = {"display_name": "Python 3", "language": "python", "name": "python3"}
    language = {"name": "python"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": python, "language_info": language},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _outputs(cell: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for output in cell["outputs"]:
        data = output.get("data", {})
        shown = {
            kind: data[kind]
            for kind in ("text/plain", "text/html", "image/svg+xml")
            if kind in data
        }
        if MIME in data or "image/svg+xml" in data:
            yield {"output_type": "display_data", "metadata": {}, "data": shown}
