//! Arguments of the commands that look after a panel: customers, providers, services.

use clap::{ArgGroup, Args, Subcommand};
use panelworks_core::ids::{CustomerId, ProviderAccountId, ServiceId};
use panelworks_core::money::{Amount, Currency, Rate};
use panelworks_wire::{ServiceType, decimal};

use super::{OutputArgs, PanelArgs};
use crate::limits;

#[derive(Debug, Subcommand)]
pub enum CustomerCommand {
    /// Open an account and print its first API key; the key is shown only now
    Add {
        /// The customer's name
        name: String,
        /// The account's currency; the panel's own without it
        #[arg(long, value_parser = currency)]
        currency: Option<Currency>,
        /// Credit this much at once
        #[arg(long, value_name = "AMOUNT", value_parser = amount)]
        balance: Option<Amount>,
        /// How far below zero orders may take the balance
        #[arg(long, value_name = "AMOUNT", value_parser = amount, default_value = "0")]
        credit_limit: Amount,
        /// No limit of requests per minute
        #[arg(long)]
        unlimited: bool,
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// List customers with their balances
    List {
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Add to a balance, or take away with a negative amount
    #[command(allow_negative_numbers = true)]
    Credit {
        /// The customer's id
        #[arg(value_parser = id(CustomerId))]
        customer: CustomerId,
        /// In the account's currency
        #[arg(value_parser = amount)]
        amount: Amount,
        /// Why; it stands in the books
        #[arg(long, default_value = "")]
        note: String,
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Give a new API key and print it; the old ones stop working at once
    RotateKey {
        /// The customer's id
        #[arg(value_parser = id(CustomerId))]
        customer: CustomerId,
        /// Let the old keys go on working
        #[arg(long)]
        keep_others: bool,
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Close an account: its keys answer that it is suspended
    Suspend {
        /// The customer's id
        #[arg(value_parser = id(CustomerId))]
        customer: CustomerId,
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Open a suspended or frozen account again
    Resume {
        /// The customer's id
        #[arg(value_parser = id(CustomerId))]
        customer: CustomerId,
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
}

#[derive(Debug, Subcommand)]
pub enum ProviderCommand {
    /// Open an account at a provider
    Add {
        /// The URL of the provider's API v2, mostly one that ends in /api/v2
        url: String,
        /// Our API key there; without it the first line of standard input
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
        /// What operators call it; the URL's host without it
        #[arg(long)]
        name: Option<String>,
        /// The account's currency there; the panel's own without it
        #[arg(long, value_parser = currency)]
        currency: Option<Currency>,
        /// Requests in flight at once
        #[arg(long, value_name = "N", default_value_t = limits::PROVIDER_CONNECTIONS,
              value_parser = clap::value_parser!(u16).range(1..=1000))]
        connections: u16,
        /// Allow this machine and private networks (10/8, 172.16/12, 192.168/16, fc00/7), any port and plain HTTP
        #[arg(long)]
        allow_local: bool,
        /// The provider honours idempotency keys for this many hours: unclear outcomes are then asked about and
        /// resolved by themselves. Another Panelworks panel: 24
        #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u16).range(2..=8760))]
        keys_kept_hours: Option<u16>,
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// List provider accounts with what our books say we have there
    List {
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Ask a provider for our balance and its catalogue, and say what came back
    Test {
        /// The provider account's id
        #[arg(value_parser = id(ProviderAccountId))]
        provider: ProviderAccountId,
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Write down money paid in at a provider, or taken out with a negative amount
    #[command(allow_negative_numbers = true)]
    Fund {
        /// The provider account's id
        #[arg(value_parser = id(ProviderAccountId))]
        provider: ProviderAccountId,
        /// In the account's currency
        #[arg(value_parser = amount)]
        amount: Amount,
        /// Why; it stands in the books
        #[arg(long, default_value = "")]
        note: String,
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Sell what a provider sells, with a markup; again, it takes over changed rates and limits
    #[command(group = ArgGroup::new("which").required(true).multiple(true)
                        .args(["all", "services", "category", "service_type", "search"]))]
    Import {
        /// The provider account's id
        #[arg(value_parser = id(ProviderAccountId))]
        provider: ProviderAccountId,
        /// Everything
        #[arg(long, conflicts_with_all = ["services"])]
        all: bool,
        /// Only these ids of the provider, separated by commas
        #[arg(long, value_name = "IDS", value_delimiter = ',')]
        services: Vec<String>,
        /// Only categories with this text in their name
        #[arg(long, value_name = "TEXT")]
        category: Option<String>,
        /// Only this type, such as Default or "Custom Comments"
        #[arg(long = "type", value_name = "TYPE", value_parser = service_type)]
        service_type: Option<ServiceType>,
        /// Only services with this text in their name
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// Percent added to the provider's rate
        #[arg(long, value_name = "PERCENT", default_value_t = 0, allow_negative_numbers = true,
              value_parser = clap::value_parser!(i64).range(-99..=100_000))]
        markup: i64,
        /// Added to the rate after the percent
        #[arg(long, value_name = "AMOUNT", value_parser = amount, default_value = "0")]
        fixed: Amount,
        /// The provider's ids of services that are ordered without a link, separated by commas; services whose name
        /// says "no link" are recognised
        #[arg(long, value_name = "IDS", value_delimiter = ',')]
        link_less: Vec<String>,
        /// Say what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
}

#[derive(Debug, Subcommand)]
pub enum ServiceCommand {
    /// List what is sold, with its routes
    List {
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Change a service; a changed rate counts for new orders only
    Set {
        /// The service's id
        #[arg(value_parser = id(ServiceId))]
        service: ServiceId,
        /// What customers read
        #[arg(long)]
        name: Option<String>,
        /// Where it stands in the list
        #[arg(long)]
        category: Option<String>,
        /// Per 1000, or per order for packages
        #[arg(long, value_name = "AMOUNT", value_parser = rate)]
        rate: Option<Rate>,
        /// Smallest quantity of one order
        #[arg(long, value_name = "N")]
        min: Option<u64>,
        /// Largest quantity of one order
        #[arg(long, value_name = "N")]
        max: Option<u64>,
        /// Sell it
        #[arg(long, conflicts_with = "disable")]
        enable: bool,
        /// Don't sell it; orders there are go on
        #[arg(long)]
        disable: bool,
        /// Take cancels for it
        #[arg(long, value_name = "BOOL")]
        cancel: Option<bool>,
        /// Refuse a customer's second open order on the same link
        #[arg(long, value_name = "BOOL")]
        guard: Option<bool>,
        #[command(flatten)]
        route: RouteArgs,
        #[command(flatten)]
        panel: PanelArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
}

/// Where orders of a service go.
#[derive(Debug, Clone, Args)]
pub struct RouteArgs {
    /// Orders wait for an operator
    #[arg(long, conflicts_with = "route")]
    pub manual: bool,
    /// The provider account's id and the provider's own id of the service, such as 1:17
    #[arg(long, value_name = "PROVIDER:SERVICE")]
    pub route: Option<String>,
}

pub(super) fn id<T>(of: fn(u32) -> T) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: 'static,
{
    move |text| {
        text.parse()
            .ok()
            .filter(|id| *id > 0)
            .map(of)
            .ok_or_else(|| "ids are whole numbers from 1 on".to_owned())
    }
}

/// Up to six decimals, exactly: an amount that would have to be rounded is refused.
fn amount(text: &str) -> Result<Amount, String> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let micros = decimal::parse_strict(digits).filter(|_| decimals <= 6);
    let micros = micros.and_then(|micros| i64::try_from(micros).ok());
    micros
        .map(|micros| Amount(sign * micros))
        .ok_or_else(|| "write an amount such as 12.50, with up to six decimals".to_owned())
}

fn rate(text: &str) -> Result<Rate, String> {
    let Amount(micros) = amount(text)?;
    Rate::from_micros(micros).ok_or_else(|| "a rate lies between 0 and 1000000".to_owned())
}

fn currency(text: &str) -> Result<Currency, String> {
    Currency::new(text).ok_or_else(|| "write the three letters of a currency, such as USD".to_owned())
}

fn service_type(text: &str) -> Result<ServiceType, String> {
    ServiceType::normalise(text).ok_or_else(|| {
        let known: Vec<&str> = ServiceType::all().iter().map(|known| known.exact()).collect();
        format!("known are {}", known.join(", "))
    })
}
