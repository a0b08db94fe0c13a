// An open panel follows what others do: it tells which rows it shows, and those that have moved on come back.
"use strict";

// A row at work asks for itself; one with a menu open in it waits until the menu is closed.
const followed = () => [...document.querySelectorAll("tr.call:not(:has(.call-progress, details[open]))")];
let focused = null;

document.addEventListener("htmx:config:request", (event) => {
  const { ctx } = event.detail;
  if (ctx.sourceElement.id === "news") ctx.request.body.set("shown", followed().map((row) => row.dataset.mark).join(" "));
});

// A row that was drawn anew while the focus was in it keeps the focus, though the button may be gone.
document.addEventListener("htmx:before:swap", () => {
  focused = document.activeElement?.closest("tr.call")?.id ?? null;
});
document.addEventListener("htmx:after:swap", () => {
  if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus({ preventScroll: true });
});
