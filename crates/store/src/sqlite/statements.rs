//! The statements that run while somebody waits, for the test that asks SQLite how it would run them.

use super::archive::{self, Place};
use super::{books, files, load, marks, operators, queue, rebuild, schema, tail, views, write};

/// Every statement of the hot paths: batches, the questions of doors, the engine's start. Each must find its
/// rows by an index; a test asks for their plans.
pub fn hot_statements() -> Vec<String> {
    let fixed = [
        books::IS_NEW,
        books::INSERT_BATCH,
        books::FIRST_OPEN,
        load::ACCOUNT,
        load::CLAIM,
        load::DOUBTS,
        load::SERVICE,
        load::PROVIDER,
        marks::SPILLED,
        marks::DROP_SOME,
        operators::BY_NAME,
        queue::OPEN,
        queue::FROM_ID,
        rebuild::OPEN_GUARDED,
        rebuild::YOUNGEST_FIRST,
        schema::LAST_BATCH,
        views::HELD,
        views::CUSTOMERS,
        views::TRANSFERS,
        views::PREPAID,
        write::INSERT_ORDER,
        write::MOVE_ORDER,
        write::STATUS_OF_ORDER,
        write::INSERT_ATTEMPT,
        write::UPDATE_ATTEMPT,
        write::BOOK_ATTEMPT,
        write::RECALL_ATTEMPT,
        write::INSERT_ENTRY,
        write::UPDATE_ACCOUNT,
        write::PUT_REFILL,
        write::PUT_CANCEL,
        write::MOVE_PREPAID,
    ];
    let mut all: Vec<String> = fixed.map(str::to_owned).into();
    all.extend([
        tail::entries_of_causes(),
        tail::entries_of_order(),
        views::anywhere(views::orders_of, 100),
        views::anywhere(views::refills_of, 8),
        views::anywhere(views::cancels_of, 8),
    ]);
    for place in [Place::Present, Place::Archive] {
        all.extend([
            files::order_by_id(place),
            files::attempts_of_order(place),
            files::refills_of_order(place),
            files::cancels_of_order(place),
            views::orders_of(100, place),
            views::refills_of(8, place),
            views::cancels_of(8, place),
        ]);
        all.extend(archive::transfers(place));
    }
    all
}
