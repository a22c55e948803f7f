//! Arguments of the commands about operators: who may look after the panel, and with what.

use clap::{Args, Subcommand, ValueEnum};
use panelworks_core::operator::{Role, Username};

use super::{OutputArgs, PanelArgs};

#[derive(Debug, Subcommand)]
pub enum OperatorCommand {
    /// Open an operator; asks for the password
    ///
    /// Without a terminal to ask at, and without --password-stdin, a strong password is made and printed, once. A
    /// password has 8 to 128 characters; several words make a good one. The first operator is an owner.
    Add {
        /// The name to log in with
        #[arg(value_parser = Username::parse)]
        name: Username,
        /// What the operator may do; without it the first one is an owner, the next ones are staff
        #[arg(long)]
        role: Option<RoleWord>,
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// List operators
    List {
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Give a new password; older sessions end at once
    ///
    /// Asks for it at the terminal; where there is none, a strong one is made and printed, once.
    ResetPassword {
        /// The operator's name
        #[arg(value_parser = Username::parse)]
        name: Username,
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Give a new admin API key and print it; the old one stops working at once
    RotateKey {
        /// The operator's name
        #[arg(value_parser = Username::parse)]
        name: Username,
        /// Take the key away and give none
        #[arg(long)]
        revoke: bool,
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Shut an operator out: neither password nor key opens anything, and sessions end at once
    Suspend {
        /// The operator's name
        #[arg(value_parser = Username::parse)]
        name: Username,
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Let a suspended operator in again, with the password and key of before
    Resume {
        /// The operator's name
        #[arg(value_parser = Username::parse)]
        name: Username,
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
}

/// Where a password comes from.
#[derive(Debug, Clone, Copy, Args)]
pub struct PasswordArgs {
    /// Read the password as one line from standard input
    #[arg(long)]
    pub password_stdin: bool,
    /// Make a strong password and print it, once
    #[arg(long, conflicts_with = "password_stdin")]
    pub generate: bool,
}

/// A role as it is written on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleWord {
    /// Everything, and looks after the other operators too
    Owner,
    /// The daily work
    Staff,
}

impl From<RoleWord> for Role {
    fn from(word: RoleWord) -> Self {
        match word {
            RoleWord::Owner => Self::Owner,
            RoleWord::Staff => Self::Staff,
        }
    }
}
