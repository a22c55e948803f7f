//! The rows of `api-v2.md` §9 as needles for [`classify`](super::classify): lower case, first matching row wins.
//! A `*` stands for anything between. The order matters: a longer sentence that holds another row's words stands before that row.

use super::ErrorClass;

/// One row: any of its needles makes the class.
pub(super) struct Row {
    pub class: ErrorClass,
    pub needles: &'static [&'static str],
}

const INPUT: ErrorClass = ErrorClass::Input { reroutable: false };
const REROUTABLE: ErrorClass = ErrorClass::Input { reroutable: true };
const LATER: ErrorClass = ErrorClass::Temporary { internal: false };
const INTERNAL: ErrorClass = ErrorClass::Temporary { internal: true };

/// Texts that count only when they are the whole text: as substrings they'd swallow others, such as every
/// `neworder.error.*`, or `missing keywords`.
pub(super) const EXACT: &[(&str, ErrorClass)] = &[
    ("order.error", INTERNAL),
    ("neworder.error", INTERNAL),
    ("neworder.error.link", INPUT),
    ("neworder.error.quantity", INPUT),
    ("missing key", ErrorClass::Auth),
    ("missing required parameter: key", ErrorClass::Auth),
    ("invalid key", ErrorClass::Auth),
    ("incorrect key", ErrorClass::Auth),
    ("incorrect min", INPUT),
    ("incorrect max", INPUT),
];

pub(super) const ROWS: &[Row] = &[
    // The account and the key. `api is disable for this user` must not reach the maintenance row.
    Row {
        class: ErrorClass::Auth,
        needles: &[
            "invalid api key",
            "incorrect api key",
            "key field is required",
            "api is disable for this user",
            "bad_auth",
            "account has been suspended",
            "account suspended",
            "account is not active",
            "api access disabled",
            "account_banned",
            "ip not allowed",
        ],
    },
    Row {
        class: ErrorClass::Funds,
        needles: &[
            "not enough funds",
            "not_enough_funds",
            "insufficient balance",
            "insufficient_balance",
            "insufficient funds",
            "insufficient_funds",
        ],
    },
    // Before the link and quantity rows, whose words these hold.
    Row {
        class: ErrorClass::Duplicate,
        needles: &[
            "active order with this link",
            "active order for this link",
            "link_duplicate",
            "duplicate_order",
            "duplicate order",
            "identical order was just placed",
            "too_many_orders",
            "not_enough_quantity",
            "order more than*per link",
        ],
    },
    Row { class: ErrorClass::Limit, needles: &["too many requests", "rate limit"] },
    // Before the service row: `refill … for this service` and the like aren't about the service's existence.
    Row {
        class: LATER,
        needles: &[
            "less than 24 hours ago",
            "refill not allowed yet",
            "refill task is not completed",
            "already active",
        ],
    },
    Row {
        class: ErrorClass::Gone,
        needles: &[
            "incorrect order id",
            "incorrect_order_id",
            "invalid order id",
            "order id is invalid",
            "order not found",
            "order id is required",
            "refill not found",
            "incorrect refill id",
            "incorrect_refill_id",
            "refill request not found",
            "cancel not found",
        ],
    },
    Row {
        class: ErrorClass::Service,
        needles: &[
            "incorrect service id",
            "incorrect_service_id",
            "service_not_found",
            "service_inactive",
            "invalid_service",
            "invalid service",
            "service id does not exist",
            "service not found",
            "disabled service id",
            "service is not available",
        ],
    },
    // `less than maximum` is how one panel says that the quantity is above it.
    Row {
        class: REROUTABLE,
        needles: &[
            "quantity less than minim",
            "min_quantity",
            "equal to minimum amount",
            "minimum quantity",
            "min quantity",
            "quantity more than maximum",
            "quantity less than maximum",
            "max_quantity",
            "equal to maximum amount",
            "maximum quantity",
            "max quantity",
            "quantity out of range",
            "follow the limit",
        ],
    },
    // The provider's service is of another type than the one we sold: drip-feed or parameters don't fit it.
    Row {
        class: REROUTABLE,
        needles: &["dripfeed is not supported", "not support dripfeed", "missing required parameter"],
    },
    Row {
        class: INPUT,
        needles: &[
            "bad link",
            "incorrect link",
            "invalid link",
            "invalid_link",
            "link_not_found",
            "link required",
            "link is required",
            "incorrect quantity",
            "invalid_quantity",
            "invalid quantity",
            "quantity is required",
            "incorrect comments",
            "neworder.error.comment",
            "comments field is required",
            "invalid comments",
            "schedule_time",
            "incorrect runs",
            "runs is required",
            "incorrect interval",
            "invalid interval",
            "interval time is required",
        ],
    },
    Row {
        class: INPUT,
        needles: &[
            "incorrect username",
            "incorrect hashtag",
            "incorrect media",
            "incorrect answer_number",
            "incorrect keywords",
            "incorrect groups",
            "incorrect country",
            "incorrect device",
            "incorrect type_of_traffic",
            "incorrect google_keyword",
            "incorrect referring_url",
            "incorrect posts",
            "incorrect old_posts",
            "incorrect delay",
            "incorrect expiry",
        ],
    },
    Row {
        class: INPUT,
        needles: &[
            "refill is disabled",
            "refill is not available",
            "refill not available",
            "not eligible for refill",
            "not eligible to send refill",
            "order is not completed",
            "cancel is not available",
            "cancel not available",
            "not eligible to cancel",
            "cancel is disabled",
            "cancellation request was sent earlier",
            "already completed",
            "already refunded",
        ],
    },
    Row {
        class: INPUT,
        needles: &[
            "maximum 100 ids",
            "maximum 100 orders",
            "idempotency key was used",
            "incorrect request",
            "invalid request",
            "the request not found",
            "invalid action",
            "action is invalid",
            "bad_action",
            // Laravel's sentence for any parameter; the key's own stands above.
            "field is required",
        ],
    },
    Row {
        class: LATER,
        needles: &["temporarily unavailable", "api is disabled", "ordering is disabled", "maintenance"],
    },
    Row {
        class: INTERNAL,
        needles: &["something went wrong", "order could not be created", "failed to place order"],
    },
];
