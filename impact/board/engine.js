// The kit's draws, exposure, losses and printed figures, from a description of a run. Knows no page.
const STEP = 2 ** -32;
const NODES = 513;
const EVEN = 2048;
const OUTER = EVEN / 64;
const BIG = 2 ** 52;
const NOISE = 3; // errors of a share, as measures.reach has it
const halfEven = (x) => x + BIG - BIG; // rounds 0 <= x < 2^52

// Streams: SFC64 in pairs of 32 bits, as numpy has it, from the 256 bits of its state.
function streamWords(state, at, count) {
  const out = new Uint32Array(count + (count & 1));
  let [al, ah, bl, bh, cl, ch, wl, wh] = state.subarray(at, at + 8);
  for (let i = 0; i < out.length; i += 2) {
    let sum = (al >>> 0) + (bl >>> 0) + (wl >>> 0);
    const tl = sum | 0;
    const th = (ah + bh + wh + ((sum / 4294967296) | 0)) | 0;
    wl = (wl + 1) | 0;
    if (wl === 0) wh = (wh + 1) | 0;
    al = bl ^ ((bl >>> 11) | (bh << 21));
    ah = bh ^ (bh >>> 11);
    sum = (cl >>> 0) + ((cl << 3) >>> 0);
    bl = sum | 0;
    bh = (ch + ((ch << 3) | (cl >>> 29)) + (sum > 4294967295 ? 1 : 0)) | 0;
    const rl = (cl << 24) | (ch >>> 8);
    const rh = (ch << 24) | (cl >>> 8);
    sum = (rl >>> 0) + (tl >>> 0);
    cl = sum | 0;
    ch = (rh + th + (sum > 4294967295 ? 1 : 0)) | 0;
    out[i] = tl;
    out[i + 1] = th;
  }
  return count & 1 ? out.subarray(0, count) : out;
}

// The inverse of the regularised incomplete beta function by the kit's table.
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
  -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6,
  1.5056327351493116e-7,
];
function gammaOf(x) {
  let sum = LANCZOS[0];
  for (let i = 1; i < 9; i++) sum += LANCZOS[i] / (x - 1 + i);
  const t = x + 6.5;
  return Math.sqrt(2 * Math.PI) * Math.pow(t, x - 0.5) * Math.exp(-t) * sum;
}
function continued(a, b, x) {
  let c = 1;
  let d = 1 / (1 - ((a + b) * x) / (a + 1));
  let h = d;
  for (let m = 1; m < 300; m++) {
    let n = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / (1 + n * d);
    c = 1 + n / c;
    h *= d * c;
    n = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + n * d);
    c = 1 + n / c;
    h *= d * c;
    if (Math.abs(d * c - 1) < 2e-16) break;
  }
  return h;
}
function betainc(a, b, x, scale) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = (Math.pow(x, a) * Math.pow(1 - x, b)) / scale;
  return x < (a + 1) / (a + b + 2)
    ? (front * continued(a, b, x)) / a
    : 1 - (front * continued(b, a, 1 - x)) / b;
}
const betaTables = new Map();
function betaTable(a, b) {
  const key = `${a}|${b}`;
  if (betaTables.has(key)) return betaTables.get(key);
  const scale = (gammaOf(a) * gammaOf(b)) / gammaOf(a + b);
  const u = [];
  const x = [];
  for (let i = 0; i < NODES; i++) {
    const s = i === NODES - 1 ? 1 : Math.sin(i * (Math.PI / 2 / (NODES - 1))) ** 2;
    const v = betainc(a, b, s, scale);
    if (!i || v > u[u.length - 1]) {
      u.push(v);
      x.push(s);
    }
  }
  const even = new Float64Array(EVEN + 1);
  for (let i = 0; i <= EVEN; i++) even[i] = interpolated(i / EVEN, u, x);
  const base = new Float64Array(EVEN);
  const slope = new Float64Array(EVEN);
  for (let i = 0; i < EVEN; i++) {
    slope[i] = even[i + 1] - even[i];
    base[i] = even[i] - slope[i] * i;
  }
  const table = { u, x, base, slope };
  betaTables.set(key, table);
  return table;
}
function interpolated(at, xs, ys) {
  let low = 0;
  let high = xs.length - 1;
  if (at >= xs[high]) return ys[high];
  if (at <= xs[0]) return ys[0];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] <= at) low = middle;
    else high = middle;
  }
  return ((ys[high] - ys[low]) / (xs[high] - xs[low])) * (at - xs[low]) + ys[low];
}

// The inverse normal (Cephes), for 2^-33 <= p < 1.
const P0 = [
  -5.99633501014107895267e1, 9.80010754185999661536e1, -5.66762857469070293439e1,
  1.39312609387279679503e1, -1.23916583867381258016,
];
const Q0 = [
  1, 1.95448858338141759834, 4.67627912898881538453, 8.63602421390890590575e1,
  -2.25462687854119370527e2, 2.00260212380060660359e2, -8.20372256168333339912e1,
  1.59056225126211695515e1, -1.18331621121330003142,
];
const P1 = [
  4.05544892305962419923, 3.15251094599893866154e1, 5.71628192246421288162e1,
  4.408050738932008347e1, 1.46849561928858024014e1, 2.18663306850790267539,
  -1.40256079171354495875e-1, -3.50424626827848203418e-2, -8.57456785154685413611e-4,
];
const Q1 = [
  1, 1.57799883256466749731e1, 4.53907635128879210584e1, 4.1317203825467203044e1,
  1.50425385692907503408e1, 2.50464946208309415979, -1.42182922854787788574e-1,
  -3.80806407691578277194e-2, -9.33259480895457427372e-4,
];
const polynomial = (x, terms) => terms.reduce((sum, term) => sum * x + term, 0);
function ndtri(p) {
  const high = p > 1 - 0.13533528323661269189;
  let y = high ? 1 - p : p;
  if (y > 0.13533528323661269189) {
    y -= 0.5;
    const z = y * y;
    return (y + y * ((z * polynomial(z, P0)) / polynomial(z, Q0))) * 2.50662827463100050242;
  }
  const x = Math.sqrt(-2 * Math.log(y));
  const z = 1 / x;
  const found = x - Math.log(x) / x - (z * polynomial(z, P1)) / polynomial(z, Q1);
  return high ? found : -found;
}

// One value of an estimate at u, and the values of a stream.
function quantileOf(estimate) {
  const { s, l, m, h, p } = estimate;
  if (s === "uniform") return (u) => l + (h - l) * u;
  if (s === "lognormal") return (u) => Math.exp(p[0] + p[1] * ndtri(u * p[2]));
  if (s === "quantiles") return (u) => interpolated(u, p[0], p[1]);
  if (l === h) return () => m;
  const width = h - l;
  const {
    u: us,
    x: xs,
    base,
    slope,
  } = betaTable(1 + (4 * (m - l)) / width, 1 + (4 * (h - m)) / width);
  return (u) => {
    const at = u * EVEN;
    const step = at | 0;
    const inner = step >= OUTER && step < EVEN - OUTER;
    return l + width * (inner ? slope[step] * at + base[step] : interpolated(u, us, xs));
  };
}
function valuesOf(estimate, stream) {
  const out = new Float64Array(stream.length);
  const quantile = quantileOf(estimate);
  let above = null;
  if (estimate.least !== undefined) {
    let low = 0;
    let high = 1 - STEP;
    if (quantile(high) <= estimate.least) return out.fill(estimate.least);
    for (let i = 0; i < 50; i++) {
      const middle = (low + high) / 2;
      if (quantile(middle) <= estimate.least) low = middle;
      else high = middle;
    }
    above = high;
  }
  for (let k = 0; k < out.length; k++) {
    const u = stream[k] * STEP + STEP / 2;
    out[k] = quantile(above === null ? u : above + u * (1 - above));
  }
  return out;
}

// Numbers as the kit prints them. Python rounds exact halves to even, JavaScript up.
function roundsUp(head, rest) {
  const digit = rest.charCodeAt(0) - 48;
  const odd = head.charCodeAt(head.length - 1) & 1;
  return digit > 5 || (digit === 5 && (/[1-9]/.test(rest.slice(1)) || odd === 1));
}
function significant(x, digits) {
  if (!x || !Number.isFinite(x)) return x;
  const [mantissa, power] = Math.abs(x).toExponential(60).split("e");
  const all = mantissa.replace(".", "");
  const head = all.slice(0, digits);
  const whole = Number(head) + (roundsUp(head, all.slice(digits)) ? 1 : 0);
  return Math.sign(x) * Number(`${whole}e${Number(power) - digits + 1}`);
}
function fixed(x, places) {
  const [whole, part] = x.toFixed(80).split(".");
  const cut = whole.length + places;
  const head = (whole + part).slice(0, cut);
  const up = roundsUp(head, (whole + part).slice(cut)) ? 1n : 0n;
  const text = (BigInt(head) + up).toString().padStart(places + 1, "0");
  const units = text.slice(0, text.length - places).replace(/\B(?=(\d{3})+$)/g, ",");
  return places ? `${units}.${text.slice(text.length - places)}` : units;
}
function decimal(value, digits) {
  const size = Math.abs(value);
  const places = value ? Math.max(0, digits - 1 - Math.floor(Math.log10(size))) : 0;
  const text = (value < 0 ? "-" : "") + fixed(size, places);
  return text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
}
function digitsOf(value) {
  const near = 0.05 * Math.abs(value);
  for (let n = 1; n < 16; n++) if (Math.abs(significant(value, n) - value) <= near) return n;
  return 16;
}
const NOT_RESOLVED = "not resolved";
function number(value, digits = digitsOf(value)) {
  return decimal(significant(value, digits), digits);
}
function spanned(print, low, high) {
  const [first, last] = [print(low), print(high)];
  return first === last ? first : `${first} to ${last}`;
}
function moneyIn(sign) {
  function money(amount, digits = digitsOf(amount)) {
    const rounded = significant(Math.abs(amount), digits);
    const lead = (amount < 0 && rounded ? "-" : "") + sign;
    for (const [size, name] of [
      [1e9, " billion"],
      [1e6, " million"],
    ])
      if (rounded >= size) return `${lead}${decimal(rounded / size, digits)}${name}`;
    return `${lead}${decimal(rounded, digits)}`;
  }
  function range(low, high) {
    if (low === null || high === null) return NOT_RESOLVED;
    if (low < 0 && high > 0) return `a gain of ${money(-low)} to a loss of ${money(high)}`;
    if (low < 0) return `a gain of ${range(-high, -low)}`;
    return spanned(money, low, high);
  }
  return { money, range };
}
function chance(p) {
  if (p === 0) return "none";
  if (p === 1) return "always";
  if (p <= 0.005 || p >= 0.995) return p < 0.5 ? "under 1 %" : "over 99 %";
  return `${p >= 0.1 && p <= 0.9 ? 5 * halfEven(20 * p) : halfEven(100 * p)} %`;
}
function about(p) {
  const said = chance(Math.min(Math.max(p, 1e-9), 1 - 1e-9));
  return /^(under|over)/.test(said) ? said : `about ${said}`;
}
const perCent = (share) =>
  share > 0 && share <= 0.005 ? "under 1 %" : `${fixed(100 * share, 0)} %`;
const WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
const inWords = (n) => (n < WORDS.length ? WORDS[n] : fixed(n, 0));
const many = (n, one) => `${inWords(n)} ${n === 1 ? one : `${one}s`}`;
const capital = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);
const listed = (names, last = "and") =>
  names.length > 1
    ? `${names.slice(0, -1).join(", ")} ${last} ${names[names.length - 1]}`
    : names.join("");

// The k-th of values[low..high] to its place (Hoare 1961).
function select(values, low, high, k) {
  while (low < high) {
    const [x, y, z] = [values[low], values[(low + high) >> 1], values[high]];
    const pivot = x < y ? (y < z ? y : x < z ? z : x) : x < z ? x : y < z ? z : y;
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i] < pivot) i++;
      while (values[j] > pivot) j--;
      if (i <= j) {
        const swapped = values[i];
        values[i++] = values[j];
        values[j--] = swapped;
      }
    }
    if (k <= j) high = j;
    else if (k >= i) low = i;
    else return;
  }
}

// A model: `run(settings)` works out what the settings of inputs change, `losses` and `exposure`
// tell it. Masks hold one bit a draw; what did not change is the same object as before.
export function engine(data) {
  const n = data.draws;
  const size = (n + 31) >> 5;
  const bytes = Uint8Array.from(atob(data.seeds), (c) => c.charCodeAt(0));
  const states = new Int32Array(bytes.buffer);
  const places = new Map(data.streams.map((name, place) => [name, place]));
  const full = new Uint32Array(size).fill(0xffffffff);
  if (n & 31) full[size - 1] = 2 ** (n & 31) - 1;
  const none = new Uint32Array(size);
  const zero = new Float64Array(n);
  const { money, range } = moneyIn(data.sign);
  const edges = data.edges.map(([id, from, to, terms, certain]) => ({
    id,
    from,
    to,
    terms,
    certain,
  }));
  const entering = new Map();
  for (const edge of edges)
    if (edge.from !== edge.to) {
      if (!entering.has(edge.to)) entering.set(edge.to, []);
      entering.get(edge.to).push(edge);
    }
  const losses = data.losses.map(
    ([id, kind, needs, bearer, to, retention, limit, args, driver]) => ({
      id,
      kind,
      needs,
      bearer,
      to,
      retention,
      limit,
      args,
      driver,
    }),
  );
  const lossOf = new Map(losses.map((loss) => [loss.id, loss]));
  const entities = new Map(data.entities.map(([id, told, kind]) => [id, { told, kind }]));
  const usedBy = new Map();
  const uses = (name, row) => {
    if (!usedBy.has(name)) usedBy.set(name, new Set());
    usedBy.get(name).add(row);
  };
  for (const edge of edges) {
    uses(`link.${edge.id}`, edge.id);
    for (const term of edge.terms) for (const name of term) if (name) uses(name, edge.id);
  }
  for (const loss of losses)
    for (const name of [...loss.args.map((pair) => pair[1]), loss.retention, loss.limit])
      if (name) uses(name, loss.id);

  let scenario = data.scenarios[data.scenario];
  let set = {};
  let now = null;
  const streams = new Map();
  const values = new Map(); // of estimates that are no setting: they stay for the life of the page

  function stream(name) {
    if (!streams.has(name)) streams.set(name, streamWords(states, 8 * places.get(name), n));
    return streams.get(name);
  }
  function estimateOf(name) {
    if (name in set) return { s: "fixed", m: set[name] };
    return scenario.inputs[name] ?? data.inputs[name];
  }
  function value(name, use) {
    const estimate = estimateOf(name);
    if (estimate.s === "fixed") return estimate.m;
    const key = (data.units[name]?.once ?? true) ? `input|${name}` : `input|${name}|${use}`;
    if (!values.has(estimate)) values.set(estimate, new Map());
    const found = values.get(estimate);
    if (!found.has(key)) found.set(key, valuesOf(estimate, stream(key)));
    return found.get(key);
  }
  const at = (v) => (typeof v === "number" ? () => v : (k) => v[k]);
  function chanceOf([name, minutes], use) {
    const p = value(name, use);
    if (!minutes) return p;
    const span = value(minutes, use);
    const per = data.units[name].minutes;
    const of = (c, m) => 1 - Math.pow(1 - c, m / per);
    if (typeof p === "number" && typeof span === "number") return of(p, span);
    const [c, m] = [at(p), at(span)];
    return Float64Array.from({ length: n }, (_, k) => of(c(k), m(k)));
  }
  function termsOf(edge) {
    const cut = estimateOf(`link.${edge.id}`);
    return cut ? [...edge.terms, [`link.${edge.id}`, null]] : edge.terms;
  }
  const same = (a, b) => a === b || a.every((word, i) => word === b[i]);
  function linkMask(edge) {
    let mask = full;
    for (const term of termsOf(edge)) {
      const p = chanceOf(term, edge.id);
      if (p === 0) return none;
      if (p === 1) continue;
      const words = stream(`outcome|${edge.id}|${term[0]}`);
      const out = new Uint32Array(size);
      const constant = typeof p === "number" ? halfEven(p * 4294967296) : null;
      for (let k = 0, w = 0; w < size; w++) {
        let bits = 0;
        for (let b = 0; b < 32 && k < n; b++, k++)
          if (words[k] < (constant ?? p[k] * 4294967296 + BIG - BIG)) bits |= 1 << b;
        out[w] = bits & mask[w];
      }
      mask = out;
    }
    return mask;
  }
  function reach(on) {
    const found = new Map([[data.root, full]]);
    for (const component of data.order)
      for (let dirty = true; dirty;) {
        dirty = false;
        for (const node of component) {
          const before = found.get(node);
          const mask = before ? Uint32Array.from(before) : new Uint32Array(size);
          for (const edge of entering.get(node) ?? []) {
            const there = found.get(edge.from);
            const open = on.get(edge.id);
            if (there) for (let i = 0; i < size; i++) mask[i] |= there[i] & open[i];
          }
          if (!before || !same(before, mask)) {
            found.set(node, mask);
            dirty = component.length > 1;
          }
        }
      }
    for (const [node, mask] of found) {
      if (same(mask, none)) found.delete(node);
      else if (same(mask, full)) found.set(node, full);
    }
    return found;
  }
  function count(mask) {
    let sum = 0;
    for (let word of mask) {
      word -= (word >>> 1) & 0x55555555;
      word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
      sum += (((word + (word >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
    }
    return sum;
  }
  const holds = (mask, k) => (mask[k >> 5] >>> (k & 31)) & 1;
  const meet = (a, b) => a.some((word, i) => word & b[i]);

  // In the order of the names, as the kit multiplies.
  function product(args, use) {
    let scalar = 1;
    let out = null;
    for (const [, name] of args) {
      const v = value(name, use);
      if (typeof v === "number") {
        if (!out) scalar *= v;
        else if (v !== 1) for (let k = 0; k < n; k++) out[k] *= v;
      } else if (!out) {
        out = new Float64Array(n);
        for (let k = 0; k < n; k++) out[k] = scalar * v[k];
      } else for (let k = 0; k < n; k++) out[k] *= v[k];
    }
    return out ?? scalar;
  }
  function records(args, use) {
    const v = Object.fromEntries(args.map(([arg, name]) => [arg, at(value(name, use))]));
    return Float64Array.from({ length: n }, (_, k) => {
      const people = v.people(k);
      if (!(people > 0)) return 0;
      return Math.exp(v.intercept(k) + v.slope(k) * Math.log(people)) * v.residual(k) * v.share(k);
    });
  }
  function lossAmounts(loss, mask) {
    if (!mask) return zero;
    let amount = (loss.kind === "product" ? product : records)(loss.args, loss.id);
    if (typeof amount === "number") {
      if (amount === 0) return zero;
      amount = new Float64Array(n).fill(amount);
    }
    if (loss.limit) {
      const kept = at(loss.retention ? value(loss.retention, loss.id) : 0);
      const limit = at(value(loss.limit, loss.id));
      amount = amount.map((v, k) => v - Math.min(Math.max(v - kept(k), 0), limit(k)));
    }
    if (mask === full) return amount;
    const out = new Float64Array(n);
    for (let k = 0; k < n; k++) if (holds(mask, k)) out[k] = amount[k];
    return out;
  }

  const summaries = new Map(); // what was made of the same arrays is not made again
  function remembered(key, parts, make) {
    const found = summaries.get(key);
    if (found && found.parts.length === parts.length && found.parts.every((p, i) => p === parts[i]))
      return found.made;
    const made = make();
    summaries.set(key, { parts, made });
    return made;
  }
  function balance(who) {
    const rows = losses.filter((l) => (who === null ? !l.to : l.bearer === who || l.to === who));
    return remembered(
      `net|${who}`,
      rows.map((l) => now.losses.get(l.id)),
      () => {
        const sum = new Float64Array(n);
        for (const loss of rows) {
          const v = now.losses.get(loss.id);
          const gains = who !== null && loss.bearer !== who;
          if (v !== zero)
            for (let k = 0; k < n; k++) sum[k] = gains ? sum[k] - v[k] : sum[k] + v[k];
        }
        return sum;
      },
    );
  }
  function run(settings = {}, name = data.scenario) {
    const before = set;
    const old = now;
    const changed = new Set([...Object.keys(before), ...Object.keys(settings)]);
    for (const key of changed) if (before[key] === settings[key]) changed.delete(key);
    const other = data.scenarios[name];
    if (other !== scenario)
      for (const key of [...Object.keys(scenario.inputs), ...Object.keys(other.inputs)])
        changed.add(key);
    set = { ...settings };
    scenario = other;
    const touched = new Set();
    for (const key of changed) for (const row of usedBy.get(key) ?? []) touched.add(row);
    const on = new Map();
    let moved = !old;
    for (const edge of edges) {
      const was = old?.on.get(edge.id);
      const mask = was && !touched.has(edge.id) ? was : linkMask(edge);
      on.set(edge.id, was && same(was, mask) ? was : mask);
      moved ||= on.get(edge.id) !== was;
    }
    const reached = moved ? reach(on) : old.reached;
    if (moved && old)
      for (const [node, mask] of reached) {
        const was = old.reached.get(node);
        if (was && same(was, mask)) reached.set(node, was);
      }
    const amounts = new Map();
    for (const loss of losses) {
      const mask = reached.get(loss.needs);
      const keep = old && !touched.has(loss.id) && old.reached.get(loss.needs) === mask;
      amounts.set(loss.id, keep ? old.losses.get(loss.id) : lossAmounts(loss, mask));
    }
    now = { on, reached, losses: amounts };
    return now;
  }

  // Measures
  const any = (amounts) => amounts !== zero && amounts.some((v) => v !== 0);
  let scratch = new Float64Array(n);
  function nineInTen(parts, whole) {
    const length = parts.length * n;
    if (scratch.length < length) scratch = new Float64Array(length);
    let [hits, least, fewest] = [0, 0, n];
    for (const part of parts) {
      const before = hits;
      if (part !== zero)
        for (let k = 0; k < n; k++)
          if (part[k] !== 0) {
            scratch[hits++] = part[k];
            if (part[k] < least) least = part[k];
          }
      fewest = Math.min(fewest, hits - before);
    }
    const often = hits / length;
    const given = fewest / n < (whole ? 0.12 : 0.95);
    const found = { chance: often, given, low: null, mid: null, high: null };
    if (hits < data.enough) return found;
    const many = given ? hits : length;
    scratch.fill(0, hits, many);
    const rare = whole && often >= 0.12 && often < 0.95 && least >= 0;
    const points = rare ? [0, 0.5, 0.9] : [0.05, 0.5, 0.95];
    const [low, mid, high] = points.map((q) => Math.max(0, Math.ceil(q * many) - 1));
    select(scratch, 0, many - 1, mid);
    if (low < mid) select(scratch, 0, mid - 1, low);
    if (high > mid) select(scratch, mid + 1, many - 1, high);
    return { ...found, low: scratch[low], mid: scratch[mid], high: scratch[high] };
  }
  function canBeOn(edge) {
    return termsOf(edge).every((term) => {
      const p = chanceOf(term, edge.id);
      return typeof p === "number" ? p > 0 : p.some((v) => v > 0);
    });
  }
  function rareEntities() {
    const parts = [...now.on.values(), scenario, JSON.stringify(set)];
    return remembered("rare", parts, () => {
      const found = new Set([data.root]);
      for (const node of found)
        for (const edge of edges)
          if (edge.from === node && !found.has(edge.to) && canBeOn(edge)) found.add(edge.to);
      return new Set([...found].filter((node) => !now.reached.has(node)));
    });
  }
  function unmet(bearer) {
    const rare = rareEntities();
    const lost = (l) => (bearer === null ? !l.to : l.bearer === bearer && l.to !== bearer);
    const may = losses.some((l) => lost(l) && rare.has(l.needs));
    return may && !any(balance(bearer));
  }
  function spread(row, parts, deps = parts) {
    const { about: of, part } = row;
    const measured = remembered(`range|${of}|${part}|${row.who}`, deps, () => {
      const arrays = typeof parts === "function" ? parts() : parts;
      return { ...nineInTen(arrays, part === "total"), any: arrays.some(any) };
    });
    const bearer = of === "total" ? null : (lossOf.get(of)?.bearer ?? of);
    return { unit: "money", driver: "", ...row, ...measured, rare: !measured.any && unmet(bearer) };
  }
  function ranges() {
    const rows = [...data.forces.flatMap(idle), ...suppliers(), ...drivers()];
    if (any(balance(null)) || unmet(null))
      rows.push(spread({ who: "total", part: "total", about: "total" }, [balance(null)]));
    return rows;
  }
  function idle(force) {
    const lost = balance(force);
    let hits = 0;
    for (let k = 0; k < n; k++) if (lost[k] !== 0) hits++;
    if (hits <= 0.5 * n) return [];
    const each = [];
    const work = [];
    for (const loss of losses.filter((l) => l.bearer === force)) {
      const of = (kind) => loss.args.filter(([, name]) => data.units[name].of === kind);
      const [people, weeks] = [of("person"), of("week")];
      if (loss.kind !== "product" || !people.length || !weeks.length) continue;
      const args = [...people, ...weeks, ...of("1")].sort((a, b) => (a[0] < b[0] ? -1 : 1));
      const used = args.map(([, name]) => value(name, loss.id));
      const effort = remembered(`effort|${loss.id}`, used, () => product(args, loss.id));
      const amount = now.losses.get(loss.id);
      work.push([effort, amount]);
      const who = value(people[0][1], loss.id);
      const band = loss.args.find(([arg]) => arg === "band");
      const share = band ? value(band[1], loss.id) : 1;
      const row = { who: force, part: "pay_each", about: loss.id, driver: loss.driver };
      const one = () => {
        const of = (k) => at(who)(k) * at(share)(k);
        return [amount.map((v, k) => (of(k) > 0 ? v / of(k) : 0))];
      };
      each.push(spread(row, one, [amount, who, share]));
    }
    const rows = [spread({ who: force, part: "pay", about: force }, [lost])];
    if (!each.length) return rows;
    const weeks = () => {
      const sum = new Float64Array(n);
      for (const [effort, amount] of work) {
        const of = at(effort);
        for (let k = 0; k < n; k++) if (amount[k] > 0) sum[k] += of(k);
      }
      return [sum];
    };
    const row = { who: force, part: "work", about: force, unit: "weeks" };
    return [...rows, ...each, spread(row, weeks, work.flat())];
  }
  function suppliers() {
    const keep = new Set(losses.map((l) => l.to).filter(Boolean));
    return data.suppliers
      .filter((one) => any(balance(one)) || unmet(one))
      .map((one) =>
        spread({ who: one, part: keep.has(one) ? "net" : "own", about: one }, [balance(one)]),
      );
  }
  // What is reported of some, and what the reader loses, is not pooled with what others may lose,
  // nor with those who cannot be hit.
  function drivers() {
    const rare = rareEntities();
    const { rows } = chances();
    const needs = (id) => lossOf.get(id).needs;
    const groupOf = (id) =>
      lossOf.get(id).bearer === data.reader
        ? data.reader
        : rows.get(needs(id)).how === "established"
          ? "reported"
          : "other";
    return data.drivers.flatMap(([kind, driver, every]) => {
      const all = every.filter((id) => possible(rows.get(needs(id))));
      return [data.reader, "reported", "other"].flatMap((which) => {
        const ids = all.filter((id) => groupOf(id) === which);
        if (!ids.some((id) => any(now.losses.get(id)) || rare.has(needs(id)))) return [];
        const bearers = new Set(ids.map((id) => lossOf.get(id).bearer));
        const whole = ids.length === all.length ? kind : `${kind}.${which}`;
        const who = bearers.size > 1 ? whole : lossOf.get(ids[0]).bearer;
        const pooled = () => {
          const each = new Map();
          for (const id of ids) {
            const [of, amount] = [lossOf.get(id).bearer, now.losses.get(id)];
            const sum = each.get(of);
            each.set(of, sum ? sum.map((v, k) => v + amount[k]) : amount);
          }
          return [...each.values()];
        };
        const row = { who, driver, part: "driver", about: ids[0] };
        return [
          spread(
            row,
            pooled,
            ids.map((id) => now.losses.get(id)),
          ),
        ];
      });
    });
  }

  // Words
  const supposed = (one) => (one in set ? set[one] > 0 : scenario.supposed.includes(one));
  const falls = (id) => data.falls.some(([target, by]) => target === id && by.some(supposed));
  function name(id) {
    const told = entities.get(id)?.told ?? id;
    return falls(id) ? `${told} (no compromise reported)` : told;
  }
  const names = (ids, last) => listed(ids.map(name), last);
  const kindOf = (id) => entities.get(id)?.kind;
  function whoLoses(row) {
    if (row.part === "pay_each") return `one of the ${name(row.who)}`;
    const [kind, which] = row.who.split(".");
    if (row.part === "driver" && ["lab", "client"].includes(kind)) {
      const { needs, bearer } = lossOf.get(row.about);
      const how = needs === bearer ? " reported as affected" : " for which it is reported";
      const one = `${which === "other" ? "any other" : "a"} client${kind === "lab" ? " lab" : ""}`;
      return which === "reported" ? one + how : one;
    }
    return row.part === "total" ? "all parties together" : name(row.who);
  }
  function span(row) {
    if (row.rare || row.low === null) return NOT_RESOLVED;
    if (row.unit === "weeks") return `${spanned(number, row.low, row.high)} weeks`;
    return range(row.low, row.high);
  }
  function when(row) {
    if (row.rare) return data.oneIn;
    if (row.given) return `in ${chance(row.chance)} of outcomes`;
    return row.chance === 1 ? "always" : "in all outcomes";
  }
  const PARTS = ["driver", "total", "net", "own", "pay", "work", "pay_each"];
  const WHAT = {
    pay: "pay not earned",
    work: "part-time work lost",
    net: "all losses, less pay it no longer owes",
    own: "all losses",
    total: "net",
  };
  const before = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  // `lead` and `rows` are the paragraphs and the table of impact.losses(run, most).
  function losses_(most) {
    const found = ranges();
    const total = found.find((row) => row.part === "total");
    const mean = (row) => balance(row.about).reduce((a, b) => a + b, 0);
    const most_ = found
      .filter((row) => ["net", "own", "pay"].includes(row.part) && row.high > 0)
      .sort((a, b) => mean(b) - mean(a))
      .slice(0, 2);
    const seldom = (row) => (row.part === "driver" ? -row.chance : 0);
    const sorted = [...found].sort(
      (a, b) =>
        PARTS.indexOf(a.part) - PARTS.indexOf(b.part) ||
        seldom(a) - seldom(b) ||
        significant(b.high ?? 0, 9) - significant(a.high ?? 0, 9) ||
        before(`${a.about}.${a.part}`, `${b.about}.${b.part}`),
    );
    const shown = sorted.slice(0, most ?? 15);
    const cells = shown.map((row) => [
      capital(whoLoses(row)),
      row.part === "driver" || row.part === "pay_each" ? row.driver : WHAT[row.part],
      span(row),
      when(row),
    ]);
    return { lead: lossLead(total, most_, found), rows: cells, ranges: sorted, total };
  }
  function lossLead(total, most, found) {
    if (!total) return ["No loss follows from what is known."];
    if (total.low === null) return [`The loss of all parties together is ${span(total)}.`];
    const given = total.given ? `, if there is one (${chance(total.chance)})` : "";
    const parts = [
      `Across all parties the net loss is ${span(total)} in nine outcomes in ten${given}.`,
    ];
    const told = most.map((row) => {
      const several = row.part === "pay" || ["group", "workforce"].includes(kindOf(row.who));
      const verb = row.low < 0 ? (several ? "have" : "has") : several ? "lose" : "loses";
      const often = row.given ? ` in ${chance(row.chance)} of outcomes` : "";
      return `${whoLoses(row)} ${verb} ${span(row)}${often}`;
    });
    if (told.length) parts.push(`${capital(listed(told))}.`);
    const works = found.filter((row) => row.part === "work");
    const [work] = works.sort((one, other) => other.mid - one.mid);
    if (work) parts.push(`${capital(name(work.who))} together lose ${span(work)} of work.`);
    return [parts.join(" ")];
  }
  // Exposure
  function over(sure) {
    const seen = new Set([data.root]);
    const open = edges.filter((edge) => same(now.on.get(edge.id), full) && edge.terms.every(sure));
    for (let more = true; more;) {
      more = false;
      for (const edge of open)
        if (seen.has(edge.from) && !seen.has(edge.to)) {
          seen.add(edge.to);
          more = true;
        }
    }
    return seen;
  }
  // The greater half of the Wilson interval of a share of all draws
  function wilson(p) {
    const z2 = 1.959963984540054 ** 2 / n;
    const centre = (p + z2 / 2) / (1 + z2);
    const half = (1.959963984540054 / (1 + z2)) * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n));
    return Math.max(centre + half - p, p - (centre - half));
  }
  function chances() {
    const sure = ([term]) => estimateOf(term).s === "fixed" && estimateOf(term).m === 1;
    const fixedNow = edges.map((e) => e.terms.map(sure)).join();
    const parts = [...now.on.values(), ...now.reached.values(), fixedNow, rareEntities()];
    return remembered("chances", parts, () => {
      const certain = over(() => false);
      const supposed = over(sure);
      const settled = (id) => certain.has(id) && (id === data.root || data.reported.includes(id));
      const rare = rareEntities();
      const walked = edges.filter((edge) => {
        const there = now.reached.get(edge.from);
        return there && meet(there, now.on.get(edge.id));
      });
      const bits = new Map();
      const brings = new Map();
      for (const edge of walked) {
        let own = 0n;
        for (const term of edge.certain ? ["certain"] : edge.terms.map(String)) {
          if (!bits.has(term)) bits.set(term, 1n << BigInt(bits.size));
          own |= bits.get(term);
        }
        brings.set(edge.id, own);
      }
      const evidence = new Map();
      for (let more = true; more;) {
        more = false;
        for (const edge of walked) {
          if (edge.from === edge.to) continue;
          const was = evidence.get(edge.to) ?? 0n;
          const is = was | (evidence.get(edge.from) ?? 0n) | brings.get(edge.id);
          if (is !== was || !evidence.has(edge.to)) {
            evidence.set(edge.to, is);
            more = true;
          }
        }
      }
      const rows = new Map();
      const bands = new Map();
      for (const [id, { kind }] of entities) {
        const mask = now.reached.get(id);
        const drawn = mask && !supposed.has(id);
        let how = drawn
          ? "drawn"
          : supposed.has(id) && !settled(id)
            ? "supposed"
            : "established";
        const p = mask ? count(mask) / n : 0;
        if (rare.has(id)) how = "rare";
        else if (!p) how = "none";
        const key = `${kind === "lab" ? "client" : kind}|${evidence.get(id) ?? 0n}`;
        if (!bands.has(key)) bands.set(key, []);
        const row = { id, kind, chance: p, how };
        bands.get(key).push(row);
        rows.set(id, row);
      }
      for (const alike of bands.values()) {
        alike.sort((a, b) => a.chance - b.chance);
        const apart = (row, i) => i && row.chance - alike[i - 1].chance > NOISE * wilson(row.chance);
        const ends = [...alike.flatMap((row, i) => (apart(row, i) ? [i] : [])), alike.length];
        ends.forEach((end, i) => {
          const equal = alike.slice(ends[i - 1] ?? 0, end);
          const mean = equal.reduce((sum, row) => sum + row.chance, 0) / equal.length;
          for (const row of equal) row.band = mean;
        });
      }
      return { rows, certain, walked };
    });
  }
  const possible = (row) => row.chance > 0 || row.how === "rare";
  // None stand in for clients of a supplier that is hit and reaches none of them.
  function clients(rows) {
    const there = [...rows.values()].filter(possible);
    const of = new Set(Object.values(data.supplies).flat());
    const mine = there.filter((row) => ["lab", "client"].includes(row.kind) && of.has(row.id));
    const kind = ["lab", "client", "group"].find((k) => there.some((row) => row.kind === k));
    const found =
      mine.length || sparedBy(hit(rows), rows).length
        ? mine
        : there.filter((row) => row.kind === kind);
    return found.sort((a, b) => b.band - a.band || before(a.id, b.id));
  }
  function statesOf(rows) {
    const found = new Map();
    for (const [party, sets] of data.sets)
      for (const one of sets) {
        const copy = data.copied[one] ?? "";
        const [reached, copied, out] = [one, copy, data.out[copy] ?? ""].map((id) => rows.get(id));
        if (reached && possible(reached))
          found.set(party, { id: one, reach: reached, copied, published: out });
      }
    return found;
  }
  function said(row) {
    if (!row) return "";
    if (row.how === "none") return "none";
    if (row.how === "established") return "reported";
    if (row.how === "supposed") return "assumed here";
    return row.how === "rare" ? data.oneIn : about(row.band);
  }
  function hit(rows) {
    const settled = (row) => row.how === "established" || row.how === "supposed";
    const sure = Object.keys(data.supplies)
      .sort(before)
      .filter((id) => rows.get(id).chance > 0 && settled(rows.get(id)));
    const served = new Set(sure.flatMap((id) => data.supplies[id]));
    const first = sure.filter((id) => !served.has(id));
    return first.length ? first : sure;
  }
  function chained({ walked, certain, rows }, hits) {
    const begins = new Map();
    for (const edge of walked)
      if (certain.has(edge.from) && !certain.has(edge.to) && edge.from !== data.root)
        begins.set(edge.from, (begins.get(edge.from) ?? 0) + 1);
    if (begins.size) return true;
    const first = [...hits].sort(before)[0];
    return first !== undefined && certain.has(first) && rows.get(first).chance > 0;
  }
  function joint(drawn) {
    if (drawn.length < 2) return null;
    const apart = new Float64Array(drawn.length + 1);
    apart[0] = 1;
    for (const { chance: p } of drawn) {
      for (let k = drawn.length; k > 0; k--) apart[k] = apart[k] * (1 - p) + apart[k - 1] * p;
      apart[0] *= 1 - p;
    }
    const found = new Float64Array(drawn.length + 1);
    const masks = drawn.map((row) => now.reached.get(row.id));
    for (let k = 0; k < n; k++) found[masks.reduce((sum, mask) => sum + holds(mask, k), 0)]++;
    let [of, alone, best] = [0, 0, null];
    for (let k = drawn.length; k > 1; k--) {
      of += found[k] / n;
      alone += apart[k];
      if (!best && of >= 0.05 && of > 1.5 * alone) best = { least: k, chance: of, apart: alone };
    }
    return best;
  }
  // `lead` and `rows` are the paragraphs and the table of impact.exposure(run, most).
  function exposure(most) {
    const found = chances();
    const { rows } = found;
    const [served, held, hits] = [clients(rows), statesOf(rows), hit(rows)];
    const reported = served.filter((row) => row.how === "established");
    const shown = [];
    const alike = [];
    const seen = new Set();
    for (const row of served) {
      seen.add(row.id);
      if (most && reported.length > 7 && row.how === "established") alike.push(row.id);
      else shown.push({ ...held.get(row.id), id: row.id, reach: row });
    }
    for (const [party, state] of held) if (!seen.has(party)) shown.push(state);
    if (alike.length) shown.push({ id: alike[0], alike, reach: { how: "established" } });
    if (!most) {
      const near = [...new Set([...Object.keys(data.supplies), ...data.peers])].filter(
        (id) => !seen.has(id),
      );
      for (const id of near.sort(before))
        if (possible(rows.get(id)) || data.peers.includes(id))
          shown.push({ id, reach: rows.get(id).chance ? rows.get(id) : undefined });
    }
    const cut = most && !alike.length ? shown.slice(0, most) : shown;
    const lead = exposureLead(served, reported, hits, rows, most ? chained(found, hits) : false);
    return { lead, ...exposureTable(cut, Boolean(most)), states: cut };
  }
  function exposureTable(shown, short) {
    const [copied, out] = ["copied", "published"].map((key) => shown.some((row) => row[key]));
    const open = shown.some((row) => ["drawn", "rare"].includes(row.reach?.how));
    const brief = (row) => said(row).replace("about ", "") || "–";
    const cells = shown.map((row) => {
      const states = [said(row.reach)];
      if (row.copied || row.published) {
        states.push(brief(row.copied));
        if (out) states.push(brief(row.published));
      }
      const all = row.alike ?? [row.id];
      return [
        capital(all.length > 3 ? many(all.length, "client") : names(all)),
        capital(
          all.length > 3
            ? `reported as affected: ${names(all)}`
            : (row.reach?.how === "established" && data.hit[row.id]) ||
                data.did[row.id] ||
                data.did[""],
        ),
        states.join(" / ").trim(),
      ];
    });
    const head = `Its data: in reach${copied ? " / copied" : ""}${out ? " / with third parties" : ""}`;
    const heads = ["Who", "What it did or said", ...(short && open ? [] : [head])];
    const kept = heads.map((_, i) => i).filter((i) => cells.some((row) => row[i]));
    return { heads: kept.map((i) => heads[i]), rows: cells.map((row) => kept.map((i) => row[i])) };
  }
  function exposureLead(served, reported, hits, rows, hidden) {
    const lead = [];
    const sure = hits.filter((id) => rows.get(id).how === "established");
    const assumed = hits.filter((id) => !sure.includes(id));
    if (!hidden)
      for (const id of sure)
        lead.push(
          `${capital(name(id))} was affected${data.cited[id] ? ` ${data.cited[id]}` : ""}.`,
        );
    for (const id of assumed)
      lead.push(`${assumes()} assumes that ${name(id)} was compromised${sure.length ? " too" : ""}.`);
    if (!hits.length) lead.push(scenario.noHit);
    lead.push(reachOf(served, reported, sparedBy(hits, rows)));
    const drawn = served.filter((row) => row.how === "drawn");
    const together = joint(drawn);
    if (together) {
      const all = together.least === drawn.length;
      const who = all
        ? `All ${inWords(together.least)} ${reported.length ? "of the others" : "clients with an assumed chance"}`
        : `${capital(inWords(together.least))} or more clients`;
      lead.push(
        `${who} are reached together in ${perCent(together.chance)} of simulated outcomes.` +
          ` Were their chances independent, it would be ${perCent(together.apart)}.`,
      );
    }
    return lead.filter(Boolean);
  }
  const assumes = () => (scenario === data.scenarios.baseline ? "The case" : "This scenario");
  function sparedBy(hits, rows) {
    const party = (id) => ["lab", "client"].includes(kindOf(id));
    const led = (id) => party(id) && edges.some((edge) => edge.to === id);
    return hits.filter((id) => {
      const clients = (data.supplies[id] ?? []).filter(led);
      return clients.length && !clients.some((client) => possible(rows.get(client)));
    });
  }
  function reachOf(served, reported, spared) {
    const lab = served[0]?.kind === "lab";
    const group = served[0]?.kind === "group";
    const supposed = served
      .filter((row) => row.how === "supposed")
      .map((row) => row.id)
      .sort(before);
    const rest = served.filter((row) => row.how === "drawn" || row.how === "rare");
    const told =
      spared.length && Object.keys(scenario.inputs).length
        ? [`This scenario assumes that no client of ${names(spared, "or")} was reached.`]
        : [];
    const known = reported.map((row) => row.id).sort(before);
    if (known.length) {
      const who = known.length > 4 ? capital(many(known.length, "client")) : capital(names(known));
      told.push(`${who} ${known.length === 1 && !group ? "is" : "are"} reported as affected.`);
    }
    if (supposed.length) {
      const verb = lab || supposed.length === 1 ? "was" : "were";
      told.push(
        `${assumes()} assumes that ${lab ? "data of " : ""}${names(supposed)} ${verb} reached.`,
      );
    }
    if (rest.length) {
      told.push(
        known.length
          ? "Whether the other clients named here were affected is not established."
          : `Nobody has said whether ${lab ? "client data" : "a client"} was within the intruder's reach.`,
      );
      const groups = new Map();
      for (const row of rest) {
        const key = `${row.band}|${row.how}`;
        if (!groups.has(key)) groups.set(key, []);
        groups.get(key).push(row);
      }
      const parts = [...groups.values()].map((rows) => {
        const ids = rows.map((row) => row.id).sort(before);
        const who = ids.length > 6 ? many(ids.length, "other client") : names(ids);
        return `${said(rows[0])}${ids.length > 1 ? " each" : ""} for ${who}`;
      });
      told.push(`The kit assumes a chance of ${listed(parts)}.`);
    }
    return told.join(" ") || (spared.length ? "" : scenario.noPath);
  }
  function quantiles(at_) {
    const sorted = Float64Array.from(balance(null)).sort();
    return at_.map((q) => sorted[Math.max(0, Math.ceil(q * n) - 1)]);
  }
  const middle = Uint32Array.of(2 ** 31);
  function median(name) {
    const estimate = scenario.inputs[name] ?? data.inputs[name];
    return estimate.s === "fixed" ? estimate.m : valuesOf(estimate, middle)[0];
  }
  return {
    run,
    median,
    losses: losses_,
    exposure,
    balance,
    quantiles,
    estimateOf,
    name,
    said,
    print: { money, number, range, significant },
    get now() {
      return now;
    },
    get scenario() {
      return scenario;
    },
    count,
  };
}
