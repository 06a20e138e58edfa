"""The command `impact`: a verb is a few lines; errors are `where: what; repair`."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from impact.base.errors import BadInput, ImpactError, bad, did_you_mean
from impact.base.words import count, plain

if TYPE_CHECKING:
    from impact.case.folder import Case
    from impact.simulation import Run


class _Verbs(click.Group):
    """A group that prints errors, those of use too, as lines and ends with their status."""

    def make_context(self, *given: Any, **more: Any) -> click.Context:
        try:
            return super().make_context(*given, **more)
        except click.NoSuchOption as error:
            _wrong_use(error)

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except ImpactError as error:
            if context.params.get("debug"):
                raise
            _stop(error.exit_status, *map(str, error.faults))
        except click.UsageError as error:
            _wrong_use(error)
        except OSError as error:  # of a folder that is gone, a name too long, a disk that is full
            if context.params.get("debug") or error.errno == errno.EPIPE:
                raise
            told = f"{error.filename or 'impact'}: {error.strerror}; check path, rights and room"
            _stop(BadInput.exit_status, told)


def _stop(status: int, *told: str) -> NoReturn:
    """End with a status and what is wrong, each on a line."""
    for line in told:
        click.echo(" ".join(plain(line).split()), err=True)
    sys.exit(status)


def _wrong_use(error: click.UsageError) -> NoReturn:
    verb = error.ctx.command_path if error.ctx else "impact"
    told = f"{verb}: {error.format_message().rstrip('.')}; see {verb} --help"
    _stop(error.exit_code, told)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="breach-impact-kit", prog_name="impact")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """What a third-party breach means for you: evidence, exposure, loss, decisions."""


Verb = Callable[..., Any]
Option = Callable[[Verb], Verb]
_FILE, _THERE = click.Path(path_type=Path), click.Path(exists=True, path_type=Path)


def _text(name: str, told: str, **more: Any) -> Option:
    """An option that is a text, empty unless given."""
    return click.option(name, default="", help=told, **more)


def _file(name: str, told: str) -> Option:
    """An option that is a file or a folder to read."""
    return click.option(name, type=_THERE, help=told)


def _flag(name: str, told: str, *variable: str) -> Option:
    return click.option(name, *variable, is_flag=True, help=told)


def _usual(name: str, value: Any, told: str, **more: Any) -> Option:
    """An option with a value that it has unless given."""
    return click.option(name, default=value, show_default=True, help=told, **more)


def _noted(context: click.Context, option: click.Parameter, tlp: str) -> str:
    """A level as given; says that WHITE, as TLP 1.0 called it, is read as CLEAR."""
    if tlp.strip().lower().removeprefix("tlp:") == "white":
        click.echo("--tlp: WHITE is read as CLEAR, its name since TLP 2.0", err=True)
    return tlp


_CASE = click.argument("case")
_JSON = _flag("--json", "Print JSON.", "as_json")
_AS_OF = _text("--as-of", "A date or UTC time; empty is all that is known.")
_TLP = _text("--tlp", "TLP level; empty is the level of the case.", callback=_noted)
_VIEW = (
    _CASE,
    _usual("--scenario", "baseline", "Scenario of the case."),
    _AS_OF,
    _TLP,
    click.option(
        "--set",
        "changes",
        multiple=True,
        callback=lambda context, option, changes: "; ".join(changes),
        metavar="NAME=VALUE",
        help="Change an input to VALUE or LOW,MODE,HIGH; repeatable.",
    ),
    _usual("--draws", 10_000, "Number of draws."),
    _usual("--seed", 1, "Seed of the draws."),
)


def _on_view(verb: Verb) -> click.Command:
    """A verb that computes: CASE, and the options of a view of it."""
    for option in reversed(_VIEW):
        verb = option(verb)
    return main.command()(verb)


@main.command()
def cases() -> None:
    """List the cases; those with faults are named, and `impact check` says which."""
    from impact.case import folder

    faulty = []
    for name, home in folder.cases().items():
        case, faults = folder.read_case(home)
        if case:
            click.echo(plain(f"{name}: {case.title}. {case.question}"))
        else:
            faulty.append(f"{name}: has {count(len(faults), 'fault')}; see `impact check {name}`")
    if faulty:
        _stop(BadInput.exit_status, *faulty)


@main.command()
@_CASE
def check(case: str) -> None:
    """Check CASE, list all faults at once, and name inputs that newer claims outdate."""
    from impact.case import claim_checks, folder, ways

    home = folder.find_case(case)
    found, faults = folder.read_case(home)
    faults += [fault for one in (found.unusable if found else {}).values() for fault in one.faults]
    if faults or found is None:
        raise BadInput(faults)
    told = folder.notes(home, found)
    if rows := ways.giving_way(found.tables, found.defaults):
        told.append(f"links.csv: these defaults give way to links of your own: {', '.join(rows)}")
    for note in [*told, *map(str, claim_checks.outdated(found.tables))]:
        click.echo(plain(note), err=True)
    click.echo(plain(f"{found}\nno faults"))


@_on_view
@_flag("--year", "A year, with as many such events as it has.")
@_JSON
def show(as_json: bool, **options: Any) -> None:
    """Show exposure and losses of CASE."""
    from impact.cli import summary

    run = _run(**options)
    if as_json:
        _print_json(summary.record(run))
    else:
        click.echo(summary.text(run))


def _view(case: str, as_of: str, tlp: str, scenario: str = "", changes: str = "", **_: Any) -> Case:
    """The view of a case under the options of a verb."""
    from impact.case.folder import load_case
    from impact.case.views import view

    return view(load_case(case), scenario, as_of, tlp, changes)


def _run(draws: int, seed: int, year: bool = False, **options: Any) -> Run:
    """The run of such a view."""
    from impact.simulation import simulate, simulate_year

    return (simulate_year if year else simulate)(_view(**options), draws, seed)


def _print_json(record: dict[str, Any]) -> None:
    """Print JSON; amounts that are not in USD have `_amount` in place of `_usd` in their keys."""
    text = json.dumps(record, indent=1, allow_nan=False)
    if record.get("currency", "USD") != "USD":
        text = text.replace('_usd":', '_amount":')
    click.echo(text)


@_on_view
@_text("--to", "Only what this party can answer.", metavar="WHO")
def ask(to: str, **options: Any) -> None:
    """Print the questions of CASE that would settle most, as a mail."""
    from impact.cli import summary

    click.echo(summary.mail(_run(**options), to))


@main.command()
@_CASE
@_AS_OF
@_TLP
def forecast(**options: str) -> None:
    """Say what CASE may become: how many are known as hit in the end, by when, and what they lose.

    From what past events came to, and the counts of those hit that were known.
    """
    from impact.answers import forecast as outlooks
    from impact.base import words
    from impact.case.views import moment_of

    known = _view(**options)
    answer = outlooks.forecast(known)
    if not answer.there:
        raise bad("--as-of", answer.sentence.rstrip("."), "take a later day")
    click.echo(plain(f"{known.title}, as of {words.date(moment_of(known))}\n\n{answer}"))


@main.command()
@click.argument("folder", required=False, type=_THERE)
def score(folder: Path | None) -> None:
    """Say how forecasts of past events do, each made without the event itself.

    FOLDER holds classes.csv, incidents.csv and counts.csv; without it, the kit's data/reference.
    """
    from impact.answers import forecast as outlooks

    click.echo(str(outlooks.score(folder)))


@_on_view
@click.argument("name")
@_JSON
def why(name: str, as_json: bool, **options: Any) -> None:
    """Say how NAME, a party, number, input, claim or statement of CASE, comes about."""
    from impact.answers import why as explaining

    run = _run(**options)
    if as_json:
        _print_json(explaining.record(run, name))
    else:
        click.echo(plain("\n".join(explaining.why(run, name).lead)))


@_on_view
@click.option("--from", "first", required=True, metavar="DAY|SCENARIO", help="From which view.")
@click.option("--to", "last", required=True, metavar="DAY|SCENARIO", help="To which view.")
@_JSON
def diff(first: str, last: str, as_json: bool, **options: Any) -> None:
    """Say what became known or was changed from one view of CASE to another, and what it did."""
    from impact.answers import differences

    case = options["case"]
    scenarios = _view(case, "", options["tlp"]).scenarios
    ends = [_end(scenarios, *end) for end in (("--from", first), ("--to", last))]
    for option, usual in (("scenario", "baseline"), ("as_of", "")):
        if options[option] != usual and all(option in end for end in ends):
            name = option.replace("_", "-")
            raise bad(f"--{name}", "both ends say it already", "leave it out")
    one, other = (_run(**{**options, **end}) for end in ends)
    if as_json:
        _print_json({"currency": one.known.currency, **differences.record(one, other)})
        return
    if one.known.as_of != other.known.as_of:
        click.echo(f"{differences.news(one.known, other.known)}\n")
    click.echo(str(differences.waterfall(one, other)))


def _end(scenarios: Collection[str], where: str, end: str) -> dict[str, str]:
    """What one end of a difference says of its view: a scenario by name, else a day."""
    from impact.base import times

    if end in scenarios:
        return {"scenario": end}
    try:
        times.parse(end)
    except ValueError as error:
        repair = did_you_mean(end, list(scenarios), f"name a scenario of the case, or {error}")
        raise bad(where, f'"{end}" is neither a scenario nor a day', repair) from None
    return {"as_of": end}


@_on_view
@click.option("--to", "kind", required=True, type=click.Choice(["stix", "csv"]), help="What.")
@click.argument("path", type=_FILE)
def export(kind: str, path: Path, **options: Any) -> None:
    """Write a view of CASE to PATH: a STIX 2.1 bundle, or a folder of CSV tables and results."""
    from impact.answers import answers
    from impact.case import stix
    from impact.reports import export as exporting
    from impact.reports.files import write

    if not path.name or path.is_dir() != (kind == "csv" and path.exists()):
        raise bad("PATH", "is empty or of the other kind", "name a file for stix, a folder for csv")
    if kind == "csv":
        run = _run(**options)
        rows = exporting.write(run, answers(run), path)
        click.echo(f"{path}: {', '.join(f'{many} in {name}' for name, many in rows.items())}")
        return
    bundle = stix.bundle(_view(**options))
    write(path, stix.text(bundle))
    click.echo(f"{path}: {len(bundle['objects'])} objects; assumptions are not exported")


@_on_view
@_usual("--notebook", "00_brief", "A notebook, or all.")
@_usual("--out", "reports", "Folder for the reports.", type=_FILE)
@_usual("--jobs", 1, "Reports made at a time.")
@_text("--cluster", "Dask scheduler, tcp://HOST:PORT.", metavar="ADDRESS")
@_usual("--format", "html,ipynb", "html,ipynb,pdf,live")
@_usual("--timeout", 600, "Seconds for one report.")
@_flag("--now", "Count to this hour, not to that of the last run.")
@_flag("--sheet", "Add one A4 page for each view.")
def report(**options: Any) -> None:
    """Execute notebooks on CASE, write pages and an index; --scenario all takes every scenario."""
    from impact.reports import command

    lines, faults, exit_status = command.make(**options)
    for fault in faults:
        click.echo(plain(fault), err=True)
    click.echo(plain("\n".join(lines)))
    sys.exit(exit_status)


@main.command()
@click.argument("name")
@_file("--vendors", "A vendor inventory, as CSV.")
@_file("--scan", "Locks, SBOMs or a folder of them.")
@_file("--advisories", "Folder or zip of OSV or CVE.")
@click.option("--title", help="What happened; NAME unless given.")
@click.option("--day", help="Day of the breach, 2026-11-20; today unless given.")
@click.option("--currency", help="ISO 4217 code of all amounts; USD unless given.")
@click.option("--role", help="client, user, vendor, contractor; client unless given.")
def new(
    name: str, vendors: Path | None, scan: Path | None, advisories: Path | None, **about: str | None
) -> None:
    """Write a new case NAME from the template, with vendors and a scan of your own stack.

    On a terminal it asks for title, day, currency and role where they are not given.
    """
    from impact.cli import drafts

    given = {key: value for key, value in about.items() if value is not None}
    if sys.stdin.isatty() and sys.stdout.isatty():
        drafts.checked(name, given)
        given = {key: given.get(key) or _asked(name, key) for key in _ASKED}
    click.echo(plain("\n".join(drafts.new(name, vendors, scan, advisories, given))))


def _asked(name: str, key: str) -> str:
    """What the terminal answers to a question of `impact new`; it is asked until that will do."""
    from impact.cli import drafts

    def checked(text: str) -> str:
        try:
            drafts.checked(name, {key: text})
        except ImpactError as error:
            raise click.UsageError(error.faults[0].what + "; " + error.faults[0].repair) from None
        return text

    usual = drafts.usual(name)[key]
    return str(click.prompt(_ASKED[key], default=usual, value_proc=checked))


_ASKED = {
    "title": "Title of the case",
    "day": "Day of the breach",
    "currency": "Currency of all amounts",
    "role": "Your role (client of the vendor, user of the package, vendor, contractor)",
}


@main.command()
@click.argument("paths", nargs=-1, type=_THERE)
@_text("--case", "Case that gives the windows and the advisories.")
@_file("--advisories", "Folder or zip of OSV or CVE.")
@_text("--as-of", "What could have been said at that date or UTC time.")
@_flag("--history", "Read what git keeps of each lock.")
@_file("--installs", "CSV of installs or CI runs.")
@_text("--constraint", "Does this proposed fix exclude it?", metavar="SPEC")
@_flag("--hunt", "Print what to rotate and to look for.")
@_JSON
@click.option("--vex", type=_FILE, help="Write OpenVEX to this file.")
def scan(paths: tuple[Path, ...], **options: Any) -> None:
    """Was a malicious version installed while it was available? Reads locks, SBOMs and git."""
    from impact.cli import scan_report

    lines, exit_status = scan_report.command(paths, **options)
    for line in lines:
        click.echo(plain(line))
    sys.exit(exit_status)


@main.command()
@click.argument("path", type=_THERE)
@_text("--case", "The case or its folder, where it is no bundled one.")
@_usual("--jobs", 1, "Reports made at a time.", type=click.IntRange(1))
@_JSON
def verify(path: Path, case: str, jobs: int, as_json: bool) -> None:
    """Run the report of a page, or all of a folder, again and name what differs."""
    from impact.reports import verify as verifying

    verdicts = verifying.verify(path, case, jobs)
    if as_json:
        _print_json(verifying.record(verdicts))
    else:
        click.echo(plain("\n".join(map(str, verdicts))))
    sys.exit(int(any(verdict.differences for verdict in verdicts)))
