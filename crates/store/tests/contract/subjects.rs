//! The stores as subjects of the contract: in a folder, or in a schema, that goes with the test.

use panelworks_core::audit::Violation;
use panelworks_store::chain::Link;
use panelworks_store::contract::{Asked, Opened, Subject, cluster};
use panelworks_store::ports::{Queue, Views};
use panelworks_store::postgres::{self, Postgres, PostgresBooks, PostgresNeighbours, PostgresReads};
use panelworks_store::sqlite::{Options, Sqlite, SqliteBooks, SqliteReads};

use crate::shared::laws;

pub(crate) struct InSqlite {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) options: Options,
    pub(crate) reads: Option<SqliteReads>,
}

impl InSqlite {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { folder, options: Options::default(), reads: None }
    }

    pub(crate) fn reads(&self) -> &SqliteReads {
        self.reads.as_ref().expect("open")
    }
}

impl Subject for InSqlite {
    type Books = SqliteBooks;

    fn open(&mut self, before: Option<SqliteBooks>) -> Opened<SqliteBooks> {
        drop(before);
        let opened = Sqlite::open(self.folder.path(), self.options).expect("opens");
        assert!(!opened.is_copy);
        self.reads = Some(opened.reads);
        Opened { books: opened.books, node: opened.node, epoch: opened.epoch }
    }

    fn link(books: &SqliteBooks) -> Link {
        books.link()
    }

    fn queue<'a>(&'a self, _books: &'a SqliteBooks) -> Box<dyn Queue + 'a> {
        Box::new(self.reads().views().expect("opens"))
    }

    fn audit(&self, _books: &SqliteBooks) -> Vec<Violation> {
        self.reads().views().expect("opens").audit(&mut |_, _| ()).expect("audits")
    }
}

/// A schema of its own on the cluster of this process.
pub(crate) struct InPostgres {
    pub(crate) options: postgres::Options,
    pub(crate) reads: Option<PostgresReads>,
    pub(crate) neighbours: Option<PostgresNeighbours>,
}

impl InPostgres {
    /// None where there is no PostgreSQL, which was said.
    pub(crate) fn new() -> Option<Self> {
        let cluster = cluster::shared()?;
        let mut options = postgres::Options::new(&cluster.address(), "first").expect("an address");
        options.schema = cluster.schema();
        options.server.application_name(&options.schema);
        Some(Self { options, reads: None, neighbours: None })
    }

    /// Another node on the same schema.
    pub(crate) fn beside(&self, holder: &str) -> Self {
        let mut options = self.options.clone();
        holder.clone_into(&mut options.holder);
        Self { options, reads: None, neighbours: None }
    }
}

impl Subject for InPostgres {
    type Books = PostgresBooks;

    fn open(&mut self, before: Option<PostgresBooks>) -> Opened<PostgresBooks> {
        drop(before);
        let opened = Postgres::open(self.options.clone()).expect("opens");
        self.reads = Some(opened.reads);
        self.neighbours = Some(opened.neighbours);
        Opened { books: opened.books, node: opened.node, epoch: opened.epoch }
    }

    fn link(books: &PostgresBooks) -> Link {
        books.link()
    }

    fn queue<'a>(&'a self, _books: &'a PostgresBooks) -> Box<dyn Queue + 'a> {
        Box::new(self.reads.as_ref().expect("open").views().expect("opens"))
    }

    fn audit(&self, books: &PostgresBooks) -> Vec<Violation> {
        let mut broken = laws::audit(self, books);
        broken.extend(Asked::reads(self).audit(&mut |_, _| ()).expect("audits"));
        broken
    }
}
