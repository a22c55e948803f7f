/*
 * Lists services, places one order and follows it to its end.
 *
 *     PANEL_URL=https://panel.example/api/v2 PANEL_KEY=your-key node example.mjs [service] [link] [quantity]
 *
 * Without arguments nothing is ordered: it shows the balance and the first services.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { Panelworks, PanelworksError, PanelworksUnreachable } from "./panelworks.mjs";

const { PANEL_URL, PANEL_KEY } = process.env;
if (!PANEL_URL || !PANEL_KEY) {
  console.error("Set PANEL_URL and PANEL_KEY first.");
  process.exit(2);
}

const panel = new Panelworks(PANEL_URL, PANEL_KEY);

async function show() {
  const { balance, currency } = await panel.balance();
  console.log(`Balance: ${balance} ${currency}\n`);
  for (const { service, name, type, rate } of (await panel.services()).slice(0, 10)) {
    console.log(`${String(service).padStart(6)}  ${name.padEnd(40)} ${type.padEnd(24)} ${rate}`);
  }
}

async function order(service, link, quantity) {
  const id = await panel.add(service, { link, quantity, request_id: randomUUID() });
  console.log(`\nOrder ${id} placed.`);

  let word = "Pending";
  while (!["Completed", "Partial", "Canceled"].includes(word)) {
    await pause(2_000);
    const { status, remains, charge, currency } = await panel.status(id);
    console.log(`${status}: ${remains} to go, charged ${charge} ${currency}`);
    word = status;
  }
}

try {
  await show();
  const [service, link, quantity] = process.argv.slice(2);
  if (quantity) await order(service, link, quantity);
} catch (trouble) {
  if (trouble instanceof PanelworksError) console.error(`The panel refused: ${trouble.message}`);
  else if (trouble instanceof PanelworksUnreachable) console.error(`No answer: ${trouble.message}`);
  else throw trouble;
  process.exit(1);
}
