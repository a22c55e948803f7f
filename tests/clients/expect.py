"""What client_test.py expects: the ready file, a check's line, and how an answer's shape is judged.

In: the ready file named on the command line. Never talks through the example client: what is refused is
asked for here with plain requests, so that the whole answer is seen. The rules are api-v2.md's.
"""

import json
import os
import re
import secrets
import sys
import time
from pathlib import Path

import requests

READY = json.loads(Path(sys.argv[1]).read_text())
URL = READY["api_url"]
KEY = READY["customers"][0]["api_key"]
OTHER_KEY = READY["customers"][1]["api_key"]
WAIT_SECONDS = float(os.environ.get("CLIENT_TEST_WAIT", "240"))

UNKNOWN_ID = 2_000_000_000
DUPLICATE = "You have active order with this link. Please wait until order being completed."
ORDER_FIELDS = {"charge", "start_count", "status", "remains", "currency"}
SERVICE_FIELDS = {"service", "name", "type", "category", "rate", "min", "max", "dripfeed", "refill", "cancel"}
FORWARD = {"Pending": 0, "Processing": 1, "In progress": 2, "Completed": 3, "Partial": 3, "Canceled": 3}
FINAL = {"Completed", "Partial", "Canceled"}
MONEY = re.compile(r"-?\d+\.\d\d(\d{0,3}[1-9])?")
DIGITS = re.compile(r"\d+")

failed = []


def check(promise, holds, seen=""):
    """One line per check; what was seen is shown only when it was wrong."""
    if holds:
        print(f"ok {promise}", flush=True)
    else:
        failed.append(promise)
        print(f"FAIL {promise}: {str(seen)[:300]}", flush=True)


def refused(promise, text, **parameters):
    """The call is answered with HTTP 200 and exactly {"error": text} (text is a pattern)."""
    reply = requests.post(URL, data={"key": KEY, **parameters}, timeout=30)
    body = reply.json()
    error = body.get("error") if isinstance(body, dict) and list(body) == ["error"] else None
    matches = isinstance(error, str) and re.fullmatch(text, error)
    check(promise, reply.status_code == 200 and bool(matches), f"{reply.status_code} {reply.text}")


def exactly(text):
    return re.escape(text)


def link():
    return f"https://example.com/python/{secrets.token_hex(12)}"


def is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def micros(text):
    sign = -1 if text.startswith("-") else 1
    whole, _, fraction = text.lstrip("-").partition(".")
    return sign * (int(whole) * 1_000_000 + int(fraction.ljust(6, "0")))


def ceiling(numerator, denominator):
    return -(-numerator // denominator)


def full_charge(service, quantity):
    rate = micros(service["rate"])
    if service["type"] in ("Package", "Custom Comments Package"):
        return rate
    return max(ceiling(rate * quantity, 1000), 1 if rate else 0)


def parameters_of(word):
    """What `add` needs for a type (§4), and the quantity that is charged."""
    lines = "first line\r\nsecond line\n\n  third line  \n"
    by_type = {
        "Default": (dict(link=link(), quantity=100), 100),
        "SEO": (dict(link=link(), quantity=100, keywords="one\ntwo"), 100),
        "Custom Comments": (dict(link=link(), comments=lines), 3),
        "Mentions with Hashtags": (dict(link=link(), quantity=100, usernames="anna\nben", hashtags="#a\n#b"), 100),
        "Mentions Custom List": (dict(link=link(), usernames="anna\nben\ncleo"), 3),
        "Mentions Hashtag": (dict(link=link(), quantity=100, hashtag="spring"), 100),
        "Mentions User Followers": (dict(link=link(), quantity=100, username="https://example.com/anna"), 100),
        "Mentions Media Likers": (dict(link=link(), quantity=100, media="https://example.com/p/1"), 100),
        "Mentions": (dict(link=link(), quantity=100, usernames="anna\nben"), 100),
        "Package": (dict(link=link()), 1),
        "Custom Comments Package": (dict(link=link(), comments=lines), 1),
        "Comment Likes": (dict(link=link(), quantity=100, username="anna"), 100),
        "Poll": (dict(link=link(), quantity=100, answer_number=2), 100),
        "Comment Replies": (dict(link=link(), comments=lines), 3),
        "Invites from Groups": (dict(link=link(), quantity=100, groups="group one\ngroup two"), 100),
        "Web Traffic": (
            dict(link=link(), quantity=100, country="US", device=5, type_of_traffic=1, google_keyword="tea"),
            100,
        ),
    }
    return by_type[word]


ONE_CALL_TYPES = [
    "Default", "SEO", "Custom Comments", "Mentions with Hashtags", "Mentions Custom List", "Mentions Hashtag",
    "Mentions User Followers", "Mentions Media Likers", "Mentions", "Package", "Custom Comments Package",
    "Comment Likes", "Poll", "Comment Replies", "Invites from Groups", "Web Traffic",
]  # fmt: skip


def service_is_strict(row):
    return (
        set(row) == SERVICE_FIELDS
        and is_int(row["service"])
        and all(isinstance(row[name], str) for name in ("name", "type", "category"))
        and MONEY.fullmatch(row["rate"])
        and all(isinstance(row[name], str) and DIGITS.fullmatch(row[name]) for name in ("min", "max"))
        and all(isinstance(row[name], bool) for name in ("dripfeed", "refill", "cancel"))
    )


def status_is_strict(body):
    return (
        ORDER_FIELDS <= set(body)
        and all(isinstance(body[name], str) for name in ORDER_FIELDS)
        and MONEY.fullmatch(body["charge"])
        and DIGITS.fullmatch(body["start_count"])
        and DIGITS.fullmatch(body["remains"])
    )


def charge_is_right(body, service, quantity):
    full, charge, remains = full_charge(service, quantity), micros(body["charge"]), int(body["remains"])
    if body["status"] == "Completed":
        return charge == full and remains == 0
    if body["status"] == "Partial":
        return 0 < remains <= quantity and charge == ceiling(full * (quantity - remains), quantity)
    return body["status"] == "Canceled" and charge == 0


def wait_for(condition):
    """Asks until the answer is true or the time is over; the last answer either way."""
    limit = time.monotonic() + WAIT_SECONDS
    while not (answer := condition()) and time.monotonic() < limit:
        time.sleep(0.25)
    return answer
