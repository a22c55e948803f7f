//! Arguments of a move between the stores.

use clap::{Args, ValueEnum};

use super::{OutputArgs, PanelArgs};

/// Which way the books go.
#[derive(Debug, Clone, Args)]
pub struct MoveArgs {
    /// Where the books go
    #[arg(long, value_name = "STORE", required_unless_present = "undo")]
    pub to: Option<Store>,
    /// Take the last move back: only as long as nothing was done in the new place
    #[arg(long, conflicts_with = "to")]
    pub undo: bool,
    #[command(flatten)]
    pub panel: PanelArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// A store by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Store {
    /// The database that the configuration names
    Postgres,
    /// The panel's own folder
    Embedded,
}
