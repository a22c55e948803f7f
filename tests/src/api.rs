//! A plain client of API v2, as a customer's script would be: a form, an answer, no tolerance.

use std::sync::OnceLock;
use std::time::Duration;

use panelworks_wire::decimal;
use serde_json::Value;

use crate::{ENDS, until};

/// No call of a test takes longer.
const CALL_LIMIT: Duration = Duration::from_mins(1);

/// One customer at one panel.
#[derive(Debug, Clone)]
pub struct Api {
    url: String,
    key: String,
}

/// All of an HTTP answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub text: String,
}

impl Answer {
    /// The body; panics where it is no JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// One client for all: connections are shared as a script's would be, by address.
fn http() -> reqwest::Client {
    static READY: OnceLock<()> = OnceLock::new();
    READY.get_or_init(|| {
        // A second time is refused, and as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder()
        .timeout(CALL_LIMIT)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client without demands")
}

thread_local! {
    /// Bound to the runtime of the test's thread.
    static HTTP: reqwest::Client = http();
}

/// Reads a page that must be there.
pub async fn page(url: &str) -> Answer {
    let answer = answer(HTTP.with(|http| http.get(url))).await;
    answer.unwrap_or_else(|error| panic!("{url}: {error}"))
}

impl Api {
    pub fn new(url: &str, key: &str) -> Self {
        Self { url: url.to_owned(), key: key.to_owned() }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    /// A request that is still to be filled.
    pub fn request(&self) -> reqwest::RequestBuilder {
        HTTP.with(|http| http.post(&self.url))
    }

    /// Any body to the panel.
    pub async fn post(&self, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.request().header("content-type", content_type).body(body);
        answer(request).await.expect("the panel answers")
    }

    /// A call whose connection may break.
    pub async fn try_call(&self, fields: &[(&str, &str)]) -> Result<Answer, reqwest::Error> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("key", &self.key)
            .extend_pairs(fields)
            .finish();
        answer(self.request().header("content-type", "application/x-www-form-urlencoded").body(form)).await
    }

    /// A call that must be answered with JSON and status 200.
    pub async fn call(&self, fields: &[(&str, &str)]) -> Value {
        let answer = self.try_call(fields).await.expect("the panel answers");
        assert_eq!(answer.status, 200, "{fields:?}: {answer:?}");
        assert_eq!(answer.content_type, "application/json", "{fields:?}: {answer:?}");
        answer.json()
    }

    /// `add` of whatever the service needs; panics where it is refused.
    pub async fn add(&self, service: u64, fields: &[(&str, &str)]) -> u64 {
        let service = service.to_string();
        let mut all = vec![("action", "add"), ("service", service.as_str())];
        all.extend(fields);
        let said = self.call(&all).await;
        said["order"].as_u64().unwrap_or_else(|| panic!("add {fields:?}: {said}"))
    }

    /// An order of type Default.
    pub async fn order(&self, service: u64, link: &str, quantity: u64) -> u64 {
        self.add(service, &[("link", link), ("quantity", &quantity.to_string())]).await
    }

    pub async fn status(&self, order: u64) -> Value {
        self.call(&[("action", "status"), ("order", &order.to_string())]).await
    }

    /// Of up to 100 orders, by id.
    pub async fn statuses(&self, orders: &[u64]) -> Value {
        let ids: Vec<String> = orders.iter().map(u64::to_string).collect();
        self.call(&[("action", "status"), ("orders", &ids.join(","))]).await
    }

    /// Waits until an order has ended; its status then.
    pub async fn ended(&self, order: u64, limit: Duration) -> Value {
        until(&format!("the end of order {order}"), limit, async || {
            let status = self.status(order).await;
            let word = status["status"].as_str().unwrap_or_default();
            if ENDS.contains(&word) { Ok(status) } else { Err(status) }
        })
        .await
    }

    /// In micro-units.
    pub async fn balance(&self) -> i128 {
        micros(&self.call(&[("action", "balance")]).await["balance"])
    }

    pub async fn services(&self) -> Vec<Value> {
        let said = self.call(&[("action", "services")]).await;
        said.as_array().unwrap_or_else(|| panic!("services: {said}")).clone()
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
    let response = request.send().await?;
    let content_type = response.headers().get("content-type");
    let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    Ok(Answer { status: response.status().as_u16(), content_type, text: response.text().await? })
}

/// Micro-units of an amount as the wire writes it: a string.
pub fn micros(amount: &Value) -> i128 {
    let text = amount.as_str().unwrap_or_else(|| panic!("amounts are strings: {amount}"));
    decimal::parse(text).unwrap_or_else(|| panic!("no amount: {text}"))
}

/// The text of a refusal; empty where it is none.
pub fn error_of(said: &Value) -> &str {
    said["error"].as_str().unwrap_or_default()
}
