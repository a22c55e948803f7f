//! Panels whose books are in PostgreSQL, and what a database can do to them (`invariants.md` A2, A6, E12): it is not
//! there yet, it goes away and comes back, it freezes, it refuses; and books that move to one and back.
//!
//! Each test has a server of its own to ill-treat. That such a panel does all that another one does is shown by
//! running the other programs with `TEST_STORE=postgres`.

mod away;
mod moving;
mod slow;
mod start;

use panelworks_tests::{has_postgres, skipped};

/// True where there is no PostgreSQL to run, which is said aloud.
fn is_left_out(what: &str) -> bool {
    if has_postgres() {
        return false;
    }
    skipped(what, "PostgreSQL's programs are missing");
    true
}
