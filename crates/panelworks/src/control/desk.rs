//! Where operators' requests are carried out, in the process that holds the books.
//!
//! In: a [`Request`]. Out: an [`Answer`] of committed rows, or words why not. It writes only by commands of the core
//! through the executor, reads by a connection of its own on a thread that may block, and speaks to providers only
//! to test and import. Never: a rule of its own, a key in an answer but the new one that was asked for.

mod catalogue;
mod customers;
mod operators;

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use panelworks_client::{Endpoint, Panel, Transport};
use panelworks_core::command::Command;
use panelworks_core::ids::{AttemptId, OrderId, ProviderAccountId};
use panelworks_core::money::Currency;
use panelworks_core::order::attempt::Verdict;
use panelworks_core::outcome::Done;
use panelworks_core::provider::ProviderAccount;
use panelworks_store::executor::{Handle, Lane, Undecided};
use panelworks_store::neighbours::{Look, Standing};
use panelworks_store::ports::{StoreError, Views};
use panelworks_store::reader::AnyReads;
use panelworks_web::password::Passwords;

use super::Progress;
use super::answer::{Answer, Broken, CheckReport};
use super::order_sheet::{HeldRow, OrderSheet};
use super::request::{Refused, Request};
use crate::books::Reads;
use crate::config::Config;
use crate::doctor;
use crate::panel::endpoint;
use crate::secrets::SecretKey;

/// See the module's head.
pub struct Desk {
    handle: Handle,
    reads: Reads,
    /// Or why there is none: then providers can't be called.
    secret: Result<SecretKey, String>,
    transport: Transport,
    config: Config,
    engine: Mutex<Option<EngineSeen>>,
    neighbours: OnceLock<Look>,
    passwords: Passwords,
}

/// What the engine last said of itself.
#[derive(Debug, Clone)]
pub struct EngineSeen {
    /// Attempts that wait to be sent.
    pub ready: usize,
    /// Orders that are followed.
    pub followed: usize,
    /// Providers that get nothing new, and why.
    pub holding_back: Vec<(ProviderAccountId, String)>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk")
            .field("handle", &self.handle)
            .field("reads", &self.reads)
            .finish_non_exhaustive()
    }
}

impl Desk {
    pub fn new(
        handle: Handle,
        reads: Reads,
        secret: Result<SecretKey, String>,
        transport: Transport,
        config: Config,
    ) -> Self {
        Self {
            handle,
            reads,
            secret,
            transport,
            config,
            engine: Mutex::new(None),
            neighbours: OnceLock::new(),
            passwords: Passwords::default(),
        }
    }

    pub const fn handle(&self) -> &Handle {
        &self.handle
    }

    pub const fn reads(&self) -> &Reads {
        &self.reads
    }

    pub const fn transport(&self) -> &Transport {
        &self.transport
    }

    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Where passwords are hashed, a few at a time.
    pub const fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// The key over the providers' keys.
    pub fn secret(&self) -> Result<&SecretKey, Refused> {
        self.secret.as_ref().map_err(|why| Refused(why.clone()))
    }

    pub fn note_engine(&self, seen: EngineSeen) {
        *self.engine.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
    }

    /// Once, where other nodes may work on the same books.
    pub fn note_neighbours(&self, look: Look) {
        // A second one would say the same.
        let _ = self.neighbours.set(look);
    }

    /// How it stands between the nodes; None where there can be no others, or no engine runs.
    pub fn neighbours(&self) -> Option<Standing> {
        self.neighbours.get().map(|look| look())
    }

    /// None where no engine runs.
    pub fn engine(&self) -> Option<EngineSeen> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Carries a request out.
    pub async fn perform(&self, request: Request, progress: &Progress) -> Result<Answer, Refused> {
        match request {
            Request::AddCustomer(new) => self.add_customer(new).await,
            Request::ListCustomers => self.list_customers().await,
            Request::Credit { customer, amount, note } => {
                self.transferred(Command::CreditCustomer { customer, amount, note }).await
            }
            Request::RotateKey { customer, keep_others } => self.rotate_key(customer, keep_others).await,
            Request::SetStanding { customer, standing } => {
                self.decide(Command::SetStanding { customer, standing }).await?;
                Ok(Answer::Done { what: format!("Customer {customer} is {standing:?} now.") })
            }
            Request::AddOperator { username, role, password } => {
                self.add_operator(username, role, password).await
            }
            Request::ListOperators => self.list_operators().await,
            Request::ResetPassword { username, password } => self.reset_password(username, password).await,
            Request::SetOperatorStanding { username, standing } => {
                self.set_operator_standing(username, standing).await
            }
            Request::RotateOperatorKey { username, revoke } => {
                self.rotate_operator_key(username, revoke).await
            }
            Request::AddProvider(new) => self.add_provider(new).await,
            Request::ListProviders => self.list_providers().await,
            Request::TestProvider { provider } => self.test_provider(provider).await,
            Request::FundProvider { provider, amount, note } => {
                self.transferred(Command::FundProvider { account: provider, amount, note }).await
            }
            Request::Import(asked) => self.import(&asked, progress).await.map(Answer::Imported),
            Request::ListServices => self.list_services().await,
            Request::SetService { service, change } => self.set_service(service, *change).await,
            Request::ShowOrder { order } => self.sheet(order).await,
            Request::ListHeld { after, limit } => {
                let files = self.read(move |views| views.held(after, limit)).await?;
                Ok(Answer::Held(files.iter().filter_map(HeldRow::of).collect()))
            }
            Request::Resolve { order, attempt, verdict } => self.resolve(order, attempt, verdict).await,
            Request::EnterShare { order, permille: delivered_permille } => {
                self.changed(order, Command::EnterShare { order, delivered_permille }).await
            }
            Request::Report { order, seen } => {
                self.changed(order, Command::Observe { attempt: AttemptId::by_hand(order), seen }).await
            }
            Request::ReportRefill { order, refill, seen } => {
                self.changed(order, Command::ObserveRefill { order, refill, seen }).await
            }
            Request::ReportPost { subscription, link } => {
                self.changed(subscription, Command::ReportPost { subscription, link }).await
            }
            Request::Check => self.check(progress).await.map(Answer::Checked),
            Request::Backup { to } => self.back_up(to).await,
            Request::Doctor { offline } => Ok(Answer::Examined(doctor::examine(self, offline).await)),
        }
    }

    /// Decides and commits a command in the panel's own name.
    pub async fn decide(&self, command: Command) -> Result<Done, Refused> {
        let reply = self.handle.submit(Lane::Panel, command).await.unwrap_or(Err(Undecided::Unknown));
        reply.map_err(Refused::by)?.map_err(Refused::by)
    }

    /// Reads committed rows on a thread that may block.
    pub async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&AnyReads) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Refused> {
        let reads = self.reads.clone();
        let answer = tokio::task::spawn_blocking(move || question(&*reads.views()?)).await;
        answer.map_err(Refused::by)?.map_err(Refused::by)
    }

    async fn transferred(&self, command: Command) -> Result<Answer, Refused> {
        match self.decide(command).await? {
            Done::Credited { transfer } => Ok(Answer::Transferred { transfer }),
            other => Err(unexpected(&other)),
        }
    }

    async fn resolve(
        &self,
        order: OrderId,
        number: Option<u16>,
        verdict: Verdict,
    ) -> Result<Answer, Refused> {
        let file = self.read(move |views| views.file(order)).await?;
        let file = file.ok_or_else(|| Refused(format!("there is no order {order}")))?;
        let last = file.attempts.last().map(|attempt| attempt.number);
        let number =
            number.or(last).ok_or_else(|| Refused(format!("order {order} has no attempt to decide over")))?;
        self.changed(order, Command::ResolveAttempt { attempt: AttemptId { order, number }, verdict }).await
    }

    /// Decides something about an order, and shows how it stands then.
    async fn changed(&self, order: OrderId, command: Command) -> Result<Answer, Refused> {
        self.decide(command).await?;
        self.sheet(order).await
    }

    async fn sheet(&self, order: OrderId) -> Result<Answer, Refused> {
        let file = self.read(move |views| views.file(order)).await?;
        let file = file.ok_or_else(|| Refused(format!("there is no order {order}")))?;
        Ok(Answer::Order(Box::new(OrderSheet::of(&file))))
    }

    /// Audits everything that is stored.
    pub async fn check(&self, progress: &Progress) -> Result<CheckReport, Refused> {
        let progress = progress.clone();
        let began = Instant::now();
        let (counts, violations) = self
            .read(move |views| {
                let violations = views.audit(&mut |done, all| progress(done, all))?;
                Ok((views.counts()?, violations))
            })
            .await?;
        let broken =
            violations.into_iter().map(|broken| Broken { law: broken.law.to_owned(), what: broken.what });
        Ok(CheckReport {
            orders: counts.orders,
            archived: counts.archived_orders,
            entries: counts.entries,
            took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            violations: broken.collect(),
        })
    }

    async fn back_up(&self, to: std::path::PathBuf) -> Result<Answer, Refused> {
        let reads = self.reads.clone();
        let file = to.clone();
        let copied = tokio::task::spawn_blocking(move || reads.back_up(&file)).await;
        copied.map_err(Refused::by)??;
        let bytes = std::fs::metadata(&to).map_err(Refused::by)?.len();
        Ok(Answer::BackedUp { file: to.display().to_string(), bytes })
    }

    /// The currency of everything the panel sells.
    pub const fn currency(&self) -> Currency {
        self.config.currency
    }

    /// A provider account and the panel behind it.
    pub async fn provider(&self, id: ProviderAccountId) -> Result<(ProviderAccount, Panel), Refused> {
        let providers = self.read(Views::providers).await?;
        let account = providers.into_iter().find(|account| account.id == id);
        let account = account.ok_or_else(|| Refused(format!("there is no provider account {id}")))?;
        let endpoint: Endpoint = endpoint(self.secret()?, &account).map_err(Refused)?;
        Ok((account, Panel::new(endpoint, self.transport.clone())))
    }
}

/// An outcome of another command than the one that was handed in: only a bug of ours makes it.
fn unexpected(done: &Done) -> Refused {
    Refused(format!("the books answered with something else: {done:?}"))
}
