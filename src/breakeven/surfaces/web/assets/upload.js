// Sends a form with files with progress, and puts the answer below it. Without this script the form still works.

const form = document.querySelector("form.upload");
if (form) start(form);

function start(form) {
  const input = form.querySelector("input[type=file]");
  const zone = form.querySelector(".drop-zone");
  const send = form.querySelector("button[type=submit]");
  const cancel = form.querySelector("button.cancel");
  const progress = form.querySelector("progress");
  const status = form.querySelector("[role=status]");
  const tasks = document.querySelector("#tasks");
  let running = null;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!running) upload();
  });
  cancel.addEventListener("click", () => running?.abort());

  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  for (const name of ["dragleave", "drop"]) {
    zone.addEventListener(name, () => zone.classList.remove("over"));
  }
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    if (running || !event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    form.requestSubmit();
  });

  function upload() {
    const files = [...form.querySelectorAll("input[type=file]")].flatMap((each) => [...each.files]);
    const size = files.reduce((sum, file) => sum + file.size, 0);
    const most = Number(form.dataset.maxBytes);
    tasks.replaceChildren();
    if (size > most) {
      say(`The files have ${megabytes(size)}; ${megabytes(most)} are the most that is read at once.`);
      return;
    }
    const request = new XMLHttpRequest();
    running = request;
    let told = -1;
    request.upload.addEventListener("progress", (event) => {
      if (!event.lengthComputable) return;
      const part = event.loaded / event.total;
      progress.value = part;
      // A live region that speaks at every event would never be silent.
      if (part < 1 && Math.floor(part * 4) > told) {
        told = Math.floor(part * 4);
        say(`Sent ${Math.round(part * 100)} % of ${megabytes(event.total)}.`);
      }
    });
    request.upload.addEventListener("load", () => {
      progress.removeAttribute("value");
      say("Sent. Reading it.");
    });
    request.addEventListener("load", () => show(request));
    request.addEventListener("abort", () => say("Cancelled. Nothing was kept."));
    request.addEventListener("error", () => say("The connection broke before there was an answer. Try again."));
    request.addEventListener("loadend", () => {
      running = null;
      settle(false);
    });
    request.open("POST", form.getAttribute("action"));
    request.setRequestHeader("X-Fragment", "1");
    settle(true);
    progress.value = 0;
    say("Sending.");
    request.send(new FormData(form));
  }

  function show(request) {
    // Only the page's own fragment is put into it; a refusal that never reached it is told by its status.
    if (request.getResponseHeader("X-Fragment") !== "1") {
      say(`The server refused the upload (status ${request.status}).`);
      return;
    }
    tasks.innerHTML = request.responseText;
    const heading = tasks.querySelector("h2");
    say(heading ? "It is read." : "");
    heading?.focus();
  }

  function settle(busy) {
    send.disabled = busy;
    cancel.hidden = progress.hidden = !busy;
    if (busy) cancel.focus();
    else if (!document.activeElement || document.activeElement === document.body) send.focus();
  }

  function say(text) {
    status.textContent = text;
  }
}

function megabytes(size) {
  return `${(size / 1e6).toLocaleString("en", { maximumSignificantDigits: 3 })} MB`;
}
