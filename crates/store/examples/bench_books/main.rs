//! Books for the benchmark: filled in large batches, lived through in small ones, and asked without a server.
//!
//! In: what to do, a folder, numbers. Out: one number per line on standard output. Everything is written through the
//! real core, executor and store, so that what is measured on it was laid down as a panel lays it down;
//! only the syncs are left out while filling. Customers' keys are their numbers from 0, written with 32 digits:
//! whoever asks knows them without being told. `cargo xtask bench` runs this (`performance.md`, P3, P5, P9, P10, P12, P13).
//!
//! ```text
//! bench_books fill FOLDER ORDERS CUSTOMERS [SERVICES]   orders, nearly all ended
//! bench_books open FOLDER ORDERS CUSTOMERS ACCOUNTS SECONDS   adds orders that are under way at accounts 2, 3, …
//! bench_books live FOLDER ORDERS                        prints the bytes of the closed file
//! bench_books look-up FOLDER ORDERS CUSTOMERS SECONDS   prints look-ups of 100 rows per second
//! bench_books count FOLDER                              prints the orders there are
//! bench_books move FOLDER                               into a PostgreSQL server of its own and back; prints how long
//! bench_books archive FOLDER ORDERS [postgres]          old orders and the archive; prints what adds and moves cost
//! bench_books database [SETTING=VALUE …]                runs PostgreSQL until the standard input ends
//! ```
//!
//! Books that a folder only names (`place.rs`) are in PostgreSQL: `fill` and `count` know them too.

mod archive;
mod fill;
mod live;
mod lookup;
mod moving;
mod place;
mod shop;

use std::error::Error;
use std::path::PathBuf;
use std::str::FromStr;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let what =
        words.next().ok_or("what is to be done: fill, open, live, look-up, count, archive or database?")?;
    if what == "database" {
        return place::serve(&words.collect::<Vec<_>>());
    }
    let folder = PathBuf::from(words.next().ok_or("no folder")?);
    let printed = match what.as_str() {
        "fill" => {
            let (orders, customers) = (number(&mut words)?, number(&mut words)?);
            let services = words.next().map_or(Ok(1), |word| word.parse())?;
            fill::fill(&folder, orders, customers, services)?.to_string()
        }
        "open" => {
            let (orders, customers) = (number(&mut words)?, number(&mut words)?);
            fill::open(&folder, orders, customers, number(&mut words)?, number(&mut words)?)?.to_string()
        }
        "live" => live::live(&folder, number(&mut words)?)?.to_string(),
        "look-up" => {
            let (orders, customers) = (number(&mut words)?, number(&mut words)?);
            lookup::look_up(&folder, orders, customers, number(&mut words)?)?.to_string()
        }
        "move" => moving::there_and_back(&folder)?,
        "archive" => {
            let orders = number(&mut words)?;
            let cluster = words.next().map(|_| place::named_in(&folder)).transpose()?;
            let measured = archive::measure(&folder, orders)?;
            drop(cluster);
            measured
        }
        "count" => lookup::count(&folder)?.to_string(),
        other => return Err(format!("{other} is nothing that can be done").into()),
    };
    println!("{printed}");
    Ok(())
}

fn number<T: FromStr>(words: &mut impl Iterator<Item = String>) -> Result<T, Box<dyn Error>>
where
    T::Err: Error + 'static,
{
    Ok(words.next().ok_or("a number is missing")?.parse()?)
}
