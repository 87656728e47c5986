// The calculator's page: asks the server for the parts that changed, and puts them in place without moving anything.

import { charts } from "./charts.js";
import { morph } from "./morph.js";
import { addSliders, followSlider } from "./sliders.js";
import { searchNames } from "./names.js";

const IN_FLIGHT = 6; // As many as a browser sends to one server at once; more would only queue in it.
const REST_MS = 300; // The address is written, and the map asked for, when the numbers have rested this long.

const calculator = document.getElementById("calculator");
const form = document.getElementById("form");
const question = calculator.dataset.question;

let asked = 0; // number of the newest request
let shown = 0; // number of the newest answer on the page
let flying = 0; // requests under way
let waiting = false; // something changed while too many requests were under way
let resting = 0;

const drawing = charts(calculator);

function query() {
  const fields = new URLSearchParams();
  for (const [name, text] of new FormData(form)) {
    if (text.trim()) fields.append(name, text.trim());
  }
  return fields.toString();
}

async function recalculate() {
  if (flying >= IN_FLIGHT) {
    waiting = true;
    return;
  }
  waiting = false;
  const number = ++asked;
  flying += 1;
  document.documentElement.dataset.asked = number;
  try {
    const response = await fetch(`/${question}/parts?${query()}`);
    const text = await response.text();
    if (number > shown) {
      shown = number;
      show(text, response.headers.get("content-type"));
    }
  } catch {
    if (number > shown) say("The server does not answer; the page shows the last answer it had.");
  } finally {
    flying -= 1;
    if (waiting) recalculate();
  }
}

function show(text, type) {
  if (!type?.startsWith("text/html")) {
    say(text.slice(0, 300));
    return;
  }
  const parts = new DOMParser().parseFromString(text, "text/html");
  // The parser has no scripts, so what is meant for readers without them are elements here: images that would load.
  for (const each of parts.querySelectorAll("noscript")) each.remove();
  for (const part of [...parts.body.children]) {
    const place = document.getElementById(part.id);
    if (place) morph(place, part);
  }
  settle();
  drawing.draw(data());
  document.documentElement.dataset.shown = shown;
}

// What follows from the new parts: the title, the field at fault, and whether the rest of the page is out of date.
function settle() {
  const verdict = document.getElementById("verdict");
  const fault = verdict.dataset.field;
  document.title = verdict.dataset.title;
  document.getElementById("answer").classList.toggle("stale", fault !== undefined);
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    field.closest(".field").classList.remove("wrong");
  }
  const wrong = fault && document.getElementById(fault);
  if (wrong) {
    wrong.setAttribute("aria-invalid", "true");
    wrong.closest(".field").classList.add("wrong");
    wrong.closest("details")?.setAttribute("open", "");
  }
  for (const each of calculator.querySelectorAll("[hidden][data-copy], .scripted[hidden]")) each.hidden = false;
}

function data() {
  const rows = document.getElementById("rows");
  return rows ? JSON.parse(rows.textContent) : null;
}

function say(text) {
  document.querySelector("#verdict h1").textContent = text;
}

// When the numbers rest: the address says what the page shows, and the map follows.
async function rest() {
  const verdict = document.getElementById("verdict");
  if (verdict.dataset.field !== undefined) return;
  const kept = new FormData(form);
  const address = new URLSearchParams(verdict.dataset.query);
  for (const name of ["baseline", "from_log"]) if (kept.get(name)) address.set(name, kept.get(name));
  history.replaceState(null, "", address.size ? `?${address}` : location.pathname);
  await drawMap();
}

async function drawMap() {
  const now = document.getElementById("verdict").dataset.query;
  if (!document.getElementById("chart-map")) return;
  const response = await fetch(`/${question}/map?${now}`);
  if (response.ok && now === document.getElementById("verdict").dataset.query) drawing.draw(await response.json());
}

function changed() {
  recalculate();
  clearTimeout(resting);
  resting = setTimeout(whenShown, REST_MS);
}

function whenShown() {
  if (flying || waiting) resting = setTimeout(whenShown, 30);
  else rest();
}

// Puts fields of an address into the form, others of the form left empty.
function fill(address) {
  for (const field of form.elements) {
    if (!field.name) continue;
    const text = address.get(field.name) ?? "";
    if (field.type === "hidden") {
      field.value = text;
      field.disabled = !text;
    } else {
      field.value = text || (field.tagName === "SELECT" ? field.querySelector("option[selected]")?.value ?? "" : "");
      if (text) field.closest("details")?.setAttribute("open", "");
      followSlider(field);
    }
  }
  changed();
}

function set(name, value) {
  const field = form.elements[name];
  field.value = value;
  followSlider(field);
}

form.addEventListener("input", (event) => {
  if (event.target.name) fromUser(event.target.name);
  changed();
});

// A number that the user types is no longer one from the log.
function fromUser(name) {
  const log = form.elements.from_log;
  const names = log.value.split(",").filter((each) => each && each !== name);
  log.value = names.join(",");
  log.disabled = !names.length;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  changed();
  document.getElementById("verdict").scrollIntoView({ block: "nearest" });
});

calculator.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-soft]");
  if (link && !event.metaKey && !event.ctrlKey && !event.shiftKey && event.button === 0) {
    event.preventDefault();
    fill(new URL(link.href).searchParams);
    return;
  }
  const button = event.target.closest("button[data-copy]");
  if (button) {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  }
});

calculator.addEventListener("breakeven:cell", (event) => {
  for (const [name, value] of Object.entries(event.detail)) set(name, value);
  changed();
});

addEventListener("popstate", () => fill(new URLSearchParams(location.search)));

addSliders(form);
searchNames(form);
settle();
drawing.draw(data());
drawMap();
document.documentElement.dataset.ready = "yes";
