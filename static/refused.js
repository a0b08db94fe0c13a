// What did not work is said where the eye is: in the open dialog, else on top of the page, wherever it is scrolled to. What
// was typed stays, and a log-in in another tab is enough to go on.
"use strict";

// Answers of our own that a page takes in: a row that has moved on, a form with its problems.
const TAKEN_IN = [409, 422];
const SENTENCES = {
  401: "You are logged out. Nothing was done.",
  413: "Too large. Nothing was done: what was sent is larger than what is taken here.",
  429: "Too many at a time. Nothing was done: wait a minute, then try again.",
};
const UNKNOWN = "The server did not answer, so nobody knows whether it was done. What you typed is kept: look, then press again.";
const AGAIN = "You are logged in again. Press once more.";
const SOMEBODY_ELSE = "Somebody else is logged in now. Load this page again before you go on.";

// The server's own sentence; where something before the server answers, the page has one.
function sentenceOf({ response, text }) {
  const own = response.headers.get("Content-Type")?.startsWith("text/plain") && text.trim();
  return own || SENTENCES[response.status] || `It was refused (${response.status}). Load the page again, then try once more.`;
}

// Who asked was a person, not the page by itself.
const acted = ({ request, sourceEvent }) => request.method !== "GET" || ["click", "submit"].includes(sourceEvent?.type);

// What is said on top, and until when: `away` until the server answers, `out` until somebody is logged in, `act` until the
// next act.
const trouble = document.getElementById("trouble");
let telling = "";
function tell(until, sentence, ...more) {
  if (telling === until && trouble.firstChild?.textContent === sentence) return;
  telling = until;
  trouble.replaceChildren(sentence, ...more);
  trouble.hidden = !sentence;
}
function untell(...kinds) {
  if (kinds.includes(telling)) tell("", "");
}

function tellInDialog(sentence, ...more) {
  const dialog = document.getElementById("dialog");
  const form = dialog?.open && dialog.querySelector("form");
  if (!form) return false;
  untellInDialog();
  const told = document.createElement("p");
  told.className = "ask-warning ask-trouble";
  told.setAttribute("role", "alert");
  told.append(sentence, ...more);
  const buttons = form.querySelector(".ask-buttons");
  buttons ? buttons.before(told) : form.append(told);
  return true;
}
const untellInDialog = () => document.querySelector("#dialog .ask-trouble")?.remove();

// When the server can't answer, that is said since when, until it answers again.
let away = null;
function clock() {
  const written = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  try {
    return new Date().toLocaleTimeString([], { ...written, timeZone: document.body.dataset.zone });
  } catch { // a zone that was named anew, in a browser of before
    return new Date().toLocaleTimeString([], written);
  }
}
function lost() {
  away ??= clock();
  tell("away", `The server can't be reached since ${away}. What you see may be out of date; it is asked again by itself.`);
}

function logIn() {
  const link = document.createElement("a");
  link.href = `/login?next=${encodeURIComponent(location.pathname + location.search)}`;
  link.target = "_blank";
  link.textContent = "Log in in another tab";
  return [" ", link, ", then go on here."];
}

document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
  if (!acted(ctx)) return;
  untell("act");
  untellInDialog();
});
document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
  lost();
  if (ctx && acted(ctx)) tellInDialog(UNKNOWN);
});
document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
  const { status } = ctx.response;
  if (TAKEN_IN.includes(status)) return;
  ctx.hx.reswap = "none";
  const way = status === 401 ? logIn : () => [];
  if (status >= 500 && !acted(ctx)) lost();
  else if (!acted(ctx) || !tellInDialog(sentenceOf(ctx), ...way())) tell(status === 401 ? "out" : "act", sentenceOf(ctx), ...way());
  if (status === 401) loggedOut = true;
});
document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  if (ctx.response.status >= 400) return;
  away = null;
  untell("away", "out");
});

// Logged in again, here or in another tab, the page goes on with the new log-in's token.
let loggedOut = false;
async function comeBack() {
  const answer = await fetch("/session", { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return;
  const { user, token } = await answer.json();
  loggedOut = false;
  const sentence = user === document.body.dataset.user ? AGAIN : SOMEBODY_ELSE;
  if (document.querySelector("#dialog .ask-trouble")) tellInDialog(sentence);
  else if (telling || sentence === SOMEBODY_ELSE) tell("act", sentence);
  if (sentence === SOMEBODY_ELSE) return;
  for (const field of document.querySelectorAll("input[name=csrf_token]")) field.value = token;
  const headers = JSON.parse(document.body.getAttribute("hx-headers:inherited"));
  document.body.setAttribute("hx-headers:inherited", JSON.stringify({ ...headers, "X-CSRFToken": token }));
}
for (const back of ["focus", "visibilitychange"]) {
  window.addEventListener(back, () => { if (loggedOut && !document.hidden) comeBack(); }, true);
}
// HX-Trigger: stale. The token is of a log-in that has ended.
document.addEventListener("stale", comeBack);

// It has moved on: the row is fresh, and the question is asked anew, as things stand now, with what was typed.
document.addEventListener("htmx:after:swap", async ({ detail: { ctx } }) => {
  const dialog = document.getElementById("dialog"), form = dialog?.open && dialog.querySelector("form[hx-post]");
  if (ctx.response?.status !== 409 || !form) return;
  const sentence = JSON.parse(ctx.hx.trigger ?? "{}").say ?? "It has moved on since you saw it.";
  const typed = new FormData(form);
  typed.set("look", "1");
  const answer = await fetch(form.action, { method: "POST", body: typed, headers: { "HX-Request": "true" } }).catch(() => null);
  if (answer?.ok) {
    dialog.innerHTML = await answer.text();
    htmx.process(dialog);
    dialog.querySelector("[autofocus], #why, [data-close]")?.focus();
  }
  tellInDialog(sentence);
});
