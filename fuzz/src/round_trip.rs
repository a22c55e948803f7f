//! What was read, said again by our own server and read again: it must be the same (`invariants.md` B5).
//!
//! A panel may stand between a provider and another panel, so each tolerance must end in a form that needs none. Only
//! what our server can say is said: what is missing or strange stays where it is.

use panelworks_wire::decimal;
use panelworks_wire::lenient::{
    self, AddAnswer, BalanceAnswer, BatchAnswer, CancelRowAnswer, CancelStatusRowAnswer, RefillRowAnswer,
    RefillStatusRowAnswer, RowAnswer, SeenCancel, SeenMoney, SeenRefill, SeenRemains, SeenService,
    SeenStatus, SeenWord, ServicesAnswer,
};
use panelworks_wire::request::AskedId;
use panelworks_wire::response::{
    CancelKind, CancelRow, CancelStatusRow, CancelWord, RefillRow, RefillStatusRow, RefillWord, Response,
    ServiceRow, StatusExtra, StatusRow, StatusWord,
};

pub(crate) fn order(order: &str) {
    if let Some(id) = number(order) {
        let again = lenient::add(&Response::Order(id).encode());
        assert_eq!(again, AddAnswer::Accepted { order: order.to_owned() });
    }
}

pub(crate) fn balance(micros: i128, currency: Option<String>) {
    let Some(currency) = currency else { return };
    let said = Response::Balance { balance: decimal::format(micros), currency: currency.clone() };
    assert_eq!(lenient::balance(&said.encode()), BalanceAnswer::Is { micros, currency: Some(currency) });
}

pub(crate) fn status(id: &str, seen: &SeenStatus) {
    let Some((id, row)) = number(id).zip(status_row(seen)) else { return };
    let asked = [id.to_string(), "0".to_owned()];
    let said = Response::StatusMany(vec![(asked[0].clone(), Ok(row))]);
    let again = lenient::status(&said.encode(), &asked);
    assert_eq!(again, BatchAnswer::Rows(vec![(asked[0].clone(), RowAnswer::Seen(seen.clone()))]));
}

/// The row our server would say; none where it would not say these things together.
fn status_row(seen: &SeenStatus) -> Option<StatusRow> {
    let status = match &seen.status {
        SeenWord::Pending => StatusWord::Pending,
        SeenWord::Processing => StatusWord::Processing,
        SeenWord::InProgress => StatusWord::InProgress,
        SeenWord::Completed => StatusWord::Completed,
        SeenWord::Partial => StatusWord::Partial,
        SeenWord::Canceled => StatusWord::Canceled,
        SeenWord::Active => StatusWord::Active,
        SeenWord::Paused => StatusWord::Paused,
        SeenWord::Expired => StatusWord::Expired,
        SeenWord::Failed(_) | SeenWord::Unknown(_) | SeenWord::Missing => return None,
    };
    let (SeenMoney::Micros(charge), SeenRemains::Is(remains)) = (&seen.charge, &seen.remains) else {
        return None;
    };
    let orders: Vec<u64> = seen.orders.iter().map(|order| number(order)).collect::<Option<_>>()?;
    let extra = match (seen.runs, seen.posts) {
        (None, None) if orders.is_empty() => StatusExtra::Plain,
        (Some(runs), None) => StatusExtra::DripFeed { runs, orders },
        (None, Some(posts)) => StatusExtra::Subscription { posts, expiry: None, orders },
        (None, None) | (Some(_), Some(_)) => return None,
    };
    Some(StatusRow {
        charge: decimal::format(*charge),
        start_count: seen.start_count.filter(|count| *count >= 0)?,
        status,
        remains: u64::try_from(*remains).ok()?,
        currency: seen.currency.clone()?,
        extra,
    })
}

pub(crate) fn refill(order: &str, refill: &str) {
    let Some((id, result)) = number(order).zip(number(refill)) else { return };
    let said =
        Response::RefillMany(vec![RefillRow { order: AskedId::new(&id.to_string()), result: Ok(result) }]);
    let expected = RefillRowAnswer::Taken { id: Some(refill.to_owned()) };
    assert_eq!(lenient::refill(&said.encode(), &[order.to_owned()]), one(order, expected));
}

pub(crate) fn refill_status(refill: &str, seen: &SeenRefill) {
    let word = match seen {
        SeenRefill::Pending => RefillWord::Pending,
        SeenRefill::InProgress => RefillWord::InProgress,
        SeenRefill::Completed => RefillWord::Completed,
        SeenRefill::Rejected => RefillWord::Rejected,
        SeenRefill::Error => RefillWord::Error,
        SeenRefill::Unknown(_) => return,
    };
    let Some(id) = number(refill) else { return };
    let row = RefillStatusRow { refill: AskedId::new(&id.to_string()), result: Ok(word) };
    let again = lenient::refill_status(&Response::RefillStatusMany(vec![row]).encode(), &[refill.to_owned()]);
    assert_eq!(again, one(refill, RefillStatusRowAnswer::Seen(seen.clone())));
}

pub(crate) fn cancel(order: &str, request: &str) {
    let Some((id, result)) = number(order).zip(number(request)) else { return };
    let row =
        CancelRow { order: AskedId::new(&id.to_string()), kind: Some(CancelKind::Order), result: Ok(result) };
    let again = lenient::cancel(&Response::CancelMany(vec![row]).encode(), &[order.to_owned()]);
    assert_eq!(again, one(order, CancelRowAnswer::Taken { id: Some(request.to_owned()) }));
}

pub(crate) fn cancel_status(request: &str, seen: &SeenCancel) {
    let word = match seen {
        SeenCancel::Pending => CancelWord::Pending,
        SeenCancel::Completed => CancelWord::Completed,
        SeenCancel::Rejected => CancelWord::Rejected,
        SeenCancel::Unknown(_) => return,
    };
    let Some(id) = number(request) else { return };
    let row = CancelStatusRow { cancel: AskedId::new(&id.to_string()), result: Ok(word) };
    let again =
        lenient::cancel_status(&Response::CancelStatusMany(vec![row]).encode(), &[request.to_owned()]);
    assert_eq!(again, one(request, CancelStatusRowAnswer::Seen(seen.clone())));
}

pub(crate) fn services(seen: &[SeenService]) {
    let pairs: Vec<(&SeenService, ServiceRow)> =
        seen.iter().filter_map(|row| Some((row, service(row)?))).collect();
    let said = Response::Services(pairs.iter().map(|(_, row)| row.clone()).collect());
    let ServicesAnswer::List { rows, unreadable } = lenient::services(&said.encode()) else {
        panic!("our own list is a list");
    };
    assert!(unreadable.is_empty() && rows.len() == pairs.len(), "our own rows can be read");
    for (again, (seen, _)) in rows.iter().zip(&pairs) {
        // Our server says none of these without being asked for them.
        let expected = SeenService { description: None, average_time: None, ..(*seen).clone() };
        assert_eq!(again, &expected);
    }
}

fn service(seen: &SeenService) -> Option<ServiceRow> {
    Some(ServiceRow {
        service: number(&seen.service)?,
        name: seen.name.clone(),
        service_type: *seen.service_type.as_ref().ok()?,
        rate: decimal::format(seen.rate_micros?),
        min: seen.min?,
        max: seen.max?,
        dripfeed: seen.dripfeed?,
        refill: seen.refill,
        cancel: seen.cancel,
        category: seen.category.clone()?,
        extras: None,
    })
}

/// An id of our own kind, written as we write it.
fn number(id: &str) -> Option<u64> {
    id.parse().ok().filter(|number: &u64| *number > 0 && number.to_string() == id)
}

fn one<T>(id: &str, row: T) -> BatchAnswer<T> {
    BatchAnswer::Rows(vec![(id.to_owned(), row)])
}
