// The panel fetched anew is morphed: what somebody chose in its forms would stay there, though it is not what is shown.
"use strict";

const isPanel = (ctx) => ctx.target?.id === "panel";

document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
  if (isPanel(ctx)) ctx.menu = document.activeElement.closest("details.menu[open]");
});
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (!isPanel(ctx) || ctx.response.status >= 400) return;
  for (const form of document.querySelectorAll("#panel form.more-form")) form.reset();
  // The menu that asked is closed by the answer, and the button in it had the focus.
  if (ctx.menu && !ctx.menu.open) ctx.menu.querySelector("summary").focus({ preventScroll: true });
});
