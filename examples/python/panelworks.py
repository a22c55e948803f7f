"""A client of API v2 in one file: Python 3.8 or newer with `requests` (pip install requests).

Copy this file into your project:

    from panelworks import Panelworks

    panel = Panelworks("https://panel.example/api/v2", "your API key")
    order = panel.add(1, link="https://example.com/page", quantity=100)

Amounts (rate, charge, balance) arrive as decimal strings. Read them with `decimal.Decimal`: a float
can't hold 0.27819 exactly.
"""

from typing import Any, Dict, Iterable, List, Union

import requests

Row = Dict[str, Any]


class PanelworksError(Exception):
    """The panel refused; the message is its error text, such as "Not enough funds on balance"."""


class PanelworksUnreachable(Exception):
    """No readable answer came.

    After `add`, look before you order again, or repeat with the same request_id.
    """


class Panelworks:
    """One account at one panel. Not tied to a thread, but the session inside is: one client per thread."""

    def __init__(self, url: str, key: str, timeout_seconds: float = 30) -> None:
        self.url = url
        self.key = key
        self.timeout_seconds = timeout_seconds
        self.session = requests.Session()
        self.session.headers["User-Agent"] = "panelworks-python/1"

    def services(self) -> List[Row]:
        """Every service you can order, each with its rate, limits and abilities."""
        return self.call(action="services")

    def add(self, service: int, **parameters: Any) -> int:
        """Place an order and return its id. Which parameters are needed depends on the service's type.

        Give a `request_id` of your own (any text, once per order) and the call can be repeated safely
        after a time-out: the same request_id never places a second order.
        """
        return int(self.call(action="add", service=service, **parameters)["order"])

    def status(self, order: int) -> Row:
        """How one order is doing: charge, start_count, status, remains, currency."""
        return self.call(action="status", order=order)

    def multi_status(self, orders: Iterable[int]) -> Dict[str, Row]:
        """How up to 100 orders are doing, by order id. An order that isn't yours has only an `error`."""
        return self.call(action="status", orders=_joined(orders))

    def refill(self, order: int) -> str:
        """Ask to refill a completed order that lost some of what was delivered; return the refill's id."""
        return str(self.call(action="refill", order=order)["refill"])

    def multi_refill(self, orders: Iterable[int]) -> List[Row]:
        """Ask to refill up to 100 orders. Each row has the order and either a refill id or an `error`."""
        return self.call(action="refill", orders=_joined(orders))

    def refill_status(self, refill: Union[int, str]) -> str:
        """Pending, In progress, Completed, Rejected or Error."""
        return self.call(action="refill_status", refill=refill)["status"]

    def multi_refill_status(self, refills: Iterable[Union[int, str]]) -> List[Row]:
        """How up to 100 refills are doing: a row each, with its status or an `error` in its place."""
        return self.call(action="refill_status", refills=_joined(refills))

    def cancel(self, orders: Iterable[int]) -> List[Row]:
        """Ask to cancel up to 100 orders.

        Each row has the order, its type, and either the id of the cancel request or an `error`. What was
        not delivered is refunded once the cancel is carried out.
        """
        return self.call(action="cancel", orders=_joined(orders))

    def cancel_status(self, cancels: Iterable[int]) -> List[Row]:
        """How up to 100 cancel requests are doing: Pending, Completed or Rejected in each row's status."""
        return self.call(action="cancel", cancels=_joined(cancels))

    def balance(self) -> Row:
        """What is left on your account: balance and currency."""
        return self.call(action="balance")

    def call(self, **parameters: Any) -> Any:
        """Send one request and return the decoded answer. The key is added here.

        Raises PanelworksError when the panel refused (nothing was ordered), and PanelworksUnreachable
        when no answer could be read (the request may have been carried out).
        """
        try:
            reply = self.session.post(
                self.url, data={"key": self.key, **parameters}, timeout=self.timeout_seconds
            )
            answer = reply.json()
        except (requests.RequestException, ValueError) as trouble:  # ValueError: not JSON
            raise PanelworksUnreachable(str(trouble)) from trouble
        if isinstance(answer, dict) and isinstance(answer.get("error"), str):
            raise PanelworksError(answer["error"])
        return answer


def _joined(ids: Iterable[Union[int, str]]) -> str:
    return ",".join(str(one) for one in ids)
