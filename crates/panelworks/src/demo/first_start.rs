//! The demo's first start: accounts and catalogue are opened thirty days ago, and the days since are lived through.
//!
//! All or nothing: until the demo says in `demo.json` that it opened, a start removes what an earlier one left and
//! begins anew, under the demo's lock. Commits are not synced on the way, for nothing was promised to anybody; at the
//! end everything is. Writing goes through the executor, as everywhere.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use panelworks_client::Secret;
use panelworks_client::lenient::{self, SeenService, ServicesAnswer};
use panelworks_core::catalogue::Service;
use panelworks_core::command::Command;
use panelworks_core::customer::Switches;
use panelworks_core::ids::{BatchId, CustomerId, OrderId, ProviderAccountId};
use panelworks_core::money::{Amount, Currency};
use panelworks_core::order::OrderFile;
use panelworks_core::outcome::Done;
use panelworks_core::planted::Planted;
use panelworks_core::provider::ProviderAccount;
use panelworks_core::time::Timestamp;
use panelworks_core::world::{Changes, Cursors, Need, World};
use panelworks_provider_sim::{Catalogue, KeptProvider, Provider as Simulator, Speed};
use panelworks_store::executor::Executor;
use panelworks_store::ports::{Begun, Books, CommitError, Flush, OldOrders, Queue, Share, StoreError};
use panelworks_store::reader::OwnReads;
use panelworks_web::key_hash;
use panelworks_wire::request::Incoming;

use super::kept::{Kept, Provider};
use super::simulated_provider::{folder as provider_folder, settings};
use crate::books::{self, Durability, Opening};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::import::{self, ImportAsked, Proposal, Which};
use crate::limits;
use crate::past::{self, Beginning};
use crate::said::complain;
use crate::secrets::SecretKey;

/// See the module's head.
pub(super) fn live(config: &Config, kept: &Kept, no_past: bool) -> anyhow::Result<()> {
    let folder = &config.data_dir;
    let Provider::Simulated { port: Some(port), api_key } = &kept.provider else {
        bail!("only a demo with a simulated provider has a past");
    };
    let opening = SystemClock::default().now();
    let secret = SecretKey::load(&config.secret_key_path(), true)?;
    let url = format!("http://127.0.0.1:{port}/api/v2");
    let account = account(&secret, url, api_key)?;
    if !no_past {
        begin_anew(config)?;
        match with_past(config, kept, account.clone(), api_key, opening) {
            Ok(()) => return sync(folder),
            // The demo is worth having without it.
            Err(error) => {
                tracing::error!(%error, "the past was not lived through");
                complain(&format!(
                    "The last thirty days could not be lived through ({error}); the demo begins today."
                ));
            }
        }
    }
    begin_anew(config)?;
    set_up(config, kept, account, opening)?;
    sync(folder)
}

fn with_past(
    config: &Config,
    kept: &Kept,
    account: ProviderAccount,
    api_key: &str,
    opening: Timestamp,
) -> anyhow::Result<()> {
    let customers = set_up(config, kept, account, past::beginning(opening))?;
    let opened = books::open(config, lazily())?;
    let views = opened.reads.views()?;
    let begin = Beginning {
        providers: views.providers()?,
        services: views.services()?,
        customers,
        provider_key: api_key.to_owned(),
        opening,
    };
    let store = provider_folder(&config.data_dir);
    let mut provider = KeptProvider::open(Some(&store), Catalogue::full(), settings(api_key, Speed::REAL))?;
    let bar = ProgressBar::new(u64::try_from(past::DAYS).unwrap_or_default());
    bar.set_style(ProgressStyle::with_template("Living through the last {len} days  {bar:30}  day {pos}")?);
    let shelf = Shelf { books: opened.books, views };
    let lived = past::live_through(shelf, opened.node, opened.epoch, &begin, &mut provider, |day| {
        bar.set_position(u64::try_from(day).unwrap_or_default());
    });
    bar.finish_and_clear();
    let (_, lived) = lived?;
    tracing::info!(
        orders = lived.orders,
        commands = lived.commands,
        "the last thirty days were lived through"
    );
    Ok(())
}

/// Opens provider, catalogue and customers at `now`.
fn set_up(
    config: &Config,
    kept: &Kept,
    account: ProviderAccount,
    now: Timestamp,
) -> anyhow::Result<[CustomerId; 2]> {
    let opened = books::open(config, lazily())?;
    let mut executor = Executor::new(opened.books, opened.node, opened.epoch, Planted::default());
    let mut run = |commands: Vec<Command>| done(&mut executor, now, &commands);
    let put = run(vec![Command::PutProvider { account: Box::new(account) }])?;
    let [Done::ProviderPut { account }] = put[..] else { bail!("the provider was not opened") };
    let amount = Amount(limits::DEMO_PREPAID_MICROS);
    run(vec![Command::FundProvider { account, amount, note: "paid in for the demo".to_owned() }])?;
    let services = proposals(account).into_iter();
    run(services.map(|service| Command::PutService { service: Box::new(service) }).collect())?;
    let opened = run(kept
        .customers
        .iter()
        .map(|customer| open_customer(&customer.name, &customer.api_key))
        .collect())?;
    let [Done::CustomerOpened { customer: first }, Done::CustomerOpened { customer: second }] = opened[..]
    else {
        bail!("the customers were not opened")
    };
    let credit = |customer| Command::CreditCustomer {
        customer,
        amount: Amount(limits::DEMO_BALANCE_MICROS),
        note: "first deposit".to_owned(),
    };
    run(vec![credit(first), credit(second)])?;
    Ok([first, second])
}

fn open_customer(name: &str, api_key: &str) -> Command {
    Command::OpenCustomer {
        name: name.to_owned(),
        currency: Currency::USD,
        credit_limit: Amount::ZERO,
        switches: Switches { unlimited: true, ..Switches::default() },
        key: Some(key_hash(api_key)),
    }
}

/// Decides and commits; anything but a yes to all of it is an error.
fn done<B: Books>(
    executor: &mut Executor<B>,
    now: Timestamp,
    commands: &[Command],
) -> anyhow::Result<Vec<Done>> {
    let ran = executor.run(now, commands)?;
    ran.into_iter().flat_map(|ran| ran.replies).map(|reply| Ok(reply??)).collect()
}

fn account(secret: &SecretKey, url: String, api_key: &str) -> anyhow::Result<ProviderAccount> {
    Ok(ProviderAccount {
        id: ProviderAccountId(0),
        name: "Simulated provider".to_owned(),
        sealed_key: secret.seal(&Secret::new(api_key), &url)?,
        url,
        currency: Currency::USD,
        enabled: true,
        private_address: true,
        keys_kept_hours: Some(limits::DEMO_KEYS_KEPT_HOURS),
        connections: limits::DEMO_CONNECTIONS,
    })
}

/// The simulator's catalogue as services of ours, read as any provider's would be.
pub(super) fn proposals(account: ProviderAccountId) -> Vec<Service> {
    let asked = ImportAsked {
        provider: account,
        which: Which::default(),
        markup_percent: limits::DEMO_MARKUP_PERCENT,
        fixed: Amount::ZERO,
        link_less: Vec::new(),
        dry_run: false,
    };
    let rows = catalogue_rows();
    let proposed = import::propose(&rows, &[], &asked).into_iter();
    proposed
        .filter_map(|(_, proposal)| match proposal {
            Proposal::Open(service) => Some(*service),
            Proposal::Change { .. } | Proposal::Same | Proposal::Skip(_) => None,
        })
        .collect()
}

fn catalogue_rows() -> Vec<SeenService> {
    let key = "catalogue";
    let mut provider = Simulator::open(Catalogue::full(), settings(key, Speed::REAL));
    let body = format!("key={key}&action=services");
    let incoming = Incoming {
        query: None,
        content_type: Some("application/x-www-form-urlencoded"),
        authorization: None,
        x_api_key: None,
        idempotency_key: None,
        body: body.as_bytes(),
    };
    match lenient::services(&provider.handle(0, &incoming).body) {
        ServicesAnswer::List { rows, .. } => rows,
        ServicesAnswer::Refused { .. } | ServicesAnswer::Unreadable { .. } => Vec::new(),
    }
}

fn lazily() -> Opening {
    Opening { durability: Durability::Lazy, ..Opening::default() }
}

/// Removes what an earlier first start left behind.
fn begin_anew(config: &Config) -> anyhow::Result<()> {
    books::remove(config)?;
    let provider = provider_folder(&config.data_dir);
    match fs::remove_dir_all(&provider) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other.with_context(|| format!("can't remove {}", provider.display())),
    }
}

/// Makes everything durable that was written without syncs.
fn sync(folder: &Path) -> anyhow::Result<()> {
    for folder in [folder.to_owned(), provider_folder(folder)] {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                File::open(entry.path())?.sync_all()?;
            }
        }
        File::open(&folder)?.sync_all()?;
    }
    Ok(())
}

/// The books with the way to find work in them, which the past needs in one hand.
struct Shelf {
    books: Box<dyn Books>,
    views: OwnReads,
}

impl Books for Shelf {
    fn cursors(&self) -> Cursors {
        self.books.cursors()
    }

    fn begin(&mut self, batch: BatchId, at: Timestamp) -> Result<Begun, CommitError> {
        self.books.begin(batch, at)
    }

    fn load(&mut self, need: &Need, world: &mut World) -> Result<(), StoreError> {
        self.books.load(need, world)
    }

    fn commit(&mut self, changes: &Changes, cursors: Cursors) -> Result<(), CommitError> {
        self.books.commit(changes, cursors)
    }

    fn rollback(&mut self) {
        self.books.rollback();
    }

    fn reconnect(&mut self) -> Result<(), StoreError> {
        self.books.reconnect()
    }

    fn takes_new_work(&mut self) -> bool {
        self.books.takes_new_work()
    }

    fn part_flush(&mut self) -> Result<Option<Flush>, StoreError> {
        self.books.part_flush()
    }
}

impl Queue for Shelf {
    fn open_files(&self, share: &Share, after: OrderId, limit: usize) -> Result<Vec<OrderFile>, StoreError> {
        self.views.open_files(share, after, limit)
    }

    fn files(&self, ids: &[OrderId]) -> Result<Vec<OrderFile>, StoreError> {
        self.views.files(ids)
    }

    fn ended_files(
        &self,
        after: OrderId,
        since: Timestamp,
        rows: usize,
    ) -> Result<(Vec<OrderFile>, Option<OrderId>), StoreError> {
        self.views.ended_files(after, since, rows)
    }

    fn old_orders(&self, after: OrderId, before: Timestamp, rows: usize) -> Result<OldOrders, StoreError> {
        self.views.old_orders(after, before, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_has_at_least_forty_services_of_every_type_with_a_markup() {
        let services = proposals(ProviderAccountId(1));
        assert!(services.len() >= 40, "{}", services.len());
        let types: std::collections::HashSet<_> =
            services.iter().map(|service| service.service_type).collect();
        assert_eq!(types.len(), 17);
        for service in &services {
            assert!(service.rate > service.route.legs()[0].rate, "{service:?}");
        }
    }
}
