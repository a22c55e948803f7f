/*
 * Drives a running panel through examples/node and checks what an old JavaScript client relies on.
 *
 *     node client_test.mjs READY_FILE
 *
 * In: the ready file of a running panel. Out: one line per check, `ok …` or `FAIL …`; exit code 1 on any
 * failure. Orders are placed on random links, so several of these programs can run against one panel at the
 * same time. The rules are api-v2.md's; section numbers stand beside the checks. CLIENT_TEST_WAIT is the
 * longest wait for orders to end, in seconds (default 240).
 */
import {
  DUPLICATE, KEY, OTHER_KEY, RANK, READY, UNKNOWN_ID, URL_OF_API,
  ask, chargeIsRight, check, failed, fullCharge, hasExactly, isDigits, isId, isMap, isMoney, link, micros,
  parametersByType, parsed, refused, same, serviceIsStrict, statusIsStrict, token, waitFor,
} from "./expect.mjs";
import { Panelworks, PanelworksError, PanelworksUnreachable } from "../../examples/node/panelworks.mjs";

const SHARE = 2; // of three: PHP, Python and Node each refill their own third of the refillable orders
const FINAL = ["Completed", "Partial", "Canceled"];
const idsFrom = (first, count) => Array.from({ length: count }, (_, n) => first + n);

/** §3: the list, its types and its words. Resolves to the rows by id. */
async function checkServices(panel) {
  const rows = await panel.services();
  check("services: a list of at least 40", Array.isArray(rows) && rows.length >= 40);
  const wrong = rows.filter((row) => !serviceIsStrict(row));
  check("services: every row has the exact fields and JSON types", wrong.length === 0, wrong[0]);
  const offered = new Set(rows.map((row) => row.type));
  const known = [...parametersByType().keys(), "Subscriptions"];
  check("services: every type is offered and no other", same([...offered].sort(), known.sort()), [...offered]);
  const packages = rows.filter(({ type }) => type.endsWith("Package"));
  check("services: packages say min 1 and max 1", packages.every(({ min, max }) => min === "1" && max === "1"));
  return new Map(rows.map((row) => [row.service, row]));
}

async function checkBalance(panel) {
  const body = await panel.balance();
  check("balance: exactly balance and currency", hasExactly(body, ["balance", "currency"]), body);
  check("balance: a decimal string and an ISO code", isMoney(body.balance) && /^[A-Z]{3}$/.test(body.currency), body);
}

/** One order of each type through the example client. Resolves to order → [service, quantity]. */
async function placeEveryType(panel, services) {
  const placed = new Map();
  for (const [word, [parameters, quantity]] of parametersByType()) {
    const service = services.get(READY.services[word]);
    const order = await panel.add(service.service, parameters);
    placed.set(order, [service, quantity]);
    const body = await panel.status(order);
    check(`add ${word}: an id below 2^31 whose status is strict`, isId(order) && order < 2 ** 31 && statusIsStrict(body), body);
    const ended = RANK.get(body.status) === 3;
    check(`add ${word}: charged for ${quantity}`, ended || micros(body.charge) === fullCharge(service, quantity), body);
  }
  const bare = services.get(READY.services["no link"]);
  placed.set(await panel.add(bare.service, { quantity: 100 }), [bare, 100]);
  check("add: a service without links asks for none", true);
  return placed;
}

/** §9: `Incorrect <parameter>` for what is missing, empty, null or undefined: JavaScript sends all of them. */
async function checkMissingParameters() {
  for (const [word, [parameters]] of parametersByType()) {
    for (const missing of Object.keys(parameters)) {
      const text = missing === "link" ? "Bad link" : `Incorrect ${missing}`;
      const call = { action: "add", service: READY.services[word], ...parameters };
      await refused(`add ${word}: ${missing} is undefined`, { ...call, [missing]: undefined }, text);
    }
  }
  const reply = await fetch(URL_OF_API, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ key: KEY, action: "add", service: READY.services.Default, link: null, quantity: 100 }),
  });
  check("add: a JSON null is not given", same(await reply.json(), { error: "Bad link" }));
}

/** §4, §9: quantities, services, keys and actions that are refused, each with its text. */
async function checkBadInput(services) {
  const service = services.get(READY.services.Default);
  const base = { action: "add", service: service.service, link: link() };
  for (const quantity of ["abc", "", "0", "-5", "1.5", "1e21", "NaN", "Infinity", "[object Object]"]) {
    await refused(`add: quantity '${quantity}'`, { ...base, quantity }, "Incorrect quantity");
  }
  const above = `Quantity more than maximum ${service.max}`;
  await refused("add: quantity 2^63", { ...base, quantity: 2n ** 63n }, "Incorrect quantity", above);
  await refused("add: below min", { ...base, quantity: 1 }, `Quantity less than minimal ${service.min}`);
  await refused("add: above max", { ...base, quantity: Number(service.max) + 1 }, above);
  for (const unknown of ["", "abc", "0", "-1", UNKNOWN_ID]) {
    await refused(`add: service '${unknown}'`, { ...base, service: unknown, quantity: 100 }, "Incorrect service ID");
  }
  await refused("an unknown action", { action: "dance" }, "Incorrect request");
  await refused("no action", {}, "Incorrect request");
  await refused("a wrong key", { key: "wrong", action: "balance" }, "Invalid API key");
  const refusal = await new Panelworks(URL_OF_API, "wrong").balance().catch((trouble) => trouble);
  check("client: a refusal is thrown", refusal instanceof PanelworksError && refusal.message === "Invalid API key");
  const silence = await new Panelworks(new URL("/healthz/none", URL_OF_API), KEY).balance().catch((trouble) => trouble);
  check("client: an answer that isn't JSON is no refusal", silence instanceof PanelworksUnreachable, String(silence));
}

/** §4: the duplicate guard and the idempotency key, also when both are asked at the same moment. */
async function checkGuards(panel, services) {
  const service = services.get(READY.services.Default);
  const mine = { link: link(), quantity: 100, request_id: token() };
  const answers = await Promise.all(idsFrom(0, 8).map(() => panel.add(service.service, mine)));
  check("add: eight at once with the same request_id are one order", new Set(answers).size === 1, answers);
  const call = { action: "add", service: service.service, ...mine };
  const changed = "Idempotency key was used with other parameters";
  await refused("add: the same request_id with other parameters", { ...call, quantity: 200 }, changed);
  await refused("add: the same link again", { ...call, request_id: "" }, DUPLICATE);

  const rival = { link: link(), quantity: 100 };
  const race = await Promise.allSettled(idsFrom(0, 8).map(() => panel.add(service.service, rival)));
  const won = race.filter(({ status }) => status === "fulfilled").map(({ value }) => value);
  const lost = race.filter(({ reason }) => reason?.message === DUPLICATE);
  check("add: of eight at once on one link one wins", won.length === 1 && lost.length === 7, race);
  return [answers[0], ...won].map((order) => [order, [service, 100]]);
}

/** §5: a map keyed by the id as sent, never an array. */
async function checkMultiStatus(panel, placed) {
  const [one, two] = placed.keys();
  const body = await ask({ action: "status", orders: `${one}, ${two},,${one},${UNKNOWN_ID},x1` });
  check("multi status: one key per id as sent", hasExactly(body, [one, two, UNKNOWN_ID, "x1"].map(String)), body);
  check("multi status: rows are the single answer", statusIsStrict(body[one]) && statusIsStrict(body[two]), body);
  const error = { error: "Incorrect order ID" };
  check("multi status: unknown ids are errors of their own", same(body[UNKNOWN_ID], error) && same(body.x1, error), body);
  check("multi status: a map for a single id, too", hasExactly(await panel.multiStatus([one]), [String(one)]));
  const empty = await ask({ action: "status", orders: "," });
  check("multi status: never an array", isMap(empty), empty);
  const many = await panel.multiStatus(idsFrom(UNKNOWN_ID, 101));
  check("multi status: ids beyond the hundredth are left out", Object.keys(many).length === 100);
  for (const unknown of ["", "0", "-1", "1.5", "abc", "undefined", UNKNOWN_ID]) {
    await refused(`status: order '${unknown}'`, { action: "status", order: unknown }, "Incorrect order ID");
  }
  await refused("status: somebody else's order", { key: OTHER_KEY, action: "status", order: one }, "Incorrect order ID");
}

/** §6: single ids are strings, ids in rows are ints, rows come in request order. */
async function checkRefills(panel, placed) {
  const mine = READY.refillable_orders.filter((order) => order % 3 === SHARE).sort(() => Math.random() - 0.5);
  let order;
  let body;
  do {
    order = mine.shift();
    body = await ask({ action: "refill", order });
  } while (body.error && mine.length > 0); // an earlier run may have used some of them up
  check("refill: exactly {refill: string of digits}", hasExactly(body, ["refill"]) && isDigits(body.refill), body);
  const early = "The order was completed or refill was requested less than 24 hours ago";
  const open = "The refill task is not completed for this order";
  await refused("refill: again while one is open", { action: "refill", order }, open, early);
  const words = ["Pending", "In progress", "Completed", "Rejected", "Error"];
  check("refill_status: a known word", words.includes(await panel.refillStatus(body.refill ?? 0)));

  const batch = [UNKNOWN_ID, ...mine.slice(0, 5)];
  const rows = await panel.multiRefill(batch);
  check("multi refill: rows in request order", Array.isArray(rows) && same(rows.map((row) => row.order), batch), rows);
  const unknown = { order: UNKNOWN_ID, refill: { error: "Incorrect order ID" } };
  check("multi refill: an unknown order is an error row", same(rows[0], unknown), rows[0]);
  const taken = rows.map((row) => row.refill).filter(isId);
  check("multi refill: ids are ints", taken.length > 0, rows);
  const states = await panel.multiRefillStatus([...taken, UNKNOWN_ID]);
  check("multi refill_status: rows in request order", same(states.map((row) => row.refill), [...taken, UNKNOWN_ID]), states);
  const last = { refill: UNKNOWN_ID, status: { error: "Refill not found" } };
  check("multi refill_status: an unknown refill is an error row", same(states.pop(), last), states);
  check("multi refill_status: words", states.every((row) => words.includes(row.status)), states);
  await refused("refill: an unknown order", { action: "refill", order: UNKNOWN_ID }, "Incorrect order ID");
  await refused("refill_status: an unknown refill", { action: "refill_status", refill: UNKNOWN_ID }, "Refill not found");
  const [off] = [...placed].find(([, [service]]) => !service.refill);
  await refused("refill: a service without refill", { action: "refill", order: off }, "Refill is disabled for this service");
}

/** §7: always an array, ids from 1000, the repeated request, its own status. Resolves to order → cancel. */
async function checkCancels(panel, placed, services) {
  const service = services.get(READY.services.cancelable);
  const order = await panel.add(service.service, { link: link(), quantity: 100 });
  placed.set(order, [service, 100]);
  const [unknown, row] = await panel.cancel([UNKNOWN_ID, order]);
  check("cancel: an unknown id has no type", same(unknown, { order: UNKNOWN_ID, cancel: { error: "Incorrect order ID" } }), unknown);
  check("cancel: a row has order, type and an id from 1000", same(row, { order, type: "order", cancel: row.cancel }) && row.cancel >= 1000, row);
  const earlier = { order, type: "order", cancel: { error: "Cancellation request was sent earlier" } };
  check("cancel: sent earlier", same(await panel.cancel([order]), [earlier]));
  const states = await panel.cancelStatus([row.cancel, UNKNOWN_ID]);
  check("cancel status: a row with its word", ["Pending", "Completed", "Rejected"].includes(states[0].status), states);
  check("cancel status: an unknown cancel is an error row", same(states[1], { cancel: UNKNOWN_ID, status: { error: "Cancel not found" } }), states);
  await refused("cancel_status: an unknown cancel", { action: "cancel_status", cancel: UNKNOWN_ID }, "Cancel not found");
  const [off, [kind]] = [...placed].find(([, [offered]]) => !offered.cancel);
  const never = { order: off, type: "order", cancel: { error: "Cancel is not available for this order" } };
  check(`cancel: ${kind.type} without cancel is an error row`, same(await panel.cancel([off]), [never]));
  return new Map([[order, row.cancel]]);
}

/** §5: runs and orders on top of the five fields; all runs are charged at once. */
async function checkDripfeed(panel, services) {
  const service = services.get(READY.services.dripfeed);
  const call = { action: "add", service: service.service, link: link(), quantity: 100 };
  await refused("drip-feed: runs without interval", { ...call, runs: 2 }, "Incorrect interval");
  await refused("drip-feed: runs that are no number", { ...call, runs: "two", interval: 5 }, "Incorrect runs");
  await refused("drip-feed: more than 1000 runs", { ...call, runs: 1001, interval: 5 }, "Incorrect runs");
  const order = await panel.add(service.service, { link: link(), quantity: 100, runs: 10, interval: 60 });
  const body = await panel.status(order);
  check("drip-feed: the five fields, runs and orders", statusIsStrict(body, ["runs", "orders"]) && isDigits(body.runs) && Array.isArray(body.orders), body);
  check("drip-feed: all runs are charged at once", micros(body.charge) === fullCharge(service, 1000), body);
  const [child] = (await waitFor(async () => {
    const { orders } = await panel.status(order);
    return orders.length > 0 && orders;
  })) || [];
  check("drip-feed: the first run is an order of its own", isDigits(child) && statusIsStrict(await panel.status(child)), child);
  if (service.cancel) {
    const [row] = await panel.cancel([order]);
    check("drip-feed: cancelled as a dripfeed", row.type === "dripfeed" && isId(row.cancel), row);
  }
}

async function checkSubscription(panel, services) {
  const service = services.get(READY.services.Subscriptions);
  const call = { username: token(), min: 10, max: 20, posts: "", delay: 30, expiry: "" };
  const order = await panel.add(service.service, call);
  const body = await panel.status(order);
  check("subscription: the five fields, posts, expiry and orders", statusIsStrict(body, ["posts", "expiry", "orders"]), body);
  check("subscription: their types", isDigits(body.posts) && body.expiry === null && Array.isArray(body.orders), body);
  await refused("subscription: a delay that is no number", { action: "add", service: service.service, ...call, delay: "soon" }, "Incorrect delay");
  if (service.cancel) {
    const [row] = await panel.cancel([order]);
    check("subscription: cancelled as a subscription", row.type === "subscription", row);
  }
}

/** §1, §2: the ways JavaScript programs send; always JSON, always 200, never a redirect. */
async function checkTransport(placed) {
  const asked = { key: KEY, action: "status", order: placed.keys().next().value };
  const query = `?${new URLSearchParams(asked)}`;
  const form = new FormData();
  for (const [name, value] of Object.entries(asked)) form.append(name, value);
  const json = { "Content-Type": "application/json" };
  const { key, ...keyless } = asked;
  const post = (body, headers = {}, url = URL_OF_API) => fetch(url, { method: "POST", body, headers, redirect: "error" });
  const ways = {
    "URLSearchParams": () => post(new URLSearchParams(asked)),
    "FormData, which is multipart": () => post(form),
    "JSON with numbers": () => post(JSON.stringify(asked), json),
    "JSON with strings and a charset": () => post(JSON.stringify({ ...asked, order: String(asked.order) }), { "Content-Type": "application/json;charset=UTF-8" }),
    "JSON as text, as fetch sends a string": () => post(JSON.stringify(asked)),
    "JSON to a trailing slash": () => post(JSON.stringify(asked), json, `${URL_OF_API}/`),
    "GET": () => fetch(URL_OF_API + query, { redirect: "error" }),
    "POST with a query and no body": () => post(undefined, {}, URL_OF_API + query),
    "Authorization: Bearer": () => post(new URLSearchParams(keyless), { Authorization: `Bearer ${key}` }),
    "X-API-Key": () => post(JSON.stringify(keyless), { ...json, "X-API-Key": key }),
  };
  for (const [how, way] of Object.entries(ways)) {
    const reply = await way();
    const body = await reply.text();
    const good = reply.status === 200 && reply.headers.get("content-type") === "application/json";
    check(`transport: ${how}`, good && statusIsStrict(parsed(body)), `${reply.status} ${body}`);
  }
  const list = await post(JSON.stringify({ key, action: "status", orders: [asked.order, `${UNKNOWN_ID}`] }), json);
  check("transport: a JSON list of ids", hasExactly(await list.json(), [String(asked.order), String(UNKNOWN_ID)]));
  const options = await fetch(URL_OF_API, { method: "OPTIONS", headers: { Origin: "https://example.com", "Access-Control-Request-Method": "POST" } });
  check("transport: OPTIONS allows other origins", [200, 204].includes(options.status) && options.headers.get("access-control-allow-origin") === "*");
}

/** Every order reaches an end, only ever moves forward, and its charge is what was delivered. */
async function followToTheEnd(panel, placed) {
  const seen = new Map([...placed.keys()].map((order) => [order, "Pending"]));
  const backward = [];
  const ended = await waitFor(async () => {
    for (const [id, { status }] of Object.entries(await panel.multiStatus([...seen.keys()]))) {
      const before = seen.get(Number(id));
      if (!(RANK.get(status) >= RANK.get(before))) backward.push([id, before, status]);
      seen.set(Number(id), status);
    }
    return [...seen.values()].every((word) => FINAL.includes(word));
  });
  check("orders: all reach an end", ended, [...seen]);
  check("orders: none goes backward or says an unknown word", backward.length === 0, backward);
  for (const [id, body] of Object.entries(await panel.multiStatus([...placed.keys()]))) {
    const [service, quantity] = placed.get(Number(id));
    check(`order ${id} (${service.type}): ${body.status} is charged as delivered`, chargeIsRight(body, service, quantity), { body, service, quantity });
  }
}

/** A carried-out cancel ends its order as Canceled or Partial; a rejected one as Completed. */
async function checkCancelEnds(panel, cancels) {
  const ends = { Completed: ["Canceled", "Partial"], Rejected: ["Completed"] };
  for (const [order, cancel] of cancels) {
    const [{ status: word }] = await panel.cancelStatus([cancel]);
    const { status: end } = await panel.status(order);
    check(`cancel of ${order}: its word and the order's end agree`, ends[word]?.includes(end), `${word} ${end}`);
  }
}

try {
  const panel = new Panelworks(URL_OF_API, KEY);
  const services = await checkServices(panel);
  await checkBalance(panel);
  const placed = await placeEveryType(panel, services);
  await checkMissingParameters();
  await checkBadInput(services);
  for (const [order, what] of await checkGuards(panel, services)) placed.set(order, what);
  await checkMultiStatus(panel, placed);
  await checkTransport(placed);
  await checkRefills(panel, placed);
  const cancels = await checkCancels(panel, placed, services);
  await checkDripfeed(panel, services);
  await checkSubscription(panel, services);
  await followToTheEnd(panel, placed);
  await checkCancelEnds(panel, cancels);
} catch (surprise) {
  check("no surprise", false, surprise.stack);
}
console.log(failed.length === 0 ? "all checks passed" : `${failed.length} checks failed`);
process.exitCode = failed.length === 0 ? 0 : 1;
