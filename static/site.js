// What HTML and htmx can't say: menus that close, polling that rests, and trouble that is told.
"use strict";

// On a phone the tabs scroll: the one of this page is to be seen.
document.querySelector(".tab[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });

// An open menu closes by Escape, and by a click or a focus elsewhere.
function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(except)) menu.open = false;
  }
}
document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("focusin", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.activeElement?.closest("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// Nobody looks at a hidden tab: no polling there, and fresh numbers on coming back.
document.addEventListener("htmx:config:request", (event) => {
  if (document.hidden && event.detail.ctx.sourceEvent?.type === "every") event.preventDefault();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) document.dispatchEvent(new CustomEvent("callbacks-changed"));
});

// HX-Trigger: {"say": "Order 251123-26 opened"} is read out.
document.addEventListener("say", (event) => {
  document.getElementById("said").textContent = event.detail.value;
});

// When the server can't answer, that is said where the eye is, until it answers again.
function trouble(sentence) {
  const place = document.getElementById("trouble");
  if (!place || place.textContent === sentence) return;
  place.textContent = sentence;
  place.hidden = !sentence;
}
const AWAY = "The server can't be reached. What you see may be out of date; it is asked again by itself.";
document.addEventListener("htmx:error", () => trouble(AWAY));
document.addEventListener("htmx:response:error", (event) => {
  if (event.detail.ctx.response.status >= 500) trouble(AWAY);
});
document.addEventListener("htmx:after:request", (event) => {
  if (event.detail.ctx.response.status < 400) trouble("");
});
