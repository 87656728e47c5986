// A slider beside each number that has a range; the two stay in step.

const STEPS = 1000;

export function addSliders(form) {
  for (const field of form.querySelectorAll("input[data-scale]")) {
    const slider = document.createElement("input");
    slider.type = "range";
    slider.min = 0;
    slider.max = STEPS;
    slider.id = `${field.id}-slider`;
    slider.setAttribute("aria-label", `${field.labels[0].firstChild.textContent.trim()}, slider`);
    slider.setAttribute("aria-describedby", `${field.id}-help`);
    field.closest(".control").after(slider);
    slider.addEventListener("input", () => {
      field.value = valueAt(field, Number(slider.value));
      speak(slider, field);
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
    field.addEventListener("input", () => {
      if (document.activeElement !== slider) followSlider(field);
    });
    followSlider(field);
  }
}

// Moves a field's slider to where its number is.
export function followSlider(field) {
  const slider = document.getElementById(`${field.id}-slider`);
  if (!slider) return;
  const value = numberIn(field.value || field.dataset.default);
  slider.value = Number.isFinite(value) ? positionOf(field, value) : 0;
  speak(slider, field);
}

function speak(slider, field) {
  slider.setAttribute("aria-valuetext", field.value || field.dataset.default || "not given");
}

// The number a field's text stands for, as the server reads it.
function numberIn(text) {
  const found = /^\$?\s*(-?[\d_,]*\.?\d+(?:e[+-]?\d+)?)\s*([kmb%]?)$/i.exec((text ?? "").trim());
  if (!found) return NaN;
  const scale = { "": 1, "%": 0.01, k: 1e3, m: 1e6, b: 1e9 }[found[2].toLowerCase()];
  return Number(found[1].replace(/[,_]/g, "")) * scale;
}

function positionOf(field, value) {
  const { low, high, log } = range(field);
  if (log) return value < low ? 0 : (STEPS * Math.log(value / low)) / Math.log(high / low);
  return (STEPS * (value - low)) / (high - low);
}

// Round numbers: two digits on a logarithmic slider, hundredths on a linear one.
function valueAt(field, position) {
  const { low, high, log } = range(field);
  const share = position / STEPS;
  if (log) {
    if (position === 0 && field.dataset.default === "0") return "0";
    return String(Number((low * (high / low) ** share).toPrecision(2)));
  }
  const value = low + share * (high - low);
  if (high > 10) return String(Math.round(value));
  return String(Math.min(Number(value.toFixed(2)), high === 1 ? 0.99 : high));
}

function range(field) {
  const { low, high, scale } = field.dataset;
  return { low: Number(low), high: Number(high), log: scale === "log" };
}
