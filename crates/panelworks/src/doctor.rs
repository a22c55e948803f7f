//! `panelworks doctor`: what is wrong with an installation, in plain words, and what to do about it.
//!
//! In: the desk of a panel, running or not. Out: findings, the good ones too, so that one sees what was looked at.
//! It changes nothing and asks providers nothing but their balance.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use panelworks_core::ids::OrderId;
use panelworks_core::order::HoldReason;
use panelworks_store::neighbours::Standing;
use panelworks_store::ports::Views;
use panelworks_store::postgres::Promise;
use serde::{Deserialize, Serialize};

use crate::books::Reads;
use crate::control::desk::Desk;
use crate::limits;
use crate::secrets;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    Good,
    /// Worth knowing.
    Note,
    /// Has to be mended.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub weight: Weight,
    pub what: String,
    /// What to do about it; empty where there is nothing to do.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub advice: String,
}

impl Finding {
    pub fn good(what: impl Into<String>) -> Self {
        Self { weight: Weight::Good, what: what.into(), advice: String::new() }
    }

    pub fn note(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { weight: Weight::Note, what: what.into(), advice: advice.into() }
    }

    pub fn bad(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { weight: Weight::Bad, what: what.into(), advice: advice.into() }
    }

    pub fn is_bad(&self) -> bool {
        self.weight == Weight::Bad
    }

    /// For a person.
    pub fn list(findings: &[Self]) -> String {
        let line = |finding: &Self| {
            let mark = match finding.weight {
                Weight::Good => "ok  ",
                Weight::Note => "note",
                Weight::Bad => "BAD ",
            };
            let advice =
                if finding.advice.is_empty() { String::new() } else { format!("\n      {}", finding.advice) };
            format!("{mark}  {}{advice}", finding.what)
        };
        findings.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// Looks at everything.
pub async fn examine(desk: &Desk, offline: bool) -> Vec<Finding> {
    let config = desk.config();
    let mut findings = kept(desk);
    findings.extend([folder(&config.data_dir), secret_key(&config.secret_key_path()), clock()]);
    findings.push(executor(desk));
    findings.extend(engine(desk));
    findings.extend(desk.neighbours().map(neighbours));
    let reads = desk.reads().clone();
    match tokio::task::spawn_blocking(move || reads.damage()).await {
        Ok(Ok(None)) => {}
        Ok(Ok(Some(problems))) if problems.is_empty() => {
            findings.push(Finding::good("the database file is whole"));
        }
        Ok(Ok(Some(problems))) => findings.push(Finding::bad(
            format!("the database file is damaged: {}", problems.join("; ")),
            "stop the panel, keep a copy of the folder, and restore the last backup",
        )),
        Ok(Err(error)) => findings.push(unreadable(&error.to_string())),
        Err(error) => findings.push(unreadable(&error.to_string())),
    }
    let quiet: crate::control::Progress = std::sync::Arc::new(|_, _| ());
    match desk.check(&quiet).await {
        Ok(report) if report.violations.is_empty() => {
            findings.push(Finding::good(format!("the books balance over {}", report.orders_in_words())));
        }
        Ok(report) => findings.push(Finding::bad(
            format!("the books break {} laws", report.violations.len()),
            "panelworks check lists them; stop the panel and keep a copy before anything else",
        )),
        Err(error) => findings.push(unreadable(&error.to_string())),
    }
    findings.push(held(desk).await);
    findings.extend(selling(desk).await);
    if !offline {
        findings.extend(providers(desk).await);
    }
    findings
}

/// What an acknowledged order survives, and what the disk below says to it.
fn kept(desk: &Desk) -> Vec<Finding> {
    let folder = &desk.config().data_dir;
    match desk.reads() {
        Reads::Embedded(_) => vec![sync(folder), space(folder)],
        Reads::Postgres(database) => {
            let what =
                format!("the books are in PostgreSQL ({}): {}", database.shown, database.promise().words());
            vec![match database.promise() {
                Promise::ServerLoss => Finding::good(what),
                Promise::PowerLoss => Finding::note(
                    what,
                    "with standbys, set synchronous_standby_names on the server (Patroni: synchronous_mode: true), so that a \
                     failover loses nothing",
                ),
                Promise::Nothing => Finding::bad(
                    what,
                    "switch fsync, full_page_writes and synchronous_commit on at the server",
                ),
            }]
        }
    }
}

fn unreadable(why: &str) -> Finding {
    Finding::bad(format!("the books can't be read: {why}"), "look at the disk, then at the log")
}

fn folder(folder: &Path) -> Finding {
    match std::fs::metadata(folder).map(|meta| meta.permissions().mode() & 0o777) {
        Ok(0o700) => Finding::good(format!("the data folder {} is for its owner alone", folder.display())),
        Ok(mode) => Finding::note(
            format!("others can look into the data folder {} (mode {mode:o})", folder.display()),
            format!("chmod 700 {}", folder.display()),
        ),
        Err(error) => {
            Finding::bad(format!("the data folder {} can't be read: {error}", folder.display()), "")
        }
    }
}

fn secret_key(path: &Path) -> Finding {
    match secrets::is_exposed(path) {
        Ok(false) => Finding::good("the key over the providers' keys is for its owner alone"),
        Ok(true) => Finding::note(
            format!("others can read {}, which opens the providers' keys", path.display()),
            format!("chmod 600 {}", path.display()),
        ),
        Err(error) => {
            Finding::bad(format!("{} can't be read: {error}", path.display()), "put it back from your backup")
        }
    }
}

fn clock() -> Finding {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    if i64::try_from(since.as_millis()).is_ok_and(|now| now > limits::CLOCK_EARLIEST_MS) {
        Finding::good("the clock shows a possible time")
    } else {
        Finding::bad("the clock shows a time before this program was made", "set it, and keep it set (NTP)")
    }
}

fn space(folder: &Path) -> Finding {
    match free_bytes(folder) {
        Ok(free) if free >= limits::FREE_SPACE_WARN => {
            Finding::good(format!("{} MiB are free on the disk", free / (1024 * 1024)))
        }
        Ok(free) => Finding::bad(
            format!("only {} MiB are free on the disk", free / (1024 * 1024)),
            "when it is full, new orders are refused until there is room",
        ),
        Err(error) => Finding::note(format!("the disk's free space can't be read: {error}"), ""),
    }
}

/// How long the disk takes to make something durable, which every commit waits for.
fn sync(folder: &Path) -> Finding {
    match sync_time(folder) {
        Ok(took) if took <= limits::SYNC_WARN => Finding::good(format!(
            "every commit is synced to the disk before it is answered; one sync takes {} \u{b5}s",
            took.as_micros()
        )),
        Ok(took) => Finding::note(
            format!("one sync of the disk takes {} ms", took.as_millis()),
            "every batch of orders waits for one: a faster disk makes every answer faster",
        ),
        Err(error) => Finding::bad(format!("nothing can be written to {}: {error}", folder.display()), ""),
    }
}

fn sync_time(folder: &Path) -> std::io::Result<Duration> {
    let path = folder.join(format!("doctor-{}", std::process::id()));
    let measured = (|| {
        let mut file = File::create(&path)?;
        let mut times = [Duration::ZERO; 5];
        for time in &mut times {
            file.write_all(&[0; 4096])?;
            let began = Instant::now();
            file.sync_data()?;
            *time = began.elapsed();
        }
        times.sort_unstable();
        Ok(times[2])
    })();
    // It may not have been made.
    let _ = std::fs::remove_file(&path);
    measured
}

fn free_bytes(folder: &Path) -> std::io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn executor(desk: &Desk) -> Finding {
    let waiting = desk.handle().waiting();
    if !desk.handle().is_running() {
        return Finding::bad(
            "the executor has stopped: nothing can be written",
            "restart the panel; the log says why",
        );
    }
    if waiting > panelworks_web::limits::READY_QUEUE {
        return Finding::bad(format!("{waiting} commands wait for the executor"), "look at the disk's speed");
    }
    Finding::good(format!("the executor works, {waiting} commands wait"))
}

fn neighbours(standing: Standing) -> Finding {
    let Standing { node, live, streams, taken_over } = standing;
    let others = match live.saturating_sub(1) {
        0 => "no other node is alive".to_owned(),
        1 => "one other node is alive".to_owned(),
        more => format!("{more} other nodes are alive"),
    };
    let what = format!("this is node {node}; {others}; it works on the orders of {streams} node(s)");
    if taken_over == 0 {
        return Finding::good(what);
    }
    Finding::note(
        format!("{what}, {taken_over} of them taken over since it started"),
        "look why that node fell silent; started again it works under a new number",
    )
}

fn engine(desk: &Desk) -> Vec<Finding> {
    let Some(seen) = desk.engine() else {
        return vec![Finding::note(
            "the panel does not run: nothing is sent or followed",
            "panelworks serve",
        )];
    };
    let mut findings = vec![Finding::good(format!(
        "{} orders are followed, {} attempts wait to be sent",
        seen.followed, seen.ready
    ))];
    for (provider, why) in seen.holding_back {
        let advice = format!("panelworks provider test {provider}; it is tried again by itself");
        findings.push(Finding::bad(format!("nothing new is sent to provider {provider}: {why}"), advice));
    }
    findings
}

async fn held(desk: &Desk) -> Finding {
    let files = desk.read(|views| views.held(OrderId(0), limits::LIST_ROWS)).await;
    let files = match files {
        Ok(files) => files,
        Err(error) => return unreadable(&error.to_string()),
    };
    let holds = || files.iter().filter_map(|file| file.order.hold.as_ref());
    let unknown = holds().filter(|hold| matches!(hold.reason, HoldReason::UnknownOutcome { .. })).count();
    if files.is_empty() {
        return Finding::good("no order is held");
    }
    let what = format!("{} orders are held, {unknown} of them with an unknown outcome", files.len());
    let advice = "panelworks order list-held says why, panelworks order resolve decides";
    if unknown > 0 { Finding::bad(what, advice) } else { Finding::note(what, advice) }
}

async fn selling(desk: &Desk) -> Vec<Finding> {
    let read = desk.read(|views| Ok((views.services()?, views.providers()?))).await;
    let (services, providers) = match read {
        Ok(read) => read,
        Err(error) => return vec![unreadable(&error.to_string())],
    };
    let sold = services.iter().filter(|service| service.enabled).count();
    if sold == 0 {
        return vec![Finding::note(
            "nothing is sold",
            "panelworks provider add, then panelworks provider import",
        )];
    }
    let off = |id| providers.iter().any(|provider| provider.id == id && !provider.enabled);
    let dead = services.iter().filter(|service| {
        let legs = service.route.legs();
        service.enabled && !legs.is_empty() && legs.iter().all(|leg| off(leg.account))
    });
    let below = services.iter().filter(|service| {
        service.enabled && service.route.legs().first().is_some_and(|leg| leg.rate > service.rate)
    });
    let mut findings = vec![Finding::good(format!("{sold} services are sold"))];
    let dead = dead.count();
    if dead > 0 {
        findings.push(Finding::bad(format!("{dead} services are sold whose providers are switched off"), ""));
    }
    for service in below {
        findings.push(Finding::bad(
            format!("service {} is sold for less than its provider takes: its orders are held", service.id),
            format!("panelworks service set {} --rate …", service.id),
        ));
    }
    findings
}

async fn providers(desk: &Desk) -> Vec<Finding> {
    let providers = match desk.read(Views::providers).await {
        Ok(providers) => providers,
        Err(error) => return vec![unreadable(&error.to_string())],
    };
    let mut findings = Vec::new();
    for account in providers.into_iter().filter(|account| account.enabled) {
        let (id, name) = (account.id, account.name);
        let asked = async {
            let (_, panel) = desk.provider(id).await?;
            panel.balance().await.map_err(crate::control::request::Refused::by)
        };
        findings.push(match asked.await {
            Ok(balance) if balance.micros <= 0 => Finding::bad(
                format!("provider {id} ({name}) answers, and our balance there is empty"),
                "pay in there, then panelworks provider fund",
            ),
            Ok(balance) => Finding::good(format!(
                "provider {id} ({name}) answers, our balance there is {}",
                panelworks_wire::decimal::format(balance.micros)
            )),
            Err(why) => Finding::bad(
                format!("provider {id} ({name}) can't be used: {why}"),
                "panelworks provider test",
            ),
        });
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    #[test]
    fn findings_are_listed_with_their_advice() {
        let list = Finding::list(&[Finding::good("fine"), Finding::bad("broken", "mend it")]);
        assert_eq!(list, "ok    fine\nBAD   broken\n      mend it");
    }

    #[test]
    fn an_open_folder_and_a_missing_key_are_found() {
        let inside = Folder::new();
        std::fs::set_permissions(inside.root(), std::fs::Permissions::from_mode(0o755)).expect("set");
        assert_eq!(folder(inside.root()).weight, Weight::Note);
        std::fs::set_permissions(inside.root(), std::fs::Permissions::from_mode(0o700)).expect("set");
        assert_eq!(folder(inside.root()).weight, Weight::Good);
        assert_eq!(secret_key(&inside.path("secret.key")).weight, Weight::Bad);
        assert!(free_bytes(inside.root()).expect("a disk") > 0);
    }
}
