//! Operators' commands from the command line: words in, a [`Request`] to the panel, its answer printed.
//!
//! Answers go to standard output, as text or with `--json`; progress and errors go to standard error.

mod password_entry;

use std::io::{BufRead, IsTerminal};
use std::sync::Arc;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use panelworks_core::customer::Standing;
use panelworks_core::ids::{OrderId, ProviderAccountId, ProviderOrderId};
use panelworks_core::operator::{OperatorStanding, Role};
use panelworks_core::order::attempt::Verdict as CoreVerdict;
use panelworks_core::order::refill::RefillSeen;
use panelworks_core::provider::{Observation, SeenRemains, SeenStatus};

use crate::Ended;
use crate::books;
use crate::cli::{
    Command, CustomerCommand, OperatorCommand, OrderCommand, OutputArgs, PanelArgs, ProviderCommand,
    ReportedRefill, ReportedStatus, RouteArgs, ServiceCommand, Verdict,
};
use crate::config::{Config, LogSettings};
use crate::control::request::{KeyText, NewCustomer, NewProvider, Request, RouteChange, ServiceChange};
use crate::control::{Progress, ask};
use crate::import::{ImportAsked, Which};
use crate::said::say;
use crate::telemetry::Telemetry;

/// A command as it goes to a panel.
struct Asked {
    panel: PanelArgs,
    output: OutputArgs,
    request: Request,
    /// What a progress bar says, for what takes its time.
    takes_time: Option<&'static str>,
}

/// Has it done and prints the answer.
pub async fn run(command: Command) -> anyhow::Result<Ended> {
    let Asked { panel, output, request, takes_time } = asked(command)?;
    let config = configuration(&panel)?;
    if matches!(request, Request::Backup { .. }) {
        books::must_be_files(&config, "panelworks backup")?;
    }
    let _log = Telemetry::start(&LogSettings { level: "error".to_owned(), ..LogSettings::default() })?;
    let bar = takes_time.filter(|_| std::io::stderr().is_terminal()).map(bar).transpose()?;
    let progress: Progress = Arc::new({
        let bar = bar.clone();
        move |done, all| {
            if let Some(bar) = &bar {
                bar.set_length(all);
                bar.set_position(done);
            }
        }
    });
    let answer = ask(&config, request, progress).await;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    let answer = answer?;
    say(&if output.json { answer.json()? } else { answer.text() });
    Ok(if answer.is_good() { Ended::Well } else { Ended::Found })
}

/// The configuration of the panel that is meant. Without either option the folder both demo and panel begin with.
pub fn configuration(panel: &PanelArgs) -> anyhow::Result<Config> {
    let mut config = Config::load(panel.config.as_deref(), std::env::vars())?;
    if let Some(folder) = &panel.data_dir {
        config.data_dir.clone_from(folder);
    }
    Ok(config)
}

/// On standard error; to be shown only where that is a terminal.
pub fn bar(what: &'static str) -> anyhow::Result<ProgressBar> {
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template("{msg}  {bar:40}  {human_pos} of {human_len}  {eta} left")?);
    bar.set_message(what);
    Ok(bar)
}

fn asked(command: Command) -> anyhow::Result<Asked> {
    let quick = |panel, output, request| Asked { panel, output, request, takes_time: None };
    Ok(match command {
        Command::Doctor { panel, output, offline } => quick(panel, output, Request::Doctor { offline }),
        Command::Check { panel, output } => {
            Asked { panel, output, request: Request::Check, takes_time: Some("Auditing") }
        }
        Command::Backup { file, panel, output } => {
            // The panel's process may stand in another folder.
            let to = std::path::absolute(&file).with_context(|| format!("{} is no path", file.display()))?;
            quick(panel, output, Request::Backup { to })
        }
        Command::Operator(command) => operator(command)?,
        Command::Customer(command) => customer(command),
        Command::Provider(command) => provider(command)?,
        Command::Service(command) => service(command)?,
        Command::Order(command) => order(command)?,
        Command::Demo(_)
        | Command::Serve(_)
        | Command::CheckConfig { .. }
        | Command::Restore { .. }
        | Command::MigrateStore(_)
        | Command::Call(_)
        | Command::ProviderSim(_)
        | Command::Completions { .. }
        | Command::Man { .. } => bail!("this command is not about a panel's books"),
    })
}

fn operator(command: OperatorCommand) -> anyhow::Result<Asked> {
    let (panel, output, request) = match command {
        OperatorCommand::Add { name: username, role, password, panel, output } => {
            let (role, password) = (role.map(Role::from), password_entry::entered(password)?);
            (panel, output, Request::AddOperator { username, role, password })
        }
        OperatorCommand::List { panel, output } => (panel, output, Request::ListOperators),
        OperatorCommand::ResetPassword { name: username, password, panel, output } => {
            let password = password_entry::entered(password)?;
            (panel, output, Request::ResetPassword { username, password })
        }
        OperatorCommand::RotateKey { name: username, revoke, panel, output } => {
            (panel, output, Request::RotateOperatorKey { username, revoke })
        }
        OperatorCommand::Suspend { name: username, panel, output } => {
            let standing = OperatorStanding::Suspended;
            (panel, output, Request::SetOperatorStanding { username, standing })
        }
        OperatorCommand::Resume { name: username, panel, output } => {
            (panel, output, Request::SetOperatorStanding { username, standing: OperatorStanding::Active })
        }
    };
    Ok(Asked { panel, output, request, takes_time: None })
}

fn customer(command: CustomerCommand) -> Asked {
    let (panel, output, request) = match command {
        CustomerCommand::Add { name, currency, balance, credit_limit, unlimited, panel, output } => {
            let new = NewCustomer { name, currency, balance, credit_limit, unlimited, key: None };
            (panel, output, Request::AddCustomer(new))
        }
        CustomerCommand::List { panel, output } => (panel, output, Request::ListCustomers),
        CustomerCommand::Credit { customer, amount, note, panel, output } => {
            (panel, output, Request::Credit { customer, amount, note })
        }
        CustomerCommand::RotateKey { customer, keep_others, panel, output } => {
            (panel, output, Request::RotateKey { customer, keep_others })
        }
        CustomerCommand::Suspend { customer, panel, output } => {
            (panel, output, Request::SetStanding { customer, standing: Standing::Suspended })
        }
        CustomerCommand::Resume { customer, panel, output } => {
            (panel, output, Request::SetStanding { customer, standing: Standing::Active })
        }
    };
    Asked { panel, output, request, takes_time: None }
}

fn provider(command: ProviderCommand) -> anyhow::Result<Asked> {
    let mut takes_time = None;
    let (panel, output, request) = match command {
        ProviderCommand::Add {
            url,
            key,
            name,
            currency,
            connections,
            allow_local,
            keys_kept_hours,
            panel,
            output,
        } => {
            let key = KeyText(key.map_or_else(key_from_input, Ok)?);
            let new = NewProvider { url, key, name, currency, connections, allow_local, keys_kept_hours };
            (panel, output, Request::AddProvider(new))
        }
        ProviderCommand::List { panel, output } => (panel, output, Request::ListProviders),
        ProviderCommand::Test { provider, panel, output } => {
            (panel, output, Request::TestProvider { provider })
        }
        ProviderCommand::Fund { provider, amount, note, panel, output } => {
            (panel, output, Request::FundProvider { provider, amount, note })
        }
        ProviderCommand::Import {
            provider,
            all: _,
            services,
            category,
            service_type,
            search,
            markup,
            fixed,
            link_less,
            dry_run,
            panel,
            output,
        } => {
            takes_time = Some("Importing");
            let service_type = service_type.map(|wire| wire.exact().to_owned());
            let which = Which { ids: services, category, service_type, search };
            let asked = ImportAsked { provider, which, markup_percent: markup, fixed, link_less, dry_run };
            (panel, output, Request::Import(asked))
        }
    };
    Ok(Asked { panel, output, request, takes_time })
}

/// From standard input, so that it stands in no list of processes and no shell's history.
fn key_from_input() -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        eprint!("API key: ");
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

fn service(command: ServiceCommand) -> anyhow::Result<Asked> {
    let (panel, output, request) = match command {
        ServiceCommand::List { panel, output } => (panel, output, Request::ListServices),
        ServiceCommand::Set {
            service,
            name,
            category,
            rate,
            min,
            max,
            enable,
            disable,
            cancel,
            guard,
            route,
            panel,
            output,
        } => {
            let enabled = (enable || disable).then_some(enable);
            let route = route_change(&route)?;
            let change =
                ServiceChange { name, category, rate, min, max, enabled, cancel, guarded: guard, route };
            if change == ServiceChange::default() {
                bail!("what is to be changed? panelworks service set --help lists what can be");
            }
            (panel, output, Request::SetService { service, change: Box::new(change) })
        }
    };
    Ok(Asked { panel, output, request, takes_time: None })
}

fn route_change(route: &RouteArgs) -> anyhow::Result<Option<RouteChange>> {
    if route.manual {
        return Ok(Some(RouteChange::Manual));
    }
    let Some(text) = &route.route else { return Ok(None) };
    let parsed = text.split_once(':').and_then(|(account, service)| {
        let account = ProviderAccountId(account.parse().ok().filter(|id| *id > 0)?);
        (!service.is_empty()).then(|| RouteChange::Provider { account, service: service.to_owned() })
    });
    parsed
        .map(Some)
        .with_context(|| format!("{text:?} is no route; write provider and service, such as 1:17"))
}

fn order(command: OrderCommand) -> anyhow::Result<Asked> {
    let (panel, output, request) = match command {
        OrderCommand::Show { order, panel, output } => (panel, output, Request::ShowOrder { order }),
        OrderCommand::ListHeld { limit, after, panel, output } => {
            (panel, output, Request::ListHeld { after: OrderId(after), limit })
        }
        OrderCommand::Resolve {
            order,
            verdict: Verdict { delivered: Some(permille), .. },
            panel,
            output,
            ..
        } => (panel, output, Request::EnterShare { order, permille }),
        OrderCommand::Resolve { order, attempt, verdict, panel, output } => {
            (panel, output, Request::Resolve { order, attempt, verdict: decided(verdict)? })
        }
        OrderCommand::Report { order, status, remains, start_count, panel, output } => {
            let remains = remains.map_or(SeenRemains::Missing, |units| SeenRemains::Is(i64::from(units)));
            let seen = Observation {
                status: Some(reported(status)),
                start_count,
                remains,
                ..Observation::default()
            };
            (panel, output, Request::Report { order, seen })
        }
        OrderCommand::ReportRefill { order, refill, status, panel, output } => {
            let seen = match status {
                ReportedRefill::Completed => RefillSeen::Completed,
                ReportedRefill::Rejected => RefillSeen::Rejected,
            };
            (panel, output, Request::ReportRefill { order, refill, seen })
        }
        OrderCommand::ReportPost { subscription, link, panel, output } => {
            (panel, output, Request::ReportPost { subscription, link })
        }
    };
    Ok(Asked { panel, output, request, takes_time: None })
}

fn reported(status: ReportedStatus) -> SeenStatus {
    match status {
        ReportedStatus::Processing => SeenStatus::Processing,
        ReportedStatus::InProgress => SeenStatus::InProgress,
        ReportedStatus::Completed => SeenStatus::Completed,
        ReportedStatus::Partial => SeenStatus::Partial,
        ReportedStatus::Canceled => SeenStatus::Canceled,
    }
}

fn decided(verdict: Verdict) -> anyhow::Result<CoreVerdict> {
    match verdict {
        Verdict { adopt: Some(text), .. } => {
            let order =
                ProviderOrderId::new(&text).with_context(|| format!("{text:?} is no provider's order id"))?;
            Ok(CoreVerdict::Adopt { order })
        }
        Verdict { send_again: true, .. } => Ok(CoreVerdict::Absent),
        Verdict { write_off: true, .. } => Ok(CoreVerdict::WriteOff),
        Verdict { adopt: None, send_again: false, write_off: false, delivered: _ } => {
            bail!("decide with --adopt, --send-again, --write-off or --delivered")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_a_provider_and_its_service() {
        let route = |text: &str| route_change(&RouteArgs { manual: false, route: Some(text.to_owned()) });
        let expected = RouteChange::Provider { account: ProviderAccountId(1), service: "a:7".to_owned() };
        assert_eq!(route("1:a:7").expect("a route"), Some(expected));
        for wrong in ["1", "x:1", "0:1", "1:", ":1"] {
            assert!(route(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_verdict_is_one_word_of_three() {
        let verdict = |adopt: Option<&str>, send_again, write_off| {
            decided(Verdict { adopt: adopt.map(str::to_owned), send_again, write_off, delivered: None })
        };
        assert_eq!(verdict(None, true, false).expect("decided"), CoreVerdict::Absent);
        assert_eq!(verdict(None, false, true).expect("decided"), CoreVerdict::WriteOff);
        assert!(matches!(verdict(Some("9"), false, false), Ok(CoreVerdict::Adopt { .. })));
        assert!(verdict(Some("  "), false, false).is_err());
    }
}
