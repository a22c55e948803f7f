//! One connection to the database, driven on the thread that asks: no pool, no task of anybody else.
//!
//! In: statements, several at once, which leave as one flight. Out: their rows; or the first failure and the place of
//! the statement that met it. Every connect, authentication and flight has a deadline of our own, because a frozen
//! server accepts connections and answers nothing (invariants.md 7.13); when it passes, the socket is closed. Never: a
//! cancel request, which may turn a commit that waits for its standby into a false yes (7.8).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::poll_fn;
use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Config, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::Failure;
use super::promise::{self, Server};
use super::{Options, hosts, tls};
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
    /// Rung by every notification, and by the end of the connection.
    bell: Option<Arc<Notify>>,
}

struct Live {
    client: Client,
    driver: Driver,
    statements: HashMap<&'static str, Statement>,
    warnings: Arc<Mutex<Vec<String>>>,
    server: Server,
}

/// Reads and writes the socket. It ends, and the socket with it, when nobody holds it any more.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { runtime: _, options, tls: _, live, in_transaction: _, for_writing, bell: _ } = self;
        f.debug_struct("Connection")
            .field("options", options)
            .field("is_live", &live.is_some())
            .field("for_writing", for_writing)
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
        Ok(Self { runtime, options, tls, live: None, in_transaction: false, for_writing: false, bell: None })
    }

    /// One whose plans stay what they are, however the tables grow.
    pub(super) fn for_writing(options: Options) -> Result<Self, Failure> {
        let mut connection = Self::new(options)?;
        connection.for_writing = true;
        Ok(connection)
    }

    /// From the next connection on.
    pub(super) fn ring(&mut self, bell: Arc<Notify>) {
        self.bell = Some(bell);
    }

    /// Does nothing until the bell rings, at most so long.
    pub(super) fn rest(&self, bell: &Notify, at_most: Duration) {
        // Both ends are as good.
        let _ = self.runtime.block_on(async { tokio::time::timeout(at_most, bell.notified()).await });
    }

    pub(super) const fn options(&self) -> &Options {
        &self.options
    }

    /// Whether there is a connection that nothing is known against: it is open, and no other connection of this store
    /// has met a newer primary. A frozen one that thaws answers for a while as if nothing had happened.
    pub(super) fn is_live(&self) -> bool {
        let highest = self.options.seen.timeline();
        self.live.as_ref().is_some_and(|live| !live.client.is_closed() && live.server.timeline >= highest)
    }

    /// Whether a transaction is open on it, or may be.
    pub(super) const fn is_in_transaction(&self) -> bool {
        self.in_transaction
    }

    /// What the connected server promises.
    pub(super) fn server(&self) -> Option<&Server> {
        self.live.as_ref().map(|live| &live.server)
    }

    /// A fresh connection to a server that takes writes, is not a primary of the past, and promises enough. All hosts are
    /// asked at once: any of them may be frozen, and an old primary may not know yet that it is one.
    pub(super) fn connect(&mut self) -> Result<(), Failure> {
        self.close();
        let found = self.runtime.block_on(self.find());
        let live = found?;
        self.options.seen.learn(&live.server);
        self.live = Some(live);
        Ok(())
    }

    /// Of those that may be written to, the one of the highest timeline; once one has answered, the others have a moment.
    /// As long as any is silent, those that said no are asked again: one of them takes a frozen primary's place.
    async fn find(&self) -> Result<Live, Failure> {
        let session = promise::session(&self.options.schema, self.for_writing);
        let hosts = hosts::each(&self.options.server);
        let ask = |place: usize, pause: Option<Duration>| {
            let (host, tls, session, bell) = (&hosts[place], &self.tls, &session, self.bell.clone());
            async move {
                if let Some(pause) = pause {
                    tokio::time::sleep(pause).await;
                }
                (place, pause.is_none(), Live::open(host, tls, session, bell).await)
            }
        };
        let mut asked: FuturesUnordered<_> = (0..hosts.len()).map(|place| ask(place, None)).collect();
        let mut limit = Instant::now() + limits::DATABASE_DEADLINE;
        let (mut best, mut failure): (Option<Live>, Option<Failure>) = (None, None);
        let mut silent = hosts.len();
        while silent > 0
            && let Ok(Some((place, is_first, answered))) = timeout_at(limit, asked.next()).await
        {
            silent -= usize::from(is_first);
            match answered.and_then(|live| self.trusted(live)) {
                Ok(live) => {
                    limit = limit.min(Instant::now() + limits::OTHER_HOSTS);
                    let is_newer = |best: &Live| best.server.timeline < live.server.timeline;
                    if best.as_ref().is_none_or(is_newer) {
                        best = Some(live);
                    }
                }
                Err(why) => {
                    asked.push(ask(place, Some(limits::AWAY_PAUSE)));
                    // What waiting does not mend is the better reason.
                    if failure.is_none() || !matches!(why, Failure::Lost(_)) {
                        failure = Some(why);
                    }
                }
            }
        }
        let silence = || Failure::Lost("the database did not answer a connection in time".to_owned());
        best.ok_or_else(|| failure.unwrap_or_else(silence))
    }

    fn trusted(&self, live: Live) -> Result<Live, Failure> {
        let highest = self.options.seen.timeline();
        promise::doubt(&live.server, self.options.durability, highest).map_or(Ok(live), Err)
    }

    /// Asks the server again what it promises: settings change while connections live.
    pub(super) fn look_again(&mut self) -> Result<(), Failure> {
        let answer = self.ask(promise::SERVER, &[])?;
        let row = answer.rows.first().ok_or_else(|| Failure::value("the server says nothing of itself"))?;
        self.options.seen.learn(&promise::read(row)?);
        Ok(())
    }

    /// Closes the socket, whatever is on its way.
    pub(super) fn close(&mut self) {
        self.in_transaction = false;
        if let Some(Live { client, mut driver, statements, .. }) = self.live.take() {
            driver.0.abort();
            // The socket goes with the task.
            let _ = self.runtime.block_on(&mut driver.0);
            drop(statements);
            drop(client);
        }
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

    /// One statement for which nobody should wait long.
    pub(super) fn ask_soon(
        &mut self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Answer, Failure> {
        let mut answers = self.fly_soon(&[Step::new(sql, params)]).map_err(|fallen| fallen.failure)?;
        answers.pop().ok_or_else(|| Failure::value("a statement has no answer"))
    }

    /// The same of several at once.
    pub(super) fn fly_soon(&mut self, steps: &[Step<'_>]) -> Result<Vec<Answer>, Fallen> {
        self.fly_within(limits::SOON_DEADLINE, steps)
    }

    /// Statements that write much at once while nobody else waits for them.
    pub(super) fn fly_patiently(&mut self, steps: &[Step<'_>]) -> Result<Vec<Answer>, Fallen> {
        self.fly_within(limits::CARRY_DEADLINE, steps)
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
        self.run_within(limits::SCHEMA_DEADLINE, texts)
    }

    /// The same, for which nobody should wait long.
    pub(super) fn run_soon(&mut self, texts: &str) -> Result<(), Failure> {
        self.run_within(limits::SOON_DEADLINE, texts)
    }

    fn run_within(&mut self, deadline: Duration, texts: &str) -> Result<(), Failure> {
        let Some(live) = &self.live else {
            return Err(Failure::Lost("there is no connection".to_owned()));
        };
        let ran = self
            .runtime
            .block_on(async { tokio::time::timeout(deadline, live.client.batch_execute(texts)).await });
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
    async fn open(
        host: &Config,
        tls: &MakeRustlsConnect,
        session: &str,
        bell: Option<Arc<Notify>>,
    ) -> Result<Self, Failure> {
        let (client, mut connection) = host.connect(tls.clone()).await.map_err(|why| Failure::of(&why))?;
        let warnings = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&warnings);
        let driver = Driver(tokio::spawn(async move {
            while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
                match message {
                    Ok(AsyncMessage::Notice(notice)) => {
                        heard.lock().unwrap_or_else(PoisonError::into_inner).push(notice.to_string());
                    }
                    Ok(_) => ring(bell.as_deref()),
                    Err(why) => {
                        tracing::debug!(%why, "a connection to the database ended");
                        break;
                    }
                }
            }
            ring(bell.as_deref());
        }));
        client.batch_execute(session).await.map_err(|why| Failure::of(&why))?;
        let row = client.query_one(promise::SERVER, &[]).await.map_err(|why| Failure::of(&why))?;
        let server = promise::read(&row)?;
        Ok(Self { client, driver, statements: HashMap::new(), warnings, server })
    }

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

fn ring(bell: Option<&Notify>) {
    if let Some(bell) = bell {
        bell.notify_one();
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
