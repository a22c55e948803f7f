//! Arguments of the commands about orders: look, decide, report what was done by hand.

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use panelworks_core::ids::{OrderId, RefillId};

use super::operate::id;
use super::{OutputArgs, PanelArgs};
use crate::limits;

#[derive(Debug, Subcommand)]
pub enum OrderCommand {
    /// Show an order with all that hangs on it: attempts, refills, cancels, money
    Show {
        /// The order's id
        #[arg(value_parser = id(OrderId))]
        order: OrderId,
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// List orders that are held, and why
    ListHeld {
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = limits::LIST_ROWS)]
        limit: usize,
        /// Only ids above this one
        #[arg(long, value_name = "ID", default_value_t = 0)]
        after: u32,
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Decide over an order that waits for you
    ///
    /// Over an attempt whose outcome nobody knows or that was refused: adopt, send again or write off. Over a package
    /// that came back Partial: what share was delivered.
    #[command(group = ArgGroup::new("verdict").required(true).args(["adopt", "send_again", "write_off", "delivered"]))]
    Resolve {
        /// The order's id
        #[arg(value_parser = id(OrderId))]
        order: OrderId,
        /// Which attempt; the last one without it
        #[arg(long, value_name = "N", conflicts_with = "delivered")]
        attempt: Option<u16>,
        #[command(flatten)]
        verdict: Verdict,
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Report how an order goes that is delivered by hand
    Report {
        /// The order's id
        #[arg(value_parser = id(OrderId))]
        order: OrderId,
        /// How it stands
        status: ReportedStatus,
        /// Units not delivered yet; with partial those that never will be
        #[arg(long, value_name = "N")]
        remains: Option<u32>,
        /// What the counter showed at the beginning
        #[arg(long, value_name = "N")]
        start_count: Option<i64>,
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Report how a refill went that was made by hand
    ReportRefill {
        /// The order's id
        #[arg(value_parser = id(OrderId))]
        order: OrderId,
        /// The refill's id
        #[arg(value_parser = id(RefillId))]
        refill: RefillId,
        /// How it ended
        status: ReportedRefill,
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Report a new post to a subscription: its order is placed
    ReportPost {
        /// The subscription's id
        #[arg(value_parser = id(OrderId))]
        subscription: OrderId,
        /// The post
        link: String,
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
}

/// What became of an order, by a person's word.
#[derive(Debug, Clone, Args)]
pub struct Verdict {
    /// The provider made this order for it
    #[arg(long, value_name = "PROVIDER_ORDER")]
    pub adopt: Option<String>,
    /// The provider made nothing: send it again
    #[arg(long)]
    pub send_again: bool,
    /// Give the customer the money back, and dispute what it may have cost
    #[arg(long)]
    pub write_off: bool,
    /// So much of a package was delivered, in percent with at most one decimal
    #[arg(long, value_name = "PERCENT", value_parser = permille)]
    pub delivered: Option<u16>,
}

/// How an order stands, by a person's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportedStatus {
    Processing,
    InProgress,
    Completed,
    Partial,
    Canceled,
}

/// How a refill ended, by a person's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportedRefill {
    Completed,
    Rejected,
}

/// 0.1 to 99.9 percent, as thousandths.
fn permille(text: &str) -> Result<u16, String> {
    let (whole, tenth) = text.split_once('.').unwrap_or((text, "0"));
    let digits =
        whole.len() <= 2 && tenth.len() == 1 && format!("{whole}{tenth}").bytes().all(|b| b.is_ascii_digit());
    let permille = digits.then(|| format!("{whole}{tenth}").parse::<u16>().ok()).flatten();
    permille
        .filter(|share| *share > 0)
        .ok_or_else(|| "write a percentage from 0.1 to 99.9, such as 37.5".to_owned())
}
