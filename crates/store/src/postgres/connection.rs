//! One connection to the database, driven on the thread that asks: no pool, no task of anybody else.
//!
//! In: statements, several at once, which leave as one flight. Out: their rows; or the first failure and the place of
//! the statement that met it. Every connect, authentication and flight has a deadline of our own, because a frozen
//! server accepts connections and answers nothing (invariants.md 7.13); when it passes, the socket is closed. Never: a
//! cancel request, which may turn a commit that waits for its standby into a false yes (7.8).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::TryStreamExt as _;
use futures_util::future::poll_fn;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Config, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::Failure;
use super::promise::{self, Server};
use super::{Options, tls};
use crate::limits;

/// One statement of a flight.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    pub(super) sql: &'static str,
    pub(super) params: &'a [&'a (dyn ToSql + Sync)],
}

impl<'a> Step<'a> {
    pub(super) const fn new(sql: &'static str, params: &'a [&'a (dyn ToSql + Sync)]) -> Self {
        Self { sql, params }
    }

    pub(super) const fn plain(sql: &'static str) -> Self {
        Self { sql, params: &[] }
    }
}

/// What came back for one statement.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) rows: Vec<Row>,
    /// Rows that were written.
    pub(super) written: u64,
}

/// Which statement failed first, and how. After a lost connection: the first without an answer.
#[derive(Debug)]
pub(super) struct Fallen {
    pub(super) step: usize,
    pub(super) failure: Failure,
}

/// See the module's head. It is a place to connect to, and at most one connection.
pub(super) struct Connection {
    runtime: Runtime,
    options: Options,
    tls: MakeRustlsConnect,
    live: Option<Live>,
    /// A `begin` was answered, and nothing that ends it.
    in_transaction: bool,
    for_writing: bool,
    /// No server of an older timeline is written to.
    timeline: u32,
}

struct Live {
    client: Client,
    driver: JoinHandle<()>,
    statements: HashMap<&'static str, Statement>,
    warnings: Arc<Mutex<Vec<String>>>,
    server: Server,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { runtime: _, options, tls: _, live, in_transaction: _, for_writing, timeline } = self;
        f.debug_struct("Connection")
            .field("options", options)
            .field("is_live", &live.is_some())
            .field("for_writing", for_writing)
            .field("timeline", timeline)
            .finish()
    }
}

impl Connection {
    /// Does not connect yet.
    pub(super) fn new(options: Options) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|why| Failure::value(format!("no runtime: {why}")))?;
        let tls = tls::connector(options.roots.as_deref()).map_err(Failure::Value)?;
        Ok(Self { runtime, options, tls, live: None, in_transaction: false, for_writing: false, timeline: 0 })
    }

    /// One whose plans stay what they are, however the tables grow.
    pub(super) fn for_writing(options: Options) -> Result<Self, Failure> {
        let mut connection = Self::new(options)?;
        connection.for_writing = true;
        Ok(connection)
    }

    pub(super) const fn options(&self) -> &Options {
        &self.options
    }

    /// Whether there is a connection that nothing is known against.
    pub(super) fn is_live(&self) -> bool {
        self.live.as_ref().is_some_and(|live| !live.client.is_closed())
    }

    /// Whether a transaction is open on it, or may be.
    pub(super) const fn is_in_transaction(&self) -> bool {
        self.in_transaction
    }

    /// What the connected server promises.
    pub(super) fn server(&self) -> Option<&Server> {
        self.live.as_ref().map(|live| &live.server)
    }

    /// A fresh connection to a server that takes writes, is not a primary of the past, and promises enough. Each of
    /// several hosts is given its own deadline: the first may be frozen.
    pub(super) fn connect(&mut self) -> Result<(), Failure> {
        self.close();
        let mut failure = Failure::Lost("no host is named".to_owned());
        for config in each_host(&self.options.server) {
            match self.connect_to(&config) {
                Ok(live) => {
                    self.timeline = self.timeline.max(live.server.timeline);
                    self.live = Some(live);
                    return Ok(());
                }
                Err(why) => failure = why,
            }
        }
        Err(failure)
    }

    fn connect_to(&self, config: &Config) -> Result<Live, Failure> {
        let Self { runtime, options, tls, timeline, for_writing, .. } = self;
        let session = promise::session(&options.schema, *for_writing);
        let opening = async {
            let (client, mut connection) =
                config.connect(tls.clone()).await.map_err(|why| Failure::of(&why))?;
            let warnings = Arc::new(Mutex::new(Vec::new()));
            let heard = Arc::clone(&warnings);
            let driver = tokio::spawn(async move {
                while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
                    match message {
                        Ok(AsyncMessage::Notice(notice)) => {
                            heard.lock().unwrap_or_else(PoisonError::into_inner).push(notice.to_string());
                        }
                        Ok(_) => {}
                        Err(why) => {
                            tracing::debug!(%why, "a connection to the database ended");
                            return;
                        }
                    }
                }
            });
            client.batch_execute(&session).await.map_err(|why| Failure::of(&why))?;
            let row = client.query_one(promise::SERVER, &[]).await.map_err(|why| Failure::of(&why))?;
            let server = promise::read(&row)?;
            Ok(Live { client, driver, statements: HashMap::new(), warnings, server })
        };
        let live = runtime
            .block_on(async { tokio::time::timeout(limits::DATABASE_DEADLINE, opening).await })
            .map_err(|_| Failure::Lost("the database did not answer a connection in time".to_owned()))??;
        let doubt = promise::doubt(&live.server, options.durability, *timeline);
        if let Some(doubt) = doubt {
            self.end(live);
            return Err(doubt);
        }
        Ok(live)
    }

    /// Closes the socket, whatever is on its way.
    pub(super) fn close(&mut self) {
        self.in_transaction = false;
        if let Some(live) = self.live.take() {
            self.end(live);
        }
    }

    fn end(&self, live: Live) {
        let Live { client, driver, statements, .. } = live;
        driver.abort();
        // The socket goes with the task.
        let _ = self.runtime.block_on(driver);
        drop(statements);
        drop(client);
    }

    /// One statement.
    pub(super) fn ask(
        &mut self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Answer, Failure> {
        let mut answers = self.fly(&[Step::new(sql, params)]).map_err(|fallen| fallen.failure)?;
        answers.pop().ok_or_else(|| Failure::value("a statement has no answer"))
    }

    /// One statement of an audit, which may have to sort everything before its first row.
    pub(super) fn ask_patiently(
        &mut self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Answer, Failure> {
        let steps = [Step::new(sql, params)];
        let mut answers = self.fly_within(limits::AUDIT_DEADLINE, &steps).map_err(|fallen| fallen.failure)?;
        answers.pop().ok_or_else(|| Failure::value("a statement has no answer"))
    }

    /// Sends all statements at once, in order, and waits for all answers. After one that fails inside a transaction
    /// the later ones fail too; a `commit` among them then commits nothing. So a flight without a failure is a flight
    /// whose commit did commit.
    pub(super) fn fly(&mut self, steps: &[Step<'_>]) -> Result<Vec<Answer>, Fallen> {
        self.fly_within(limits::DATABASE_DEADLINE, steps)
    }

    fn fly_within(&mut self, deadline: Duration, steps: &[Step<'_>]) -> Result<Vec<Answer>, Fallen> {
        let Some(live) = self.live.as_mut().filter(|live| !live.client.is_closed()) else {
            return Err(Fallen { step: 0, failure: Failure::Lost("there is no connection".to_owned()) });
        };
        live.warnings.lock().unwrap_or_else(PoisonError::into_inner).clear();
        for step in steps {
            if step.sql.starts_with("begin") {
                self.in_transaction = true;
            }
        }
        let flight = self.runtime.block_on(async { tokio::time::timeout(deadline, live.fly(steps)).await });
        let result = flight.unwrap_or_else(|_| {
            let why = "the database did not answer in time".to_owned();
            Err(Fallen { step: 0, failure: Failure::Lost(why) })
        });
        if let Err(Fallen { failure: Failure::Lost(_), .. }) = &result {
            self.close();
        }
        // After a commit that was refused, or a rollback, there is none either.
        if steps.last().is_some_and(|last| matches!(last.sql, "commit" | "rollback")) {
            self.in_transaction = false;
        }
        result
    }

    /// What the server warned of since the last flight began.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.live.as_ref().map_or_else(Vec::new, |live| {
            live.warnings.lock().unwrap_or_else(PoisonError::into_inner).clone()
        })
    }

    /// Several statements without parameters, as one text.
    pub(super) fn run(&mut self, texts: &str) -> Result<(), Failure> {
        let Some(live) = &self.live else {
            return Err(Failure::Lost("there is no connection".to_owned()));
        };
        let ran = self.runtime.block_on(async {
            tokio::time::timeout(limits::SCHEMA_DEADLINE, live.client.batch_execute(texts)).await
        });
        let result = match ran {
            Ok(answered) => answered.map_err(|why| Failure::of(&why)),
            Err(_) => Err(Failure::Lost("the database did not answer in time".to_owned())),
        };
        if let Err(Failure::Lost(_)) = &result {
            self.close();
        }
        result
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.close();
    }
}

impl Live {
    async fn fly(&mut self, steps: &[Step<'_>]) -> Result<Vec<Answer>, Fallen> {
        self.prepare(steps).await.map_err(|failure| Fallen { step: 0, failure })?;
        let Self { client, statements, .. } = self;
        let (client, statements) = (&*client, &*statements);
        // Each sends when it is polled first, which `join_all` does in their order.
        let answers = steps.iter().map(|step| async move {
            let statement = &statements[step.sql];
            let mut rows = Box::pin(client.query_raw(statement, step.params.iter().copied()).await?);
            let found = rows.as_mut().try_collect().await?;
            Ok(Answer { rows: found, written: rows.rows_affected().unwrap_or(0) })
        });
        let answers: Vec<Result<Answer, tokio_postgres::Error>> = in_order(answers).await;
        let failed = |(step, answer): (usize, Result<Answer, tokio_postgres::Error>)| {
            answer.map_err(|why| Fallen { step, failure: Failure::of(&why) })
        };
        answers.into_iter().enumerate().map(failed).collect()
    }

    /// Those that this connection has not seen yet, in one flight of their own.
    async fn prepare(&mut self, steps: &[Step<'_>]) -> Result<(), Failure> {
        let mut new: Vec<&'static str> = Vec::new();
        for step in steps {
            if !self.statements.contains_key(step.sql) && !new.contains(&step.sql) {
                new.push(step.sql);
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        let prepared = in_order(new.iter().map(|sql| self.client.prepare(sql))).await;
        for (sql, statement) in new.into_iter().zip(prepared) {
            self.statements.insert(sql, statement.map_err(|why| Failure::of(&why))?);
        }
        Ok(())
    }
}

/// All at once, begun in their order. Small flights only: `join_all` begins many in any order.
async fn in_order<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut begun: Vec<_> = all.map(|one| Box::pin(futures_util::FutureExt::fuse(one))).collect();
    let mut answers: Vec<Option<F::Output>> = begun.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (one, answer) in begun.iter_mut().zip(&mut answers) {
            if answer.is_none()
                && let std::task::Poll::Ready(ready) = one.as_mut().poll(context)
            {
                *answer = Some(ready);
            }
        }
        if answers.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    answers.into_iter().flatten().collect()
}

/// One configuration for each host, so that each has its own deadline.
fn each_host(all: &Config) -> Vec<Config> {
    let count = all.get_hosts().len().max(all.get_hostaddrs().len());
    (0..count).map(|place| one_host(all, place)).collect()
}

fn one_host(all: &Config, place: usize) -> Config {
    let mut one = Config::new();
    let host = all.get_hosts().get(place);
    let address = all.get_hostaddrs().get(place);
    match host {
        Some(Host::Tcp(name)) => {
            one.host(name);
        }
        #[cfg(unix)]
        Some(Host::Unix(path)) => {
            one.host_path(path);
        }
        None => {}
    }
    if let Some(address) = address {
        one.hostaddr(*address);
    }
    if let Some(port) = all.get_ports().get(place).or_else(|| all.get_ports().first()) {
        one.port(*port);
    }
    if let Some(user) = all.get_user() {
        one.user(user);
    }
    if let Some(password) = all.get_password() {
        one.password(password);
    }
    if let Some(name) = all.get_dbname() {
        one.dbname(name);
    }
    if let Some(options) = all.get_options() {
        one.options(options);
    }
    one.application_name(all.get_application_name().unwrap_or("panelworks"));
    one.ssl_mode(ssl_mode(all.get_ssl_mode(), host, address));
    one.ssl_negotiation(all.get_ssl_negotiation());
    one.channel_binding(all.get_channel_binding());
    one.target_session_attrs(TargetSessionAttrs::ReadWrite);
    one.connect_timeout(limits::DATABASE_DEADLINE);
    one.keepalives_idle(limits::KEEPALIVE_IDLE);
    one.keepalives_interval(limits::KEEPALIVE_INTERVAL);
    one.keepalives_retries(limits::KEEPALIVE_RETRIES);
    one
}

/// "Prefer" protects from nobody: towards another machine it means "require", within this one "disable".
fn ssl_mode(asked: SslMode, host: Option<&Host>, address: Option<&std::net::IpAddr>) -> SslMode {
    if asked != SslMode::Prefer {
        return asked;
    }
    let here = match (host, address) {
        (_, Some(address)) => address.is_loopback(),
        (Some(Host::Tcp(name)), None) => {
            name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
        #[cfg(unix)]
        (Some(Host::Unix(_)), None) => true,
        (None, None) => false,
    };
    if here { SslMode::Disable } else { SslMode::Require }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_is_spoken_to_encrypted_unless_it_was_said_otherwise() {
        let mode = |url: &str| {
            let config: Config = url.parse().expect("an address");
            each_host(&config).iter().map(Config::get_ssl_mode).collect::<Vec<_>>()
        };
        assert_eq!(mode("postgres://panel@db.example/panel"), [SslMode::Require]);
        assert_eq!(mode("postgres://panel@10.0.0.5,localhost/panel"), [SslMode::Require, SslMode::Disable]);
        assert_eq!(mode("postgres://panel@127.0.0.1/panel"), [SslMode::Disable]);
        assert_eq!(mode("host=/var/run/postgresql user=panel"), [SslMode::Disable]);
        assert_eq!(mode("postgres://panel@db.example/panel?sslmode=disable"), [SslMode::Disable]);
        assert_eq!(mode("postgres://panel@localhost/panel?sslmode=require"), [SslMode::Require]);
    }

    #[test]
    fn every_host_keeps_its_own_port_and_what_it_shares_with_the_others() {
        let config: Config =
            "postgres://ann:secret@one.example:5433,two.example:5434/panel".parse().expect("an address");
        let hosts = each_host(&config);
        assert_eq!(hosts.iter().map(|one| one.get_ports().to_vec()).collect::<Vec<_>>(), [[5433], [5434]]);
        for one in &hosts {
            assert_eq!((one.get_user(), one.get_dbname()), (Some("ann"), Some("panel")));
            assert_eq!(one.get_password(), Some(b"secret".as_slice()));
            assert_eq!(one.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        }
    }
}
