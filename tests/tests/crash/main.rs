//! What must survive the worst: kill -9 in mid-load, a full disk, a cut of power, a backup that is
//! older than the panel, an archive that is being filled (`invariants.md` A1, A2, A4, E7).
//!
//! The provider is a process of its own and stays alive; its witness and the list of acknowledged orders are held
//! against the panel's books.

mod copies;
mod crowd;
mod disk;
mod images;
mod kill;
mod power;
mod restore;
mod retention;
mod sync;
mod unread;
