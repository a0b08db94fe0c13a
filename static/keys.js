// The keys: j and k move between rows, the others press the button that says so (aria-keyshortcuts). They are a short
// way to what can be clicked, nothing more; `?` lists them. Those of one letter or sign can be switched off: who speaks to the
// computer, or hits keys unawares, would act without wanting to.
"use strict";

const TYPING = "textarea, select, input:not([type=checkbox], [type=radio]), [contenteditable]";
// The verbs stand in the help, each with its key.
const VERBS = Object.fromEntries([...document.querySelectorAll("#keys [data-verb]")].map(({ dataset }) => [dataset.verb, dataset.words]));

// The row that has the focus, or the one callback of the page.
const current = () => document.activeElement.closest("tr.call") ?? document.getElementById("callback");

function move(step) {
  const rows = [...document.querySelectorAll("tr.call")];
  const from = rows.indexOf(document.activeElement.closest("tr.call"));
  const row = from < 0 ? rows[0] : rows[from + step];
  if (!row && !rows.length) press(step > 0 ? "j" : "k");
  row?.focus({ preventScroll: true });
  row?.scrollIntoView({ block: "nearest" });
}

function press(key, cant = "") {
  const place = current();
  const button = place?.querySelector(`[aria-keyshortcuts~="${key}"]`);
  if (button?.matches("textarea")) button.focus();
  else if (button) button.click();
  else if (place && cant) document.getElementById("said").textContent = cant;
}

function help() {
  document.getElementById("keys").showModal();
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  x: () => press("x", "This row can't be selected."),
  o: () => press("o"),
  m: () => press("m"),
  n: (event) => { event.preventDefault(); press("n"); },
  Enter: (event) => { if (event.target.matches("tr.call")) press("o"); },
  "/": (event) => {
    const box = document.querySelector('[aria-keyshortcuts="/"]');
    if (!box) return;
    event.preventDefault();
    box.focus();
    box.select();
  },
  "?": help,
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  if (event.key.length === 1 && document.body.dataset.letters === "off") return;
  if (event.repeat && !"jk".includes(event.key)) return;
  if (event.target.matches(TYPING) || document.querySelector("dialog[open]")) return;
  if (event.key in VERBS) press(event.key, `${VERBS[event.key]} can't help here.`);
  else KEYS[event.key]?.(event);
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-keys]")) help();
});
