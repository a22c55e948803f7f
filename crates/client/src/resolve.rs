//! Looks a provider's name up and lets through only addresses its endpoint may reach.
//!
//! In: a host name, from the HTTP library's connector. Out: the addresses that connector then connects
//! to, and no others; when none is left, an error that names the first refused one. Because the
//! filtered list *is* what is connected to, there is no gap for a name that answers differently the
//! second time. Literal addresses never come here; `endpoint` judges them. The rule is
//! `invariants.md` B18.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::reach::Reach;

/// A resolver whose answers are filtered by a [`Reach`].
pub(crate) struct Guarded {
    names: Arc<dyn Resolve>,
    reach: Reach,
}

impl Guarded {
    pub(crate) fn new(names: Arc<dyn Resolve>, reach: Reach) -> Guarded {
        Guarded { names, reach }
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let lookup = self.names.resolve(name);
        let reach = self.reach;
        Box::pin(async move {
            let found: Vec<SocketAddr> = lookup.await?.collect();
            let admitted: Vec<SocketAddr> = found.iter().copied().filter(|a| reach.admits(a.ip())).collect();
            match found.first() {
                None => Err(NoAddress.into()),
                Some(refused) if admitted.is_empty() => Err(AddressRefused(refused.ip()).into()),
                Some(_) => Ok(Box::new(admitted.into_iter()) as Addrs),
            }
        })
    }
}

/// The operating system's resolver, run off the async threads.
pub(crate) struct SystemNames;

impl Resolve for SystemNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // Port 0 stands for "the URL's own"; the connector fills it in.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the address {0} is not one this provider may have")]
struct AddressRefused(IpAddr);

#[derive(Debug, thiserror::Error)]
#[error("the name has no address")]
struct NoAddress;
