"""The command `impact`: a verb is a few lines; errors are `where: what; repair`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from impact.base.errors import ImpactError, bad, did_you_mean
from impact.base.words import plain

if TYPE_CHECKING:
    from impact.case.folder import Case

_VIEW = (
    click.option("--scenario", default="baseline", show_default=True, help="Scenario of the case."),
    click.option("--as-of", default="", help="A date or UTC time; empty is all that is known."),
    click.option("--tlp", default="", help="TLP level; empty is the level of the case."),
    click.option(
        "--set",
        "changes",
        multiple=True,
        metavar="NAME=VALUE",
        help="Change an input to VALUE or LOW,MODE,HIGH; repeatable.",
    ),
    click.option("--draws", default=10_000, show_default=True, help="Number of draws."),
    click.option("--seed", default=1, show_default=True, help="Seed of the draws."),
)


def view_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that every verb that computes has."""
    for option in reversed(_VIEW):
        command = option(command)
    return command


class _Verbs(click.Group):
    """A group that prints the kit's errors as lines and ends with their status."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except ImpactError as error:
            if context.params.get("debug"):
                raise
            for fault in error.faults:
                click.echo(" ".join(plain(str(fault)).split()), err=True)
            sys.exit(error.exit_status)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="breach-impact-kit", prog_name="impact")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """What a third-party breach means for you: evidence, exposure, loss, decisions."""


@main.command()
def cases() -> None:
    """List the cases."""
    from impact.case.folder import cases as every_case
    from impact.case.folder import load_case

    for name, home in every_case().items():
        case = load_case(home)
        click.echo(f"{name}: {case.title}. {case.question}")


@main.command()
@click.argument("case")
def check(case: str) -> None:
    """Check CASE, list all faults at once, and name inputs that newer claims outdate."""
    from impact.base.errors import BadInput
    from impact.case import claim_checks
    from impact.case.folder import find_case, notes, read_case

    home = find_case(case)
    found, faults = read_case(home)
    faults += [fault for one in (found.unusable if found else {}).values() for fault in one.faults]
    if faults or found is None:
        raise BadInput(faults)
    for note in [
        *notes(home, found),
        *_given_way(found),
        *map(str, claim_checks.outdated(found.tables)),
    ]:
        click.echo(plain(note), err=True)
    click.echo(f"{found}\nno faults")


def _given_way(case: Case) -> list[str]:
    """What to say of links on defaults that give way to others of a case."""
    from impact.case.ways import giving_way

    found = ", ".join(giving_way(case.tables, case.defaults))
    return [f"links.csv: these defaults give way to links of your own: {found}"] if found else []


@main.command()
@click.argument("case")
@view_options
@click.option("--year", is_flag=True, help="A year, with as many such events as it has.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(case: str, year: bool, as_json: bool, draws: int, seed: int, **view: Any) -> None:
    """Show exposure and losses of CASE."""
    from impact.cli import summary
    from impact.simulation import simulate, simulate_year

    known = _view(case, view)
    run = simulate_year(known, draws, seed) if year else simulate(known, draws, seed)
    if as_json:
        _print_json(summary.record(run))
    else:
        click.echo(summary.text(run))


def _view(case: str, options: dict[str, Any]) -> Case:
    """The view of a case under the options of a verb."""
    from impact.case.folder import load_case
    from impact.case.views import view

    _note_white(options["tlp"])
    options["changes"] = "; ".join(options["changes"])
    return view(load_case(case), **options)


def _note_white(tlp: str) -> None:
    """Say that WHITE, as TLP 1.0 called it, is read as CLEAR."""
    if tlp.strip().lower().removeprefix("tlp:") == "white":
        click.echo("--tlp: WHITE is read as CLEAR, its name since TLP 2.0", err=True)


def _print_json(record: dict[str, Any]) -> None:
    click.echo(json.dumps(record, indent=1, allow_nan=False))


@main.command()
@click.argument("case")
@click.option("--to", default="", metavar="WHO", help="Only what this party can answer.")
@view_options
def ask(case: str, to: str, draws: int, seed: int, **view: Any) -> None:
    """Print the questions of CASE that would settle most, as a mail."""
    from impact.cli import summary
    from impact.simulation import simulate

    click.echo(summary.mail(simulate(_view(case, view), draws, seed), to))


@main.command()
@click.argument("case")
@click.option("--as-of", default="", help="A date or UTC time; empty is all that is known.")
@click.option("--tlp", default="", help="TLP level; empty is the level of the case.")
def forecast(case: str, **view: str) -> None:
    """Say what CASE may become: how many are known as hit in the end, by when, and what they lose.

    From what past events came to, and the counts of those hit that were known.
    """
    from impact.answers import forecast as outlooks
    from impact.base import words
    from impact.case.views import now

    known = _view(case, {**view, "changes": ()})
    answer = outlooks.forecast(known)
    if not answer.there:
        raise bad("--as-of", answer.sentence.rstrip("."), "take a later day")
    click.echo(f"{known.title}, as of {words.date(now(known))}\n\n{answer}")


@main.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
def score(folder: Path | None) -> None:
    """Say how forecasts of past events do, each made without the event itself.

    FOLDER holds classes.csv, incidents.csv and counts.csv; without it, the kit's data/reference.
    """
    from impact.answers import forecast as outlooks

    click.echo(str(outlooks.score(folder)))


@main.command()
@click.argument("case")
@click.argument("name")
@view_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def why(case: str, name: str, as_json: bool, draws: int, seed: int, **view: Any) -> None:
    """Say how NAME, a party, number, input, claim or statement of CASE, comes about."""
    from impact.answers import why as explaining
    from impact.simulation import simulate

    run = simulate(_view(case, view), draws, seed)
    if as_json:
        _print_json(explaining.record(run, name))
    else:
        click.echo(plain("\n".join(explaining.why(run, name).lead)))


@main.command()
@click.argument("case")
@click.option("--from", "first", required=True, metavar="DAY|SCENARIO", help="From which view.")
@click.option("--to", "last", required=True, metavar="DAY|SCENARIO", help="To which view.")
@view_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def diff(
    case: str, first: str, last: str, as_json: bool, draws: int, seed: int, **view: Any
) -> None:
    """Say what became known or was changed from one view of CASE to another, and what it did."""
    from impact.answers import differences
    from impact.cli import summary
    from impact.simulation import simulate

    ends = [_end(case, where, end) for where, end in (("--from", first), ("--to", last))]
    for option, given in (("scenario", view["scenario"] != "baseline"), ("as_of", view["as_of"])):
        if given and all(option in end for end in ends):
            name = option.replace("_", "-")
            raise bad(f"--{name}", "both ends say it already", "leave it out")
    one, other = (simulate(_view(case, {**view, **end}), draws, seed) for end in ends)
    if as_json:
        currency = one.known.currency
        found = {"currency": currency, **differences.record(one, other)}
        _print_json(summary.in_currency(found, currency))
        return
    if one.known.as_of != other.known.as_of:
        click.echo(f"{differences.news(one.known, other.known)}\n")
    click.echo(str(differences.waterfall(one, other)))


def _end(case: str, where: str, end: str) -> dict[str, str]:
    """What one end of a difference says of its view: a scenario by name, else a day."""
    from impact.base import times
    from impact.case.folder import load_case

    scenarios = load_case(case).scenarios
    if end in scenarios:
        return {"scenario": end}
    try:
        times.parse(end)
    except ValueError as error:
        repair = did_you_mean(end, list(scenarios), f"name a scenario of the case, or {error}")
        raise bad(where, f'"{end}" is neither a scenario nor a day', repair) from None
    return {"as_of": end}


@main.command()
@click.argument("case")
@click.option("--to", "kind", required=True, type=click.Choice(["stix", "csv"]), help="What.")
@click.argument("path", type=click.Path(path_type=Path))
@view_options
def export(case: str, kind: str, path: Path, draws: int, seed: int, **view: Any) -> None:
    """Write a view of CASE to PATH: a STIX 2.1 bundle, or a folder of CSV tables and results."""
    from impact.answers import answers
    from impact.case import stix
    from impact.reports import export as exporting
    from impact.reports.files import write
    from impact.simulation import simulate

    if not path.name or path.is_dir() != (kind == "csv" and path.exists()):
        raise bad("PATH", "is empty or of the other kind", "name a file for stix, a folder for csv")
    known = _view(case, view)
    if kind == "csv":
        run = simulate(known, draws, seed)
        rows = exporting.write(run, answers(run), path)
        click.echo(f"{path}: {', '.join(f'{many} in {name}' for name, many in rows.items())}")
        return
    bundle = stix.bundle(known)
    write(path, stix.text(bundle))
    click.echo(f"{path}: {len(bundle['objects'])} objects; assumptions are not exported")


@main.command()
@click.argument("case")
@view_options
@click.option("--notebook", default="00_brief", show_default=True, help="A notebook, or all.")
@click.option("--out", default="reports", show_default=True, help="Folder for the reports.")
@click.option("--jobs", default=1, show_default=True, help="Reports made at a time.")
@click.option("--cluster", default="", metavar="ADDRESS", help="Dask scheduler, tcp://HOST:PORT.")
@click.option(
    "--format", "kinds", default="html,ipynb", show_default=True, help="html,ipynb,pdf,live"
)
@click.option("--timeout", default=600, show_default=True, help="Seconds for one report.")
@click.option("--now", is_flag=True, help="Count to this hour, not to that of the last run.")
@click.option("--sheet", is_flag=True, help="Add one A4 page for each view.")
def report(
    case: str,
    notebook: str,
    out: str,
    jobs: int,
    cluster: str,
    kinds: str,
    timeout: int,
    now: bool,
    sheet: bool,
    **view: Any,
) -> None:
    """Execute notebooks on CASE, write pages and an index; --scenario all takes every scenario."""
    from impact.case.folder import load_case
    from impact.reports import command

    _note_white(view["tlp"])
    view["changes"] = "; ".join(view["changes"])
    told = command.make(
        case, notebook, Path(out), jobs, cluster, kinds, timeout, now=now, sheets=sheet, **view
    )
    for one in load_case(case).unusable.values():
        click.echo(plain(str(one)), err=True)
    for fault in told.faults:
        click.echo(plain(str(fault)), err=True)
    click.echo(plain("\n".join(told.lines)))
    sys.exit(told.exit_status)


@main.command()
@click.argument("name")
@click.option("--vendors", type=click.Path(path_type=Path), help="A vendor inventory, as CSV.")
@click.option("--scan", type=click.Path(path_type=Path), help="Locks, SBOMs or a folder of them.")
@click.option("--advisories", type=click.Path(path_type=Path), help="Folder or zip of OSV or CVE.")
@click.option("--title", default=None, help="What happened; NAME unless given.")
@click.option("--day", default=None, help="Day of the breach, 2026-11-20; today unless given.")
@click.option("--currency", default=None, help="ISO 4217 code of all amounts; USD unless given.")
@click.option("--role", default=None, help="client, user, vendor, contractor; client unless given.")
def new(
    name: str, vendors: Path | None, scan: Path | None, advisories: Path | None, **about: str | None
) -> None:
    """Write a new case NAME from the template, with vendors and a scan of your own stack.

    On a terminal it asks for title, day, currency and role where they are not given.
    """
    from impact.cli import drafts

    given = {key: value for key, value in about.items() if value is not None}
    drafts.checked(name, given)
    if sys.stdin.isatty() and sys.stdout.isatty():
        for key, usual in drafts.usual(name).items():
            if key not in given:
                given[key] = _asked(name, key, usual)
    click.echo(plain("\n".join(drafts.new(name, vendors, scan, advisories, given))))


def _asked(name: str, key: str, usual: str) -> str:
    """What the terminal answers to a question of `impact new`; it is asked until that will do."""
    from impact.cli import drafts

    def checked(text: str) -> str:
        try:
            drafts.checked(name, {key: text})
        except ImpactError as error:
            raise click.UsageError(error.faults[0].what + "; " + error.faults[0].repair) from None
        return text

    answer: str = click.prompt(_ASKED[key], default=usual, value_proc=checked)
    return answer


_ASKED = {
    "title": "Title of the case",
    "day": "Day of the breach",
    "currency": "Currency of all amounts",
    "role": "Your role (client of the vendor, user of the package, vendor, contractor)",
}


@main.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--case", default="", help="Case that gives the windows and the advisories.")
@click.option("--advisories", type=click.Path(path_type=Path), help="Folder or zip of OSV or CVE.")
@click.option("--as-of", default="", help="What could have been said at that date or UTC time.")
@click.option("--history", is_flag=True, help="Read what git keeps of each lock.")
@click.option("--installs", type=click.Path(path_type=Path), help="CSV of installs or CI runs.")
@click.option("--constraint", default="", metavar="SPEC", help="Does this proposed fix exclude it?")
@click.option("--hunt", is_flag=True, help="Print what to rotate and to look for.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
@click.option("--vex", type=click.Path(path_type=Path), help="Write OpenVEX to this file.")
def scan(paths: tuple[Path, ...], vex: Path | None, **options: Any) -> None:
    """Was a malicious version installed while it was available? Reads locks, SBOMs and git."""
    from impact.cli import scan_report
    from impact.reports.files import write

    lines, document, exit_status = scan_report.command(paths, **options)
    if vex is not None:
        write(vex, document())
    for line in lines:
        click.echo(plain(line))
    sys.exit(exit_status)


@main.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--case", default="", help="The case or its folder, where it is no bundled one.")
@click.option("--jobs", default=1, show_default=True, help="Reports run at a time.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(path: Path, case: str, jobs: int, as_json: bool) -> None:
    """Run the report of a page, or all of a folder, again and name what differs."""
    from impact.reports import verify as verifying

    verdicts = verifying.verify(path, case, jobs)
    same = not any(verdict.differences for verdict in verdicts)
    if as_json:
        _print_json(verifying.record(verdicts))
    else:
        click.echo(plain("\n".join(map(str, verdicts))))
    sys.exit(0 if same else 1)
