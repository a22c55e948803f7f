//! Customers: open, list, new keys. Also provider accounts, which are opened the same way.

use panelworks_client::{Endpoint, Secret};
use panelworks_core::command::Command;
use panelworks_core::customer::Switches;
use panelworks_core::ids::{CustomerId, ProviderAccountId};
use panelworks_core::money::Amount;
use panelworks_core::outcome::Done;
use panelworks_core::provider::ProviderAccount;
use panelworks_store::ports::{StoreError, Views};
use panelworks_web::key_hash;

use super::super::answer::{Answer, CustomerAdded, CustomerRow, ProviderRow};
use super::super::request::{NewCustomer, NewProvider, Refused};
use super::{Desk, unexpected};
use crate::limits;
use crate::panel::reach;
use crate::secrets::new_api_key;

impl Desk {
    pub(super) async fn add_customer(&self, new: NewCustomer) -> Result<Answer, Refused> {
        let currency = new.currency.unwrap_or_else(|| self.currency());
        if currency != self.currency() {
            return Err(Refused(format!(
                "the panel sells in {}, and there is no exchange rate to {currency}",
                self.currency()
            )));
        }
        let key = match new.key {
            Some(key) => Secret::new(key.0),
            None => new_api_key().map_err(Refused::by)?,
        };
        let name = new.name.trim().to_owned();
        let opened = self
            .decide(Command::OpenCustomer {
                name: name.clone(),
                currency,
                credit_limit: new.credit_limit,
                switches: Switches { unlimited: new.unlimited, ..Switches::default() },
                key: Some(key_hash(key.expose())),
            })
            .await?;
        let Done::CustomerOpened { customer } = opened else { return Err(unexpected(&opened)) };
        let balance = new.balance.unwrap_or(Amount::ZERO);
        if balance != Amount::ZERO {
            let note = "first credit".to_owned();
            let credited = self.decide(Command::CreditCustomer { customer, amount: balance, note }).await;
            if let Err(why) = credited {
                let key = key.expose();
                return Err(Refused(format!(
                    "customer {customer} is open with the key {key}, but the balance was not credited: {why}"
                )));
            }
        }
        Ok(Answer::CustomerAdded(CustomerAdded {
            customer,
            name,
            api_key: key.expose().to_owned(),
            currency,
            balance: balance.into(),
        }))
    }

    pub(super) async fn list_customers(&self) -> Result<Answer, Refused> {
        let rows = self.read(|views| customer_rows(views)).await?;
        Ok(Answer::Customers(rows))
    }

    pub(super) async fn rotate_key(
        &self,
        customer: CustomerId,
        keep_others: bool,
    ) -> Result<Answer, Refused> {
        let key = new_api_key().map_err(Refused::by)?;
        let keys = self.read(Views::api_keys).await?;
        let working = keys.into_iter().filter(|key| key.customer == customer && !key.revoked);
        let revoke_others = if keep_others { Vec::new() } else { working.map(|key| key.hash).collect() };
        let hash = key_hash(key.expose());
        let label = "rotated".to_owned();
        self.decide(Command::AddKey { customer, hash, label, revoke_others }).await?;
        Ok(Answer::Key { customer, api_key: key.expose().to_owned() })
    }

    pub(super) async fn add_provider(&self, new: NewProvider) -> Result<Answer, Refused> {
        let key = Secret::new(&new.key.0);
        let url = new.url.trim().to_owned();
        let endpoint = Endpoint::new(&url, key.clone(), reach(new.allow_local)).map_err(Refused::by)?;
        let secret = self.secret()?;
        let known = self.read(Views::providers).await?;
        let same = known.iter().find(|account| {
            account.url == url && secret.open(&account.sealed_key, &url).is_ok_and(|known| known == key)
        });
        if let Some(same) = same {
            return Err(Refused(format!("this URL with this key is provider {} already", same.id)));
        }
        let account = ProviderAccount {
            id: ProviderAccountId(0),
            name: new.name.unwrap_or_else(|| endpoint.host().to_owned()),
            sealed_key: secret.seal(&key, &url).map_err(Refused::by)?,
            url,
            currency: new.currency.unwrap_or_else(|| self.currency()),
            enabled: true,
            private_address: new.allow_local,
            keys_kept_hours: new.keys_kept_hours,
            connections: new.connections,
        };
        match self.decide(Command::PutProvider { account: Box::new(account) }).await? {
            Done::ProviderPut { account } => Ok(Answer::ProviderAdded { provider: account }),
            other => Err(unexpected(&other)),
        }
    }

    pub(super) async fn list_providers(&self) -> Result<Answer, Refused> {
        let rows = self.read(|views| provider_rows(views)).await?;
        Ok(Answer::Providers(rows))
    }
}

fn customer_rows(views: &dyn Views) -> Result<Vec<CustomerRow>, StoreError> {
    let keys = views.api_keys()?;
    let mut rows = Vec::new();
    let mut after = CustomerId(0);
    loop {
        let page = views.customers(after, limits::LIST_ROWS)?;
        let Some((last, _)) = page.last() else { return Ok(rows) };
        after = last.id;
        for (customer, account) in &page {
            rows.push(CustomerRow {
                customer: customer.id,
                name: customer.name.clone(),
                currency: account.currency,
                balance: account.balance.into(),
                credit_limit: account.credit_limit.into(),
                standing: account.standing,
                unlimited: customer.switches.unlimited,
                keys: keys.iter().filter(|key| key.customer == customer.id && !key.revoked).count(),
            });
        }
    }
}

fn provider_rows(views: &dyn Views) -> Result<Vec<ProviderRow>, StoreError> {
    let services = views.services()?;
    let row = |account: ProviderAccount| {
        let first = services
            .iter()
            .filter(|service| service.route.legs().first().is_some_and(|leg| leg.account == account.id));
        Ok(ProviderRow {
            provider: account.id,
            prepaid: views.prepaid(account.id)?.into(),
            services: first.count(),
            name: account.name,
            url: account.url,
            currency: account.currency,
            enabled: account.enabled,
            connections: account.connections,
        })
    };
    views.providers()?.into_iter().map(row).collect()
}
