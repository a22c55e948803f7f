//! Sends one form to one endpoint and brings the answer's bytes back, or a failure with its phase.
//!
//! In: an [`Endpoint`], an encoded form, headers, a deadline for the whole exchange and a cap for the
//! body. Out: [`Exchanged`] or [`Failure`]. It never sends a request twice, follows a redirect, keeps a
//! cookie, uses a proxy from the environment, speaks to an address the endpoint may not reach, or logs
//! a key, a query or a body. It does not look into the body. Rules: `invariants.md` §2.0 and B3, B4,
//! B14-B18; `domain.md`, Attempts 2 and 3.
//!
//! HTTP/1.1 only: then a request has a connection to itself and its fate never hangs on a neighbour's.
//! The one thing repeated by the library below is a request that was queued for a pooled connection
//! which closed before the encoder took it up; it never began, so nothing is sent twice.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::dns::Resolve;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
};
use reqwest::{Body, Client, Response, redirect, retry};
use rustls::pki_types::CertificateDer;

use crate::endpoint::Endpoint;
use crate::exchange::{Exchanged, Failure};
use crate::form_body::{Departure, FormBody};
use crate::limits;
use crate::reach::Reach;
use crate::resolve::{Guarded, SystemNames};
use crate::secret::Secret;
use crate::tls;

/// The connections of a whole process to all its providers. Cheap to clone; clones share one pool.
#[derive(Clone, Debug)]
pub struct Transport {
    /// Two clients because what a connection may reach is decided when it is made: a pool shared by
    /// both policies would lend a private connection to an endpoint that may not have it.
    public: Client,
    private: Client,
}

/// Why no transport could be made. Nothing here depends on a provider.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The TLS settings or a given root certificate were refused.
    #[error("TLS can't be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The HTTP client could not be built.
    #[error("the HTTP client can't be set up: {0}")]
    Http(#[from] reqwest::Error),
}

impl Transport {
    /// Trusts the certificate authorities the operating system trusts. On a machine without any the
    /// transport works, but every HTTPS exchange fails as not sent.
    pub fn new() -> Result<Transport, TransportError> {
        Transport::build(&tls::trusting_system()?, Arc::new(SystemNames))
    }

    /// Trusts the given authorities and no others: for a provider whose own authority an operator pins.
    pub fn trusting(
        roots: impl IntoIterator<Item = CertificateDer<'static>>,
    ) -> Result<Transport, TransportError> {
        Transport::build(&tls::trusting_only(roots)?, Arc::new(SystemNames))
    }

    fn build(tls: &rustls::ClientConfig, names: Arc<dyn Resolve>) -> Result<Transport, TransportError> {
        Ok(Transport {
            public: client(tls.clone(), Guarded::new(Arc::clone(&names), Reach::PublicOnly))?,
            private: client(tls.clone(), Guarded::new(names, Reach::PrivateAllowed))?,
        })
    }

    /// Posts `form` and waits for the whole answer.
    ///
    /// `deadline` covers everything from the name's look-up to the body's last byte. A body of more than
    /// `body_cap` bytes is a failure, as is a head beyond [`limits::HEADERS`] or [`limits::HEADER_BYTES`].
    /// Every HTTP status is an answer. Dropping the future ends the connection; whether the
    /// request had left is then unknown to the caller.
    pub async fn exchange(
        &self,
        endpoint: &Endpoint,
        form: String,
        headers: &[(&str, &str)],
        deadline: Duration,
        body_cap: usize,
    ) -> Result<Exchanged, Failure> {
        let departure = Departure::default();
        let body = FormBody::new(form, departure.clone());
        let talk = Box::pin(self.talk(endpoint, body, headers, body_cap));
        let why = match tokio::time::timeout(deadline, talk).await {
            Ok(Ok(answer)) => {
                let bytes = answer.body.len();
                tracing::debug!(host = endpoint.host(), status = answer.status, bytes, "answered");
                return Ok(answer);
            }
            Ok(Err(why)) => why,
            Err(_elapsed) => format!("no whole answer within {} s", deadline.as_secs_f32()),
        };
        let failure = Failure { phase: departure.call_back(), why: presentable(&why, endpoint.key()) };
        tracing::debug!(host = endpoint.host(), phase = %failure.phase, why = failure.why, "no answer");
        Err(failure)
    }

    /// The exchange without its deadline; an error is a line of text, its phase is known outside.
    async fn talk(
        &self,
        endpoint: &Endpoint,
        body: FormBody,
        headers: &[(&str, &str)],
        body_cap: usize,
    ) -> Result<Exchanged, String> {
        let client = match endpoint.reach() {
            Reach::PublicOnly => &self.public,
            Reach::PrivateAllowed => &self.private,
        };
        let response = client
            .post(endpoint.url().clone())
            .headers(request_headers(headers)?)
            .body(Body::wrap(body))
            .send()
            .await
            .map_err(explain)?;
        check_head(response.headers())?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        let body = endpoint.key().struck_from(read_body(response, body_cap).await?);
        Ok(Exchanged { status, retry_after, body })
    }
}

fn client(tls: rustls::ClientConfig, names: Guarded) -> Result<Client, reqwest::Error> {
    Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(names)
        .http1_only()
        .http1_max_headers(limits::HEADERS)
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(retry::never())
        .no_proxy()
        .connect_timeout(limits::CONNECT)
        .pool_idle_timeout(limits::POOL_IDLE)
        .pool_max_idle_per_host(limits::POOL_PER_HOST)
        .tcp_nodelay(true)
        .user_agent(concat!("panelworks/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Ours first; a caller's header of the same name replaces it.
fn request_headers(wanted: &[(&str, &str)]) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::with_capacity(wanted.len() + 3);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, */*"));
    // A compressed answer would need a second cap, for what it unpacks to.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    for (name, value) in wanted {
        let name = HeaderName::try_from(*name).map_err(|_| "a header's name is not valid".to_owned())?;
        let value =
            HeaderValue::from_str(value).map_err(|_| format!("the value of header {name} is not valid"))?;
        headers.insert(name, value);
    }
    Ok(headers)
}

fn check_head(headers: &HeaderMap) -> Result<(), String> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if bytes > limits::HEADER_BYTES {
        return Err(format!("the answer's headers are longer than {} bytes", limits::HEADER_BYTES));
    }
    Ok(())
}

/// Seconds, or a date measured against the answer's own `Date`: no clock of ours is asked.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if let Ok(seconds) = text.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let until = httpdate::parse_http_date(text).ok()?;
        let now = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
        until.duration_since(now).unwrap_or_default()
    };
    Some(wait.min(limits::RETRY_AFTER))
}

/// Holds at most `cap` bytes plus one chunk, whatever length the answer claims.
async fn read_body(mut response: Response, cap: usize) -> Result<Bytes, String> {
    let too_long = || format!("the answer is longer than {cap} bytes");
    let claimed = usize::try_from(response.content_length().unwrap_or(0)).unwrap_or(usize::MAX);
    if claimed > cap {
        return Err(too_long());
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(explain)? {
        if chunk.len() > cap - body.len() {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// The innermost cause, which is what an operator can act on, and the step it happened in.
fn explain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if error.is_dns() {
        format!("name look-up: {cause}")
    } else if error.is_connect() {
        format!("connecting: {cause}")
    } else {
        cause.to_string()
    }
}

/// One short printable line, in which the key can't stand even if a library put it there.
fn presentable(why: &str, key: &Secret) -> String {
    why.replace(key.expose(), "…")
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(limits::WHY_CHARS)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use reqwest::dns::{Addrs, Name, Resolving};
    use tokio::net::TcpListener;

    use super::*;
    use crate::exchange::Phase;

    /// A name server that answers every name with the same address, port included.
    struct Always(SocketAddr);

    impl Resolve for Always {
        fn resolve(&self, _: Name) -> Resolving {
            let address = self.0;
            Box::pin(async move { Ok(Box::new(std::iter::once(address)) as Addrs) })
        }
    }

    /// What a connection to `provider.example` ends in when its name leads to our own machine.
    async fn led_home(reach: Reach) -> (Result<Exchanged, Failure>, bool) {
        let home = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let names = Arc::new(Always(home.local_addr().expect("bound")));
        let tls = tls::trusting_only([]).expect("no roots are no error");
        let transport = Transport::build(&tls, names).expect("a transport");
        let endpoint =
            Endpoint::new("https://provider.example/api/v2", Secret::new("k3y"), reach).expect("valid");
        let (ended, accepted) = tokio::join!(
            transport.exchange(&endpoint, "key=k3y".to_owned(), &[], Duration::from_millis(300), 100),
            tokio::time::timeout(Duration::from_millis(400), home.accept()),
        );
        (ended, accepted.is_ok())
    }

    /// Shows B18.
    #[tokio::test]
    async fn a_public_name_that_leads_to_our_own_machine_is_never_connected_to() {
        let (ended, connected) = led_home(Reach::PublicOnly).await;
        let failure = ended.expect_err("refused");
        assert_eq!(failure.phase, Phase::NotSent);
        assert_eq!(failure.why, "name look-up: the address 127.0.0.1 is not one this provider may have");
        assert!(!connected);

        let (_, connected) = led_home(Reach::PrivateAllowed).await;
        assert!(connected, "without the guard the same name does connect");
    }

    #[test]
    fn a_why_is_one_short_line_without_the_key() {
        let why = format!("bad\r\nanswer with k3y in it {}", "x".repeat(500));
        let shown = presentable(&why, &Secret::new("k3y"));
        assert!(shown.starts_with("bad  answer with … in it"), "{shown}");
        assert_eq!(shown.chars().count(), limits::WHY_CHARS);
    }
}
