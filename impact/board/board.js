// Sliders, pictures and tables over the engine: in a page, or in a widget of JupyterLab.
const SVG = new Set(["svg", "g", "path", "circle", "rect", "text", "title"]);
function el(name, attributes = {}, ...inside) {
  const made = SVG.has(name)
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes))
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  made.append(...inside);
  return made;
}
const shown = (text) =>
  text.replace(/(\d) (?=%|million|billion)/g, "$1\u00a0").replace(/-(?=\$)/g, "\u2212");
const paragraphs = (lead) => lead.map((text) => el("p", {}, shown(text)));
const button = (text, does) => el("button", { type: "button", onclick: does }, text);
const wrapped = (text, letters) => {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.length - 1;
    if ((lines[last] + word).length > letters && lines[last]) lines.push(word);
    else lines[last] += (lines[last] ? " " : "") + word;
  }
  return lines;
};

// The address after #: numbers as `--set` writes them, each of a slider and within its ends.
const NUMBER = /^-?\d{1,15}(\.\d{1,15})?(e[+-]?\d{1,2})?$/;
export function settingsOf(data, text) {
  const found = { set: {}, scenario: data.scenario, wrong: "" };
  const wrong = (what) => ({ ...found, set: {}, scenario: data.scenario, wrong: what });
  const plain = text.replace(/^#/, "");
  if (!plain) return found;
  if (plain.length > 2000) return wrong("The settings in the address are too long to read.");
  for (const part of plain.split("&")) {
    const [name, value, ...more] = part.split("=");
    const slider = data.sliders.find((one) => one.name === name);
    if (name === "scenario" && Object.hasOwn(data.scenarios, value) && !more.length)
      found.scenario = value;
    else if (slider && !(name in found.set) && NUMBER.test(value ?? "") && !more.length) {
      const number = Number(value) + 0; // no -0
      const at = slider.log ? Math.log10(number) : number;
      if (!(at >= slider.min - 1e-9 && at <= slider.max + 1e-9))
        return wrong(`The address sets ${name} beyond its slider, so it is left out.`);
      found.set[name] = number;
    } else return wrong("The address holds settings that this board does not know.");
  }
  return found;
}

// The least of 1, 2 and 5 times a power of ten that is not below a length.
const round = (length) => {
  const power = 10 ** Math.floor(Math.log10(length));
  return power * [1, 2, 5, 10].find((one) => one * power >= length);
};
function dots(values, low, high, said, faint, print, wide) {
  let each = 22;
  const most = Math.max(...values, high ?? 0, ...(faint ?? [])) * 1.06 || 1;
  const least = Math.min(0, ...values);
  const x = (value) => 10 + ((value - least) / (most - least)) * (wide - 20);
  // A stack ends where the band does, so that no dot is drawn on its other side.
  const origin = low === null ? 10 : x(low);
  const band = low === null ? 0 : x(high) - origin;
  if (band >= each) each = band / Math.floor(band / each);
  const stack = (some, look) => {
    const levels = new Map();
    return some.map((value) => {
      const place = Math.floor((x(value) - origin) / each);
      levels.set(place, (levels.get(place) ?? 0) + 1);
      const cx = Math.max(origin + (place + 0.5) * each, 10);
      return { cx, level: levels.get(place), r: 9.7, ...look };
    });
  };
  const marks = [...stack(values, { class: "dot" }), ...stack(faint ?? [], { class: "pinned" })];
  const tall = each * Math.max(...marks.map((mark) => mark.level)) + 24;
  const picture = el("svg", {
    viewBox: `0 0 ${wide} ${tall + 24}`,
    role: "img",
    "aria-label": said,
  });
  if (low !== null)
    picture.append(el("rect", { class: "band", x: origin, y: 0, width: band, height: tall }));
  for (const { level, ...mark } of marks)
    picture.append(el("circle", { ...mark, cy: tall - (level - 0.5) * each }));
  const step = round((most - least) / 5);
  for (let i = Math.ceil(least / step); i * step <= most; i++) {
    const at = Math.min(Math.max(x(i * step), 10), wide - 50);
    const anchor = at === 10 ? "start" : "middle";
    picture.append(el("text", { x: at, y: tall + 18, "text-anchor": anchor }, print(i * step)));
  }
  return picture;
}

const STATES = { reach: "in reach", copied: "copied", published: "with third parties" };
function bars(states, name, said, print, wide) {
  const rows = states.filter((row) => !row.alike && row.reach);
  const picture = el("svg", { role: "img", "aria-label": said });
  let y = 4;
  for (const row of rows) {
    for (const line of wrapped(capital(name(row.id)), wide / 9)) {
      y += 16;
      picture.append(el("text", { class: "head", x: 0, y }, line));
    }
    for (const [key, label] of Object.entries(STATES)) {
      const state = row[key];
      if (!state) continue;
      const width = (wide - 240) * (state.how === "drawn" ? state.band : state.chance || 0);
      const look = state.how === "established" ? "sure" : "assumed";
      picture.append(
        el("text", { x: 0, y: y + 16 }, label),
        el("rect", { class: look, x: 130, y: y + 5, width, height: 13 }),
        el("text", { x: 136 + width, y: y + 16 }, print(state)),
      );
      y += 20;
    }
    y += 6;
  }
  picture.setAttribute("viewBox", `0 0 ${wide} ${y + 6}`);
  return picture;
}

function table(heads, rows, name) {
  const cells = (row) =>
    row.map((text, i) =>
      i
        ? el(
            "td",
            text ? { "data-head": heads[i] } : {},
            ...(text ? [el("span", {}, shown(text))] : []),
          )
        : el("th", { scope: "row" }, shown(text)),
    );
  const head = el("tr", {}, ...heads.map((text) => el("th", { scope: "col" }, text)));
  const body = rows.map((row) => el("tr", {}, ...cells(row)));
  const whole = el("table", {}, el("thead", {}, head), el("tbody", {}, ...body));
  const region = { class: "table", role: "region", "aria-label": `table: ${name}`, tabindex: "0" };
  return el("div", region, whole);
}

function save(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
const quoted = (text) => {
  const safe = /^'*[=+\-@\t\r]/.test(text) ? `'${text}` : text; // no formula for a spreadsheet
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};
const csv = (rows) => rows.map((row) => row.map(quoted).join(",")).join("\n") + "\n";
const onSlider = (slider, value) => (slider.log ? Math.log10(value) : value);
const CAPTIONS = {
  exposure: "Solid: reported. Dashed: not established, the kit's assumption.",
  losses: "Twenty equally likely outcomes of the total. Shaded: nine outcomes in ten.",
};
const LOSS_HEADS = ["Who", "What", "Nine outcomes in ten", "When"];

// `host.places` are the sections of a page whose words, pictures and tables the board renews;
// `host.told` hears of settings that have settled.
export function boot(data, root, host = {}) {
  const begun = performance.now();
  const model = engine(data);
  model.run({}, data.scenario); // what a browser cannot do fails here, before the page is touched
  const { money, number, significant } = model.print;
  let [set, scenario, pinned, told] = [{}, data.scenario, null, null];
  const sliders = new Map();
  const status = el("p", { role: "status", class: "status" });
  const copied = el("p", { class: "copied", "aria-live": "polite" });
  const notices = el("div");
  const exposed = host.places?.exposure ?? el("section", {}, el("h3", {}, "Who is exposed?"));
  const lost = host.places?.losses ?? el("section", {}, el("h3", {}, "What could it cost?"));

  function part(section, name) {
    const words = el("div");
    const [figure, caption] = [el("figure"), el("figcaption", { class: "note" }, CAPTIONS[name])];
    const rows = el("div");
    const of = () => told[name];
    const file = (type) => `${data.case}-${scenario}-${name}.${type}`;
    const actions = el(
      "p",
      { class: "actions" },
      button("Copy the sentence", (event) => copy(event, of().lead.join(" "))),
      button("Picture as SVG", () => {
        const picture = figure.querySelector("svg");
        if (picture) save(file("svg"), "image/svg+xml", standing(picture, status.textContent));
      }),
      button("Table as CSV", () => save(file("csv"), "text/csv", csv(of().behind))),
    );
    const heading = section.querySelector("h2,h3");
    const live = el("div", { class: "live" }, words, figure, rows, actions);
    const old = [...section.children].filter((one) => one.matches("p:not(.note),ul"));
    for (const one of section.querySelectorAll(name === "losses" ? "figure,.table" : ".table"))
      one.hidden = true;
    const above = old.at(-1) ?? heading;
    if (above) above.after(live);
    else section.prepend(live);
    const toggle = (differs) => {
      words.hidden = !differs && Boolean(host.places); // a page tells a thing once
      for (const one of old) one.hidden = !words.hidden;
    };
    const draw = (picture, cells) => {
      figure.replaceChildren(...(picture ? [picture, caption] : []));
      rows.replaceChildren(...(cells.length ? [table(of().heads, cells, name)] : []));
    };
    const wide = () => Math.max(Math.min(figure.clientWidth || 560, 560), 300);
    return { words, draw, toggle, wide };
  }
  const seen = part(exposed, "exposure");
  const cost = part(lost, "losses");

  function copy({ target }, text) {
    copied.textContent = text;
    target.parentElement.after(copied);
    navigator.clipboard?.writeText(text).catch(() => {});
  }
  const changed = () => Object.keys(set).length > 0 || scenario !== data.scenario;
  const inTotal = ({ total, rows }) => {
    if (!rows.length) return "none";
    return total?.low == null ? "not resolved" : model.print.range(total.low, total.high);
  };
  function sentence() {
    if (!changed()) return "Nothing is changed: evidence and assumptions are those of the case.";
    const said = Object.entries(set).map(([name, value]) => {
      const slider = data.sliders.find((one) => one.name === name);
      return `${slider.says[0].toLowerCase()}${slider.says.slice(1)} at ${spoken(slider, value)}`;
    });
    const under = data.scenarios[scenario].title;
    if (scenario !== data.scenario) said.unshift(`the scenario "${under}"`);
    const point = "A moved slider stands for one value in place of its range.";
    const is = `With ${listed(said)}, the total is ${inTotal(told.losses)}; unchanged, it is ${base}.`;
    return Object.keys(set).length ? `${is} ${point}` : is;
  }
  const spoken = (slider, value) => {
    if (/^(chance|share)s/.test(slider.unit)) return `${number(100 * value, 3)} %`;
    return `${number(value, 3)} ${slider.unit}`.trim();
  };
  let base = "";

  function show() {
    model.run(set, scenario);
    told = { losses: { ...model.losses(6), heads: LOSS_HEADS }, exposure: model.exposure(7) };
    const { losses, exposure } = told;
    losses.behind = [LOSS_HEADS, ...losses.rows];
    exposure.behind = [["Who", ...Object.values(STATES)]];
    for (const row of exposure.states)
      for (const id of row.alike ?? [row.id])
        exposure.behind.push([
          model.name(id),
          ...Object.keys(STATES).map((s) => model.said(row[s])),
        ]);
    copied.textContent = "";
    if (!base) base = inTotal(losses);
    status.textContent = shown(sentence());
    const said = scenario === data.scenario ? [] : data.scenarios[scenario].notices;
    notices.replaceChildren(...said.map((text) => el("p", { class: "notice" }, text)));
    const twenty = model.quantiles(Array.from({ length: 20 }, (_, i) => (i + 0.5) / 20));
    const total = losses.total ?? { low: null, high: null };
    const axis = (value) =>
      shown(money(value, 2)).replace(/ (m|b)illion/, (_, m) => (m === "m" ? " m" : " bn"));
    const twentieths = "Twenty equally likely outcomes of the total; shaded: nine outcomes in ten.";
    cost.words.replaceChildren(...paragraphs(losses.lead));
    const spread = () =>
      dots(twenty, total.low, total.high, twentieths, pinned?.twenty, axis, cost.wide());
    cost.draw(total.low === null ? null : spread(), losses.rows);
    const state = "Chances that data is in reach, copied, and with third parties.";
    seen.words.replaceChildren(...paragraphs(exposure.lead));
    seen.draw(bars(exposure.states, model.name, state, model.said, seen.wide()), exposure.rows);
    for (const one of [cost, seen]) one.toggle(changed());
    document.body.classList.toggle("changed", Boolean(host.places) && changed());
    told.twenty = twenty;
    paint();
  }
  function paint() {
    for (const [name, { input, text, slider }] of sliders) {
      const value = set[name];
      const at = onSlider(slider, value ?? model.median(name));
      if (document.activeElement !== input || value === undefined) input.value = at;
      const range = data.scenarios[scenario].ranges[name] ?? slider.range;
      text.textContent = shown(value === undefined ? range : spoken(slider, value));
      input.setAttribute("aria-valuetext", text.textContent);
    }
    choice.value = scenario;
  }
  let waiting = false;
  function soon() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      show();
    });
  }
  function settle() {
    host.told?.(set, scenario);
  }
  function go(next, under = scenario) {
    [set, scenario] = [{ ...next }, under];
    show();
    settle();
  }

  const choice = el("select", { onchange: () => go(set, choice.value) });
  for (const [name, one] of Object.entries(data.scenarios))
    choice.append(el("option", { value: name }, one.title));
  const rows = data.sliders.map((slider) => {
    const { name, min, max, step } = slider;
    const input = el("input", { type: "range", min, max, step, name, id: `input-${name}` });
    const text = el("span", { class: "value" });
    sliders.set(name, { input, text, slider });
    input.addEventListener("input", () => {
      const at = Number(input.value);
      const next = { ...set, [name]: significant(slider.log ? 10 ** at : at, 3) };
      if (Math.abs(at - onSlider(slider, model.median(name))) < 0.6 * slider.step)
        delete next[name];
      set = next;
      soon();
    });
    input.addEventListener("change", settle);
    const basis = [slider.basis, slider.beside].filter(Boolean).join("; ");
    const label = el("label", { for: input.id }, `${slider.says} `, el("small", {}, `(${basis})`));
    return el("div", { class: "slider" }, label, text, input);
  });
  const command = () =>
    [...(scenario === data.scenario ? [] : [`--scenario ${scenario}`])]
      .concat(Object.entries(set).map(([name, value]) => `--set ${name}=${value}`))
      .join(" ");
  const pin = () => {
    pinned = pinned ? null : { twenty: told.twenty, says: status.textContent };
    pinning.textContent = pinned ? "Unpin" : "Pin this one";
    note.textContent = pinned ? `Pinned, drawn as rings: ${pinned.says}` : "";
    show();
  };
  const pinning = button("Pin this one", pin);
  const note = el("p", { class: "note" });
  const form = el(
    "form",
    {
      class: "board",
      "aria-label": "Change what is assumed",
      onsubmit: (event) => event.preventDefault(),
    },
    el("label", {}, "Scenario ", choice),
    ...rows,
    el(
      "p",
      { class: "actions" },
      button("Back to the evidence", () => go({}, data.scenario)),
      button("Copy these settings", (event) => copy(event, command() || "nothing is changed")),
      pinning,
    ),
    notices,
    status,
    note,
  );
  root.replaceChildren(form, ...(host.places ? [] : [lost, exposed]));
  show();
  return { model, go, data, show, set: () => ({ ...set }), start: performance.now() - begun };
}
const LOOKS = ["fill", "stroke", "stroke-width", "stroke-dasharray"].concat(
  ["size", "family", "weight"].map((one) => `font-${one}`),
);
// A picture that stands alone: what the page's style says of its marks is written into it.
function standing(picture, says) {
  const whole = picture.cloneNode(true);
  const own = [...picture.querySelectorAll("*")];
  [...whole.querySelectorAll("*")].forEach((mark, i) => {
    const style = getComputedStyle(own[i]);
    for (const key of LOOKS) mark.setAttribute(key, style.getPropertyValue(key));
  });
  whole.prepend(el("title", {}, says));
  whole.style.background = getComputedStyle(picture).getPropertyValue("--paper");
  return new XMLSerializer().serializeToString(whole);
}

// JupyterLab: data come by a trait, settings that have settled go back by another.
export default {
  render({ model, el: root }) {
    root.classList.add("impact-board");
    const told = (set, scenario) => {
      model.set("settings", { set, scenario });
      model.save_changes();
    };
    const start = () => {
      const data = model.get("data");
      if (!data.draws) return root.replaceChildren(el("p", { role: "alert" }, data.declined ?? ""));
      const board = boot(data, root, { told });
      root.board = board;
    };
    model.on("change:data", start);
    start();
  },
};

// A page: data lie in it, and each answer has its section.
const here = typeof document === "undefined" ? null : document.getElementById("board-data");
if (here) {
  const section = (name) => document.querySelector(`section[data-answer="${name}"]`);
  const places = { exposure: section("exposure"), losses: section("losses") };
  const root = el("section", { "data-answer": "board" });
  places.exposure.before(root);
  const wrong = el("p", { class: "warn", role: "alert", hidden: "" });
  root.before(wrong);
  const say = (text) => {
    wrong.hidden = !text;
    wrong.textContent = text;
  };
  const live = () => {
    const data = JSON.parse(here.textContent);
    const told = (set, scenario) => {
      const parts = Object.entries(set).map(([name, value]) => `${name}=${value}`);
      if (scenario !== data.scenario) parts.unshift(`scenario=${scenario}`);
      history.replaceState(null, "", `#${parts.join("&")}`);
    };
    const board = (window.board = boot(data, root, { places, told }));
    const read = () => {
      const found = settingsOf(data, decodeSafely(location.hash));
      say(found.wrong);
      board.go(found.set, found.scenario);
    };
    addEventListener("hashchange", read);
    if (location.hash.length > 1) read();
  };
  try {
    live();
  } catch {
    root.remove();
    say("This browser cannot recompute the page, so it stays as it was made.");
  }
}
function decodeSafely(text) {
  try {
    return decodeURIComponent(text.slice(0, 4000));
  } catch {
    return "#?";
  }
}
