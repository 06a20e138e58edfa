"""The page and the shared notebook: both rebuilt from the Answers of an executed notebook.

Nothing of the executed file reaches a reader but markdown cells and answer records: no code in the
page, no paths, users, times or ids in the notebook. Every text is escaped.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import jinja2
import mistune
from markupsafe import Markup, escape

from impact.answers.answer import MIME, as_html, as_text, blocks, linked
from impact.answers.brief import bottom_line
from impact.answers.losses import losses
from impact.answers.text import lower_first
from impact.base import words
from impact.base.errors import Refusal
from impact.board.data import describe, packed, script, style
from impact.case import folder, heads
from impact.case.folder import Case
from impact.case.scenarios import BASELINE
from impact.case.schema import TLP
from impact.case.views import moment_of
from impact.reports import origin
from impact.reports.plan import Task
from impact.simulation import simulate

Notebook = Mapping[str, Any]
GUIDE = "reading-a-report"  # of those who receive a page: in docs/, and beside the index
_GUIDE = folder.HOME / "docs" / f"{GUIDE}.md"
FIGURES = 5  # of a sheet
_COSTS = ("YOU PAY:", "EVERYONE:", "COST:")  # what its figures tell
_RECORD = {"name", "label", "lead", "rows", "figures", "notes"}  # that an answer has
Record = dict[str, Any]  # of an answer
Part = Markup | Record  # a piece of a page: markdown as HTML, or the record of an answer


def records(notebook: Notebook) -> list[Record]:
    """The answer records of an executed notebook, in order."""
    return [record for cell in notebook["cells"] for record in _answers(cell)]


def draw(notebook: Notebook) -> None:
    """Draw the charts that the kernel of an executed notebook left to be drawn, in its records."""
    from impact.charts import theme

    for record in records(notebook):
        for look, chart in record.pop("charts", {}).items():
            record["svg"][look] = theme.svg(chart, record["told"])


def parts(notebook: Notebook) -> Iterator[Part]:
    """Markdown and answers of an executed notebook that has something to tell, in order.

    The first heading is left out, and so are paragraphs that stand on the page already.
    """
    titled, above = False, ""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            text = "".join(cell["source"])
            if not titled and text.startswith("# "):
                titled, text = True, text.partition("\n")[2]
            yield markdown(text)
        for record in _answers(cell):
            if record.get("there", True):
                new = [*_new_paragraphs(record["lead"], above)]
                above += "\n".join([*new, ""])
                yield {**record, "lead": new}


def _new_paragraphs(lines: Sequence[str], above: str) -> Iterator[str]:
    """The paragraphs that are new; a list with a new item stays whole, with its question."""
    for block in re.split(r"\n(?!- )", "\n".join(lines)):
        first, *items = block.split("\n")
        if not all(item in above for item in items):
            yield from (first, *items)
        elif first not in above:
            yield first


def _paragraphs(lines: Sequence[str], links: Mapping[str, str]) -> Markup:
    """Paragraphs as HTML, escaped; citations lead to their sources."""
    return Markup(_spaced(blocks(lines, links)))  # noqa: S704


def _cited(text: str, links: Mapping[str, str]) -> Markup:
    """A cell as HTML: citations lead to their sources, what is empty is a dash, a digest breaks."""
    if re.fullmatch("[0-9a-f]{32,}", text):
        return Markup("<wbr>").join(re.findall(".{1,16}", text))
    return Markup(_spaced(linked(text or "–", links)))  # noqa: S704


def _answers(cell: Mapping[str, Any]) -> Iterator[Record]:
    """The answer records among the outputs of a cell."""
    for output in cell.get("outputs", ()):
        record = output.get("data", {}).get(MIME)
        if isinstance(record, dict) and record.keys() >= _RECORD:
            yield record


class _Plain(mistune.HTMLRenderer):
    """Markdown without raw HTML, images or links to anything but the web."""

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return mistune.escape(text)

    def link(self, text: str, url: str, title: str | None = None) -> str:
        safe = words.web_address(url)
        return f'<a href="{mistune.escape(safe)}" rel="noreferrer">{text}</a>' if safe else text


def markdown(text: str) -> Markup:
    """Markdown as HTML; what it holds of HTML is shown as text."""
    render = mistune.create_markdown(renderer=_Plain(escape=True))
    return Markup(render(words.plain(text)))  # noqa: S704


_APART = re.compile(r"(?<=\d) (?=%|million|billion)|(?<=±) ")


def typeset(text: str) -> str:
    """A text as a page shows it: a number and its unit stay on one line, minus is a minus.

    >>> typeset("-$5 million ± 2 %") == "\u2212$5\u00a0million ±\u00a02\u00a0%"
    True
    """
    return _spaced(words.shown(text))


def _spaced(text: str) -> str:
    return _APART.sub("\u00a0", text).replace("-$", "\u2212$")


@cache
def _templates() -> jinja2.Environment:
    """The templates, with autoescape; a name that is missing is an error."""
    loader = jinja2.PackageLoader("impact.reports")
    environment = jinja2.Environment(
        loader=loader,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: words.shown(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"cited": _cited, "paragraphs": _paragraphs, "plain": typeset}
    text = loader.get_source(environment, "style.css")[0]
    for name, own in (("style", text), ("board_style", style()), ("script", script())):
        source = f"'sha256-{base64.b64encode(bytes.fromhex(origin.sha256(own))).decode()}'"
        environment.globals[name] = Markup(own)  # noqa: S704 (the kit's own)
        environment.globals[f"{name}_source"] = Markup(source)  # noqa: S704 (base64)
    return environment


def render(template: str, **values: Any) -> str:
    """A page of the kit from its template, with styles, script and their sources for the CSP."""
    return _templates().get_template(template).render(values)


def _head(known: Case) -> dict[str, Any]:
    """What stands at the head of every page of a view."""
    return {
        "known": known,
        "scenario": known.scenarios[known.scenario],
        "level": words.level(known.label),
        "as_of": words.date(moment_of(known)),
    }


SHEET = "sheet.html"


def sheet(task: Task) -> str:
    """One A4 page of a view: what happened, what to do, and five figures; without a script."""
    known = task.known
    run = simulate(known, task.parameters.draws, task.parameters.seed)
    brief = bottom_line(run)
    return render(
        "sheet.html",
        **_head(known),
        notices=heads.notices(known),
        lead=[line for line in brief.lead[:-1] if not line.startswith(_COSTS)],
        links=brief.links,
        rows=losses(run, FIGURES).rows(),
        notes=brief.notes,
    )


def page(task: Task, executed: Notebook, live: bool = False) -> str:
    """The page of a task as one HTML text: no script but that of a live one, no outside address.

    It carries what it was made from, so that `impact verify` can make it again from the page alone.
    """
    known, notebook = task.known, task.notebook
    board, declined = _board(task, executed) if live else ("", "")
    return render(
        "page.html",
        **_head(known),
        task=task,
        title=title(task),
        question=question(task),
        notices=heads.warnings(known),
        parts=parts(executed),
        leads=[
            (who, page, what)
            for who, pages in notebook.leads.items()
            for page, what in pages.items()
            if page in task.beside
        ],
        origin=escape(json.dumps(task.made_from)),
        board=Markup(board),  # noqa: S704 (JSON without a sign that ends a script)
        declined=declined,
        kit=origin.kit_version(),
        digest=folder.digest(known, notebook.reads)[:16],
    )


def _board(task: Task, executed: Notebook) -> tuple[str, str]:
    """(data, why there are none) of the board of a page that tells exposure and losses."""
    if not {"exposure", "losses"} <= {record["name"] for record in records(executed)}:
        return "", ""
    asked = task.parameters
    try:
        return packed(describe(simulate(task.known, asked.draws, asked.seed))), ""
    except Refusal as refusal:
        return "", refusal.faults[0].what


def guide() -> str:
    """The reading guide as a page."""
    return render("guide.html", guide=markdown(_GUIDE.read_text(encoding="utf-8")))


def question(task: Task) -> str:
    """The question of a notebook; that of the case where it has none."""
    return task.notebook.question or task.known.question


def title(task: Task) -> str:
    """The page's title: the case, the notebook's question, what is supposed of a named party."""
    known = task.known
    text = f"{known.title}: {lower_first(known, question(task))}"
    if known.scenario != BASELINE:
        text += f" {heads.scenario_title(known)}"
    return text


def shared_notebook(task: Task, notebook: Notebook) -> str:
    """A notebook for sharing, built anew: the source, its parameters as set, and the answers.

    Of the executed one nothing is taken but the records of its answers: no path, user, time or id,
    and no data that an answer does not show.
    """
    source = json.loads(task.notebook.text)["cells"]
    executed = [cell for cell in notebook["cells"] if "injected-parameters" not in _tags(cell)]
    cells = []
    for number, (cell, done) in enumerate(zip(source, executed, strict=True)):
        made = {"cell_type": cell["cell_type"], "id": f"cell-{number:02}", "metadata": {}}
        made["source"] = "".join(cell["source"])
        if "parameters" in _tags(cell):
            made["metadata"] = {"tags": ["parameters"]}
            values = vars(task.parameters).items()
            lines = [f"{name}: {type(value).__name__} = {value!r}" for name, value in values]
            made["source"] = "\n".join(lines)
        if cell["cell_type"] == "code":
            outputs = [output for record in _answers(done) for output in _outputs(record)]
            made |= {"execution_count": None, "outputs": outputs}
        cells.append(made)
    python = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": python, "language_info": {"name": "python"}}
    shared = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return f"{json.dumps(shared, indent=1, ensure_ascii=False)}\n"


def _tags(cell: Mapping[str, Any]) -> list[str]:
    return list(cell.get("metadata", {}).get("tags", ()))


def _outputs(record: Record) -> Iterator[dict[str, Any]]:
    """An answer as GitHub and others show it: text and table, then its chart as an image."""
    from impact.charts import theme

    mark = [] if record["label"] == TLP[0] else [f"{words.level(record['label'])}."]
    marked = {**record, "notes": [*record["notes"], *mark]}
    shapes = [{"text/plain": as_text(marked), "text/html": as_html(marked)}]
    if record.get("svg"):
        description = words.shown(record["told"])
        image = theme.plain(record["svg"]["wide"])
        shapes.append({"text/plain": description, "image/svg+xml": image})
    for data in shapes:
        yield {"output_type": "display_data", "metadata": {}, "data": data}
