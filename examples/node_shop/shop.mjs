// A shop in plain Node, without a library, that is paid through shopcallbacks.
// `node shop.mjs` serves it, and follows the feed beside it.

import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { verify } from "../verify/verify.mjs";

const { SHOPCALLBACKS_URL, SHOPCALLBACKS_TOKEN, SHOPCALLBACKS_SECRETS, GATEWAY_URL } = process.env;
const PRICES = new Map([["kite", "59.90"], ["tent", "149.00"]]); // the shop's, whatever a form says
const { SHOP_DB = "shop.json", PORT = "8000", FOLLOW_SECONDS = "60" } = process.env;

// Kept in a file of this one process here, and in a database in your shop: nothing is awaited between read and write.
function read() {
  return existsSync(SHOP_DB) ? JSON.parse(readFileSync(SHOP_DB, "utf8")) : { orders: {}, parcels: [], cursor: "0" };
}

function write(shop) {
  writeFileSync(`${SHOP_DB}.new`, JSON.stringify(shop));
  renameSync(`${SHOP_DB}.new`, SHOP_DB);
}

async function call(method, path, data) {
  return fetch(SHOPCALLBACKS_URL + path, {
    method,
    headers: { Authorization: `Bearer ${SHOPCALLBACKS_TOKEN}`, "Content-Type": "application/json" },
    body: data && JSON.stringify(data),
    signal: AbortSignal.timeout(10_000),
  });
}

// The order is kept here, handed in there, and only then paid.
async function checkOut(article) {
  const number = randomUUID().slice(0, 13);
  const amount = PRICES.get(article);
  if (!amount) return [404, null];
  const shop = read();
  shop.orders[number] = { article, amount, state: "temporary", place: 0 };
  write(shop);
  const order = { number, amount, currency: "EUR" };
  const answer = await call("POST", "/api/orders", order);
  if (!answer.ok) return [502, await answer.json()];
  return [303, null, { Location: `${GATEWAY_URL}/pay?${new URLSearchParams({ order: number, amount, currency: "EUR" })}` }];
}

// The webhook: Settings > Shop endpoint has this address, and the secrets.
function hear(headers, body) {
  if (!verify(SHOPCALLBACKS_SECRETS.split(/\s+/).filter(Boolean), headers, body)) return [400, null];
  const shop = read();
  take(shop, JSON.parse(body));
  write(shop);
  return [204, null];
}

// The same changes from the feed, from where it was left: what the webhooks may have missed.
async function follow() {
  for (let events; !events || events.length; ) {
    const answer = await call("GET", `/api/events?limit=500&after=${read().cursor}`);
    if (!answer.ok) throw new Error(`The feed answered ${answer.status}`);
    ({ events } = await answer.json());
    const shop = read();
    for (const event of events) {
      take(shop, event);
      shop.cursor = event.position;
    }
    write(shop);
  }
}

// However often it is told, and by whichever way: an event not beyond the order's place was taken before.
function take(shop, event) {
  const order = shop.orders[event.order];
  if (!order || order.place >= Number(event.position)) return;
  order.state = event.to;
  order.place = Number(event.position);
  // It may come to `open` more than once. In your shop the number is the key of its parcel, so that nothing is sent twice;
  // send a parcel only while its order is `open`.
  if (order.state === "open" && !shop.parcels.includes(event.order)) shop.parcels.push(event.order);
}

// `cancel` and `refund` are for the shop's own people: put them behind your back office's log-in and CSRF check.

// Its state here changes when the feed says so.
async function cancel(number) {
  const answer = await call("POST", `/api/orders/${encodeURIComponent(number)}/cancel`);
  const told = await answer.json();
  return answer.ok ? [200, { state: told.state }] : [answer.status, { state: told.order?.state, why: told.title }];
}

// Money is given back at the gateway; its callback to shopcallbacks is what makes the order refunded.
// What the order kept, and once: by the same key the gateway knows a click that is repeated.
async function refund(number) {
  const known = await call("GET", `/api/orders/${encodeURIComponent(number)}`);
  const { state, kept } = await known.json();
  if (!known.ok) return [known.status, null];
  if (state !== "open") return [409, { state }];
  const answer = await fetch(`${GATEWAY_URL}/refunds`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": `refund-${number}` },
    body: JSON.stringify({ order: number, amount: kept }),
    signal: AbortSignal.timeout(30_000),
  });
  return [answer.ok ? 202 : 502, { state }];
}

function show(number) {
  const shop = read();
  if (!shop.orders[number]) return [404, null];
  return [200, { state: shop.orders[number].state, parcels: shop.parcels.filter((one) => one === number).length }];
}

async function answer(request, body) {
  const [, what, number, verb] = new URL(request.url, "http://shop").pathname.split("/");
  const asked = [request.method, what, verb].filter(Boolean).join(" ");
  if (asked === "POST checkout") return checkOut(new URLSearchParams(body.toString()).get("article"));
  if (asked === "POST order-changes") return hear(request.headers, body);
  if (asked === "GET orders") return show(number);
  if (asked === "POST orders cancel") return cancel(number);
  if (asked === "POST orders refund") return refund(number);
  return [404, null];
}

async function followOn() {
  await follow().catch(console.error);
  setTimeout(followOn, FOLLOW_SECONDS * 1000);
}

createServer(async (request, response) => {
  let told;
  try {
    const parts = [];
    for await (const part of request) parts.push(part); // throws where the connection breaks
    told = await answer(request, Buffer.concat(parts));
  } catch (error) {
    console.error(error);
    told = [500, null];
  }
  const [status, data, headers = {}] = told;
  response.writeHead(status, { "Content-Type": "application/json", ...headers });
  response.end(data && JSON.stringify(data));
}).listen(Number(PORT), "127.0.0.1", followOn);
