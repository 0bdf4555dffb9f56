// Takes codes one after the other as fast as a scanner gives them. Each is kept in
// the browser until the gateway has said that it is on disk, and is sent again
// with the same id, which makes it one however often it arrives.

const retryMs = 2000;
const shelf = "scans";
const form = document.getElementById("scanner");
const code = document.getElementById("code");
const said = document.getElementById("said");
let queue = [];
try {
  queue = JSON.parse(localStorage.getItem(shelf)) ?? [];
} catch {
  queue = []; // a browser that keeps nothing
}
let busy = false;

function keep() {
  try {
    localStorage.setItem(shelf, JSON.stringify(queue));
  } catch {
    // it is in memory alone
  }
}

function draw() {
  return [...crypto.getRandomValues(new Uint8Array(10))].map((b) => b.toString(16).padStart(2, "0")).join("");
}

function visible(text) {
  return text.replaceAll("\u001d", " [GS] ").replaceAll("\u001e", " [RS] ").replaceAll("\u0004", " [EOT] ");
}

function say(state, head, text) {
  const p = document.createElement("p");
  p.className = state;
  p.innerHTML = `<svg class="mark" aria-hidden="true"><use href="#mark-${state}"/></svg>`;
  const b = document.createElement("b");
  b.textContent = head;
  p.append(b, ` ${text}`);
  said.replaceChildren(p);
}

async function send() {
  if (busy || queue.length === 0) return;
  busy = true;
  const body = queue[0];
  const shown = visible(new URLSearchParams(body).get("code") ?? "");
  let again = false;
  try {
    const r = await fetch("/scan", {
      method: "POST",
      headers: { Accept: "application/json", "Content-Type": "application/x-www-form-urlencoded" },
      body,
    });
    const a = await r.json();
    if (r.ok) say("fine", a.code, `${a.says} · ${a.kept}`);
    else if (a.again) throw new Error(a.problem);
    else say("bad", a.code || shown, a.problem);
    queue.shift();
    keep();
  } catch {
    again = true;
    say("watch", shown, said.dataset.waiting);
  }
  busy = false;
  if (again) setTimeout(send, retryMs);
  else send();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const data = new URLSearchParams(new FormData(form));
  if (!data.get("code")) return;
  data.set("id", draw());
  queue.push(data.toString());
  keep();
  say("silent", visible(data.get("code")), said.dataset.sending);
  code.value = "";
  code.focus();
  send();
});

// A scanner types GS1's separator, FNC1, as Ctrl and ']', which a browser would
// drop.
code.addEventListener("keydown", (event) => {
  if (event.ctrlKey && event.key === "]") {
    event.preventDefault();
    code.setRangeText("\u001d", code.selectionStart, code.selectionEnd, "end");
  }
});

// What is scanned goes into the box, wherever a finger was last.
form.addEventListener("change", (event) => {
  if (event.target.type === "radio" || event.target.name === "target") code.focus();
});

send();
