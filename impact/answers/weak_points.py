"""What exposure hangs on: who is exposed together, which link matters, what all ways pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from impact import words
from impact.answers.answer import Answer, Figure
from impact.answers.exposure import travelled, undrawn
from impact.answers.provenance import names, quoted
from impact.case import checks, views
from impact.case.ways import ROOT
from impact.errors import bad, did_you_mean
from impact.numerics import graph, measures
from impact.simulation import Run, per_run

if TYPE_CHECKING:
    import altair as alt

_PARTIES = ("lab", "client")


def parties(run: Run) -> list[str]:
    """Ids of the client parties that the event can reach, in order."""
    rows = run.known.rows("entities")
    return sorted(e for e in run.reached if rows[e]["kind"] in _PARTIES)


def _reachable(run: Run) -> list[str]:
    """Ids of the client parties to which a link leads, whatever is drawn."""
    rows, ends = run.known.rows("entities"), {edge.target for edge in run.edges}
    return sorted(e for e in ends if rows[e]["kind"] in _PARTIES)


def co_exposure(run: Run, *entities: str) -> Answer:
    """How likely several are reached together: at least one, two, ... all of them.

    All client parties whose reach is drawn, or those named. Table: `at_least`, `chance`,
    `chance_error`, `apart_chance` (were they independent, each with its own chance). Raises
    BadInput for an entity that the view does not know.
    """
    known, said = run.known.rows("entities"), names(run.known)
    for entity in entities:
        if entity not in known:
            raise bad("entity", f'no "{entity}"', did_you_mean(entity, list(known), "name one"))
    sure = undrawn(run)
    chosen = list(dict.fromkeys(entities)) or [e for e in parties(run) if e not in sure]
    mark = run.lineage.label(*entities or _reachable(run))
    masks = [run.reached.get(entity, 0) for entity in chosen]
    apart = _independent([mask.bit_count() / run.draws for mask in masks])
    rows = []
    for k in range(1, len(chosen) + 1):
        hits = graph.at_least(masks, k, run.draws)
        found = _share(run, hits)
        rows.append((k, found.value, found.error, apart[k], f"{k} or more"))
    frame = pl.DataFrame(rows, schema=_TOGETHER, orient="row")
    listed = words.listed([said[entity] for entity in chosen])
    sentence = "No client party can be reached in this view."
    if len(rows) > 1:
        sentence = (
            f"Of {listed}, {'both' if len(rows) == 2 else f'all {len(rows)}'} are reached in"
            f" {words.per_cent(rows[-1][1])} of the draws; if independent, in"
            f" {words.per_cent(rows[-1][3])}."
        )
    elif rows:
        sentence = (
            f"{words.capital(listed)} is reached in {words.per_cent(rows[0][1])} of the draws."
        )
    elif ends := parties(run):
        listed = words.listed([said[entity] for entity in ends])
        sentence = f"Reached in every draw, so that nothing is drawn of it: {listed}."
    return Answer(
        name="co_exposure",
        sentence=sentence,
        table=frame,
        quotes=quoted(run.known, "entities"),
        heads={
            "said": "Reached together",
            "chance": "How likely",
            "apart_chance": "If independent",
        },
        figures=tuple(
            Figure(f"at_least.{k}", value, error, "chance", words.chance(value), mark)
            for k, value, error, _, _ in rows
        ),
        notes=(
            "Chances are assumed: they follow from the kit's inputs. Parties are reached together"
            " more often than by chance because one breach opens the way to all.",
        )
        if rows
        else (),
        notices=tuple(views.notices(run.known)),
    )


_TOGETHER = {
    "at_least": pl.Int64,
    **dict.fromkeys(("chance", "chance_error", "apart_chance"), pl.Float64),
    "said": pl.String,
}


def _share(run: Run, mask: int) -> measures.Measure:
    """Share of the draws of a mask; between replicates where the draws have some."""
    if run.replicates == 1:
        return measures.share(mask.bit_count(), run.draws)
    parts = graph.unpack(mask, run.draws).reshape(run.replicates, -1).mean(axis=1)
    return measures.over_replicates(parts.tolist(), mask.bit_count() / run.draws)


def _independent(chances: list[float]) -> list[float]:
    """Chance of at least 0, 1, ... all, for independent chances (Poisson binomial)."""
    exactly = [1.0]
    for chance in chances:
        grown = [*exactly, 0.0]
        exactly = [
            grown[k] * (1 - chance) + (grown[k - 1] * chance if k else 0.0)
            for k in range(len(grown))
        ]
    return [sum(exactly[k:]) for k in range(len(exactly))]


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
        quotes=quoted(run.known, "entities"),
        heads={
            "link_said": "Link",
            "saved_said": "Parties spared, mean",
            "carries_said": "Its end carries harm on in",
            "all_pass": "Every way passes its end, to",
        },
        figures=tuple(
            Figure(f"saved.{row['link']}", row["saved"], row["saved_error"], "count",
                   words.number(row["saved"], 2), row["label"])
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
    ways = {end: run.lineage.ways[end] for end in _reachable(run)}
    rows = []
    for edge in run.edges:
        spared = [
            run.reached[end] & ~lost[edge.name][end] for end in ends if end in lost[edge.name]
        ]
        own = edge.target in ends and run.model.terms[edge.name] == (checks.CERTAIN,)
        if not any(spared) or own:
            continue  # what belongs to a party is no link to cut
        number = sum(graph.unpack(mask, run.draws).astype(float) for mask in spared)
        found = measures.mean(number, run.replicates)  # type: ignore[arg-type]
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
                "label": run.lineage.label(*(end for end in ways if edge.name in ways[end])),
            }
        )
    return sorted(rows, key=lambda row: (-row["saved"], row["link"]))
