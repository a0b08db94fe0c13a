// What HTML and htmx can't say: menus that close, and polling that rests.
"use strict";

// On a phone the tabs scroll: the one of this page is to be seen.
// (By hand: scrollIntoView would also make the first press of Tab begin there, behind the way to the content.)
const here = document.querySelector(".tab[aria-current]"), tabs = here?.closest(".tabs");
if (tabs) tabs.scrollLeft = here.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - here.clientWidth) / 2;

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

// Nobody looks at a hidden tab: no polling there but for the count in its title, and fresh numbers on coming back.
document.addEventListener("htmx:config:request", (event) => {
  const { sourceElement, sourceEvent } = event.detail.ctx;
  if (document.hidden && sourceEvent?.type === "every" && sourceElement.id !== "waiting-count") event.preventDefault();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) document.dispatchEvent(new CustomEvent("callbacks-changed"));
});

// What somebody has opened stays open when a part of the page is asked for anew by itself: the answer knows nothing of it.
document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
  ctx.opened = ctx.sourceEvent?.type === "every" ? [...document.querySelectorAll("details[open]")] : [];
});
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  for (const details of ctx.opened ?? []) details.open = true;
});

// HX-Trigger: {"say": "Order 251123-26 opened"} is read out.
document.addEventListener("say", (event) => {
  document.getElementById("said").textContent = event.detail.value;
});

// What needs script appears where there is script.
function offerScripted() {
  for (const button of document.querySelectorAll("[data-copy][hidden], [data-keys][hidden]")) button.hidden = false;
}
offerScripted();
document.addEventListener("htmx:after:swap", offerScripted);

// A copy button copies the input or the text it names, and says so.
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  if (source.select) source.select();
  else getSelection().selectAllChildren(source);
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
  } catch {
    if (!document.execCommand("copy")) return; // it is selected: the reader's own keys copy it
  }
  document.getElementById("said").textContent = button.dataset.said;
  button.firstChild.textContent = "Copied";
  setTimeout(() => { button.firstChild.textContent = "Copy"; }, 2000);
});

// A dialog opens when a question has been put into it, and closes when it is answered or called off.
document.addEventListener("htmx:after:swap", () => {
  const dialog = document.getElementById("dialog");
  if (dialog && !dialog.open && dialog.firstElementChild) {
    dialog.showModal();
    dialog.querySelector("[autofocus]")?.focus();
  }
});
function closeDialog() {
  const dialog = document.getElementById("dialog");
  if (!dialog?.open) return;
  dialog.close();
  dialog.replaceChildren();
}
document.addEventListener("click", (event) => {
  if (!event.target.closest("#dialog [data-close]")) return;
  event.preventDefault();
  closeDialog();
});
document.addEventListener("cancel", () => document.getElementById("dialog")?.replaceChildren(), true);

// What was acted on keeps the focus, though the button that was pressed may be gone. Who has gone on stays there.
document.addEventListener("htmx:config:request", (event) => {
  const { ctx } = event.detail;
  const target = ctx.sourceElement.getAttribute("hx-target");
  const place = target && document.querySelector(target);
  if (!place?.matches(".call, #callback, #notes, #claim, .delivery")) return;
  if (place.contains(document.activeElement) || ctx.sourceElement.closest("#dialog")) ctx.held = target;
});
document.addEventListener("htmx:after:swap", (event) => {
  const { ctx } = event.detail;
  if (!ctx.held) return;
  if (ctx.response.status < 400) closeDialog();
  if (document.activeElement === document.body) document.querySelector(ctx.held).focus({ preventScroll: true });
});

// Selecting rows: the box on top, a box on each row, a range with shift. The bar says how many, its buttons too.
let lastPick = null;
const inBar = (box) => Boolean(box.form) && box.form === document.getElementById("bulk");
const picks = () => [...document.querySelectorAll('input[form="bulk"][name="id"]')];
const write = (place, words) => { if (place.textContent !== words) place.textContent = words; };
function countPicks() {
  const bar = document.getElementById("bulk");
  if (!bar) return;
  const boxes = picks(), count = boxes.filter((box) => box.checked).length, all = bar.elements.all.checked;
  const top = document.querySelector('input[form="bulk"][name="page"]');
  top.checked = boxes.length > 0 && count === boxes.length;
  top.indeterminate = count > 0 && !top.checked;
  const many = all ? (bar.querySelector("[data-total]")?.textContent ?? "all") : count || "";
  write(bar.querySelector("[data-picked]"), all ? "All that match" : count ? `${count} selected` : "Select rows");
  for (const button of bar.querySelectorAll("button")) {
    button.disabled = !many;
    write(button.querySelector("[data-count]"), many ? `\u00a0${many}` : "");
  }
}
document.addEventListener("change", (event) => {
  const box = event.target;
  if (!inBar(box)) return;
  if (box.name === "page") picks().forEach((pick) => { pick.checked = box.checked; });
  countPicks();
});
document.addEventListener("click", (event) => {
  const box = event.target;
  if (box.name !== "id" || !inBar(box)) return;
  const boxes = picks(), from = boxes.indexOf(lastPick), to = boxes.indexOf(box);
  if (event.shiftKey && from >= 0) boxes.slice(Math.min(from, to), Math.max(from, to) + 1).forEach((pick) => { pick.checked = box.checked; });
  lastPick = box;
});
document.addEventListener("htmx:after:swap", countPicks);
countPicks();
