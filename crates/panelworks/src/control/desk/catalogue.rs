//! What is sold: list and change services, test a provider, import its catalogue.

use std::time::Instant;

use panelworks_client::lenient::SeenService;
use panelworks_client::{CallError, Catalogue, Panel};
use panelworks_core::catalogue::{Leg, Route, Service, ServiceType, Takes};
use panelworks_core::command::Command;
use panelworks_core::ids::{ProviderAccountId, ServiceId};
use panelworks_core::money::{Amount, Rate};
use panelworks_core::outcome::Done;
use panelworks_store::executor::{Lane, Undecided};
use panelworks_store::ports::Views;
use panelworks_wire::decimal;

use super::super::Progress;
use super::super::answer::{Answer, ProviderTest, ServiceRow, Shown};
use super::super::request::{Refused, RouteChange, ServiceChange};
use super::{Desk, unexpected};
use crate::import::{self, ImportAsked, ImportReport, ImportRow, Proposal};
use crate::limits;

impl Desk {
    pub(super) async fn list_services(&self) -> Result<Answer, Refused> {
        let services = self.read(Views::services).await?;
        Ok(Answer::Services(services.iter().map(service_row).collect()))
    }

    pub(super) async fn set_service(&self, id: ServiceId, change: ServiceChange) -> Result<Answer, Refused> {
        let services = self.read(Views::services).await?;
        let service = services.into_iter().find(|service| service.id == id);
        let mut service = service.ok_or_else(|| Refused(format!("there is no service {id}")))?;
        if let Some(route) = &change.route {
            service.route = self.route(route, service.service_type).await?;
        }
        apply(&mut service, change);
        let row = service_row(&service);
        self.decide(Command::PutService { service: Box::new(service) }).await?;
        Ok(Answer::ServiceSet(row))
    }

    /// A route to a provider's service as it stands in its catalogue now.
    async fn route(&self, change: &RouteChange, ours: ServiceType) -> Result<Route, Refused> {
        let RouteChange::Provider { account: id, service } = change else { return Ok(Route::Manual) };
        let (account, panel) = self.provider(*id).await?;
        self.must_be_ours(account.currency, *id)?;
        let catalogue = panel.services().await.map_err(|error| told(&error))?;
        let row = catalogue.services.iter().find(|row| row.service == *service);
        let row = row.ok_or_else(|| Refused(format!("provider {id} has no service {service}")))?;
        let theirs = row.service_type.as_ref().map(|theirs| import::core_type(*theirs));
        // Plain orders are what the posts of a subscription are delivered by, once a detector has found them.
        let posts = ours == ServiceType::Subscriptions && theirs == Ok(ServiceType::Default);
        if theirs.is_ok_and(|theirs| theirs != ours) && !posts {
            let theirs = row.service_type.as_ref().map_or("unknown", |theirs| theirs.exact());
            return Err(Refused(format!(
                "service {service} of provider {id} is of type {theirs}, ours is {}: it can't be delivered by it",
                import::exact_word(ours)
            )));
        }
        let rate = row.rate_micros.and_then(|micros| i64::try_from(micros).ok()).and_then(Rate::from_micros);
        let rate =
            rate.ok_or_else(|| Refused(format!("service {service} of provider {id} has no usable rate")))?;
        let takes = if posts { Takes::Posts } else { Takes::Orders };
        Ok(Route::Providers(vec![Leg {
            account: *id,
            service: service.clone(),
            rate,
            cancel: row.cancel,
            takes,
        }]))
    }

    pub(super) async fn test_provider(&self, id: ProviderAccountId) -> Result<Answer, Refused> {
        let (account, panel) = self.provider(id).await?;
        let began = Instant::now();
        let balance = panel.balance().await.map_err(|error| told(&error))?;
        let catalogue = panel.services().await.map_err(|error| told(&error))?;
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let prepaid = self.read(move |views| views.prepaid(id)).await?;
        let mut unknown: Vec<String> =
            catalogue.services.iter().filter_map(|row| row.service_type.clone().err()).collect();
        unknown.sort();
        unknown.dedup();
        let mut remarks = Vec::new();
        if balance.currency.as_deref().is_some_and(|said| said != account.currency.as_str()) {
            let said = balance.currency.as_deref().unwrap_or_default();
            remarks.push(format!("It says {said}; the account here is in {}.", account.currency));
        }
        if i128::from(prepaid.0) != balance.micros {
            remarks.push(format!(
                "Our books differ from its balance: panelworks provider fund {id} {}",
                decimal::format(balance.micros - i128::from(prepaid.0))
            ));
        }
        if !unknown.is_empty() {
            remarks.push(format!("Types nobody here knows: {}", unknown.join(", ")));
        }
        Ok(Answer::Tested(ProviderTest {
            provider: id,
            balance: Shown(decimal::format(balance.micros)),
            currency: balance.currency,
            prepaid: prepaid.into(),
            services: catalogue.services.len(),
            unreadable: catalogue.unreadable.len(),
            unknown_types: unknown,
            took_ms,
            remarks,
        }))
    }

    /// Imports a provider's catalogue, as far as it was asked for.
    pub async fn import(&self, asked: &ImportAsked, progress: &Progress) -> Result<ImportReport, Refused> {
        let (account, panel) = self.provider(asked.provider).await?;
        self.must_be_ours(account.currency, asked.provider)?;
        let catalogue = self.fetch(&panel).await?;
        let sold = self.read(Views::services).await?;
        let proposals = import::propose(&catalogue.services, &sold, asked);
        let mut report = ImportReport {
            dry_run: asked.dry_run,
            vanished: import::vanished(&catalogue.services, &sold, asked.provider),
            ..ImportReport::default()
        };
        for row in &catalogue.unreadable {
            report.skipped.push(ImportRow {
                service: None,
                provider_service: String::new(),
                name: row.text.clone(),
                what: format!("row {} can't be read: {}", row.index + 1, row.why),
            });
        }
        let mut plan: Vec<Planned> = proposals.into_iter().map(Planned::of).collect();
        let (all, mut done) = (plan.len() as u64, 0);
        // Several at once, so that one commit holds many; in order, so that ids of ours follow the provider's.
        while !plan.is_empty() {
            let window: Vec<Planned> = plan.drain(..plan.len().min(limits::IMPORT_UNDER_WAY)).collect();
            let under_way = window.into_iter().map(|planned| self.hand_in(planned, asked.dry_run));
            for (row, carried) in under_way.collect::<Vec<_>>() {
                note(&mut report, row, carried.await?);
                done += 1;
                progress(done, all);
            }
        }
        Ok(report)
    }

    async fn fetch(&self, panel: &Panel) -> Result<Catalogue, Refused> {
        let catalogue = panel.services().await.map_err(|error| told(&error))?;
        if catalogue.services.len() > limits::IMPORT_SERVICES {
            let (found, most) = (catalogue.services.len(), limits::IMPORT_SERVICES);
            return Err(Refused(format!("the catalogue has {found} services; at most {most} are imported")));
        }
        Ok(catalogue)
    }

    /// Hands a proposal in; the future gives what became of it, after its commit.
    fn hand_in(
        &self,
        planned: Planned,
        dry_run: bool,
    ) -> (Row, impl Future<Output = Result<Carried, Refused>>) {
        let Planned { row, proposal } = planned;
        let (carried, service) = match proposal {
            Proposal::Same => (Carried::Same, None),
            Proposal::Skip(why) => (Carried::Skipped(why), None),
            Proposal::Open(service) => {
                (Carried::Opened(None, format!("rate {}", Amount(service.rate.micros()))), Some(service))
            }
            Proposal::Change { service, what } => (Carried::Changed(service.id, what), Some(service)),
        };
        let service = service.filter(|_| !dry_run);
        let reply = service.map(|service| self.handle().submit(Lane::Panel, Command::PutService { service }));
        let carried_out = async move {
            let Some(reply) = reply else { return Ok(carried) };
            let reply = reply.await.unwrap_or(Err(Undecided::Unknown));
            match (reply.map_err(Refused::by)?.map_err(Refused::by)?, carried) {
                (Done::ServicePut { service }, Carried::Opened(_, what)) => {
                    Ok(Carried::Opened(Some(service), what))
                }
                (Done::ServicePut { .. }, carried) => Ok(carried),
                (other, _) => Err(unexpected(&other)),
            }
        };
        (row, carried_out)
    }

    fn must_be_ours(
        &self,
        theirs: panelworks_core::money::Currency,
        id: ProviderAccountId,
    ) -> Result<(), Refused> {
        let ours = self.currency();
        if theirs == ours {
            return Ok(());
        }
        Err(Refused(format!(
            "provider {id} is paid in {theirs} and the panel sells in {ours}: there is no exchange rate between them"
        )))
    }
}

/// A provider's service, by its id and name there.
struct Row {
    service: String,
    name: String,
}

/// What is to be done about one.
struct Planned {
    row: Row,
    proposal: Proposal,
}

impl Planned {
    fn of((row, proposal): (&SeenService, Proposal)) -> Self {
        Self { row: Row { service: row.service.clone(), name: row.name.clone() }, proposal }
    }
}

/// What became of a proposal.
enum Carried {
    Same,
    Skipped(String),
    Opened(Option<ServiceId>, String),
    Changed(ServiceId, String),
}

fn note(report: &mut ImportReport, row: Row, carried: Carried) {
    let row = |service, what| ImportRow { service, provider_service: row.service, name: row.name, what };
    match carried {
        Carried::Same => report.unchanged += 1,
        Carried::Skipped(why) => report.skipped.push(row(None, why)),
        Carried::Opened(id, what) => report.opened.push(row(id, what)),
        Carried::Changed(id, what) => report.changed.push(row(Some(id), what)),
    }
}

fn apply(service: &mut Service, change: ServiceChange) {
    let ServiceChange { name, category, rate, min, max, enabled, cancel, guarded, route: _ } = change;
    service.name = name.unwrap_or_else(|| std::mem::take(&mut service.name));
    service.category = category.unwrap_or_else(|| std::mem::take(&mut service.category));
    service.rate = rate.unwrap_or(service.rate);
    service.min = min.unwrap_or(service.min);
    service.max = max.unwrap_or(service.max);
    service.enabled = enabled.unwrap_or(service.enabled);
    service.cancel = cancel.unwrap_or(service.cancel);
    service.guarded = guarded.unwrap_or(service.guarded);
}

fn service_row(service: &Service) -> ServiceRow {
    let legs = service.route.legs();
    ServiceRow {
        service: service.id,
        name: service.name.clone(),
        category: service.category.clone(),
        service_type: import::exact_word(service.service_type).to_owned(),
        rate: Amount(service.rate.micros()).into(),
        min: service.min,
        max: service.max,
        enabled: service.enabled,
        dripfeed: service.dripfeed,
        refill: service.refill.is_some(),
        cancel: service.cancel,
        route: match legs {
            [] => "manual".to_owned(),
            legs => legs
                .iter()
                .map(|leg| format!("{}:{}", leg.account, leg.service))
                .collect::<Vec<_>>()
                .join(" "),
        },
        provider_rate: legs.first().map(|leg| Amount(leg.rate.micros()).into()),
    }
}

/// A provider's failure in an operator's words.
fn told(error: &CallError) -> Refused {
    Refused(match error {
        CallError::NotSent { why } => format!("the provider can't be reached: {why}"),
        CallError::Unclear { why } => format!("the provider's answer can't be read: {why}"),
        CallError::Refused { text, .. } => format!("the provider refused: {text}"),
    })
}
