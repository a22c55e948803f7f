//! The demo: a panel that works at once, with a simulated provider, two customers and a catalogue.
//!
//! In: a folder and a few flags. Out: a panel that answers on a loopback port, delivers what is ordered within a
//! minute, and goes on with the same data, keys and ports when it is started again. At its first start it lives
//! through thirty days by itself ([`first_start`]); until that is done nothing is shown, so a start that was killed
//! begins anew. The provider is a real HTTP server on another port of this machine, on a thread of its own. Never: a
//! folder that holds a real panel's books.

mod choice;
mod first_start;
mod kept;
mod operator;
mod ready;
mod simulated_provider;

use std::fs::{File, OpenOptions, TryLockError};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use panelworks_core::command::Command;
use panelworks_core::ids::{CustomerId, ProviderAccountId};
use panelworks_core::money::Amount;
use panelworks_engine::Pace;
use panelworks_store::ports::Views;
use panelworks_web::key_hash;
use tokio::net::TcpListener;

use crate::books::{self, Opening};
use crate::cli::DemoArgs;
use crate::config::{Config, LogSettings};
use crate::control::Progress;
use crate::control::answer::Answer;
use crate::control::desk::Desk;
use crate::control::request::{KeyText, NewCustomer, NewProvider, Refused, Request};
use crate::import::{ImportAsked, Which};
use crate::limits;
use crate::panel::{Core, Manner};
use crate::said::say;
use crate::signals;
use crate::telemetry::Telemetry;
use kept::{Kept, Provider};
use ready::Ready;
use simulated_provider::SimulatedProvider;

/// Shown at the top of the page.
const NOTE: &str = "This is a demonstration: its provider is simulated, and its money is play money.";

/// Runs the demo until it is told to stop.
pub async fn run(args: &DemoArgs) -> anyhow::Result<()> {
    let folder = &args.data_dir;
    let config = config(args)?;
    make_folder(folder)?;
    let _lock = lock(folder)?;
    if !Kept::is_in(folder) {
        must_be_new(&config).await?;
    }
    let mut kept = Kept::load_or_make(&config, args)?;
    let log_file = (!args.verbose).then(|| folder.join("panelworks.log"));
    let telemetry = Telemetry::start(&LogSettings { file: log_file, ..LogSettings::default() })?;
    let provider = match &kept.provider {
        Provider::Simulated { .. } => {
            let listener = simulated_provider::listen(&mut kept, args, folder)?;
            if !kept.opened {
                let first = (config.clone(), kept.clone(), args.no_past);
                tokio::task::spawn_blocking(move || first_start::live(&first.0, &first.1, first.2)).await??;
                kept.opened = true;
                kept.save(folder)?;
            }
            Some(SimulatedProvider::start(listener, folder, &kept, args.speed)?)
        }
        Provider::Outside { .. } => None,
    };
    let core = Core::open(&config, Opening::default()).await?;
    if provider.is_none() && !kept.opened {
        set_up_outside(&core.desk, &kept, args.provider_keys_kept_hours).await?;
        kept.opened = true;
        kept.save(folder)?;
    }
    let customers = fill_up(&core.desk, &kept).await?;
    operator::let_in(&core.desk, &kept.operator).await?;
    let (listener, moved) = panel_listener(args.port).await?;
    let pace = Pace {
        poll_first: limits::DEMO_POLL,
        chore_poll: limits::DEMO_POLL,
        token_prefix: core.desk.secret()?.token_prefix(),
    };
    let manner = Manner { pace, demo_note: Some(NOTE.to_owned()), dropped_lines: telemetry.dropped_lines() };
    let running = core.run(&config, listener, manner).await?;
    let ready = Ready::collect(&running.desk, running.address, &kept, customers[0], folder).await?;
    if let Some(file) = &args.ready_file {
        ready.write(file)?;
    }
    if let Some(wanted) = moved {
        say(&format!("Port {wanted} is taken; the next free one it is."));
    }
    say(&ready.welcome(args));
    running.run_until(signals::stop()).await?;
    if let Some(provider) = provider {
        provider.stop();
    }
    say(&format!("Stopped. Everything is kept in {}.", folder.display()));
    drop(telemetry);
    Ok(())
}

fn make_folder(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("can't make the folder {}", folder.display()))
}

async fn must_be_new(config: &Config) -> anyhow::Result<()> {
    let asked = config.clone();
    if tokio::task::spawn_blocking(move || books::are_there(&asked)).await?? {
        bail!(
            "{} holds the books of a real panel; the demo never touches those. Give it a folder of its own with \
             --data-dir (or an empty schema), or start the real panel with panelworks serve",
            books::place(config)
        );
    }
    Ok(())
}

/// One demo per folder; the kernel lets go of the lock when the process ends, however it ends.
fn lock(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join("demo.lock");
    let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = open.with_context(|| format!("can't write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "a demo runs in {} already. Stop it first, or give this one a folder of its own with --data-dir",
            folder.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("can't lock {}", path.display()))
        }
    }
}

/// The defaults, but for where the books are kept.
fn config(args: &DemoArgs) -> anyhow::Result<Config> {
    let database = std::env::vars().filter(|(name, _)| name.starts_with("PANELWORKS_DATABASE_"));
    Ok(Config {
        data_dir: args.data_dir.clone(),
        panel_name: "Panelworks Demo".to_owned(),
        poll: limits::DEMO_POLL,
        request_poll: limits::DEMO_POLL,
        ..Config::load(None, database)?
    })
}

/// The asked port, or the first free one from the usual one on; with it the usual one when it was taken.
async fn panel_listener(port: Option<u16>) -> anyhow::Result<(TcpListener, Option<u16>)> {
    let bind = async |port: u16| TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await;
    if let Some(port) = port {
        let listener = bind(port)
            .await
            .with_context(|| format!("can't listen on port {port}; choose another with --port"))?;
        return Ok((listener, None));
    }
    let first = limits::DEMO_PORT;
    for port in first..first + limits::DEMO_PORTS_TRIED {
        if let Ok(listener) = bind(port).await {
            return Ok((listener, (port != first).then_some(first)));
        }
    }
    bail!("no port from {first} on is free; choose one with --port")
}

/// Opens account, catalogue and customers with a provider that runs elsewhere. What a killed start had done already
/// is found again.
async fn set_up_outside(desk: &Desk, kept: &Kept, keys_kept_hours: Option<u16>) -> anyhow::Result<()> {
    let Provider::Outside { url, api_key } = &kept.provider else { return Ok(()) };
    let known = desk.read(Views::providers).await?;
    let provider = match known.iter().find(|account| account.url == *url) {
        Some(account) => account.id,
        None => open_outside(desk, url, api_key, keys_kept_hours).await?,
    };
    let asked = ImportAsked {
        provider,
        which: Which::default(),
        markup_percent: limits::DEMO_MARKUP_PERCENT,
        fixed: Amount::ZERO,
        link_less: Vec::new(),
        dry_run: false,
    };
    let report = desk.import(&asked, &quiet()).await?;
    anyhow::ensure!(report.opened.len() + report.unchanged > 0, "the provider at {url} sells nothing");
    let keys = desk.read(Views::api_keys).await?;
    for customer in &kept.customers {
        if keys.iter().any(|key| key.hash == key_hash(&customer.api_key)) {
            continue;
        }
        let new = NewCustomer {
            name: customer.name.clone(),
            currency: None,
            balance: None,
            credit_limit: Amount::ZERO,
            unlimited: true,
            key: Some(KeyText(customer.api_key.clone())),
        };
        desk.perform(Request::AddCustomer(new), &quiet()).await?;
    }
    Ok(())
}

async fn open_outside(
    desk: &Desk,
    url: &str,
    api_key: &str,
    keys_kept_hours: Option<u16>,
) -> anyhow::Result<ProviderAccountId> {
    let new = NewProvider {
        url: url.to_owned(),
        key: KeyText(api_key.to_owned()),
        name: Some("Demo provider".to_owned()),
        currency: None,
        connections: limits::DEMO_CONNECTIONS,
        allow_local: true,
        // Unless it is known, sending again would buy twice.
        keys_kept_hours,
    };
    let added = desk.perform(Request::AddProvider(new), &quiet()).await?;
    let Answer::ProviderAdded { provider } = added else { bail!("the provider was not opened") };
    let amount = Amount(limits::DEMO_PREPAID_MICROS);
    let note = "paid in for the demo".to_owned();
    desk.decide(Command::FundProvider { account: provider, amount, note }).await?;
    Ok(provider)
}

/// Gives each customer what the demo promises, when less is left. Their ids, in the order of their keys.
async fn fill_up(desk: &Desk, kept: &Kept) -> Result<Vec<CustomerId>, Refused> {
    let keys = desk.read(Views::api_keys).await?;
    let mut customers = Vec::new();
    for customer in &kept.customers {
        let hash = key_hash(&customer.api_key);
        let known = keys.iter().find(|key| key.hash == hash);
        let id = known
            .map(|key| key.customer)
            .ok_or_else(|| Refused("a customer of the demo is missing".to_owned()))?;
        let account = desk.read(move |views| views.account(id)).await?;
        let balance = account.map_or(0, |account| account.balance.0);
        if balance < limits::DEMO_BALANCE_LEAST_MICROS {
            let amount = Amount(limits::DEMO_BALANCE_MICROS - balance);
            let note = "filled up by the demo".to_owned();
            desk.decide(Command::CreditCustomer { customer: id, amount, note }).await?;
        }
        customers.push(id);
    }
    Ok(customers)
}

fn quiet() -> Progress {
    Arc::new(|_, _| ())
}
