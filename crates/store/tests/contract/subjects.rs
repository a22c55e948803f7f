//! The embedded store as a subject of the contract, in a folder that goes with the test.

use panelworks_core::audit::Violation;
use panelworks_store::chain::Link;
use panelworks_store::contract::{Opened, Subject};
use panelworks_store::ports::{Queue, Views};
use panelworks_store::sqlite::{Options, Sqlite, SqliteBooks, SqliteReads};

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
