/**
 * A client of API v2 in one file: Node 18 or newer, nothing to install. Keep your key on a server:
 * in a web page anybody could read it.
 *
 *     import { Panelworks } from "./panelworks.mjs";
 *
 *     const panel = new Panelworks("https://panel.example/api/v2", "your API key");
 *     const order = await panel.add(1, { link: "https://example.com/page", quantity: 100 });
 *
 * Amounts (rate, charge, balance) arrive as decimal strings. Keep them as strings, or count in BigInt
 * millionths: a Number can't hold 0.27819 exactly.
 */
export class Panelworks {
  #url;
  #key;
  #timeoutMs;

  constructor(url, key, { timeoutMs = 30_000 } = {}) {
    this.#url = url;
    this.#key = key;
    this.#timeoutMs = timeoutMs;
  }

  /** Every service you can order, each with its rate, limits and abilities. */
  services() {
    return this.call({ action: "services" });
  }

  /**
   * Places an order and resolves to its id. Which parameters are needed depends on the service's type.
   *
   * Give a `request_id` of your own (any text, once per order) and the call can be repeated safely
   * after a time-out: the same request_id never places a second order.
   */
  async add(service, parameters) {
    return Number((await this.call({ action: "add", service, ...parameters })).order);
  }

  /** How one order is doing: charge, start_count, status, remains, currency. */
  status(order) {
    return this.call({ action: "status", order });
  }

  /** How up to 100 orders are doing, by order id. An order that isn't yours has only an `error`. */
  multiStatus(orders) {
    return this.call({ action: "status", orders: orders.join(",") });
  }

  /** Asks to refill a completed order that lost some of what was delivered; resolves to the refill's id. */
  async refill(order) {
    return String((await this.call({ action: "refill", order })).refill);
  }

  /** Asks to refill up to 100 orders. Each row has the order and either a refill id or an `error`. */
  multiRefill(orders) {
    return this.call({ action: "refill", orders: orders.join(",") });
  }

  /** Pending, In progress, Completed, Rejected or Error. */
  async refillStatus(refill) {
    return (await this.call({ action: "refill_status", refill })).status;
  }

  /** How up to 100 refills are doing: a row each, with its status or an `error` in its place. */
  multiRefillStatus(refills) {
    return this.call({ action: "refill_status", refills: refills.join(",") });
  }

  /**
   * Asks to cancel up to 100 orders. Each row has the order, its type, and either the id of the cancel
   * request or an `error`. What was not delivered is refunded once the cancel is carried out.
   */
  cancel(orders) {
    return this.call({ action: "cancel", orders: orders.join(",") });
  }

  /** How up to 100 cancel requests are doing: Pending, Completed or Rejected in each row's status. */
  cancelStatus(cancels) {
    return this.call({ action: "cancel", cancels: cancels.join(",") });
  }

  /** What is left on your account: balance and currency. */
  balance() {
    return this.call({ action: "balance" });
  }

  /**
   * Sends one request and resolves to the decoded answer; the key is added here.
   *
   * Rejects with PanelworksError when the panel refused (nothing was ordered), and with
   * PanelworksUnreachable when no answer could be read (the request may have been carried out).
   */
  async call(parameters) {
    const answer = await this.#post({ key: this.#key, ...parameters });
    if (typeof answer?.error === "string") throw new PanelworksError(answer.error);
    return answer;
  }

  async #post(fields) {
    try {
      const reply = await fetch(this.#url, {
        method: "POST",
        body: new URLSearchParams(fields),
        headers: { "User-Agent": "panelworks-node/1" },
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      return await reply.json();
    } catch (trouble) {
      throw new PanelworksUnreachable(trouble.message, { cause: trouble });
    }
  }
}

/** The panel refused; the message is its error text, such as "Not enough funds on balance". */
export class PanelworksError extends Error {
  name = "PanelworksError";
}

/** No readable answer came. After `add`, look before you order again, or repeat with the same request_id. */
export class PanelworksUnreachable extends Error {
  name = "PanelworksUnreachable";
}
