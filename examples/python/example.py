"""List services, place one order and follow it to its end.

    PANEL_URL=https://panel.example/api/v2 PANEL_KEY=your-key python3 example.py [service] [link] [quantity]

Without arguments nothing is ordered: it shows the balance and the first services.
"""

import os
import sys
import time
import uuid

from panelworks import Panelworks, PanelworksError, PanelworksUnreachable


def main() -> None:
    url, key = os.environ.get("PANEL_URL"), os.environ.get("PANEL_KEY")
    if not url or not key:
        sys.exit("Set PANEL_URL and PANEL_KEY first.")
    panel = Panelworks(url, key)

    balance = panel.balance()
    print(f"Balance: {balance['balance']} {balance['currency']}\n")

    for service in panel.services()[:10]:
        print(f"{service['service']:6}  {service['name']:40} {service['type']:24} {service['rate']}")

    if len(sys.argv) < 4:
        return

    order = panel.add(
        int(sys.argv[1]), link=sys.argv[2], quantity=int(sys.argv[3]), request_id=uuid.uuid4().hex
    )
    print(f"\nOrder {order} placed.")

    word = "Pending"
    while word not in ("Completed", "Partial", "Canceled"):
        time.sleep(2)
        status = panel.status(order)
        word = status["status"]
        print(f"{word}: {status['remains']} to go, charged {status['charge']} {status['currency']}")


if __name__ == "__main__":
    try:
        main()
    except PanelworksError as refused:
        sys.exit(f"The panel refused: {refused}")
    except PanelworksUnreachable as silence:
        sys.exit(f"No answer: {silence}")
