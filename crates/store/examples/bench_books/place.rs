//! Where books of the benchmark lie: in a folder, or in a database that a file in that folder names.
//!
//! In: the folder. Out: the books to write in, without syncs of ours (whoever fills them can fill them again), and the
//! number of their orders. The file has two lines, the address and the schema; `cargo xtask bench` writes it.

use std::error::Error;
use std::io::ErrorKind;
use std::path::Path;

use panelworks_core::planted::Planted;
use panelworks_store::contract::cluster::Cluster;
use panelworks_store::executor::Executor;
use panelworks_store::ports::{Books, Views as _};
use panelworks_store::postgres::{self, Postgres};
use panelworks_store::sqlite::{self, Sqlite};

/// In the folder, where the books are not there themselves.
const NAMES_A_DATABASE: &str = "database";

pub(crate) type Writer = Executor<Box<dyn Books>>;

/// Opens the books, or makes them.
pub(crate) fn open(folder: &Path) -> Result<Writer, Box<dyn Error>> {
    Ok(match database(folder)? {
        None => {
            let options =
                sqlite::Options { durability: sqlite::Durability::Lazy, ..sqlite::Options::default() };
            let opened = Sqlite::open(folder, options)?;
            Executor::new(Box::new(opened.books), opened.node, opened.epoch, Planted::default())
        }
        Some(options) => {
            let opened = Postgres::open(options)?;
            Executor::new(Box::new(opened.books), opened.node, opened.epoch, Planted::default())
        }
    })
}

/// Orders in the database; None where the books are in the folder.
pub(crate) fn count(folder: &Path) -> Result<Option<u64>, Box<dyn Error>> {
    let Some(options) = database(folder)? else { return Ok(None) };
    Ok(Some(Postgres::open(options)?.reads.views()?.counts()?.orders))
}

fn database(folder: &Path) -> Result<Option<postgres::Options>, Box<dyn Error>> {
    let text = match std::fs::read_to_string(folder.join(NAMES_A_DATABASE)) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let (address, schema) = text.trim().split_once('\n').ok_or("the file names no schema")?;
    let mut options = postgres::Options::new(address, "bench_books")?;
    schema.clone_into(&mut options.schema);
    options.durability = postgres::Durability::Lazy;
    options.server.options("-c synchronous_commit=off");
    Ok(Some(options))
}

/// A server of its own, named in the folder, as long as it lives.
pub(crate) fn named_in(folder: &Path) -> Result<Cluster, Box<dyn Error>> {
    let cluster = Cluster::start(&["max_wal_size=4GB"])?;
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join(NAMES_A_DATABASE), format!("{}\nbench", cluster.address()))?;
    Ok(cluster)
}

/// A server of its own with these settings, until the standard input ends. Its address is printed.
pub(crate) fn serve(settings: &[String]) -> Result<(), Box<dyn Error>> {
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let cluster = Cluster::start(&settings)?;
    println!("{}", cluster.address());
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}
