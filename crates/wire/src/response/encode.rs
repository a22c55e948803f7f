//! Answers → bytes. Written by hand rather than through a tree of values, because the order of the fields and the
//! string-or-number of each is the contract, and because a status answer is on the hot path.

use std::collections::HashSet;
use std::fmt::Display;

use super::services::encode_services;
use super::{
    CancelRow, CancelStatusRow, ErrorStyle, RefillRow, RefillStatusRow, Response, StatusExtra, StatusRow,
};
use crate::error::ErrorText;
use crate::json::Writer;
use crate::request::AskedId;

pub(super) fn response(response: &Response, style: ErrorStyle) -> Vec<u8> {
    if let Response::Services(rows) = response {
        return encode_services(rows.iter());
    }
    let mut out = Writer::with_capacity(capacity(response));
    match response {
        Response::Services(_) => {}
        Response::Order(id) => one_field(&mut out, "order", |out| out.number(*id)),
        Response::Status(row) => status_row(&mut out, row),
        Response::StatusMany(rows) => status_map(&mut out, rows, style),
        Response::Refill(id) => one_field(&mut out, "refill", |out| out.quoted(*id)),
        Response::RefillMany(rows) => list(&mut out, rows, |out, row| refill_row(out, row, style)),
        Response::RefillStatus(word) => one_field(&mut out, "status", |out| out.string(word.exact())),
        Response::RefillStatusMany(rows) => {
            list(&mut out, rows, |out, row| refill_status_row(out, row, style));
        }
        Response::Cancel(id) => one_field(&mut out, "cancel", |out| out.number(*id)),
        Response::CancelMany(rows) => list(&mut out, rows, |out, row| cancel_row(out, row, style)),
        Response::CancelStatus(word) => one_field(&mut out, "status", |out| out.string(word.exact())),
        Response::CancelStatusMany(rows) => {
            list(&mut out, rows, |out, row| cancel_status_row(out, row, style));
        }
        Response::Balance { balance, currency } => {
            out.open(b'{');
            out.key("balance").string(balance);
            out.key("currency").string(currency);
            out.close(b'}');
        }
        Response::Error(text) => error(&mut out, text, style),
    }
    out.finish()
}

/// About as many bytes as the answer takes, so that the buffer seldom grows.
fn capacity(response: &Response) -> usize {
    const ROW: usize = 112;
    match response {
        Response::StatusMany(rows) => 16 + rows.len() * ROW,
        Response::RefillMany(rows) => 16 + rows.len() * ROW,
        Response::RefillStatusMany(rows) => 16 + rows.len() * ROW,
        Response::CancelMany(rows) => 16 + rows.len() * ROW,
        Response::CancelStatusMany(rows) => 16 + rows.len() * ROW,
        Response::Services(_)
        | Response::Order(_)
        | Response::Status(_)
        | Response::Refill(_)
        | Response::RefillStatus(_)
        | Response::Cancel(_)
        | Response::CancelStatus(_)
        | Response::Balance { .. }
        | Response::Error(_) => ROW,
    }
}

fn one_field(out: &mut Writer, name: &str, value: impl FnOnce(&mut Writer)) {
    out.open(b'{');
    value(out.key(name));
    out.close(b'}');
}

fn list<T>(out: &mut Writer, rows: &[T], mut row: impl FnMut(&mut Writer, &T)) {
    out.open(b'[');
    for one in rows {
        row(out.item(), one);
    }
    out.close(b']');
}

fn error(out: &mut Writer, text: &ErrorText, style: ErrorStyle) {
    let code = match style {
        ErrorStyle::Code => text.code(),
        ErrorStyle::Text => None,
    };
    one_field(out, "error", |out| match code {
        Some(code) => out.string(code),
        None => out.string(&text.to_string()),
    });
}

fn status_map(out: &mut Writer, rows: &[(String, Result<StatusRow, ErrorText>)], style: ErrorStyle) {
    let mut answered = HashSet::with_capacity(rows.len());
    out.open(b'{');
    for (id, row) in rows {
        if !answered.insert(id.as_str()) {
            continue;
        }
        out.key(id);
        match row {
            Ok(row) => status_row(out, row),
            Err(text) => error(out, text, style),
        }
    }
    out.close(b'}');
}

fn status_row(out: &mut Writer, row: &StatusRow) {
    out.open(b'{');
    out.key("charge").string(&row.charge);
    out.key("start_count").quoted(row.start_count.max(0));
    out.key("status").string(row.status.exact());
    out.key("remains").quoted(row.remains);
    out.key("currency").string(&row.currency);
    match &row.extra {
        StatusExtra::Plain => {}
        StatusExtra::DripFeed { runs, orders } => {
            out.key("runs").quoted(*runs);
            ids(out.key("orders"), orders);
        }
        StatusExtra::Subscription { posts, expiry, orders } => {
            out.key("posts").quoted(*posts);
            match expiry {
                Some(date) => out.key("expiry").string(date),
                None => out.key("expiry").null(),
            }
            ids(out.key("orders"), orders);
        }
    }
    out.close(b'}');
}

fn ids(out: &mut Writer, orders: &[u64]) {
    list(out, orders, |out, id| out.quoted(*id));
}

fn refill_row(out: &mut Writer, row: &RefillRow, style: ErrorStyle) {
    out.open(b'{');
    asked(out.key("order"), &row.order);
    outcome(out.key("refill"), row.result.as_ref(), |out, id| out.number(*id), style);
    out.close(b'}');
}

fn refill_status_row(out: &mut Writer, row: &RefillStatusRow, style: ErrorStyle) {
    out.open(b'{');
    asked(out.key("refill"), &row.refill);
    outcome(out.key("status"), row.result.as_ref(), |out, word| out.string(word.exact()), style);
    out.close(b'}');
}

fn cancel_row(out: &mut Writer, row: &CancelRow, style: ErrorStyle) {
    out.open(b'{');
    asked(out.key("order"), &row.order);
    if let Some(kind) = row.kind {
        out.key("type").string(kind.exact());
    }
    outcome(out.key("cancel"), row.result.as_ref(), |out, id| out.number(*id), style);
    out.close(b'}');
}

fn cancel_status_row(out: &mut Writer, row: &CancelStatusRow, style: ErrorStyle) {
    out.open(b'{');
    asked(out.key("cancel"), &row.cancel);
    outcome(out.key("status"), row.result.as_ref(), |out, word| out.string(word.exact()), style);
    out.close(b'}');
}

fn outcome<T>(
    out: &mut Writer,
    result: Result<&T, &ErrorText>,
    value: impl FnOnce(&mut Writer, &T),
    style: ErrorStyle,
) {
    match result {
        Ok(ok) => value(out, ok),
        Err(text) => error(out, text, style),
    }
}

/// An int when the piece is digits, else the text as sent (`api-v2.md` §7). Digits beyond 64 bits stay a text: no
/// client could hold them as a number.
fn asked(out: &mut Writer, id: &AskedId) {
    let digits = !id.text.is_empty() && id.text.bytes().all(|b| b.is_ascii_digit());
    match id.text.parse::<u64>() {
        Ok(number) if digits => out.number(number),
        Ok(_) | Err(_) => out.string(&id.text),
    }
}

impl Writer {
    /// Digits in quotes: how the wire writes counts.
    fn quoted(&mut self, number: impl Display) {
        self.raw(format_args!("\"{number}\""));
    }

    fn number(&mut self, number: u64) {
        self.raw(format_args!("{number}"));
    }
}
