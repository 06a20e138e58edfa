"""One function per picture: a frame of what is drawn in, a chart out. Nothing else is embedded."""

from __future__ import annotations

import textwrap
from datetime import datetime, timedelta
from typing import Any

import altair as alt
import polars as pl

from impact import words
from impact.charts.theme import BLUE, GREEN, INK, ORANGE, PURPLE, RED, SKY, SOFT, Rows

_STAGES = {
    "access": RED,
    "theft": PURPLE,
    "extortion": ORANGE,
    "response": BLUE,
    "aftermath": GREEN,
}
_SHAPES = {  # colour is never the only carrier
    "access": "circle",
    "theft": "square",
    "extortion": "triangle-up",
    "response": "diamond",
    "aftermath": "cross",
}
_UTC = alt.Scale(type="utc")


def _texts(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame; instants as ISO text in UTC."""
    instants = [name for name, dtype in frame.schema.items() if dtype.is_temporal()]
    texts = frame.with_columns(pl.col(instants).dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    return texts.to_dicts()


def _values(frame: pl.DataFrame) -> alt.InlineData:
    """The rows of a frame as inline data, without polars' dtypes."""
    return alt.InlineData(values=Rows(_texts(frame)))  # type: ignore[arg-type]


def _lines(text: str, width: int, most: int = 2) -> list[str]:
    """Text in at most so many lines of a width."""
    return textwrap.wrap(text, width, max_lines=most, placeholder=" …") or [""]


def timeline(
    events: pl.DataFrame, windows: pl.DataFrame, by_stage: bool = False
) -> alt.TopLevelMixin:
    """Events, filled when they happened and ringed when first reported, over the bad windows.

    `events`: `happened_on`, `reported_on`, `stage`, `says`. `windows`: `release`, `account`,
    `minutes`, `opens`, `closes`, the best supported account of a release first; one still open is
    drawn as two hours. `by_stage` gives each part of the incident a panel of its own.
    """
    told = pl.Series([_lines(text, 55, 1)[0] for text in events["says"]], dtype=pl.String)
    rows = events.with_columns(says=told).with_row_index("order")
    shown = [stage for stage in _STAGES if stage in set(events["stage"])]
    panels = [rows.filter(pl.col("stage") == stage) for stage in shown] if by_stage else [rows]
    ends = _texts(rows.select("happened_on", "reported_on"))
    days = sorted(day for row in ends for day in row.values() if day)
    scale = alt.Scale(type="utc", domain=[days[0], days[-1]], nice=True)
    charts: list[Any] = []
    for stage, panel in zip(shown if by_stage else [""], panels, strict=True):
        drawn = _happened(panel, scale, shown, not by_stage or stage == shown[-1])
        charts.append(drawn.properties(title=stage) if stage else drawn)
    if windows.height:
        charts.append(_windows(windows))
    if len(charts) == 1:
        return charts[0]  # type: ignore[no-any-return]
    stacked = alt.vconcat(*charts, spacing=8 if by_stage else 22)
    whole: alt.VConcatChart = stacked.resolve_scale(shape="independent", color="independent")
    return whole


def _happened(
    rows: pl.DataFrame, scale: alt.Scale, stages: list[str], last: bool
) -> alt.HConcatChart:
    """Events as a list of texts with their days beside it; `last` has the axis."""
    hidden = alt.Axis(labels=False, ticks=False, domain=False)
    y = alt.Y("order:O", sort="ascending", title=None, axis=hidden)
    base = alt.Chart(_values(rows)).encode(y=y)
    title = ["Date (UTC)", "filled: happened, ring: first reported"] if last else None
    axis = alt.Axis(format="%-d %b", tickCount=4, title=title, labels=last, ticks=last)
    x = alt.X("happened_on:T", scale=scale, axis=axis)
    colours = alt.Scale(domain=stages, range=[_STAGES[stage] for stage in stages])
    legend = alt.Legend(title=None) if last and rows["stage"].n_unique() > 1 else None
    colour = alt.Color("stage:N", scale=colours, legend=legend)
    shapes = alt.Scale(domain=stages, range=[_SHAPES[stage] for stage in stages])
    shape = alt.Shape("stage:N", scale=shapes, legend=legend)
    size: dict[str, Any] = {"height": alt.Step(21)}
    text = base.mark_text(align="left", baseline="middle", fontSize=11)
    text = text.encode(x=alt.value(0), text="says:N").properties(width=340, **size)
    spans = base.mark_rule(strokeWidth=2, color=SOFT).encode(x=x, x2="reported_on:T")
    happened = base.mark_point(filled=True, size=65, opacity=1).encode(
        x=x, color=colour, shape=shape
    )
    ring = base.mark_point(filled=False, size=65, strokeWidth=1.5)
    day = alt.X("reported_on:T", scale=scale, axis=axis)
    reported = ring.encode(x=day, color=colour, shape=shape)
    dots = alt.layer(spans, happened, reported).properties(width=270, **size)
    return alt.hconcat(text, dots, spacing=6)


def _windows(windows: pl.DataFrame) -> alt.HConcatChart:
    """One bar for each account of when a release was available, the best supported solid."""
    unended = pl.when(pl.col("minutes").is_null()).then(pl.lit("end not known"))
    short = pl.col("minutes").round(0).cast(pl.Int64).cast(pl.String) + " minutes"
    days = (pl.col("minutes") / 1440).round(0).cast(pl.Int64).cast(pl.String) + " days"
    length = unended.when(pl.col("minutes") < 2 * 1440).then(short).otherwise(days)
    best = pl.int_range(pl.len()).over("release") == 0
    kinds = {"best supported": RED, "another account": SKY, "end not known": ORANGE}
    rows = windows.with_columns(
        closes=pl.col("closes").fill_null(pl.col("opens").dt.offset_by("2h")),
        kind=pl.when(pl.col("minutes").is_null()).then(pl.lit("end not known"))
        .when(best).then(pl.lit("best supported")).otherwise(pl.lit("another account")),
        label=pl.concat_str("release", pl.lit(": "), length, pl.lit(", "), "account"),
        order=pl.int_range(pl.len()),
    )  # fmt: skip
    longest: timedelta | None = rows.select((pl.col("closes") - pl.col("opens")).max()).item()
    wide = longest is not None and longest > timedelta(days=2)
    title = "When it was available or used (UTC)"
    if not wide:
        title = f"When it was available, {rows['opens'][0]:%-d %B %Y} (UTC)"
    axis = alt.Axis(format="%-d %b" if wide else "%H:%M", tickCount=8)
    there = [kind for kind in kinds if kind in set(rows["kind"])]
    hidden = alt.Axis(labels=False, ticks=False, domain=False)
    base = alt.Chart(_values(rows)).encode(y=alt.Y("order:O", title=None, axis=hidden))
    text = base.mark_text(align="left", baseline="middle", fontSize=11)
    text = text.encode(x=alt.value(0), text="label:N").properties(width=340, height=alt.Step(20))
    colours = alt.Scale(domain=there, range=[kinds[kind] for kind in there])
    bars = base.mark_bar(size=12).encode(
        x=alt.X("opens:T", scale=_UTC, title=title, axis=axis),
        x2="closes:T",
        color=alt.Color("kind:N", scale=colours, legend=alt.Legend(title=None)),
    )
    return alt.hconcat(text, bars.properties(width=270, height=alt.Step(20)), spacing=6)


def paths(nodes: pl.DataFrame, edges: pl.DataFrame) -> alt.TopLevelMixin:
    """The ways from the event to the parties, top to bottom; reported solid, assumed dashed.

    `nodes`: `id`, `name`, `said` (the chance in words), `layer`, `chance`. `edges`: `source`,
    `target`, `basis` (reported or assumed). A mark keeps the id as what it is `about`.
    """
    placed = _place(nodes, edges)
    spots = {row["id"]: row for row in placed.iter_rows(named=True)}
    lines = [
        {
            **{"x": spots[source]["x"], "y": spots[source]["layer"], "basis": basis},
            **{"x2": spots[target]["x"], "y2": spots[target]["layer"]},
        }
        for source, target, basis in edges.iter_rows()
    ]
    deepest, widest = int(max(placed["layer"])), float(max(placed["x"]))
    hidden = alt.Axis(labels=False, ticks=False, domain=False, grid=False)
    across = alt.Scale(domain=[-0.12, widest + 0.88], nice=False)
    down = alt.Scale(domain=[-0.3, deepest + 0.45], nice=False, reverse=True)
    x = alt.X("x:Q", axis=hidden, title=None, scale=across)
    y = alt.Y("y:Q", axis=hidden, title=None, scale=down)
    dash = alt.StrokeDash(
        "basis:N",
        scale=alt.Scale(domain=["reported", "assumed"], range=[[1, 0], [5, 4]]),
        legend=alt.Legend(title="Way", symbolType="stroke"),
    )
    ways = alt.Chart(_values(pl.DataFrame(lines))).mark_rule(strokeWidth=1.4, color=SOFT)
    ways = ways.encode(x=x, y=y, x2=alt.X2("x2:Q"), y2=alt.Y2("y2:Q"), strokeDash=dash)
    beside = placed.select("name", "said", pl.len().over("layer").alias("members"))
    label = [
        "\n".join(
            line for said in (name, state) for line in _lines(said, max(13, 90 // members - 2), 3)
        )
        for name, state, members in beside.iter_rows()
    ]
    text = placed.select("x", "chance", y="layer", about="id")
    text = text.with_columns(label=pl.Series(label))
    base = alt.Chart(_values(text)).encode(x=x, y=y)
    shade = alt.Color(
        "chance:Q",
        scale=alt.Scale(domain=[0, 1], range=["#eaf4fb", BLUE]),
        legend=alt.Legend(title="Chance of being reached", format="%", gradientLength=160),
    )
    spot = base.mark_point(filled=True, size=210, opacity=1, stroke=INK, strokeWidth=0.8)
    style: dict[str, Any] = {
        "lineBreak": "\n",
        "align": "left",
        "baseline": "middle",
        "dx": 12,
        "dy": -9,
    }
    font: dict[str, Any] = {"fontSize": 10.5, "lineHeight": 12}
    halo = base.mark_text(**style, **font, stroke="white", strokeWidth=3, strokeJoin="round")
    names = base.mark_text(**style, **font)
    layers = (
        ways,
        spot.encode(color=shade),
        halo.encode(text=alt.Text("label:N")),
        names.encode(text=alt.Text("label:N")),
    )
    return alt.layer(*layers, width=680, height=66 * (deepest + 1))


def _place(nodes: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """Nodes with `x`: near the mean of what leads to them, evenly apart in their layer."""
    parents: dict[str, list[str]] = {}
    for source, target in edges.select("source", "target").iter_rows():
        parents.setdefault(target, []).append(source)
    by_layer: dict[int, list[str]] = {}
    for node, layer in nodes.select("id", "layer").iter_rows():
        by_layer.setdefault(layer, []).append(node)
    width, x = max(map(len, by_layer.values())), dict[str, float]()
    for layer in sorted(by_layer):
        wish = {}
        for member in by_layer[layer]:
            above = [x[parent] for parent in parents.get(member, ()) if parent in x]
            wish[member] = sum(above) / len(above) if above else (width - 1) / 2
        members = sorted(wish, key=lambda member: (wish[member], member))
        step = width / len(members)
        x |= {member: (index + 0.5) * step - 0.5 for index, member in enumerate(members)}
    return nodes.with_columns(x=pl.Series([x[node] for node in nodes["id"]], dtype=pl.Float64))


def ranges(rows: pl.DataFrame) -> alt.TopLevelMixin:
    """Ranges of money: a bar from the 5 % to the 95 % point, a mark at the median, in USD.

    `rows`: `label`, `p05`, `p50`, `p95`, `basis`, `about`. Bars have a dashed edge, as estimates
    do. The scale is logarithmic where every value is above 0.
    """
    drawn, y = _labels(rows)
    lows = drawn["p05"].drop_nulls()
    positive = len(lows) > 0 and (lows > 0).all()
    scale = alt.Scale(type="log", nice=True) if positive else alt.Scale(zero=True)
    steps: dict[str, Any] = {"values": _decades(drawn)} if positive else {"tickCount": 5}
    axis = alt.Axis(labelExpr=_MONEY, **steps)
    base = alt.Chart(_values(drawn)).encode(y=y)
    title = "USD; bar from the 5 % to the 95 % point, mark at the median"
    x = alt.X("p05:Q", scale=scale, axis=axis, title=title)
    colours = {"reported": BLUE, "derived": GREEN, "analogue": ORANGE, "assumption": SKY}
    kinds = [kind for kind in colours if kind in set(drawn["basis"])]
    colour = alt.Color(
        "basis:N",
        scale=alt.Scale(domain=kinds, range=[colours[kind] for kind in kinds]),
        legend=alt.Legend(title="Rests at its weakest on"),
    )
    bars = base.mark_bar(height=13, stroke=BLUE, strokeDash=[3, 2]).encode(
        x=x, x2=alt.X2("p95:Q"), color=colour
    )
    ticks = base.mark_tick(thickness=3, size=21, color=INK).encode(x=alt.X("p50:Q", scale=scale))
    return alt.layer(bars, ticks, width=400, height=alt.Step(38))


_MONEY = (
    "(datum.value < 0 ? '-$' : '$') + (datum.value == 0 ? '0' :"
    " abs(datum.value) >= 1e9 ? abs(datum.value) / 1e9 + ' bn' :"
    " abs(datum.value) >= 1e6 ? abs(datum.value) / 1e6 + ' m' : abs(datum.value) / 1e3 + ' k')"
)


def _decades(rows: pl.DataFrame) -> list[float]:
    values = [*rows["p05"].drop_nulls(), *rows["p95"].drop_nulls()]
    low, high = min(values), max(values)
    return [10.0**power for power in range(13) if low / 10 <= 10.0**power <= high * 10]


def _labels(rows: pl.DataFrame, width: int = 44) -> tuple[pl.DataFrame, alt.Y]:
    """(rows in their order with wrapped labels, the axis of these labels)."""
    label = pl.Series(["\n".join(_lines(text, width)) for text in rows["label"]], dtype=pl.String)
    drawn = rows.with_columns(label=label).with_row_index("order")
    lines = alt.Axis(labelExpr="split(datum.label, '\\n')", labelLineHeight=14)
    order = alt.EncodingSortField(field="order", order="ascending")
    return drawn, alt.Y("label:N", sort=order, title=None, axis=lines)


def bars(rows: pl.DataFrame, title: str) -> alt.TopLevelMixin:
    """Shares as bars from 0, each with its value in per cent.

    `rows`: `label`, `value`.
    """
    drawn, y = _labels(rows)
    base = alt.Chart(_values(drawn)).encode(y=y)
    top = max(0.05, 1.15 * float(drawn["value"].max() or 0.0))  # type: ignore[arg-type]
    x = alt.X(
        "value:Q",
        title=title,
        scale=alt.Scale(domain=[0, min(1.0, top)]),
        axis=alt.Axis(format="~%", tickCount=5),
    )
    drawn_bars = base.mark_bar(height=15, color=SKY, stroke=BLUE).encode(x=x)
    text = base.mark_text(align="left", dx=4).encode(x=x, text=alt.Text("value:Q", format=".0%"))
    return alt.layer(drawn_bars, text).properties(width=380, height=alt.Step(36))


def curves(rows: pl.DataFrame, beside: pl.DataFrame | None = None) -> alt.TopLevelMixin:
    """Chance that a loss is above an amount, each curve with its 95 % band and its name.

    `rows` and `beside`, which is drawn faint behind them: `who`, `amount_usd` (above 0), `chance`,
    `low`, `high`, `about`.
    """
    base = alt.Chart(_values(rows))
    names = rows["who"].unique(maintain_order=True).to_list()
    colours = [BLUE, RED, GREEN, PURPLE, ORANGE, SKY, INK, SOFT]
    colour = alt.Color(
        "who:N",
        scale=alt.Scale(domain=names, range=[colours[i % 8] for i in range(len(names))]),
        legend=alt.Legend(
            title=None, columns=2, symbolStrokeWidth=3, symbolType="stroke", symbolOpacity=1
        ),
    )
    low, high = (float(rows["amount_usd"].min()), float(rows["amount_usd"].max()))  # type: ignore[arg-type]
    digits = (1, 2, 5) if high < 50 * low else (1, 3) if high < 500 * low else (1,)
    ticks = [d * 10.0**p for p in range(13) for d in digits if low <= d * 10.0**p <= high]
    axis = alt.Axis(labelExpr=_MONEY, values=ticks, labelOverlap=True)
    x = alt.X(
        "amount_usd:Q", scale=alt.Scale(type="log", nice=False), axis=axis, title="USD, loss above"
    )
    y = alt.Y("chance:Q", title="chance", axis=alt.Axis(format="~%"))
    band = base.mark_area(opacity=0.2).encode(
        x=x, y=alt.Y("low:Q"), y2=alt.Y2("high:Q"), color=colour
    )
    dashes = alt.StrokeDash("who:N", scale=alt.Scale(domain=names), legend=None)
    line = base.mark_line(strokeWidth=2.2).encode(x=x, y=y, color=colour, strokeDash=dashes)
    layers = [band, line]
    if beside is not None:
        behind = alt.Chart(_values(beside.select("amount_usd", "chance", "who")))
        detail = alt.Detail("who:N")
        faint = behind.mark_line(color=SOFT, strokeWidth=1.5, opacity=0.5)
        layers.insert(0, faint.encode(x=x, y=y, detail=detail))
    return alt.layer(*layers, width=560, height=300)


def steps(rows: pl.DataFrame) -> alt.TopLevelMixin:
    """A waterfall: from a first amount over the effects of changes to a last one, in USD.

    `rows`: `label`, `start`, `end`, `kind` (`total`, `more` or `less`).
    """
    drawn, y = _labels(rows)
    base = alt.Chart(_values(drawn)).encode(y=y)
    kinds = {"total": SOFT, "more": RED, "less": GREEN}
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=list(kinds), range=list(kinds.values())),
        legend=alt.Legend(title=None),
    )
    x = alt.X("start:Q", axis=alt.Axis(labelExpr=_MONEY, tickCount=5), title="mean total, USD")
    drawn_bars = base.mark_bar(height=17).encode(x=x, x2="end:Q", color=colour)
    whole: alt.Chart = drawn_bars.properties(width=400, height=alt.Step(36))
    return whole


def differences(rows: pl.DataFrame) -> alt.TopLevelMixin:
    """Differences from a base with their 95 % intervals, in USD; the line is no difference.

    `rows`: `label`, `value`, `low`, `high`.
    """
    drawn, y = _labels(rows)
    base = alt.Chart(_values(drawn)).encode(y=y)
    title = "USD more or less than the base, mean total with simulation error"
    x = alt.X("low:Q", axis=alt.Axis(labelExpr=_MONEY, tickCount=5), title=title)
    zero = alt.Chart(alt.InlineData(values=[{"zero": 0}])).mark_rule(color=SOFT)
    spans = base.mark_rule(strokeWidth=3, color=SKY).encode(x=x, x2="high:Q")
    dots = base.mark_point(filled=True, size=70, opacity=1, color=BLUE).encode(x="value:Q")
    return alt.layer(zero.encode(x="zero:Q"), spans, dots).properties(
        width=400, height=alt.Step(34)
    )


def clocks(rows: pl.DataFrame, moment: datetime | None) -> alt.TopLevelMixin:
    """Clocks as bars from their start to when they are due or were met; a line is the moment.

    `rows`: `label`, `starts`, `ends` (null without a fixed time: drawn thin, up to the moment),
    `state`.
    """
    drawn, y = _labels(rows)
    open_ = drawn["ends"].is_null()
    ends = pl.when(open_).then(pl.max_horizontal("starts", pl.lit(moment))).otherwise("ends")
    said = pl.col("state").replace("unknown", "unknown if it applies")
    drawn = drawn.with_columns(ends=ends, said=said, thick=pl.when(open_).then(3).otherwise(13))
    base = alt.Chart(_values(drawn)).encode(y=y)
    colours = {"due": ORANGE, "met": GREEN, "running": BLUE, "unknown": SKY, "not started": SOFT}
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    colour = alt.Color("state:N", scale=scale, legend=None)  # each bar says its state beside it
    axis = alt.Axis(format="%-d %b", tickCount=5)
    title = "Date (UTC); bar: from the start to when it is due, thin: no fixed time; line: as of"
    x = alt.X("starts:T", scale=_UTC, axis=axis, title=title)
    size = alt.Size("thick:Q", scale=None, legend=None)
    bars = base.mark_bar().encode(x=x, x2="ends:T", color=colour, size=size)
    text = base.mark_text(align="left", dx=4, fontSize=11).encode(
        x=alt.X("ends:T", scale=_UTC), text="said:N"
    )
    layers = [bars, text]
    if moment:
        line = alt.Chart(_values(pl.DataFrame({"at": [moment]})))
        layers.append(line.mark_rule(color=INK, strokeWidth=1.5).encode(x="at:T"))
    return alt.layer(*layers).properties(width=340, height=alt.Step(34))


def likelihoods(rows: pl.DataFrame) -> alt.TopLevelMixin:
    """How likely each actor is, a panel for each part: a bar from the 5 % to the 95 % point.

    `rows`: `did` (the panel), `actor`, `low_chance`, `mean_chance`, `high_chance`. Behind them
    stand the bands of ICD 203.
    """
    ends = [end for end, _ in words.BANDS[:-1]]
    spans = zip([0.0, *ends], words.BANDS, strict=True)
    bands = [
        {"at": (low + high) / 2, "band": name} for low, (high, name) in spans if high - low > 0.06
    ]
    scale = alt.Scale(domain=[0, 1], nice=False)
    names = alt.Chart(alt.InlineData(values=bands)).mark_text(fontSize=10, color=SOFT)
    hidden = alt.Axis(labels=False, ticks=False, domain=False, grid=False)
    at = alt.X("at:Q", scale=scale, axis=hidden, title=None)
    charts: list[Any] = [names.encode(x=at, text="band:N").properties(width=440, height=14)]
    panels = rows["did"].unique(maintain_order=True).to_list()
    for panel in panels:
        last = panel == panels[-1]
        title = "How likely, in the bands of ICD 203"
        axis = alt.Axis(
            format="~%",
            values=ends,
            labels=last,
            ticks=last,
            title=[title, "bar from the 5 % to the 95 % point, mark at the mean"] if last else None,
        )
        mine = rows.filter(pl.col("did") == panel).drop("did")
        drawn, y = _labels(mine.rename({"actor": "label"}))
        base = alt.Chart(_values(drawn)).encode(y=y)
        x = alt.X("low_chance:Q", scale=scale, axis=axis)
        bars = base.mark_bar(height=11, color=SKY, stroke=BLUE, strokeDash=[3, 2])
        ticks = base.mark_tick(thickness=3, size=18, color=INK)
        layers = alt.layer(
            bars.encode(x=x, x2="high_chance:Q"),
            ticks.encode(x=alt.X("mean_chance:Q", scale=scale, axis=axis)),
        )
        charts.append(layers.properties(title=panel, width=440, height=alt.Step(26)))
    whole: alt.VConcatChart = alt.vconcat(*charts, spacing=8)
    return whole


def held(rows: pl.DataFrame, windows: pl.DataFrame) -> alt.TopLevelMixin:
    """What systems held, as bars over the hours around the windows, which are bands behind them.

    `rows`: `system`, `version`, `finding`, `begins`, `ends` (null: until now). `windows`:
    `version`, `part` (core or hull), `opens`, `closes` (null: still open). A bar that begins or
    ends outside the hours shown goes to their edge.
    """
    edges: list[datetime] = [*windows["opens"], *windows["closes"].drop_nulls()]
    low, high = min(edges) - timedelta(hours=3), max(edges) + timedelta(hours=3)
    bad = pl.col("finding") == "locked_affected"
    drawn = rows.with_columns(
        ends=pl.coalesce("ends", pl.lit(high)).clip(low, high),
        begins=pl.col("begins").clip(low, high),
        said=pl.when(bad).then(pl.lit("affected version")).otherwise(pl.lit("another version")),
        label=pl.concat_str("system", pl.lit(": "), "version"),
    ).filter(pl.col("begins") < pl.col("ends"))
    drawn, y = _labels(drawn.select("label", "begins", "ends", "said"), 30)
    scale = alt.Scale(type="utc", domain=[_iso(low), _iso(high)])
    axis = alt.Axis(format="%H:%M", tickCount=6)
    day = words.date(low).partition(",")[0]
    title = f"{day}, UTC; bands: when it could be had, dark where by every account"
    x = alt.X("begins:T", scale=scale, axis=axis, title=title)
    kinds = ["affected version", "another version"]
    colour = alt.Color(
        "said:N", scale=alt.Scale(domain=kinds, range=[RED, SKY]), legend=alt.Legend(title=None)
    )
    spans = windows.with_columns(
        closes=pl.coalesce("closes", pl.lit(high)),
        strength=pl.when(pl.col("part") == "core").then(0.35).otherwise(0.15),
    )
    bands = (
        alt.Chart(_values(spans.select("opens", "closes", "strength")))
        .mark_rect(color=ORANGE)
        .encode(x=alt.X("opens:T", scale=scale, axis=axis, title=title), x2="closes:T",
                opacity=alt.Opacity("strength:Q", scale=None, legend=None))
    )  # fmt: skip
    bars_ = (
        alt.Chart(_values(drawn)).mark_bar(height=13).encode(x=x, x2="ends:T", y=y, color=colour)
    )
    return alt.layer(bands, bars_).properties(width=400, height=alt.Step(30))


def _iso(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
