//! The bodies of the dialects: our own tree of values, rebuilt as each family writes it.

use panelworks_wire::Response;
use serde_json::{Map, Value, json};

use crate::action::Action;

/// Every object in the tree, the inner ones first.
fn each_object(value: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| each_object(item, change)),
        Value::Object(map) => {
            map.values_mut().for_each(|item| each_object(item, change));
            change(map);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn each_row(value: &mut Value, mut change: impl FnMut(&mut Map<String, Value>)) {
    value.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut).for_each(&mut change);
}

/// A text that is a JSON number becomes that number; all else stays.
fn to_number(value: &mut Value) {
    if let Some(number) =
        value.as_str().and_then(|text| serde_json::from_str(text).ok()).filter(Value::is_number)
    {
        *value = number;
    }
}

pub(super) fn numbers(response: &Response, mut value: Value) -> Value {
    each_object(&mut value, &mut |row| {
        for name in ["rate", "min", "max", "charge", "start_count", "remains", "balance", "refill"] {
            if let Some(field) = row.get_mut(name) {
                to_number(field);
            }
        }
        for name in ["refill", "cancel", "dripfeed"] {
            if let Some(flag) = row.get_mut(name) {
                *flag = flag.as_bool().map_or_else(|| flag.take(), |flag| u8::from(flag).into());
            }
        }
        if matches!(response, Response::Status(_) | Response::StatusMany(_))
            && row.get("start_count").and_then(Value::as_u64) == Some(0)
        {
            row["start_count"] = Value::Null;
        }
    });
    value
}

pub(super) fn lower_case(mut value: Value) -> Value {
    each_object(&mut value, &mut |row| {
        if let Some(Value::String(word)) = row.get_mut("status") {
            *word = match word.as_str() {
                "In progress" => "in_progress".to_owned(),
                "Canceled" => "cancelled".to_owned(),
                other => other.to_lowercase(),
            };
        }
    });
    value
}

pub(super) fn smart_panel(response: &Response, mut value: Value) -> Value {
    match response {
        Response::Services(_) => each_row(&mut value, |row| {
            let kind = row["type"].as_str().unwrap_or_default().to_lowercase().replace(' ', "_");
            row["type"] = kind.into();
            row["service"] = row["service"].to_string().into();
            let dripfeed = row.shift_remove("dripfeed").and_then(|flag| flag.as_bool()).unwrap_or(false);
            row.insert("dripfeed".to_owned(), u8::from(dripfeed).to_string().into());
            row.insert("desc".to_owned(), "".into());
            row.shift_remove("refill");
            row.shift_remove("cancel");
        }),
        Response::Order(_) => value = json!({"status": "success", "order": value["order"]}),
        Response::StatusMany(_) => {
            // A fault may have left one error for all, which is no row.
            for (id, row) in value.as_object_mut().into_iter().flatten() {
                if let Some(error) = row.get("error").cloned() {
                    *row = error;
                } else if let Some(row) = row.as_object_mut() {
                    row.insert("order".to_owned(), id.as_str().into());
                }
            }
        }
        Response::Status(_)
        | Response::Refill(_)
        | Response::RefillMany(_)
        | Response::RefillStatus(_)
        | Response::RefillStatusMany(_)
        | Response::Cancel(_)
        | Response::CancelMany(_)
        | Response::CancelStatus(_)
        | Response::CancelStatusMany(_)
        | Response::Balance { .. }
        | Response::Error(_) => {}
    }
    value
}

pub(super) fn cmsnt(action: Action, response: &Response, value: Value) -> Value {
    match response {
        Response::Error(text) if action == Action::Refill => json!({"refill": {"error": text.to_string()}}),
        Response::Error(text) => {
            let code = text.code().unwrap_or("request_error");
            json!({"status": "error", "msg": text.to_string(), "error": code})
        }
        Response::RefillStatus(_) => json!([value]),
        Response::Services(_)
        | Response::Order(_)
        | Response::Status(_)
        | Response::StatusMany(_)
        | Response::Refill(_)
        | Response::RefillMany(_)
        | Response::RefillStatusMany(_)
        | Response::Cancel(_)
        | Response::CancelMany(_)
        | Response::CancelStatus(_)
        | Response::CancelStatusMany(_)
        | Response::Balance { .. } => value,
    }
}

pub(super) fn wrapped(response: &Response, value: Value) -> Value {
    match response {
        Response::Services(_) | Response::Balance { .. } => json!({"data": value}),
        Response::Order(_) => json!({"success": true, "data": {"order_id": value["order"]}}),
        Response::Error(text) => json!({"success": false, "msg": text.to_string()}),
        Response::Status(_)
        | Response::StatusMany(_)
        | Response::Refill(_)
        | Response::RefillMany(_)
        | Response::RefillStatus(_)
        | Response::RefillStatusMany(_)
        | Response::Cancel(_)
        | Response::CancelMany(_)
        | Response::CancelStatus(_)
        | Response::CancelStatusMany(_) => value,
    }
}

pub(super) fn status_list(response: &Response, value: Value) -> Value {
    match value {
        Value::Object(map) if matches!(response, Response::StatusMany(_)) && !map.contains_key("error") => {
            let with_id = |(id, mut row): (String, Value)| {
                row["order"] = id.into();
                row
            };
            Value::Array(map.into_iter().map(with_id).collect())
        }
        other => other,
    }
}

pub(super) fn single_status(response: &Response, value: Value) -> Value {
    if matches!(response, Response::StatusMany(_)) { json!({"error": "Incorrect request"}) } else { value }
}

pub(super) fn codes(response: &Response, mut value: Value) -> Value {
    match response {
        Response::Services(_) => {
            each_row(&mut value, |row| {
                for name in ["rate", "min", "max"] {
                    to_number(&mut row[name]);
                }
                row.shift_remove("dripfeed");
            });
            value
        }
        Response::Refill(id) => json!({"refill": id}),
        Response::StatusMany(_) => match value {
            Value::Object(map) if !map.contains_key("error") => {
                Value::Array(map.into_iter().map(|(_, row)| row).collect())
            }
            other => other,
        },
        Response::Order(_)
        | Response::Status(_)
        | Response::RefillMany(_)
        | Response::RefillStatus(_)
        | Response::RefillStatusMany(_)
        | Response::Cancel(_)
        | Response::CancelMany(_)
        | Response::CancelStatus(_)
        | Response::CancelStatusMany(_)
        | Response::Balance { .. }
        | Response::Error(_) => value,
    }
}

pub(super) fn loose_refills(response: &Response, mut value: Value) -> Value {
    match response {
        Response::Refill(id) => json!({"refill": id, "success": "Refill request has been created"}),
        Response::RefillMany(_) => {
            each_row(&mut value, |row| match row["refill"].get("error").cloned() {
                Some(error) => {
                    row.shift_remove("refill");
                    row.insert("error".to_owned(), error);
                }
                None => drop(row.insert("status".to_owned(), "success".into())),
            });
            value
        }
        Response::Services(_)
        | Response::Order(_)
        | Response::Status(_)
        | Response::StatusMany(_)
        | Response::RefillStatus(_)
        | Response::RefillStatusMany(_)
        | Response::Cancel(_)
        | Response::CancelMany(_)
        | Response::CancelStatus(_)
        | Response::CancelStatusMany(_)
        | Response::Balance { .. }
        | Response::Error(_) => value,
    }
}

pub(super) fn first_seed(response: &Response, mut value: Value) -> Value {
    match response {
        Response::Services(_) => each_row(&mut value, |row| drop(row.shift_remove("dripfeed"))),
        Response::Cancel(_) => value["cancel"] = 1.into(),
        Response::CancelMany(_) => each_row(&mut value, |row| {
            row.shift_remove("type");
            if row["cancel"].is_u64() {
                row["cancel"] = 1.into();
            }
        }),
        Response::CancelStatus(_) | Response::CancelStatusMany(_) => {
            value = json!({"error": "Incorrect order ID"});
        }
        Response::Order(_)
        | Response::Status(_)
        | Response::StatusMany(_)
        | Response::Refill(_)
        | Response::RefillMany(_)
        | Response::RefillStatus(_)
        | Response::RefillStatusMany(_)
        | Response::Balance { .. }
        | Response::Error(_) => {}
    }
    value
}

pub(super) fn second_seed(response: &Response, mut value: Value) -> Value {
    if matches!(response, Response::RefillStatusMany(_)) {
        each_row(&mut value, |row| {
            if row["status"].is_string()
                && let Some(word) = row.shift_remove("status")
            {
                row.insert("type".to_owned(), word);
            }
        });
    }
    value
}
