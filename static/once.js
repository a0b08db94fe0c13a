// A plain form is sent once: a double click on what begins something would begin it twice. It may be sent again where its
// page stays, because the sending was stopped, or comes back.
"use strict";

let sent = null;
const mayBeSent = () => { sent = null; };
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return; // htmx's, or one that changes nothing
  if (form === sent) event.preventDefault();
  sent = form;
});
window.addEventListener("pageshow", mayBeSent);
window.navigation?.addEventListener("navigateerror", mayBeSent);
