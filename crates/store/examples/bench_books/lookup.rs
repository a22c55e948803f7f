//! What the rows alone cost: the bare look-up that P5 compares with, and a count, both without a server.
//!
//! One thread, one prepared statement, one connection that only reads; the page cache is as large as a reader's.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use panelworks_store::limits::{IDS_PER_QUERY, READER_CACHE_KIB};
use rusqlite::{Connection, OpenFlags};

use crate::place;

/// Look-ups of 100 rows of one customer per second. Orders 1 to `orders` belong to the customers in turn.
pub(crate) fn look_up(
    folder: &Path,
    orders: u32,
    customers: u32,
    seconds: f64,
) -> Result<f64, Box<dyn Error>> {
    let connection = open(folder)?;
    let places = vec!["?"; IDS_PER_QUERY].join(", ");
    let mut statement = connection.prepare(&format!(
        "select id, status, charge, currency, start_count, remains from orders where id in ({places})"
    ))?;
    let mut draw = Draw(1);
    // The orders of a customer, and from one that is asked for to the next.
    let each = orders / customers;
    let step = each / u32::try_from(IDS_PER_QUERY)?;
    let (began, mut done) = (Instant::now(), 0_u32);
    while began.elapsed() < Duration::from_secs_f64(seconds) {
        let (customer, first) = (draw.below(customers), draw.below(each));
        for (place, n) in (1..=IDS_PER_QUERY).zip(0..) {
            let id = (first + n * step) % each * customers + customer + 1;
            statement.raw_bind_parameter(place, id)?;
        }
        let mut rows = statement.raw_query();
        let (mut found, mut sum) = (0_usize, 0_i64);
        while let Some(row) = rows.next()? {
            let currency = row.get_ref(3)?.as_str()?.len();
            let start_count: Option<i64> = row.get(4)?;
            sum = sum
                .wrapping_add(row.get::<_, i64>(0)? + row.get::<_, i64>(1)? + row.get::<_, i64>(2)?)
                .wrapping_add(row.get::<_, i64>(5)? + start_count.unwrap_or(0) + i64::try_from(currency)?);
            found += 1;
        }
        if found != IDS_PER_QUERY || std::hint::black_box(sum) == 0 {
            return Err("a row is not there".into());
        }
        done += 1;
    }
    Ok(f64::from(done) / began.elapsed().as_secs_f64())
}

/// How many orders there are.
pub(crate) fn count(folder: &Path) -> Result<u64, Box<dyn Error>> {
    if let Some(orders) = place::count(folder)? {
        return Ok(orders);
    }
    let orders: i64 = open(folder)?.query_row("select count(*) from orders", [], |row| row.get(0))?;
    Ok(u64::try_from(orders)?)
}

fn open(folder: &Path) -> Result<Connection, Box<dyn Error>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(folder.join("panelworks.db"), flags)?;
    connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    Ok(connection)
}

/// Numbers that look drawn; the same each time.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let high = u32::try_from(self.0 >> 33).unwrap_or(0);
        high % end.max(1)
    }
}
