// The chart by keyboard: one stop for Tab, arrows from bar to bar; what a bar says stands below it.
"use strict";

const STEPS = { ArrowLeft: -1, ArrowRight: 1 };
document.addEventListener("keydown", (event) => {
  const bar = event.target.closest?.(".chart-bar");
  if (!bar || event.ctrlKey || event.metaKey || event.altKey) return;
  const bars = [...bar.parentNode.querySelectorAll(".chart-bar")], at = bars.indexOf(bar);
  const next = event.key === "Home" ? bars[0] : event.key === "End" ? bars.at(-1) : bars[at + STEPS[event.key]];
  if (!next) return;
  event.preventDefault();
  bar.setAttribute("tabindex", "-1");
  next.setAttribute("tabindex", "0");
  next.focus();
});
function say(event) {
  const bar = event.target.closest?.(".chart-bar");
  if (bar) bar.closest(".results").querySelector(".chart-says").textContent = bar.getAttribute("aria-label");
}
document.addEventListener("focusin", say);
document.addEventListener("pointerover", say);
