// An open panel follows what others do: it tells which rows it shows, and those that have moved on come back.
"use strict";

// A row at work asks for itself; one with a menu open in it waits until the menu is closed.
const followed = () => [...document.querySelectorAll("tr.call:not(:has(.call-progress, details[open]))")];

document.addEventListener("htmx:config:request", (event) => {
  const { ctx } = event.detail;
  if (ctx.sourceElement.id === "news") ctx.request.body.set("shown", followed().map((row) => row.dataset.mark).join(" "));
});

// Who is on a callback waits, too, until the menu is closed in which it is handed on.
document.addEventListener("htmx:before:swap", (event) => {
  if (event.detail.ctx.sourceElement.id === "people" && document.querySelector("#claim details[open]")) event.preventDefault();
});

// A place that is drawn anew while the focus is in it keeps the focus, though the button may be gone. Several swaps may be
// under way at once, so it is not asked before each, but remembered until the reader goes elsewhere.
const PLACES = "tr.call, #run, #filters, #pages";
let focused = null;
document.addEventListener("pointerdown", () => { focused = null; });
document.addEventListener("focusin", (event) => { focused = event.target.closest(PLACES)?.id ?? null; });
document.addEventListener("htmx:after:swap", () => {
  if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus({ preventScroll: true });
});
