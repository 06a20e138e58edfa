"""`make bench`: the kit beside its peers, in one run on one machine; prints a table.

    PYTHONPATH=tests python bench/bench.py PEERS_PYTHON [--write]

PEERS_PYTHON has the packages of peers.lock. `--write` puts the table into docs/benchmarks.md. Times
are the middle of several runs, with the worst in brackets; peers and kit take turns.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import batches
import numpy as np
import panel
import polars as pl
import stack
import tiny

import impact
from impact import answers as questions
from impact.answers import comparisons, differences
from impact.case import views
from impact.case.tables import ordered
from impact.measures.totals import total_loss
from impact.numerics import graph, measures
from impact.simulation import what_if

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
DRAWS = 10_000
EXACT_P95 = 3_712_977_856.0  # by Gauss-Jacobi quadrature of the product model; see peers.py limits
PERTS = {"lef": (20, 100, 900), "plm": (3e6, 3.5e6, 5e6), "slef": (0.1, 0.3, 0.6)} | {
    "slm": (1e6, 5e6, 4e7)
}
Row = dict[str, str]
ask = partial(stack.ask, script="peers.py")


def timed(work: Callable[[], Any], runs: int = 9) -> tuple[float, float]:
    """(middle, worst) seconds of some runs, after one that does not count."""
    work()
    found = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return statistics.median(found), max(found)


def said(times: tuple[float, float]) -> str:
    """Seconds as milliseconds."""
    return f"{1e3 * times[0]:.3g} ms [{1e3 * times[1]:.3g}]"


# cases made for the purpose


def case_of(folder: Path, **tables: list[Row]) -> impact.Case:
    """A case of these rows, with what they leave out filled in."""
    return impact.load_case(tiny.write(folder, tables))


def pert(name: str, low: float, mode: float, high: float, unit: str) -> Row:
    """An input between two values."""
    numbers = {"low": str(low), "mode": str(mode), "high": str(high)}
    return {"id": name, "shape": "pert", "unit": unit} | numbers


def product_case(folder: Path) -> impact.Case:
    """The product model as a case: frequency x (primary + chance of a secondary x secondary)."""
    units = {"lef": "event", "plm": "USD/event", "slef": "share", "slm": "USD/event"}
    return case_of(
        folder,
        entities=[{"id": "event", "name": "event", "kind": "event"}, {"id": "a", "name": "a"}],
        links=[{"id": "in", "source": "event", "target": "a", "chances": "certain"}],
        inputs=[pert(name, *PERTS[name], units[name]) for name in PERTS],
        losses=[
            {"id": "one", "bearer": "a", "needs": "a", "arguments": "n=lef; each=plm"},
            {"id": "two", "bearer": "a", "needs": "a", "arguments": "n=lef; p=slef; each=slm"},
        ],
    )


def shared_case(folder: Path, parties: int) -> impact.Case:
    """Parties that lose people x pay for as many weeks as a pause lasts, if one cause happens."""
    names = [f"p{number}" for number in range(parties)]
    inputs = [{"id": "cause", "shape": "fixed", "mode": "0.6", "unit": "chance"}]
    inputs += [pert("weeks", 2, 6, 26, "week")]
    for name in names:
        inputs += [pert(f"{name}_people", 100, 400, 2000, "person")]
        inputs += [pert(f"{name}_pay", 200, 500, 1500, "USD/person/week")]
    entities = [{"id": "event", "name": "event", "kind": "event"}, {"id": "hub", "name": "hub"}]
    arguments = "people={0}_people; weeks=weeks; pay={0}_pay"
    return case_of(
        folder,
        entities=[*entities, *({"id": name, "name": name} for name in names)],
        links=[{"id": "in", "source": "event", "target": "hub", "chances": "cause"}]
        + [{"id": f"to-{n}", "source": "hub", "target": n, "chances": "certain"} for n in names],
        inputs=inputs,
        losses=[
            {"id": n, "bearer": n, "needs": n, "arguments": arguments.format(n)} for n in names
        ],
    )


def supply_chain(nodes: int, seed: int = 1, suppliers: tuple[int, int] = (2, 4)) -> pl.DataFrame:
    """Edges of a made-up supply chain below `event`: each node has some suppliers among the fifteen
    before it (at least the first number, fewer than the second), and there are a few circles."""
    rng = np.random.default_rng(seed)
    ends = []
    for node in range(1, nodes):
        before = np.arange(max(0, node - 15), node)
        many = min(node, int(rng.integers(*suppliers)))
        ends += [(int(other), node) for other in rng.choice(before, size=many, replace=False)]
    for _ in range(max(1, nodes // 15)):
        node = int(rng.integers(nodes // 4, nodes))
        ends.append((node, max(1, node - int(rng.integers(2, 8)))))
    names = ["event", *(f"n{node}" for node in range(1, nodes))]
    found = dict.fromkeys((names[a], names[b]) for a, b in ends)
    return pl.DataFrame(list(found), schema=["source", "target"], orient="row")


def network(folder: Path, edges: pl.DataFrame, chances: np.ndarray) -> Path:
    """The folder of a case of these edges; `chances` is `(edges, chances of one, 1 or 3)`.

    One number is a chance, three are the least, the likeliest and the greatest.
    """
    names = sorted({*edges["source"], *edges["target"]} - {"event"})
    links, inputs = [], []
    for place, (source, target) in enumerate(edges.iter_rows()):
        mine = [f"c{place}-{part}" for part in range(chances.shape[1])]
        links.append(tiny.link(source, target, "; ".join(mine)))
        for name, ends in zip(mine, chances[place].tolist(), strict=True):
            inputs.append(
                pert(name, *ends, "chance") if len(ends) == 3 else tiny.fixed(name, *ends)
            )
    entities = [{"id": "event", "name": "event", "kind": "event"}]
    entities += [{"id": name, "name": name} for name in names]
    return tiny.write(folder, {"entities": entities, "links": links, "inputs": inputs})


def even(folder: Path, edges: pl.DataFrame, chance: float) -> impact.Case:
    """A view of a case of these edges with one chance for all."""
    chances = np.full((edges.height, 1, 1), chance)
    return impact.view(impact.load_case(network(folder, edges, chances)))


# rows of the table


def reached(run: impact.Run) -> float:
    """Mean number of nodes that the event reaches."""
    return sum(mask.bit_count() for mask in run.reached.values()) / run.draws - 1


def as_npz(path: Path, edges: pl.DataFrame, chance: np.ndarray) -> str:
    """The edges as numbers, for the peers."""
    names = sorted({*edges["source"], *edges["target"]})
    number = {name: place for place, name in enumerate(names)}
    np.savez(
        path,
        source=[number[name] for name in edges["source"]],
        target=[number[name] for name in edges["target"]],
        chance=chance,
        root=number["event"],
    )
    return str(path)


def small_exposure(peers: str, folder: Path) -> Iterator[tuple[str, ...]]:
    edges = supply_chain(60)
    rng = np.random.default_rng(2)
    fixed = rng.uniform(0.2, 0.8, (edges.height, 1, 1))
    modes = rng.uniform(0.4, 0.9, (edges.height, 3))
    ranged = np.stack([modes - 0.2, modes, np.minimum(modes + 0.1, 1.0)], axis=-1)
    for kind, chances, bound in (
        ("fixed chances", fixed, ("300x", "350x")),
        ("ranged chains of 3", ranged, ("100x", "150x")),
    ):
        known = impact.view(impact.load_case(network(folder / kind, edges, chances)))
        theirs = chances if chances.shape[2] == 3 else chances[:, :, 0]
        job = {"job": "reach", "edges": as_npz(folder / f"{kind}.npz", edges, theirs)}
        ours = timed(lambda known=known: impact.simulate(known, DRAWS), 25)
        job |= {"draws": DRAWS}
        naive = [ask(peers, **job, method="naive", seed=seed) for seed in (1, 2, 3)]
        lazy = ask(peers, **job, method="lazy", seed=1)
        middle = statistics.median(run["seconds"] for run in naive)
        yield (
            f"10,000 draws, 60 nodes, {edges.height} edges, {kind}: naive networkx over the kit",
            *bound,
            f"{middle / ours[0]:.0f}x",
            f"{said(ours)}; naive {middle:.2f} s, lazy {lazy['seconds']:.3f} s"
            f" ({lazy['seconds'] / ours[0]:.0f}x); mean nodes reached"
            f" {reached(impact.simulate(known, DRAWS)):.2f}, naive {naive[0]['mean_nodes']:.2f}",
        )


def steps_of(folder: Path, nodes: int) -> tuple[pl.DataFrame, impact.Run, dict[str, float]]:
    """(links, run, seconds of each step) of a made-up case, from its files to the answer."""
    edges = supply_chain(nodes, suppliers=(5, 6))
    home = network(folder / f"of{nodes}", edges, np.full((edges.height, 1, 1), 0.5))
    marks = [time.perf_counter()]
    case = impact.load_case(home)
    marks.append(time.perf_counter())
    known = impact.view(case)
    marks.append(time.perf_counter())
    run = impact.simulate(known, DRAWS)
    marks.append(time.perf_counter())
    impact.exposure(run)
    marks.append(time.perf_counter())
    names = ("load and check", "view", "draws", "exposure")
    return edges, run, {n: b - a for n, (a, b) in zip(names, pairwise(marks), strict=True)}


def large_exposure(peers: str, folder: Path) -> Iterator[tuple[str, ...]]:
    """100,000 links as a case, from its files to the answer, and a hundredth and a tenth of it."""
    steps_of(folder / "first", 20)  # imports, and the templates
    found = [steps_of(folder, nodes) for nodes in (200, 2_000, 20_000)]
    edges, run, took = found[-1]
    path = as_npz(folder / "large.npz", edges, np.full((edges.height, 1), 0.5))
    naive = ask(peers, job="reach", method="naive", edges=path, draws=12, seed=1)
    scaled = naive["seconds"] / 12 * DRAWS
    told = ", ".join(f"{step} {seconds:.2g} s" for step, seconds in took.items())
    yield (
        f"{edges.height:,} links, 20,000 entities, 10,000 draws: naive networkx over the draws",
        "150x",
        "",
        f"{scaled / took['draws']:.0f}x",
        f"{told}; naive {scaled:.0f} s (12 draws, scaled); mean nodes reached {reached(run):,.0f},"
        f" naive {naive['mean_nodes']:,.0f}",
    )
    whole = [sum(each.values()) for _, _, each in found]
    sizes = ", ".join(
        f"{links.height:,} links {seconds:.2g} s"
        for (links, _, _), seconds in zip(found, whole, strict=True)
    )
    yield (
        "the same from files to the answer, as links grow 10x, and 10x again",
        "near linear",
        "",
        ", ".join(f"{b / a:.1f}x" for a, b in pairwise(whole)),
        sizes,
    )


def cut_each(run: impact.Run) -> list[dict[str, int]]:
    """What is reached where each link of a run is taken away alone."""
    others = [[other for other in run.edges if other is not edge] for edge in run.edges]
    return [graph.reach(edges, "event", run.on, run.draws) for edges in others]


def cuts(mercor: impact.Case, folder: Path) -> Iterator[tuple[str, ...]]:
    run = impact.simulate(mercor, DRAWS)
    fresh = timed(lambda: impact.simulate(mercor, DRAWS))
    cut = timed(lambda: cut_each(run))
    known = even(folder / "circles", supply_chain(60), 0.5)
    made = impact.simulate(known, DRAWS)
    frame = timed(lambda: impact.simulate(known, DRAWS))
    cut60 = timed(lambda: cut_each(made))
    yield (
        f"all {len(run.edges)} single-link cuts of the bundled case, over one run",
        "<= 1x",
        ".5x",
        f"{cut[0] / fresh[0]:.2f}x",
        f"{said(cut)}, run {said(fresh)}; 60 made-up nodes with circles:"
        f" {said(cut60)}, {cut60[0] / frame[0]:.1f}x of {said(frame)}",
    )


def product_model(peers: str, folder: Path) -> Iterator[tuple[str, ...]]:
    known = impact.view(product_case(folder / "product"))
    draws, seeds = 16_384, range(400)

    def p95(seed: int) -> float:
        run = impact.simulate(known, draws, seed)
        return measures.order_statistic(total_loss(run), 0.95)

    ours = timed(lambda: p95(1), 50)
    error = float(np.sqrt(np.mean([(p95(seed) / EXACT_P95 - 1) ** 2 for seed in seeds])))
    for tool in ("pyfair", "pycrq"):
        needed = int((1.204 / error) ** 2)  # RMS = 1.204 / sqrt(N) for independent draws
        job = {"job": "product", "tool": tool, "reading": "matched", "draws": needed}
        peer = ask(peers, **job, seeds=list(range(12)))
        rms = float(np.sqrt(np.mean([(v / EXACT_P95 - 1) ** 2 for v in peer["p95_usd"]])))
        middle = statistics.median(peer["seconds"])
        yield (
            f"sooner than {tool} at the same error of p95, product of 4 inputs",
            "30x",
            "50x",
            f"{middle / ours[0]:.0f}x",
            f"{said(ours)} for {draws:,} draws, error {100 * error:.2f} %;"
            f" {tool} {1e3 * middle:.0f} ms for {needed:,} draws, error {100 * rms:.2f} %"
            " in 12 runs",
        )


def what_ifs(folder: Path, mercor: impact.Case) -> Iterator[tuple[str, ...]]:
    run = impact.simulate(impact.view(shared_case(folder / "ten", 10)), 65_536)
    values = iter(range(1, 10_000))

    def one_more() -> tuple[float, float]:
        other = total_loss(what_if(run, f"p3_people={100 + next(values)}"))
        return float(other.mean()), measures.order_statistic(other, 0.95)

    once = timed(one_more, 100)
    yield (
        "one more paired what-if, mean and p95 of the total, 10 parties, 65,536 draws",
        "1.5 ms",
        ".9 ms",
        f"{1e3 * once[0]:.2f} ms",
        said(once),
    )
    run = impact.simulate(mercor, DRAWS)
    pause = mercor.inputs["pause_weeks"]
    week = ",".join(str(pause[end] + 1) for end in ("low", "mode", "high"))
    moved, sharper = comparisons.paired(run, what_if(run, f"pause_weeks={week}"))
    longer = comparisons.paired(run, impact.under(run, "long-pause"))
    yield (
        "variance of a difference, unpaired over paired, a pause longer by a week",
        "50x",
        "1,000x",
        f"{sharper:.0f}x",
        f"difference ${moved.value:,.0f} ± {moved.error:,.0f}; the scenario long-pause, half a year"
        f" to a year, {longer[1]:.1f}x: there the pause itself is another one",
    )


def memory() -> Iterator[tuple[str, ...]]:
    peaks = {}
    for draws in (10_000, 100_000, 1_000_000):
        done = subprocess.run(
            [sys.executable, str(Path(__file__).resolve()), "--memory", str(draws)],
            capture_output=True,
            text=True,
            check=True,
        )
        peaks[draws] = float(done.stdout)
    told = ", ".join(f"{peak:.0f} MB at {draws:,} draws" for draws, peak in peaks.items())
    few, some, many = peaks.values()
    yield (
        "peak memory of a run as its draws grow 10x, and 10x again",
        "written down",
        "",
        f"{some / few:.2f}x, {many / some:.2f}x",
        f"{told}, interpreter and libraries included",
    )


def peak(draws: int) -> float:
    """Peak memory in MB of the total of the bundled case and its measures."""
    known = impact.view(impact.load_case("mercor"))
    measures.loss_measures(total_loss(impact.simulate(known, draws)))
    status = Path("/proc/self/status").read_text()
    return float(status.partition("VmHWM:")[2].split()[0]) / 1024  # unlike ru_maxrss, of this one


def all_answers(mercor: impact.Case) -> Iterator[tuple[str, ...]]:
    run = impact.simulate(mercor, DRAWS)
    weeks = iter(range(3, 1000))

    def anew() -> list[Any]:
        other = what_if(run, f"pause_weeks={next(weeks)}")
        return [*questions.answers(other)]

    many = len([*questions.answers(run)])
    took = timed(anew, 9)
    yield (
        f"bundled case, one input changed: all {many} Answers anew, no charts",
        "60 ms",
        "30 ms",
        f"{1e3 * took[0]:.0f} ms",
        said(took),
    )


def evidence() -> Iterator[tuple[str, ...]]:
    """A million claims to a day, and what became known in the bundled case from day to day."""
    case = impact.load_case("mercor")
    claims = case["claims"]
    at = np.random.default_rng(1).integers(0, claims.height, 1_000_000)
    names = pl.concat_str(pl.lit("c"), pl.int_range(pl.len()))
    many = ordered(pl.concat([claims, claims[at].with_columns(id=names)]))
    large = replace(case, tables={**case.tables, "claims": many}, memo={})
    took = timed(lambda: impact.view(large, as_of="2026-04-23"))
    yield (
        f"view of a loaded table of {many.height:,} claims as of a day",
        "0.3 s",
        "",
        f"{took[0]:.2g} s",
        said(took),
    )
    days = [impact.view(case, as_of=day) for day in ("2026-04-04", "2026-04-23")]
    one, other = (impact.simulate(known, DRAWS) for known in days)
    took = timed(lambda: differences.effects_of(one, other), 5)
    rows = len(differences.effects_of(one, other))
    yield (
        f"what {rows} rows from one day to another did to the total, to the cent",
        "written down",
        "",
        f"{took[0]:.2g} s",
        said(took),
    )


def machine(peers: str) -> str:
    """What was measured, where and when."""
    theirs = ask(peers, job="versions")
    ours = {name: version(name) for name in ("breach-impact-kit", "numpy", "polars", "scipy")}
    named = ", ".join(f"{name} {number}" for name, number in {**ours, **theirs}.items())
    cores, today = len(os.sched_getaffinity(0)), datetime.now(tz=UTC).date()
    where = f"{cores} cores, {platform.machine()}, Python {platform.python_version()}"
    return f"{today}, {where}; {named}."


def main(arguments: list[str]) -> None:
    if arguments[0] == "--memory":
        print(peak(int(arguments[1])))
        return
    peers = arguments[0]
    os.environ[views.NOW] = "2026-09-01"  # so that the bundled case is the same on every day
    mercor = impact.view(impact.load_case("mercor"))
    head = ["| what | bound | aim | measured | how |", "|---|---|---|---|---|"]
    lines = [machine(peers), "", *head]
    print("\n".join(lines), flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        groups = (
            lambda: small_exposure(peers, folder),
            lambda: cuts(mercor, folder),
            lambda: product_model(peers, folder),
            lambda: what_ifs(folder, mercor),
            memory,
            lambda: all_answers(mercor),
            evidence,
            lambda: large_exposure(peers, folder),
            lambda: batches.rows(folder),
            lambda: panel.rows(folder),
            lambda: stack.rows(peers, folder),
        )
        for group in groups:
            for row in group():
                lines.append(f"| {' | '.join(row)} |")
                print(lines[-1], flush=True)
    if "--write" in arguments:
        text = PAGE.read_text("utf-8")
        before, _, rest = text.partition("<!-- bench -->\n")
        after = rest.partition("<!-- end of bench -->")[2]
        table = "\n".join(lines)
        PAGE.write_text(f"{before}<!-- bench -->\n{table}\n<!-- end of bench -->{after}", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
