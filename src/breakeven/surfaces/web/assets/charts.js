// The charts of an answer: made once, then only their rows change. Drawn by Vega from specifications made beforehand.

const SERVED = {
  runtime: () => import("/assets/vega.js"), // sets globalThis.vega
  specs: async (theme) => {
    const response = await fetch(`/assets/charts-${theme}.json`);
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  },
};
const RESIZED_MS = 80; // A container that is being resized is drawn again when it has rested this long.
const CHARTS = {
  costs: { rows: "paths", cursor: "cursor", walk: months, hint: "Arrow keys walk the months." },
  map: { rows: "cells", cursor: "cell_cursor", walk: cells, hint: "Arrow keys walk the cells, Enter uses one." },
  parts: { rows: "bars", cursor: null, walk: bars, hint: "Arrow keys walk the bars." },
};

// Returns { draw(rows) }. `rows` holds some or all datasets by name; the newest of each are what is drawn.
// Containers are the elements with data-chart inside `root`, as they are at each drawing.
export function charts(root, source = SERVED) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const data = {};
  const shown = new Map(); // container -> { view, given, refresh, stop }
  let theme = null;
  let specs = null;
  let drawing = null;
  let again = false;

  // One drawing at a time; rows that arrive meanwhile are drawn right after it.
  async function draw(rows) {
    Object.assign(data, rows);
    if (drawing) {
      again = true;
      return drawing;
    }
    drawing = drawUntilNewest();
    try {
      await drawing;
    } finally {
      drawing = null;
    }
  }

  async function drawUntilNewest() {
    do {
      again = false;
      if (!containers().length) continue;
      try {
        await prepare();
        await Promise.all(containers().map(drawOne));
      } catch (error) {
        console.warn(error);
        for (const container of containers()) {
          forget(container);
          container.hidden = false;
          container.textContent = "This chart cannot be drawn here; the tables hold its numbers.";
        }
      }
    } while (again);
  }

  function containers() {
    for (const container of [...shown.keys()]) if (!container.isConnected) forget(container);
    return [...root.querySelectorAll("[data-chart]")];
  }

  async function prepare() {
    const wanted = dark.matches ? "dark" : "light";
    if (theme === wanted) return;
    [specs] = await Promise.all([source.specs(wanted), source.runtime()]);
    theme = wanted;
    for (const container of [...shown.keys()]) forget(container);
  }

  async function drawOne(container) {
    const name = container.dataset.chart;
    container.hidden = !data[CHARTS[name].rows]?.length;
    if (container.hidden) return;
    const { view, given, refresh } = shown.get(container) ?? make(container, name);
    label(container, name);
    const names = specs[name].data.map((each) => each.name);
    const changed = names.filter((each) => each in data && given[each] !== data[each]);
    if (!changed.length) return;
    for (const each of changed) view.data(each, (given[each] = data[each]));
    await view.resize().runAsync(); // resize: labels may have become wider
    refresh();
  }

  function label(container, name) {
    const text = data.described?.find((each) => each.chart === name)?.text;
    if (text) container.setAttribute("aria-label", `${text} ${CHARTS[name].hint}`);
  }

  function make(container, name) {
    const { parse, View, expressionInterpreter } = globalThis.vega;
    const place = document.createElement("div");
    place.setAttribute("aria-hidden", "true"); // The container's label says what the chart says.
    container.replaceChildren(place);
    const spec = parse({ ...specs[name], width: container.clientWidth }, null, { ast: true });
    const view = new View(spec, { expr: expressionInterpreter, renderer: "svg", hover: false, tooltip: () => {} });
    view.initialize(place);
    shown.set(container, { view, given: {}, ...attend(container, name, view, data) });
    return shown.get(container);
  }

  function forget(container) {
    const known = shown.get(container);
    if (!known) return;
    known.stop();
    known.view.finalize();
    shown.delete(container);
    container.replaceChildren();
  }

  dark.addEventListener("change", () => draw({}));
  return { draw };
}

// What a reader can do with a chart: point at it, walk it with the arrow keys, choose a cell, resize it.
// Returns { refresh, stop }: for when the rows have changed, and for the end.
function attend(container, name, view, data) {
  const tip = document.createElement("div");
  tip.className = "chart-tip";
  tip.hidden = true;
  const spoken = document.createElement("div");
  spoken.className = "spoken";
  spoken.setAttribute("role", "status");
  container.append(tip, spoken);
  container.tabIndex = 0;
  container.setAttribute("role", "application");
  container.setAttribute("aria-roledescription", "chart");

  const walker = CHARTS[name].walk(container, view, data);
  let place = null; // what is pointed at

  function go(next, anew = false) {
    if (!anew && JSON.stringify(next) === JSON.stringify(place)) return;
    place = next;
    if (CHARTS[name].cursor) view.data(CHARTS[name].cursor, next ? walker.marks(next) : []).runAsync();
    tip.hidden = !next;
    if (!next) return;
    tip.textContent = walker.words(next);
    const [x, y] = walker.at(next);
    const left = x > container.clientWidth / 2;
    tip.style.left = left ? "" : `${x + 12}px`;
    tip.style.right = left ? `${container.clientWidth - x + 12}px` : "";
    tip.style.top = `${y}px`;
  }

  function plotted(event) {
    const box = container.getBoundingClientRect();
    const [left, top] = corner(view);
    return [event.clientX - box.left - left, event.clientY - box.top - top];
  }

  const listening = new AbortController();
  const listen = (type, handler) => container.addEventListener(type, handler, { signal: listening.signal });
  listen("pointermove", (event) => go(walker.find(...plotted(event))));
  listen("pointerdown", (event) => go(walker.find(...plotted(event))));
  listen("pointerleave", (event) => event.pointerType === "mouse" && go(null));
  listen("blur", () => go(null));
  listen("click", (event) => {
    const found = walker.find(...plotted(event));
    if (found) walker.use?.(found);
  });
  listen("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      go(null);
    } else if (event.key === "Enter" && walker.use) {
      const used = place ?? walker.start();
      walker.use(used);
      spoken.textContent = `Used: ${walker.words(used)}`;
      event.preventDefault();
    } else {
      const next = walker.step(place, event.key);
      if (next === undefined) return;
      go(next);
      spoken.textContent = walker.words(next);
      event.preventDefault();
    }
  });

  let resting = 0;
  let drawnWidth = container.clientWidth;
  const resizes = new ResizeObserver(() => {
    clearTimeout(resting);
    resting = setTimeout(() => {
      if (!container.clientWidth || container.clientWidth === drawnWidth) return;
      drawnWidth = container.clientWidth;
      view.width(drawnWidth).resize().runAsync();
    }, RESIZED_MS);
  });
  resizes.observe(container);
  return {
    refresh: () => place && go(walker.has(place) ? place : null, true),
    stop: () => {
      clearTimeout(resting);
      resizes.disconnect();
      listening.abort();
    },
  };
}

// Where a chart's plot begins inside its container. [px]
function corner(view) {
  const [left, top] = view.origin();
  const padding = view.padding();
  return [left + padding.left, top + padding.top];
}

// A walker's places: find(x, y) the one under a point of the plot, or null; step(place, key) the next one, undefined for
// a key that is not its own; has(place) if the rows still hold it; at(place) where its tip stands; marks(place) rows of
// the cursor; words(place); use(place) and start(), where to choose one means something.

function months(container, view, data) {
  const last = () => Math.max(...data.paths.map((row) => row.month));
  const rowsOf = ({ month }) => data.paths.filter((row) => row.month === month);
  return {
    has: ({ month }) => month <= last(),
    marks: rowsOf,
    find: (x, y) => {
      const month = Math.round(view.scale("x").invert(x));
      return month >= 0 && month <= last() && y >= 0 && y <= view.height() ? { month } : null;
    },
    step: (place, key) => {
      const before = place ? place.month : -1;
      const wanted = { ArrowRight: before + 1, ArrowLeft: before - 1, Home: 0, End: last() }[key];
      return wanted === undefined ? undefined : { month: clamp(wanted, last()) };
    },
    at: ({ month }) => [corner(view)[0] + view.scale("x")(month), corner(view)[1] + 8],
    words: (place) => {
      const lines = rowsOf(place).sort((a, b) => b.usd - a.usd);
      return [`month ${place.month}`, ...lines.map((row) => `${row.label}: ${dollars(row.usd)}`)].join("\n");
    },
  };
}

function cells(container, view, data) {
  const across = () => [...new Set(data.cells.map((row) => row.calls))].sort((a, b) => a - b);
  const up = () => [...new Set(data.cells.map((row) => row.reduction))].sort((a, b) => a - b);
  const index = (scale, at) => (at < 0 ? -1 : Math.floor(at / view.scale(scale).step()));
  const start = () => ({ calls: data.here[0].calls, reduction: data.here[0].reduction });
  const cellOf = (place) => data.cells.find((row) => row.calls === place.calls && row.reduction === place.reduction);
  return {
    start,
    has: (place) => cellOf(place) !== undefined,
    marks: (place) => [place],
    find: (x, y) => {
      const calls = across()[index("x", x)];
      const reduction = up().reverse()[index("y", y)];
      return calls === undefined || reduction === undefined ? null : { calls, reduction };
    },
    step: (place, key) => {
      const move = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[key];
      if (!move) return undefined;
      const from = place ?? start();
      const columns = across();
      const rows = up();
      return {
        calls: columns[clamp(columns.indexOf(from.calls) + move[0], columns.length - 1)],
        reduction: rows[clamp(rows.indexOf(from.reduction) + move[1], rows.length - 1)],
      };
    },
    at: ({ calls, reduction }) => {
      const [left, top] = corner(view);
      return [left + view.scale("x")(calls) + view.scale("x").bandwidth() / 2, top + view.scale("y")(reduction) + 32];
    },
    words: (place) => {
      const cell = cellOf(place);
      const share = `${Math.round(place.reduction * 100)}% fewer output tokens`;
      const word = data.words.find((row) => row.word === cell.word)?.label ?? cell.word;
      const found = cell.months === null ? word : `${cell.text} months, ${word}`;
      return `${place.calls.toLocaleString("en")} calls a month, ${share}:\n${found}`;
    },
    use: ({ calls, reduction }) =>
      container.dispatchEvent(
        new CustomEvent("breakeven:cell", {
          bubbles: true,
          detail: { calls_per_month: calls, output_reduction: reduction },
        }),
      ),
  };
}

function bars(container, view, data) {
  const has = ({ bar }) => bar >= 0 && bar < data.bars.length;
  return {
    has,
    find: (x, y) => {
      const place = { bar: Math.floor(y / view.scale("y").step()) };
      return has(place) ? place : null;
    },
    step: (place, key) => {
      const before = place ? place.bar : -1;
      const last = data.bars.length - 1;
      const wanted = { ArrowDown: before + 1, ArrowUp: before - 1, Home: 0, End: last }[key];
      return wanted === undefined ? undefined : { bar: clamp(wanted, last) };
    },
    at: ({ bar }) => [corner(view)[0] + view.width() / 2, corner(view)[1] + view.scale("y")(bar) + 40],
    words: ({ bar }) => {
      const { label, usd } = data.bars[bar];
      const parts = data.parts.filter((row) => row.place === bar);
      return [`${label}: ${dollars(usd)}`, ...parts.map((row) => `${row.part}: ${dollars(row.usd)}`)].join("\n");
    },
  };
}

function clamp(value, most) {
  return Math.min(Math.max(value, 0), most);
}

function dollars(usd) {
  const digits = Math.abs(usd) < 10_000 ? 2 : 0;
  const look = { style: "currency", currency: "USD", minimumFractionDigits: digits, maximumFractionDigits: digits };
  return usd.toLocaleString("en", look);
}
