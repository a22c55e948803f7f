//! Books in PostgreSQL: what of the configuration the store is told, and by what name this panel is known there.
//!
//! In: the configuration. Out: open books. The data folder stays this process's own all the same: it holds the key
//! over the providers' keys, the control socket, and the name by which the panel finds its node again. Never: a
//! password in a log or an error, a row removed.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use anyhow::{Context, bail};
use panelworks_store::ports::StoreErrorKind;
use panelworks_store::postgres::{self, OpenError, Options, Postgres, PostgresCarrier, Side};

use super::{Database, Durability, Lock, Opened, Opening, Reads};
use crate::config::{Config, DatabaseUrl};
use crate::secrets::{Existing, new_api_key, write_private};

/// Holds this panel's name among those that use the schema.
const NAME_FILE: &str = "node-name";
/// Says that the database has lost what it had acknowledged.
const LOSS_FILE: &str = "database-lost-orders";

pub(super) fn open(config: &Config, url: &DatabaseUrl, opening: Opening) -> anyhow::Result<Opened> {
    let folder = &config.data_dir;
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("can't make the folder {}", folder.display()))?;
    let lock = Lock::over(folder)?;
    if let Ok(why) = fs::read_to_string(folder.join(LOSS_FILE))
        && !opening.after_loss
    {
        bail!("{} ({} says so, and goes with the restore)", why.trim(), folder.join(LOSS_FILE).display());
    }
    if folder.join(super::FILES[0]).exists() {
        tracing::warn!(
            folder = %folder.display(),
            "the folder holds books too, and they are not used: the configuration names a database"
        );
    }
    let options = options(config, url, &name(folder)?, opening)?;
    let opened = Postgres::open(options)?;
    let shown = super::place(config);
    tracing::info!(
        database = shown,
        node = opened.node.0,
        epoch = opened.epoch,
        version = opened.server.version,
        promise = opened.server.promise.words(),
        "the books are open"
    );
    Ok(Opened {
        books: Box::new(opened.books),
        reads: Reads::Postgres(Box::new(Database { reads: opened.reads, opened: opened.server, shown })),
        neighbours: Some(Box::new(opened.neighbours)),
        node: opened.node,
        epoch: opened.epoch,
        // A restored database keeps its name; what tells it apart is the operator.
        is_copy: false,
        lock: Some(lock),
    })
}

fn options(config: &Config, url: &DatabaseUrl, name: &str, opening: Opening) -> anyhow::Result<Options> {
    // What the end of the books holds is the server's to vouch for; `panelworks check` looks at everything.
    let Opening { durability, claim: _, order_floor, on_damage: _, after_loss: _ } = opening;
    let settings = &config.database;
    let mut options = Options::new(url.expose(), name)?;
    if let Some(password) = settings.password()? {
        options.server.password(password.expose());
    }
    options.schema.clone_from(&settings.schema);
    options.roots.clone_from(&settings.ca_file);
    options.order_floor = order_floor;
    options.word_of_loss = Some(config.data_dir.join(LOSS_FILE));
    if !settings.synced {
        options.durability = postgres::Durability::Lazy;
    }
    if durability == Durability::Lazy {
        options.durability = postgres::Durability::Lazy;
        // A commit that is synced makes all before it durable too: the one of the next opening.
        let asked = options.server.get_options().unwrap_or_default().to_owned();
        options.server.options(format!("{asked} -c synchronous_commit=off").trim());
    }
    Ok(options)
}

pub(super) fn forget_loss(folder: &Path) -> std::io::Result<()> {
    match fs::remove_file(folder.join(LOSS_FILE)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// By this name the panel finds its node again, wherever its folder is carried.
fn name(folder: &Path) -> anyhow::Result<String> {
    let path = folder.join(NAME_FILE);
    match fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        Ok(_) => bail!("{} is empty; put it back from your backup, or remove it", path.display()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let name = new_api_key()?.expose().to_owned();
            write_private(&path, format!("{name}\n").as_bytes(), Existing::Refuse)
                .with_context(|| format!("can't write {}", path.display()))?;
            Ok(name)
        }
        Err(error) => Err(error).with_context(|| format!("can't read {}", path.display())),
    }
}

/// For a move to another store, or from one.
pub(super) fn carrier(config: &Config, url: &DatabaseUrl, side: Side) -> anyhow::Result<PostgresCarrier> {
    let options = options(config, url, &name(&config.data_dir)?, Opening::default())?;
    Ok(PostgresCarrier::open(options, side, super::place(config))?)
}

pub(super) fn kind_of(error: &anyhow::Error) -> Option<StoreErrorKind> {
    match error.downcast_ref::<OpenError>() {
        Some(OpenError::Store(error)) => Some(error.kind),
        Some(
            OpenError::SchemaName(_)
            | OpenError::TooNew { .. }
            | OpenError::NotOurs(_)
            | OpenError::Moved { .. }
            | OpenError::InUse { .. },
        )
        | None => None,
    }
}

pub(super) fn holds_anything(config: &Config, url: &DatabaseUrl) -> anyhow::Result<bool> {
    let opened = open(config, url, Opening::default())?;
    let counts = opened.reads.views()?.counts()?;
    Ok(counts.customers + counts.services + counts.orders > 0)
}

/// What to use instead of a command that copies files.
pub(super) fn instead(what: &str, config: &Config) -> String {
    format!(
        "{what} is for the embedded store, and these books are in PostgreSQL ({}). Use its own tools: pg_dump \
         --format=custom --schema={} and pg_restore for a copy, continuous archiving for every commit; then panelworks \
         restore --in-place (docs/operating.md, PostgreSQL). Keep secret.key too, apart from them",
        super::place(config),
        config.database.schema
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    #[test]
    fn a_folder_keeps_its_name_among_the_nodes() {
        let (one, other) = (Folder::new(), Folder::new());
        let first = name(one.root()).expect("made");
        assert_eq!(name(one.root()).expect("read"), first);
        assert_ne!(name(other.root()).expect("made"), first);
        fs::write(one.path(NAME_FILE), "\n").expect("written");
        assert!(name(one.root()).is_err());
    }
}
