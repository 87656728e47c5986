// Names of models and offers: while one is typed, the catalogue's that fit it are offered, with price and day.

const REST_MS = 120;

export function searchNames(form) {
  for (const field of form.querySelectorAll("input[data-search]")) {
    let resting = 0;
    const look = () => {
      clearTimeout(resting);
      resting = setTimeout(() => offer(field), REST_MS);
    };
    field.addEventListener("input", look);
    field.addEventListener("focus", look);
  }
}

async function offer(field) {
  const kind = field.dataset.search;
  const text = field.value.split(",").pop().trim();
  const response = await fetch(`/api/v1/${kind}?${new URLSearchParams({ q: text, limit: 20 })}`);
  if (!response.ok) return;
  const found = await response.json();
  const before = field.value.slice(0, field.value.length - field.value.split(",").pop().length);
  field.list.replaceChildren(
    ...found[kind].map((row) => {
      const option = document.createElement("option");
      option.value = before + row.id;
      option.label = row.why_unavailable ? `${row.label}: ${row.why_unavailable}` : `${row.label}: ${row.price}`;
      return option;
    }),
  );
}
