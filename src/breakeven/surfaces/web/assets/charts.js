// The charts of an answer: made once, then only their rows change. Drawn by Vega from specifications of the server.

const TOLD = 400; // px of width from which a tip stands beside the pointer
const MAIN = { costs: "paths", map: "cells", parts: "parts" }; // the dataset without which a chart shows nothing
const ERRORS_ONLY = 1; // datasets without rows, such as a month nobody points at, are no reason to warn

// Returns { draw(rows) }: rows of some or all datasets, by name. The newest rows of each dataset are what is drawn.
export function charts(root) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const all = {};
  const views = new Map(); // container -> view
  let specs = null;
  let drawing = null; // a drawing under way
  let again = false;

  async function prepare() {
    const theme = dark.matches ? "dark" : "light";
    if (specs?.theme === theme) return;
    const [, response] = await Promise.all([import("./vega.js"), fetch(`/assets/charts-${theme}.json`)]);
    if (!response.ok) throw new Error(await response.text());
    specs = { theme, charts: await response.json() };
    for (const container of [...views.keys()]) forget(container);
  }

  function forget(container) {
    views.get(container).finalize();
    views.delete(container);
    container.replaceChildren();
  }

  async function drawAll() {
    await prepare();
    for (const container of [...views.keys()]) if (!container.isConnected) forget(container);
    for (const container of root.querySelectorAll("[data-chart]")) {
      const spec = specs.charts[container.dataset.chart];
      const names = spec.data.map((each) => each.name).filter((name) => name in all);
      if (!all[MAIN[container.dataset.chart]]?.length) {
        container.hidden = true;
        continue;
      }
      container.hidden = false;
      const view = views.get(container) ?? (await make(container, spec));
      for (const name of names) view.data(name, all[name]);
      await view.runAsync();
      container.dataset.drawn = Number(container.dataset.drawn ?? 0) + 1;
    }
  }

  async function make(container, spec) {
    const place = document.createElement("div");
    place.setAttribute("aria-hidden", "true"); // The tables hold the same numbers, and the arrow keys read them out.
    container.replaceChildren(place);
    const filled = structuredClone(spec);
    for (const each of filled.data) if (each.name in all) each.values = all[each.name];
    filled.width = container.clientWidth;
    const { view } = await window.vegaEmbed(place, filled, {
      mode: "vega",
      ast: true,
      actions: false,
      defaultStyle: false,
      renderer: "svg",
      tooltip: false,
      logLevel: ERRORS_ONLY,
    });
    views.set(container, view);
    new ResizeObserver(() => {
      if (views.get(container) !== view || !container.clientWidth) return;
      if (Math.abs(view.width() - container.clientWidth) > 1) view.width(container.clientWidth).runAsync();
    }).observe(container);
    converse(container, view, all);
    return view;
  }

  // One drawing at a time; rows that arrive meanwhile are drawn right after it.
  async function draw(rows) {
    Object.assign(all, rows ?? {});
    if (drawing) {
      again = true;
      return;
    }
    try {
      drawing = drawAll();
      await drawing;
    } catch (error) {
      for (const container of root.querySelectorAll("[data-chart]")) {
        container.hidden = false;
        container.textContent = "This chart cannot be drawn here; the tables hold its numbers.";
      }
      console.warn(error);
    } finally {
      drawing = null;
    }
    if (again) {
      again = false;
      await draw();
    }
  }

  dark.addEventListener("change", () => draw());
  return { draw };
}

// What a reader can do with a chart: point at it, walk it with the arrow keys, choose a cell.
function converse(container, view, all) {
  const name = container.dataset.chart;
  const tip = document.createElement("div");
  tip.className = "chart-tip";
  tip.hidden = true;
  const spoken = document.createElement("div");
  spoken.className = "spoken";
  spoken.setAttribute("role", "status");
  container.append(tip, spoken);
  container.tabIndex = 0;
  container.setAttribute("role", "group");

  const tell = (text, x, y) => {
    tip.textContent = text;
    tip.hidden = !text;
    const left = x > container.clientWidth / 2;
    tip.style.left = left ? "" : `${x + 14}px`;
    tip.style.right = left ? `${container.clientWidth - x + 14}px` : "";
    tip.style.top = `${container.clientWidth < TOLD ? 0 : y}px`;
  };
  const hide = () => (tip.hidden = true);
  const walk = { costs: () => months(view, all, tell, hide), map: () => cells(container, view, all, tell) }[name];
  if (!walk) {
    container.tabIndex = -1;
    return;
  }
  const { to, keys, at } = walk();
  container.setAttribute("aria-label", { costs: "Cost by month: arrow keys walk the months", map: "Break-even map: arrow keys walk the cells, Enter uses one" }[name]);
  view.addEventListener("mousemove", (event, item) => at(event, item));
  container.addEventListener("mouseleave", () => {
    to(null);
    hide();
  });
  container.addEventListener("blur", () => {
    to(null);
    hide();
  });
  container.addEventListener("keydown", (event) => {
    const text = keys(event.key);
    if (text === undefined) return;
    event.preventDefault();
    spoken.textContent = text;
  });
}

function months(view, all, tell, hide) {
  let month = null;
  const last = () => Math.max(...all.paths.map((row) => row.month));
  const to = (wanted) => {
    month = wanted;
    const rows = wanted === null ? [] : all.paths.filter((row) => row.month === wanted);
    view.data("cursor", rows).runAsync();
    return rows.length ? [`month ${wanted}`, ...rows.map((row) => `${row.label}: ${dollars(row.usd)}`)].join("\n") : "";
  };
  const point = (wanted) => {
    const text = to(wanted);
    tell(text, view.scale("x")(wanted) + view.origin()[0], 60);
    return text;
  };
  return {
    to,
    at: (event) => {
      const x = event.offsetX ?? event.clientX - view.container().getBoundingClientRect().left;
      const wanted = Math.round(view.scale("x").invert(x - view.origin()[0]));
      if (wanted < 0 || wanted > last()) return hide();
      if (wanted !== month) point(wanted);
    },
    keys: (key) => {
      const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[key];
      if (step === undefined) return undefined;
      return point(Math.min(Math.max((month ?? -1) + step, 0), last()));
    },
  };
}

function cells(container, view, all, tell) {
  let place = null; // [column, row]
  const columns = () => [...new Set(all.cells.map((row) => row.calls))].sort((a, b) => a - b);
  const rows = () => [...new Set(all.cells.map((row) => row.reduction))].sort((a, b) => a - b);
  const words = (cell) => {
    const months = cell.months === null ? cell.text : `${cell.months.toFixed(1)} months`;
    return `${cell.calls.toLocaleString("en")} calls a month, ${Math.round(cell.reduction * 100)}% fewer output tokens: ${months}`;
  };
  const show = (cell) => {
    view.data("cell_cursor", cell ? [{ calls: cell.calls, reduction: cell.reduction }] : []).runAsync();
    if (!cell) return "";
    const [left, top] = view.origin();
    tell(words(cell), left + view.scale("x")(cell.calls), top + view.scale("y")(cell.reduction) + 30);
    return words(cell);
  };
  const use = (cell) =>
    container.dispatchEvent(
      new CustomEvent("breakeven:cell", {
        bubbles: true,
        detail: { calls_per_month: String(cell.calls), output_reduction: String(cell.reduction) },
      }),
    );
  const cellOf = (item) =>
    item?.datum?.calls === undefined ? null : all.cells.find((row) => row.calls === item.datum.calls && row.reduction === item.datum.reduction);
  view.addEventListener("click", (event, item) => {
    const cell = cellOf(item);
    if (cell) use(cell);
  });
  return {
    to: (none) => {
      place = none;
      show(null);
    },
    at: (event, item) => {
      const cell = cellOf(item);
      if (cell) show(cell);
    },
    keys: (key) => {
      const across = columns();
      const up = rows();
      const here = all.here[0];
      place ??= [across.indexOf(here.calls), up.indexOf(here.reduction)];
      const moves = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
      const cell = () => all.cells.find((row) => row.calls === across[place[0]] && row.reduction === up[place[1]]);
      if (key === "Enter") {
        use(cell());
        return `Used: ${words(cell())}`;
      }
      if (!moves[key]) return undefined;
      place = [
        Math.min(Math.max(place[0] + moves[key][0], 0), across.length - 1),
        Math.min(Math.max(place[1] + moves[key][1], 0), up.length - 1),
      ];
      return show(cell());
    },
  };
}

function dollars(usd) {
  return usd.toLocaleString("en", { style: "currency", currency: "USD", maximumFractionDigits: Math.abs(usd) < 10_000 ? 2 : 0 });
}
