//! Error texts recorded from real panels → their class (`api-v2.md` §9, column "Also seen").

use panelworks_wire::ErrorClass;
use panelworks_wire::error::classify;

const INPUT: ErrorClass = ErrorClass::Input { reroutable: false };
const REROUTABLE: ErrorClass = ErrorClass::Input { reroutable: true };
const LATER: ErrorClass = ErrorClass::Temporary { internal: false };
const INTERNAL: ErrorClass = ErrorClass::Temporary { internal: true };

const RECORDED: &[(&str, ErrorClass)] = &[
    ("invalid API key", ErrorClass::Auth),
    ("Invalid API Key", ErrorClass::Auth),
    ("Incorrect API key", ErrorClass::Auth),
    ("Invalid api key", ErrorClass::Auth),
    ("Missing key", ErrorClass::Auth),
    ("The api key field is required", ErrorClass::Auth),
    ("API is disable for this user or user not found, contact the support", ErrorClass::Auth),
    ("bad_auth", ErrorClass::Auth),
    ("Missing required parameter: key", ErrorClass::Auth),
    ("Missing keywords", ErrorClass::Unrecognised),
    ("500 per link", ErrorClass::Unrecognised),
    ("Your account has been suspended.", ErrorClass::Auth),
    ("Account suspended", ErrorClass::Auth),
    ("Your account is not active", ErrorClass::Auth),
    ("API access disabled", ErrorClass::Auth),
    ("neworder.error.account_banned", ErrorClass::Auth),
    ("IP not allowed", ErrorClass::Auth),
    ("Invalid action", INPUT),
    ("This action is invalid", INPUT),
    ("The action field is required", INPUT),
    ("Invalid Request", INPUT),
    ("The Request Not Found", INPUT),
    ("error.incorrect_service_id", ErrorClass::Service),
    ("neworder.error.incorrect_service_id", ErrorClass::Service),
    ("neworder.error.service_not_found", ErrorClass::Service),
    ("neworder.error.service_inactive", ErrorClass::Service),
    ("error.invalid_service", ErrorClass::Service),
    ("Invalid service ID", ErrorClass::Service),
    ("Service ID does not exists", ErrorClass::Service),
    ("Service not found", ErrorClass::Service),
    ("Disabled service ID", ErrorClass::Service),
    ("Service not found or inactive", ErrorClass::Service),
    ("Invalid service", ErrorClass::Service),
    ("Service is not available", ErrorClass::Service),
    ("Invalid Service Id", ErrorClass::Service),
    ("neworder.error.link", INPUT),
    ("neworder.error.invalid_link", INPUT),
    ("error.invalid_link", INPUT),
    ("neworder.error.link_not_found", INPUT),
    ("Incorrect link", INPUT),
    ("Invalid link", INPUT),
    ("Link required", INPUT),
    ("neworder.error.quantity", INPUT),
    ("neworder.error.invalid_quantity", INPUT),
    ("Quantity is required", INPUT),
    ("neworder.error.min_quantity", REROUTABLE),
    ("Quantity less than minimal 50", REROUTABLE),
    ("Quantity must to be greater than or equal to minimum amount 50", REROUTABLE),
    ("Minimum quantity is 50", REROUTABLE),
    ("Quantity less than minimum", REROUTABLE),
    ("Min quantity", REROUTABLE),
    ("Quantity more than maximum 10000", REROUTABLE),
    ("neworder.error.max_quantity", REROUTABLE),
    ("Quantity less than maximum 10000", REROUTABLE),
    ("Quantity must to be less than or equal to maximum amount", REROUTABLE),
    ("Maximum quantity is 500", REROUTABLE),
    ("Quantity out of range", REROUTABLE),
    ("Please follow the limit", REROUTABLE),
    ("Not enough funds on balance", ErrorClass::Funds),
    ("neworder.error.not_enough_funds", ErrorClass::Funds),
    ("neworder.error.insufficient_balance", ErrorClass::Funds),
    ("not_enough_funds", ErrorClass::Funds),
    ("Not enough funds", ErrorClass::Funds),
    ("Insufficient balance", ErrorClass::Funds),
    ("Insufficient funds", ErrorClass::Funds),
    ("neworder.error.link_duplicate", ErrorClass::Duplicate),
    ("error.duplicate_order", ErrorClass::Duplicate),
    ("Duplicate order", ErrorClass::Duplicate),
    ("An identical order was just placed", ErrorClass::Duplicate),
    ("You have already an active order for this link on this service ID", ErrorClass::Duplicate),
    ("neworder.error.too_many_orders", ErrorClass::Duplicate),
    ("neworder.error.not_enough_quantity", ErrorClass::Duplicate),
    ("You can not order more than 3000 per link", ErrorClass::Duplicate),
    ("neworder.error.comment", INPUT),
    ("Comments field is required", INPUT),
    ("Invalid comments", INPUT),
    ("There are missing required parameters. Please check your API Manual", REROUTABLE),
    ("Missing required parameter: usernames", REROUTABLE),
    ("The quantity field is required.", INPUT),
    ("This services does not support Dripfeed feature!", REROUTABLE),
    ("Interval time is required", INPUT),
    ("Runs is required", INPUT),
    ("Invalid Interval in minutes", INPUT),
    ("neworder.error.schedule_time", INPUT),
    ("error.incorrect_order_id", ErrorClass::Gone),
    ("Invalid Order Id", ErrorClass::Gone),
    ("The selected order id is invalid.", ErrorClass::Gone),
    ("Order not found", ErrorClass::Gone),
    ("Order ID is required parameter. Please check your API Manual", ErrorClass::Gone),
    ("Refill not available", INPUT),
    ("Order not eligible for refill.", INPUT),
    ("You are not eligible to send refill request.", INPUT),
    ("Refill not allowed yet", LATER),
    ("Refill request is already active", LATER),
    ("Incorrect refill ID", ErrorClass::Gone),
    ("error.incorrect_refill_id", ErrorClass::Gone),
    ("Refill Request Not found", ErrorClass::Gone),
    ("Cancel not available", INPUT),
    ("You are not eligible to cancel this order.", INPUT),
    ("Cancel is disabled for this service", INPUT),
    ("Already completed", INPUT),
    ("Already refunded", INPUT),
    ("Maximum 100 orders", INPUT),
    ("Rate limit exceeded", ErrorClass::Limit),
    ("API is disabled", LATER),
    ("Ordering is disabled", LATER),
    ("This panel is temporarily unavailable", LATER),
    ("Order could not be created", INTERNAL),
    ("Failed to place order", INTERNAL),
    ("order.error", INTERNAL),
    ("neworder.error", INTERNAL),
];

/// Shows B3.
#[test]
fn every_recorded_text_falls_into_the_class_of_its_row() {
    let wrong: Vec<_> = RECORDED
        .iter()
        .map(|&(text, class)| (text, class, classify(text)))
        .filter(|row| row.1 != row.2)
        .collect();
    assert!(wrong.is_empty(), "text, expected, got: {wrong:#?}");
}

#[test]
fn case_and_full_stops_change_no_class() {
    for (text, class) in RECORDED.iter().filter(|(text, _)| text.contains(' ')) {
        assert_eq!(classify(&text.to_uppercase()), *class, "{text}");
        assert_eq!(classify(&format!("  {text}! ")), *class, "{text}");
    }
}
