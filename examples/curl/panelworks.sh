#!/bin/sh
# Every action of API v2 with curl. Copy a line, or run the file:
#
#     PANEL_URL=https://panel.example/api/v2 PANEL_KEY=your-key sh panelworks.sh
#
# Run as it is, it only reads: services and balance. With SERVICE, LINK and QUANTITY in the
# environment it also places an order, shows it, and asks to refill and to cancel it.
set -eu

: "${PANEL_URL:?Set PANEL_URL to the API URL of the panel}"
: "${PANEL_KEY:?Set PANEL_KEY to your API key}"

# One request. --data-urlencode sends each field safely, whatever characters a link or comment has.
panel() {
    curl --silent --show-error --max-time 30 "$PANEL_URL" --data-urlencode "key=$PANEL_KEY" "$@"
    echo
}

# Your balance
panel -d action=balance

# The service list
panel -d action=services

if [ -z "${SERVICE:-}" ] || [ -z "${LINK:-}" ] || [ -z "${QUANTITY:-}" ]; then
    exit 0
fi

# Add an order. The answer is {"order":23501}; repeating the same request_id never orders twice.
answer=$(panel -d action=add -d "service=$SERVICE" --data-urlencode "link=$LINK" -d "quantity=$QUANTITY" \
    -d "request_id=$(date +%s)-$$")
echo "$answer"

order=$(printf '%s' "$answer" | sed -n 's/^{"order": *\([0-9]*\).*/\1/p')
if [ -z "$order" ]; then
    exit 1
fi

# The status of one order, and of several (up to 100 ids, separated by commas)
panel -d action=status -d "order=$order"
panel -d action=status -d "orders=$order,999999999"

# A refill: of one order, of several, and how they are doing. A new order is too young for one.
panel -d action=refill -d "order=$order"
panel -d action=refill -d "orders=$order,999999999"
panel -d action=refill_status -d refill=1
panel -d action=refill_status -d refills=1,2

# A cancel, and how the request is doing
panel -d action=cancel -d "orders=$order"
panel -d action=cancel -d cancels=1000,1001
