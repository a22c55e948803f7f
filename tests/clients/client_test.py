"""Drives a running panel through examples/python and checks what an old Python client relies on.

    python3 client_test.py READY_FILE

In: the ready file of a running panel (its address, keys, one service of each kind). Out: one line per
check, `ok …` or `FAIL …`; exit code 1 on any failure. Orders are placed on random links, so several of
these programs can run against one panel at the same time. The rules are api-v2.md's; section numbers
stand beside the checks. CLIENT_TEST_WAIT is the longest wait for orders to end, in seconds (default 240).
"""

import json
import random
import re
import secrets
import sys
from pathlib import Path

import requests

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples" / "python"))
from expect import (  # noqa: E402
    FINAL, FORWARD, KEY, MONEY, DUPLICATE, DIGITS, ONE_CALL_TYPES, ORDER_FIELDS, OTHER_KEY, READY, UNKNOWN_ID, URL,
    ceiling, charge_is_right, check, exactly, failed, full_charge, is_int, link, micros, parameters_of, refused,
    service_is_strict, status_is_strict, wait_for,
)  # fmt: skip
from panelworks import Panelworks, PanelworksError, PanelworksUnreachable  # noqa: E402

SHARE = 1  # of three: PHP, Python and Node each refill their own third of the refillable orders


def check_services(panel):
    """§3: the list, its types and its words. Returns the rows by id."""
    rows = panel.services()
    check("services: a list of at least 40", isinstance(rows, list) and len(rows) >= 40, len(rows))
    wrong = [row for row in rows if not service_is_strict(row)]
    check("services: every row has the exact fields and JSON types", not wrong, wrong[:1])
    check("services: ids are unique", len({row["service"] for row in rows}) == len(rows))
    words = {row["type"] for row in rows}
    check("services: every type is offered", words == {*ONE_CALL_TYPES, "Subscriptions"}, words)
    packages = [row for row in rows if row["type"] in ("Package", "Custom Comments Package")]
    check("services: packages say min 1 and max 1", all(row["min"] == row["max"] == "1" for row in packages))
    return {row["service"]: row for row in rows}


def check_balance(panel):
    body = panel.balance()
    check("balance: exactly balance and currency", set(body) == {"balance", "currency"}, body)
    check("balance: a decimal string", isinstance(body["balance"], str) and MONEY.fullmatch(body["balance"]), body)
    check("balance: an ISO currency code", re.fullmatch(r"[A-Z]{3}", body["currency"]), body)


def place_every_type(panel, services):
    """One order of each type through the example client: the charge is right from the first answer on."""
    placed = {}
    for word in ONE_CALL_TYPES:
        service = services[READY["services"][word]]
        parameters, quantity = parameters_of(word)
        order = panel.add(service["service"], **parameters)
        placed[order] = (service, quantity)
        body = panel.status(order)
        check(f"add {word}: an id below 2^31 whose status has the five fields as strings",
              0 < order < 2**31 and set(body) == ORDER_FIELDS and status_is_strict(body), body)
        charged = micros(body["charge"])
        expected = full_charge(service, quantity)
        check(f"add {word}: charged for {quantity}", body["status"] in FINAL or charged == expected,
              f"{body} expected {expected}")
    without_link = READY["services"]["no link"]
    placed[panel.add(without_link, quantity=100)] = (services[without_link], 100)
    check("add: a service without links asks for none", True)
    return placed


def check_missing_parameters(services):
    """§9: `Incorrect <parameter>` for each parameter a type demands; nothing is ordered."""
    names = {"link": "Bad link"}
    for word in ONE_CALL_TYPES:
        parameters, _ = parameters_of(word)
        for missing in parameters:
            rest = {name: value for name, value in parameters.items() if name != missing}
            text = names.get(missing, f"Incorrect {missing}")
            refused(f"add {word}: without {missing}", exactly(text), action="add",
                    service=READY["services"][word], **rest)
    traffic, _ = parameters_of("Web Traffic")
    referrer = {**traffic, "type_of_traffic": 2, "google_keyword": ""}
    refused("add Web Traffic: a referrer is demanded for type 2", "Incorrect referring_url", action="add",
            service=READY["services"]["Web Traffic"], **referrer)
    subscription = dict(username="anna", min=10, max=20, delay=0)
    for missing in ("username", "min", "max"):
        rest = {name: value for name, value in subscription.items() if name != missing}
        refused(f"add Subscriptions: without {missing}", f"Incorrect {missing}", action="add",
                service=READY["services"]["Subscriptions"], **rest)
    refused("add Subscriptions: a delay that is no number", "Incorrect delay", action="add",
            service=READY["services"]["Subscriptions"], **{**subscription, "delay": "soon"})
    refused("add Subscriptions: an expiry that is no date", "Incorrect expiry", action="add",
            service=READY["services"]["Subscriptions"], **subscription, expiry="32/13/2030")


def check_bad_input(services):
    """§4, §9: quantities, services, keys and actions that are refused, each with its text."""
    service = services[READY["services"]["Default"]]
    base = dict(action="add", service=service["service"], link=link())
    for quantity in ("abc", "", "0", "-5", "1.5", "1e3", "1,000", "100.0", "null", "undefined"):
        refused(f"add: quantity {quantity!r}", "Incorrect quantity", **base, quantity=quantity)
    for quantity in (2**63, 10**30):
        refused(f"add: quantity {quantity}", "Incorrect quantity|Quantity more than maximum \\d+", **base, quantity=quantity)
    refused("add: below min", exactly(f"Quantity less than minimal {service['min']}"), **base, quantity=1)
    refused("add: above max", exactly(f"Quantity more than maximum {service['max']}"),
            **base, quantity=int(service["max"]) + 1)
    refused("add: a charge above max_charge", "Not enough funds on balance", **base, quantity=100, max_charge="0.000001")
    for unknown in ("", "abc", "0", "-1", UNKNOWN_ID):
        refused(f"add: service {unknown!r}", "Incorrect service ID", action="add", service=unknown, link=link(), quantity=100)
    for bad in ("", "   ", "undefined", "null"):
        refused(f"add: link {bad!r}", "Bad link", **{**base, "link": bad}, quantity=100)
    dear = max((row for row in services.values() if row["type"] == "Default"),
               key=lambda row: micros(row["rate"]) * int(row["max"]))
    if full_charge(dear, int(dear["max"])) > micros(Panelworks(URL, KEY).balance()["balance"]):
        refused("add: more than the balance", "Not enough funds on balance", action="add",
                service=dear["service"], link=link(), quantity=dear["max"])
    refused("an unknown action", "Incorrect request", action="dance")
    refused("no action", "Incorrect request")
    for key in ("", "wrong", "0" * 32):
        refused(f"key {key!r}", "Invalid API key", key=key, action="balance")


def check_guards(panel, services):
    """§4: the duplicate guard and the idempotency key, by parameter and by header."""
    service = READY["services"]["Default"]
    mine = dict(action="add", service=service, link=link(), quantity=100)
    request_id = secrets.token_hex(16)
    first = panel.call(**mine, request_id=request_id)
    check("add: exactly {order: int}", set(first) == {"order"} and is_int(first["order"]), first)
    check("add: the same request_id answers the same order", panel.call(**mine, request_id=request_id) == first)
    refused("add: the same request_id with other parameters", "Idempotency key was used with other parameters",
            **{**mine, "quantity": 200}, request_id=request_id)
    refused("add: the same link again", exactly(DUPLICATE), **mine)
    refused("add: the same link, written differently", exactly(DUPLICATE),
            **{**mine, "link": " " + mine["link"].replace("https://example", "HTTPS://WWW.Example") + "/#top "})
    header = {"Idempotency-Key": secrets.token_hex(16)}
    other = {"key": KEY, **mine, "link": link()}
    answers = [requests.post(URL, data=other, headers=header, timeout=30).json() for _ in range(2)]
    check("add: the header Idempotency-Key answers the same order", answers[0] == answers[1] and "order" in answers[0], answers)
    orders = [first["order"], answers[0]["order"]]
    return {order: (services[service], 100) for order in orders}


def check_multi_status(panel, placed):
    """§5: a map keyed by the id as sent; an unknown id is an error under its id."""
    one, two = list(placed)[:2]
    body = panel.call(action="status", orders=f" {one} ,{two},,{one}, {UNKNOWN_ID},x1,")
    check("multi status: one key per id as sent", set(body) == {str(one), str(two), str(UNKNOWN_ID), "x1"}, body)
    check("multi status: rows are the single answer", all(status_is_strict(body[str(id)]) for id in (one, two)), body)
    for unknown in (str(UNKNOWN_ID), "x1"):
        check(f"multi status: {unknown} is an error of its own", body[unknown] == {"error": "Incorrect order ID"}, body)
    body = panel.multi_status([one])
    check("multi status: a map for a single id, too", set(body) == {str(one)}, body)
    body = panel.multi_status(range(UNKNOWN_ID, UNKNOWN_ID + 101))
    check("multi status: ids beyond the hundredth are left out", len(body) == 100, len(body))
    raw = requests.post(URL, data={"key": KEY, "action": "status", "orders": ","}, timeout=30).text
    check("multi status: never an array", raw.startswith("{"), raw)
    for unknown in ("", "0", "-1", "1.5", "abc", UNKNOWN_ID):
        refused(f"status: order {unknown!r}", "Incorrect order ID", action="status", order=unknown)
    refused("status: somebody else's order", "Incorrect order ID", key=OTHER_KEY, action="status", order=one)
    check("status: somebody else's order in a map",
          Panelworks(URL, OTHER_KEY).multi_status([one]) == {str(one): {"error": "Incorrect order ID"}})


def take_refill(panel, orders):
    """The first order that takes a refill now; earlier runs may have used some up."""
    for order in orders:
        try:
            return order, panel.call(action="refill", order=order)
        except PanelworksError as refusal:
            if "refill" not in str(refusal):
                raise
    return None, {}


def check_refills(panel, placed, services):
    """§6: single ids are strings, ids in rows are ints, rows come in request order."""
    mine = [order for order in READY["refillable_orders"] if order % 3 == SHARE]
    random.shuffle(mine)
    order, body = take_refill(panel, mine)
    check("refill: exactly {refill: string of digits}",
          set(body) == {"refill"} and isinstance(body["refill"], str) and DIGITS.fullmatch(body["refill"]), body)
    refill = int(body.get("refill", 0))
    refused("refill: again while one is open",
            "The refill task is not completed for this order|"
            "The order was completed or refill was requested less than 24 hours ago", action="refill", order=order)
    status = panel.call(action="refill_status", refill=refill)
    words = {"Pending", "In progress", "Completed", "Rejected", "Error"}
    check("refill_status: exactly {status: word}", set(status) == {"status"} and status["status"] in words, status)

    batch = [UNKNOWN_ID, *(one for one in mine if one != order)][:6]
    rows = panel.multi_refill(batch)
    check("multi refill: rows in request order", [row["order"] for row in rows] == batch, rows)
    check("multi refill: an unknown order is an error row",
          rows[0] == {"order": UNKNOWN_ID, "refill": {"error": "Incorrect order ID"}}, rows[0])
    taken = [row["refill"] for row in rows[1:] if not isinstance(row["refill"], dict)]
    check("multi refill: ids are ints", taken and all(is_int(one) and one > 0 for one in taken), rows)
    rows = panel.multi_refill_status([*taken, UNKNOWN_ID])
    check("multi refill_status: rows in request order with int ids",
          [row["refill"] for row in rows] == [*taken, UNKNOWN_ID], rows)
    check("multi refill_status: words", all(row["status"] in words for row in rows[:-1]), rows)
    check("multi refill_status: an unknown refill is an error row",
          rows[-1] == {"refill": UNKNOWN_ID, "status": {"error": "Refill not found"}}, rows[-1])
    rows = panel.multi_refill(range(UNKNOWN_ID, UNKNOWN_ID + 101))
    check("multi refill: the 101st id is an error row", len(rows) == 101 and
          rows[100] == {"order": UNKNOWN_ID + 100, "refill": {"error": "Maximum 100 IDs per request"}}, rows[-1:])

    refused("refill: an unknown order", "Incorrect order ID", action="refill", order=UNKNOWN_ID)
    refused("refill_status: an unknown refill", "Refill not found", action="refill_status", refill=UNKNOWN_ID)
    off = next(one for one, (service, _) in placed.items() if not service["refill"])
    refused("refill: a service without refill", "Refill is disabled for this service", action="refill", order=off)
    fresh = panel.add(READY["services"]["refillable"], link=link(), quantity=100)
    refused("refill: an order that is not completed", "The order is not completed", action="refill", order=fresh)
    placed[fresh] = (services[READY["services"]["refillable"]], 100)


def check_cancels(panel, placed, services):
    """§7: always an array, ids from 1000, the repeated request, the request's own status."""
    service = services[READY["services"]["cancelable"]]
    order, single = (panel.add(service["service"], link=link(), quantity=100) for _ in range(2))
    placed[order] = placed[single] = (service, 100)
    rows = panel.cancel([order, UNKNOWN_ID, order])
    check("cancel: an array in request order", [row["order"] for row in rows] == [order, UNKNOWN_ID, order], rows)
    check("cancel: a row has order, type and an id from 1000",
          set(rows[0]) == {"order", "type", "cancel"} and rows[0]["type"] == "order"
          and is_int(rows[0]["cancel"]) and rows[0]["cancel"] >= 1000, rows[0])
    check("cancel: an unknown id has no type",
          rows[1] == {"order": UNKNOWN_ID, "cancel": {"error": "Incorrect order ID"}}, rows[1])
    check("cancel: a repeated id repeats its row", rows[2] == rows[0], rows)
    again = panel.cancel([order])
    check("cancel: sent earlier", again == [{"order": order, "type": "order",
          "cancel": {"error": "Cancellation request was sent earlier"}}], again)
    body = panel.call(action="cancel", order=single)
    check("cancel: one order answers {cancel: int}", set(body) == {"cancel"} and is_int(body["cancel"]), body)

    cancels = [rows[0]["cancel"], body["cancel"], UNKNOWN_ID]
    states = panel.cancel_status(cancels)
    words = {"Pending", "Completed", "Rejected"}
    check("cancel status: rows in request order", [row["cancel"] for row in states] == cancels, states)
    check("cancel status: words", all(row["status"] in words for row in states[:-1]), states)
    check("cancel status: an unknown cancel is an error row",
          states[-1] == {"cancel": UNKNOWN_ID, "status": {"error": "Cancel not found"}}, states[-1])
    one = panel.call(action="cancel_status", cancel=cancels[0])
    check("cancel_status: one", set(one) == {"status"} and one["status"] in words, one)
    refused("cancel_status: an unknown cancel", "Cancel not found", action="cancel_status", cancel=UNKNOWN_ID)
    refused("cancel: an unknown order", "Incorrect order ID", action="cancel", order=UNKNOWN_ID)
    off = next(one for one, (service, _) in placed.items() if not service["cancel"])
    rows = panel.cancel([off])
    check("cancel: a service without cancel is an error row with its type", rows == [
        {"order": off, "type": "order", "cancel": {"error": "Cancel is not available for this order"}}], rows)
    return {order: cancels[0], single: cancels[1]}


def check_dripfeed(panel, services):
    """§4, §5: one id, all runs charged at once, runs and orders on top of the five fields."""
    service = services[READY["services"]["dripfeed"]]
    base = dict(action="add", service=service["service"], quantity=100)
    refused("drip-feed: runs without interval", "Incorrect interval", **base, link=link(), runs=2)
    refused("drip-feed: runs that are no number", "Incorrect runs", **base, link=link(), runs="two", interval=5)
    refused("drip-feed: more than 1000 runs", "Incorrect runs", **base, link=link(), runs=1001, interval=5)
    refused("drip-feed: not offered", "Dripfeed is not supported by this service", action="add",
            service=READY["services"]["Poll"], link=link(), quantity=100, answer_number=1, runs=2, interval=5)
    order = panel.add(service["service"], link=link(), quantity=100, runs=10, interval=60)
    body = panel.status(order)
    expected = ORDER_FIELDS | {"runs", "orders"}
    check("drip-feed: the five fields, runs and orders", set(body) == expected and status_is_strict(body), body)
    check("drip-feed: runs is a string, orders an array of strings", isinstance(body.get("runs"), str)
          and isinstance(body.get("orders"), list) and all(isinstance(one, str) for one in body["orders"]), body)
    check("drip-feed: all runs are charged at once", micros(body["charge"]) == full_charge(service, 1000), body)
    children = wait_for(lambda: panel.status(order).get("orders"))
    check("drip-feed: the first run is an order of its own", children and status_is_strict(panel.status(int(children[0]))))
    if service["cancel"]:
        rows = panel.cancel([order])
        check("drip-feed: cancelled as a dripfeed", rows[0].get("type") == "dripfeed" and is_int(rows[0]["cancel"]), rows)
        body = wait_for(lambda: (now := panel.status(order))["status"] in FINAL and now)
        low = ceiling(full_charge(service, 1000) * (1000 - int(body["remains"])), 1000) if body else 0
        check("drip-feed: the runs not made are refunded", body and 0 <= micros(body["charge"]) - low <= 10, body)


def check_subscription(panel, services):
    """§4, §5: one post prepaid at its highest cost; the five fields, posts, expiry and orders."""
    service = services[READY["services"]["Subscriptions"]]
    order = panel.add(service["service"], username=secrets.token_hex(8), min=10, max=20, posts=2, delay=0,
                      expiry="31/12/2099")
    body = panel.status(order)
    check("subscription: the five fields, posts, expiry and orders",
          set(body) == ORDER_FIELDS | {"posts", "expiry", "orders"} and status_is_strict(body), body)
    check("subscription: its words and types", body["status"] in ("Pending", "Active") and isinstance(body["posts"], str)
          and body["expiry"] == "31/12/2099" and isinstance(body["orders"], list), body)
    check("subscription: one post is prepaid", body["posts"] != "0" or micros(body["charge"]) == full_charge(service, 20), body)
    if service["cancel"]:
        rows = panel.cancel([order])
        check("subscription: cancelled as a subscription", rows[0].get("type") == "subscription", rows)


def check_transport(placed):
    """§1, §2: every way a client may speak is understood; always JSON, always 200, never a redirect."""
    order = next(iter(placed))
    asked = {"key": KEY, "action": "status", "order": order}
    as_json = {"Content-Type": "application/json; CHARSET=UTF-8"}
    bom = b"\xef\xbb\xbf" + json.dumps(asked).encode()
    bare = {"action": "status", "order": str(order)}
    wrong_type = {"Content-Type": "text/plain"}
    calls = {
        "a form": lambda: requests.post(URL, data=asked),
        "a JSON body": lambda: requests.post(URL, json=asked),
        "a JSON body of strings": lambda: requests.post(URL, json={**asked, "order": f" {order} "}),
        "a JSON body with a charset and a BOM": lambda: requests.post(URL, data=bom, headers=as_json),
        "JSON without its content type": lambda: requests.post(URL, data=json.dumps(asked), headers=wrong_type),
        "multipart": lambda: requests.post(URL, files={name: (None, str(value)) for name, value in asked.items()}),
        "GET": lambda: requests.get(URL, params=asked),
        "POST with a query and no body": lambda: requests.post(URL, params=asked),
        "query and body together, the body wins": lambda: requests.post(URL, params={"action": "dance"}, data=asked),
        "a trailing slash": lambda: requests.post(URL + "/", data=asked, allow_redirects=False),
        "a trailing slash with JSON": lambda: requests.post(URL + "/", json=asked, allow_redirects=False),
        "Authorization: Bearer": lambda: requests.post(URL, data=bare, headers={"Authorization": f"Bearer {KEY}"}),
        "X-API-Key": lambda: requests.post(URL, data=bare, headers={"X-API-Key": KEY}),
        "a shouted action": lambda: requests.post(URL, data={**asked, "action": " STATUS "}),
        "parameters nobody knows": lambda: requests.post(URL, data={**asked, "colour": "blue"}),
        "a repeated parameter, the last wins": lambda: requests.post(URL, data=[("action", "dance"), *asked.items()]),
    }
    for how, call in calls.items():
        reply = call()
        good = reply.status_code == 200 and reply.headers["Content-Type"] == "application/json"
        check(f"transport: {how}", good and status_is_strict(reply.json()), f"{reply.status_code} {reply.headers} {reply.text}")
    for how, call in {
        "a JSON list of ids": lambda: requests.post(URL, json={"key": KEY, "action": "status", "orders": [order]}),
        "orders[] in a form": lambda: requests.post(URL, data={"key": KEY, "action": "status", "orders[]": [order]}),
    }.items():
        check(f"transport: {how}", set(call().json()) == {str(order)})
    broken = requests.post(URL, params={"key": KEY}, data='{"action":', headers={"Content-Type": "application/json"})
    check("transport: a broken JSON body is an error, not a failure",
          broken.status_code == 200 and broken.json() == {"error": "Incorrect request"}, broken.text)
    for key in (["a"], 7, None, {"a": 1}):
        reply = requests.post(URL, json={"key": key, "action": "balance"})
        check(f"transport: key {key!r} in JSON", reply.status_code == 200 and reply.json() == {"error": "Invalid API key"}, reply.text)
    check("transport: OPTIONS", requests.options(URL).status_code in (200, 204))


def follow_to_the_end(panel, placed):
    """Every order reaches an end, only ever moves forward, and its charge is what was delivered."""
    seen = {order: "Pending" for order in placed}
    backward = []

    def all_ended():
        for order, body in panel.multi_status(placed).items():
            word = body["status"]
            if FORWARD.get(word, -1) < FORWARD[seen[int(order)]]:
                backward.append((order, seen[int(order)], word))
            seen[int(order)] = word
        return set(seen.values()) <= FINAL

    check("orders: all reach an end", wait_for(all_ended), seen)
    check("orders: none goes backward or says an unknown word", not backward, backward)
    for order, body in panel.multi_status(placed).items():
        service, quantity = placed[int(order)]
        check(f"order {order} ({service['type']}): {body['status']} is charged as delivered",
              charge_is_right(body, service, quantity), f"{body} {service} {quantity}")


def check_cancel_ends(panel, cancels):
    """A carried-out cancel ends its order as Canceled or Partial; a rejected one as Completed."""
    states = panel.cancel_status(cancels.values())
    for (order, _), row in zip(cancels.items(), states):
        end = panel.status(order)["status"]
        agrees = end == "Completed" if row["status"] == "Rejected" else end in ("Canceled", "Partial")
        check(f"cancel of {order}: {row['status']} and {end} agree", row["status"] != "Pending" and agrees, row)


def main():
    panel = Panelworks(URL, KEY)
    services = check_services(panel)
    check_balance(panel)
    placed = place_every_type(panel, services)
    check_missing_parameters(services)
    check_bad_input(services)
    placed.update(check_guards(panel, services))
    check_multi_status(panel, placed)
    check_transport(placed)
    check_refills(panel, placed, services)
    cancels = check_cancels(panel, placed, services)
    check_dripfeed(panel, services)
    check_subscription(panel, services)
    follow_to_the_end(panel, placed)
    check_cancel_ends(panel, cancels)


if __name__ == "__main__":
    try:
        main()
    except (PanelworksError, PanelworksUnreachable, requests.RequestException, LookupError, ValueError) as surprise:
        check("no surprise", False, repr(surprise))
    print(f"{len(failed)} checks failed" if failed else "all checks passed")
    sys.exit(1 if failed else 0)
