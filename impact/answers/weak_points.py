"""What exposure depends on: which link matters, what all ways pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from impact import words
from impact.answers.answer import Answer, Figure
from impact.answers.exposure import PARTIES, travelled
from impact.answers.provenance import names
from impact.case import checks, views
from impact.case.ways import ROOT
from impact.numerics import graph, measures
from impact.simulation import Run, per_run

if TYPE_CHECKING:
    import altair as alt


def parties(run: Run) -> list[str]:
    """Ids of the client parties that the event can reach, in order."""
    rows = run.known.rows("entities")
    return sorted(e for e in run.reached if rows[e]["kind"] in PARTIES)


@per_run
def weak_points(run: Run) -> Answer:
    """What to cut: for each link, how many client parties would on average not be reached.

    Each link alone is taken away, on the same draws. Table: `link`, `source`, `target`, `saved`
    (mean number of parties no longer reached), `saved_error`, `carries_share` (share of the draws
    in which the link's target stands on a way to a party), `all_pass` (parties to which every way
    passes the target), the link that saves most first.
    """
    said, ends = names(run.known), parties(run)
    rows = _cut(run, ends, said) if run.reached and ends else []
    frame = pl.DataFrame(rows, schema=_CUTS, orient="row")

    def draw() -> alt.TopLevelMixin:
        from impact.charts import pictures

        top = frame.head(10).select(label="link_said", value=pl.col("saved") / len(ends))
        return pictures.bars(top, "share of the client parties no longer reached, mean")

    sentence = "No link can be cut that would keep a client party from being reached."
    if rows:
        first = rows[0]
        sentence = (
            f"The link to cut first is {first['link_said']}: of"
            f" {words.count(len(ends), 'client party', 'client parties')} that can be reached it"
            f" would spare {words.number(first['saved'], 2)} on average."
        )
    return Answer(
        name="weak_points",
        sentence=sentence,
        table=frame,
        label=run.known.label,
        heads={
            "link_said": "Link",
            "saved_said": "Parties spared, mean",
            "carries_said": "Its end carries harm on in",
            "all_pass": "Every way passes its end, to",
        },
        figures=tuple(
            Figure(f"saved.{row['link']}", row["saved"], row["saved_error"], "count",
                   words.number(row["saved"], 2))
            for row in rows
        ),
        notes=(
            "What is reported cannot be cut any more; it is listed to show where it was decided.",
        )
        if rows
        else (),
        notices=tuple(views.notices(run.known)),
        draw=draw if frame.height > 1 else None,
    )  # fmt: skip


_CUTS = {
    **dict.fromkeys(("link", "source", "target", "link_said"), pl.String),
    **dict.fromkeys(("saved", "saved_error", "carries_share"), pl.Float64),
    **dict.fromkeys(("saved_said", "carries_said", "all_pass"), pl.String),
}


def _cut(run: Run, ends: list[str], said: dict[str, str]) -> list[dict[str, Any]]:
    lost = graph.cuts(run.model.net, run.on, run.reached)
    carried = graph.carried(run.model.net, run.on, run.reached, ends)
    passed = graph.dominators(graph.net(travelled(run), ROOT))
    rows = []
    for edge in run.edges:
        spared = [
            run.reached[end] & ~lost[edge.name][end] for end in ends if end in lost[edge.name]
        ]
        own = edge.target in ends and run.model.terms[edge.name] == (checks.CERTAIN,)
        if not any(spared) or own:
            continue  # what belongs to a party is no link to cut
        number = sum(graph.unpack(mask, run.draws).astype(float) for mask in spared)
        found = measures.mean(number)  # type: ignore[arg-type]
        carries = carried.get(edge.target, 0).bit_count() / run.draws
        every = [said[end] for end in ends if edge.target in passed.get(end, ())]
        rows.append(
            {
                "link": edge.name,
                "source": edge.source,
                "target": edge.target,
                "link_said": f"{said[edge.source]} > {said[edge.target]}",
                "saved": found.value,
                "saved_error": found.error,
                "carries_share": carries,
                "carries_said": f"{words.per_cent(carries)} of draws",
                "saved_said": words.number(found.value, 2),
                "all_pass": words.listed(every) or "–",
            }
        )
    return sorted(rows, key=lambda row: (-row["saved"], row["link"]))
