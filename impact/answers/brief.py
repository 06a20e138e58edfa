"""The bottom line in three sentences, made of the other answers."""

from __future__ import annotations

import polars as pl

from impact import words
from impact.answers.answer import Answer
from impact.answers.decisions import decisions
from impact.answers.exposure import client_data_reached, established, related
from impact.answers.losses import losses
from impact.answers.positions import reported, told
from impact.answers.provenance import names
from impact.answers.unknowns import first_question
from impact.case import views
from impact.case.views import now
from impact.simulation import Run


def bottom_line(run: Run) -> Answer:
    """What happened and how sure it is, what it may cost whom, and what to do and ask first.

    The table holds the sentences, one a row: `about`, `says`.
    """
    cost, best = losses(run), decisions(run, most=1)
    rows = [
        ("What happened", f"{_happened(run)}; {client_data_reached(run)}."),
        ("What it may cost", cost.sentence),
        ("What to do", f"{best.sentence.rstrip('.')}; {first_question(run)}"),
    ]
    schema = {"about": pl.String, "says": pl.String}
    moment = now(run.known)
    notes = [*views.notices(run.known), f"As known on {words.date(moment)}."]
    return Answer(
        name="bottom_line",
        sentence=rows[0][1],
        table=pl.DataFrame(rows, schema=schema, orient="row"),
        label=run.known.label,
        heads={"about": "In short", "says": "Finding"},
        notes=tuple(note for note in notes if note),
    )


def _happened(run: Run) -> str:
    """What is reported of the vendors reached and of what their clients do, by whom and when."""
    known, said = run.known, names(run.known)
    supply = related(known, "supplies")
    hit = sorted(set(supply) & established(run))
    clients = {client for vendor in hit for client in supply[vendor]}
    first = [vendor for vendor in hit if vendor not in clients]  # not those reached as clients
    claims = [claim for vendor in first for claim in reported(known, vendor, most=2)[-1:]]
    if len(clients) <= _TOLD_APART:  # of more, what follows says how many
        claims += [claim for client in sorted(clients) for claim in reported(known, client, most=1)]
    if claims:
        return told(known, claims)
    releases = known["entities"].filter(pl.col("kind") == "release")["id"]
    bad = [said[name] for name in releases if name in established(run)]
    if bad:
        return f"Known to be bad: {words.listed(bad)}"
    suspect = [vendor for vendor in sorted(supply) if run.reached.get(vendor)]
    claims = [claim for vendor in suspect for claim in reported(known, vendor, most=1)]
    if claims:
        return told(known, claims)
    stated = known["claims"].filter(pl.col("stance") == "asserts")
    if stated.height:  # whatever its words, no sentence denies what is claimed
        best = stated.sort("credibility", "known_on", "id", descending=[False, True, False])
        return told(known, best.head(2).to_dicts())
    if known.left_out:
        return "Nothing of the event stands at this level"
    return "Nothing of the event is recorded yet"


_TOLD_APART = 6  # clients up to which it is told what each does
