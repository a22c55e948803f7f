/*
 * What client_test.mjs expects: the ready file, a check's line, and how an answer's shape is judged.
 *
 * In: the ready file named on the command line. Refusals are asked for with plain fetch, so that the whole
 * answer is seen. Money is counted in BigInt millionths. The rules are api-v2.md's.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";

export const READY = JSON.parse(readFileSync(process.argv[2], "utf8"));
export const URL_OF_API = READY.api_url;
export const KEY = READY.customers[0].api_key;
export const OTHER_KEY = READY.customers[1].api_key;

export const UNKNOWN_ID = 2_000_000_000;
export const DUPLICATE = "You have active order with this link. Please wait until order being completed.";
export const ORDER_FIELDS = ["charge", "start_count", "status", "remains", "currency"];
const SERVICE_FIELDS = ["service", "name", "type", "category", "rate", "min", "max", "dripfeed", "refill", "cancel"];
export const RANK = new Map([
  ["Pending", 0], ["Processing", 1], ["In progress", 2], ["Completed", 3], ["Partial", 3], ["Canceled", 3],
]);
const WAIT_MS = 1000 * Number(process.env.CLIENT_TEST_WAIT ?? 240);

export const failed = [];

/** One line per check; what was seen is shown only when it was wrong. */
export function check(promise, holds, seen = "") {
  if (holds) {
    console.log(`ok ${promise}`);
    return;
  }
  failed.push(promise);
  console.log(`FAIL ${promise}: ${(typeof seen === "string" ? seen : JSON.stringify(seen))?.slice(0, 300)}`);
}

export const same = isDeepStrictEqual;

/** A form with the first customer's key; the decoded answer. */
export async function ask(fields) {
  const reply = await fetch(URL_OF_API, { method: "POST", body: new URLSearchParams({ key: KEY, ...fields }) });
  return reply.json();
}

/** The call is answered with HTTP 200 and exactly {"error": text}, one of the texts given. */
export async function refused(promise, fields, ...texts) {
  const reply = await fetch(URL_OF_API, { method: "POST", body: new URLSearchParams({ key: KEY, ...fields }) });
  const body = await reply.text();
  const expected = texts.map((error) => ({ error }));
  const good = reply.status === 200 && expected.some((one) => same(parsed(body), one));
  check(promise, good, `${reply.status} ${body}`);
}

export function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const token = () => randomBytes(12).toString("hex");
export const link = () => `https://example.com/node/${token()}`;

export const isDigits = (value) => typeof value === "string" && /^\d+$/.test(value);
export const isMoney = (value) => typeof value === "string" && /^-?\d+\.\d\d(\d{0,3}[1-9])?$/.test(value);
export const isId = (value) => Number.isSafeInteger(value) && value > 0;
export const isMap = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Exactly these fields, in any order. */
export function hasExactly(body, names) {
  return isMap(body) && same(Object.keys(body).sort(), [...names].sort());
}

export function serviceIsStrict(row) {
  return (
    hasExactly(row, SERVICE_FIELDS) &&
    isId(row.service) &&
    ["name", "type", "category"].every((name) => typeof row[name] === "string") &&
    isMoney(row.rate) &&
    isDigits(row.min) &&
    isDigits(row.max) &&
    ["dripfeed", "refill", "cancel"].every((name) => typeof row[name] === "boolean")
  );
}

/** The five fields of every status answer, and whatever belongs to the order's kind (§5). */
export function statusIsStrict(body, more = []) {
  return (
    hasExactly(body, [...ORDER_FIELDS, ...more]) &&
    isMoney(body.charge) &&
    isDigits(body.start_count) &&
    typeof body.status === "string" &&
    isDigits(body.remains) &&
    typeof body.currency === "string"
  );
}

/** A decimal string in millionths. */
export function micros(amount) {
  const [whole, fraction = ""] = amount.split(".");
  return BigInt(whole + fraction.padEnd(6, "0"));
}

export const ceiling = (numerator, denominator) => (numerator + denominator - 1n) / denominator;

/** In millionths: rate × quantity / 1000, rounded up; for packages the rate itself (§4). */
export function fullCharge(service, quantity) {
  const rate = micros(service.rate);
  if (service.type === "Package" || service.type === "Custom Comments Package") return rate;
  const charge = ceiling(rate * BigInt(quantity), 1000n);
  return rate > 0n && charge === 0n ? 1n : charge;
}

export function chargeIsRight(body, service, quantity) {
  const full = fullCharge(service, quantity);
  const charge = micros(body.charge);
  const remains = BigInt(body.remains);
  const total = BigInt(quantity);
  switch (body.status) {
    case "Completed":
      return charge === full && remains === 0n;
    case "Partial":
      return remains > 0n && remains <= total && charge === ceiling(full * (total - remains), total);
    default:
      return body.status === "Canceled" && charge === 0n;
  }
}

/** What `add` needs for each type (§4), and the quantity that is charged. */
export function parametersByType() {
  const lines = "first line\r\nsecond line\n\n  third line  \n";
  const plain = () => ({ link: link(), quantity: 100 });
  return new Map([
    ["Default", [plain(), 100]],
    ["SEO", [{ ...plain(), keywords: "one\ntwo" }, 100]],
    ["Custom Comments", [{ link: link(), comments: lines }, 3]],
    ["Mentions with Hashtags", [{ ...plain(), usernames: "anna\nben", hashtags: "#a\n#b" }, 100]],
    ["Mentions Custom List", [{ link: link(), usernames: "anna\nben\ncleo" }, 3]],
    ["Mentions Hashtag", [{ ...plain(), hashtag: "spring" }, 100]],
    ["Mentions User Followers", [{ ...plain(), username: "https://example.com/anna" }, 100]],
    ["Mentions Media Likers", [{ ...plain(), media: "https://example.com/p/1" }, 100]],
    ["Mentions", [{ ...plain(), usernames: "anna\nben" }, 100]],
    ["Package", [{ link: link() }, 1]],
    ["Custom Comments Package", [{ link: link(), comments: lines }, 1]],
    ["Comment Likes", [{ ...plain(), username: "anna" }, 100]],
    ["Poll", [{ ...plain(), answer_number: 3 }, 100]],
    ["Comment Replies", [{ link: link(), comments: lines }, 3]],
    ["Invites from Groups", [{ ...plain(), groups: "group one\ngroup two" }, 100]],
    ["Web Traffic", [{ ...plain(), country: "DE", device: 1, type_of_traffic: 3 }, 100]],
  ]);
}

/** Asks until the answer is true or the time is over; the last answer either way. */
export async function waitFor(condition) {
  const limit = Date.now() + WAIT_MS;
  for (;;) {
    const answer = await condition();
    if (answer || Date.now() > limit) return answer;
    await pause(250);
  }
}
