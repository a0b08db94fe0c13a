// How many callbacks wait stands in the browser's tab too: in its title, in its picture and, on wish, in a notification.
"use strict";

let told = null;
const waiting = () => document.getElementById("waiting-count");
const wished = () => window.Notification?.permission === "granted" && localStorage.getItem("notify") === "on";

// The picture with a red disc, and the number in it while that has room.
function picture(count) {
  const number = count > 99 ? "99+" : count;
  return "data:image/svg+xml," + encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">
    <g fill="none" stroke="#066fd1" stroke-width="3.2" stroke-linecap="round" stroke-linejoin="round"><path d="M9 5 3 11l6 6"/><path d="M3 11h13a5 5 0 0 1 0 9h-2"/></g>
    <circle cx="16" cy="15" r="8.5" fill="#d63939"/><text x="16" y="18.5" font-family="sans-serif" font-weight="700" font-size="${count > 99 ? 7.5 : 10}" text-anchor="middle" fill="#fff">${number}</text></svg>`);
}

function showCount() {
  const place = waiting();
  if (!place) return;
  const count = Number(place.dataset.waiting), icon = document.querySelector("link[rel=icon]");
  if (count === told) return;
  const title = document.title.replace(/^\([^)]*\) /, "");
  document.title = count ? `(${place.firstChild.textContent}) ${title}` : title;
  icon.dataset.calm ??= icon.href;
  icon.href = count ? picture(count) : icon.dataset.calm;
  if (told !== null && count > told && document.hidden && wished()) {
    const words = count === 1 ? "1 callback waits for a person" : `${place.firstChild.textContent} callbacks wait for a person`;
    const note = new Notification(place.dataset.shop, { body: words, tag: "waiting", icon: icon.href });
    note.onclick = () => { window.focus(); note.close(); };
  }
  told = count;
}
showCount();
document.addEventListener("htmx:after:swap", showCount);

// Your settings: in this browser, or no more.
function show(section) {
  section.hidden = !window.Notification;
  section.querySelector("button").textContent = wished() ? "Don’t notify me any more" : "Notify me in this browser";
  section.querySelector("[data-refused]").hidden = window.Notification?.permission !== "denied";
}
const section = document.querySelector("[data-notify]");
if (section) show(section);
section?.querySelector("button").addEventListener("click", async () => {
  if (wished()) localStorage.removeItem("notify");
  else if (await Notification.requestPermission() === "granted") localStorage.setItem("notify", "on");
  show(section);
});
