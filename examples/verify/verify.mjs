// Whether order changes are ours: the signature of Standard Webhooks, in plain Node.

import { createHmac, timingSafeEqual } from "node:crypto";

const FIVE_MINUTES = 300;

// `secrets`: all that are in use; `headers`: with names in small letters; `body`: a Buffer, as it came.
export function verify(secrets, headers, body) {
  const { "webhook-id": id, "webhook-timestamp": time, "webhook-signature": signatures } = headers;
  if (!id || !signatures || !(Math.abs(Date.now() / 1000 - Number(time)) <= FIVE_MINUTES)) return false;
  return secrets.some((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
    if (!key.length) return false; // anybody could have signed with it
    const ours = Buffer.from(`v1,${createHmac("sha256", key).update(`${id}.${time}.`).update(body).digest("base64")}`);
    return signatures.split(" ").some((theirs) => {
      const given = Buffer.from(theirs);
      return given.length === ours.length && timingSafeEqual(given, ours);
    });
  });
}
