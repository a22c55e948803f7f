//! The services as they are sold now, and the answers to `services` prepared from them.
//!
//! In: services as they were committed. Out: prepared bytes, plain and compressed, built at the first question after
//! a change and kept until the next one (performance.md, What follows 8). There is one list per way accounts see it
//! ([`PriceList`]); services have one rate for everybody, so prices don't make further lists yet.
//! Rules: `api-v2.md` §3. It knows no request and no header.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use panelworks_core::catalogue::{Service, ServiceType};
use panelworks_core::customer::Switches;
use panelworks_core::ids::ServiceId;
use panelworks_wire::ServiceType as Word;
use panelworks_wire::response::{ServiceExtras, ServiceRow, encode_services};
use sha2::{Digest, Sha256};

use crate::limits;

/// How an account sees the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PriceList {
    Standard,
    /// With `desc` and `description`, on request.
    Described,
}

impl PriceList {
    const COUNT: usize = 2;

    pub(crate) const fn of(switches: Switches) -> Self {
        if switches.descriptions { Self::Described } else { Self::Standard }
    }
}

/// An answer to `services`, ready to be sent any number of times.
#[derive(Debug)]
pub(crate) struct Prepared {
    version: u64,
    pub(crate) plain: Bytes,
    pub(crate) gzip: Bytes,
    /// Of the content, in hexadecimal digits; each encoding makes its own tag of it.
    pub(crate) fingerprint: String,
}

/// See the module's head.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    sold: RwLock<Sold>,
    prepared: [RwLock<Option<Arc<Prepared>>>; PriceList::COUNT],
    /// Held while a list is built, so that a crowd of callers builds it once.
    building: Mutex<()>,
}

#[derive(Debug, Default)]
struct Sold {
    version: u64,
    services: BTreeMap<ServiceId, Service>,
}

impl Catalogue {
    /// Takes services in that were opened or changed.
    pub(crate) fn note(&self, services: &[impl Borrow<Service>]) {
        let mut sold = self.sold.write().unwrap_or_else(PoisonError::into_inner);
        sold.version += 1;
        let services = services.iter().map(Borrow::borrow);
        sold.services.extend(services.map(|service| (service.id, service.clone())));
    }

    /// The list, if it is up to date.
    pub(crate) fn ready(&self, list: PriceList) -> Option<Arc<Prepared>> {
        let version = self.sold.read().unwrap_or_else(PoisonError::into_inner).version;
        let prepared = self.prepared[list as usize].read().unwrap_or_else(PoisonError::into_inner);
        prepared.as_ref().filter(|prepared| prepared.version == version).map(Arc::clone)
    }

    /// The list, built if need be: tens of milliseconds for thousands of services, so call it where that may block.
    pub(crate) fn prepare(&self, list: PriceList) -> Arc<Prepared> {
        let _one_builder = self.building.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ready) = self.ready(list) {
            return ready;
        }
        let (version, rows) = self.rows(list);
        let built = Arc::new(Prepared::new(version, &rows));
        let mut place = self.prepared[list as usize].write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(place.insert(built))
    }

    fn rows(&self, list: PriceList) -> (u64, Vec<ServiceRow>) {
        let sold = self.sold.read().unwrap_or_else(PoisonError::into_inner);
        let on_sale = sold.services.values().filter(|service| service.enabled);
        (sold.version, on_sale.map(|service| row(service, list)).collect())
    }
}

impl Prepared {
    fn new(version: u64, rows: &[ServiceRow]) -> Self {
        let plain = Bytes::from(encode_services(rows.iter()));
        let digest: [u8; 32] = Sha256::digest(&plain).into();
        let [head @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = digest;
        let fingerprint = format!("{:032x}", u128::from_be_bytes(head));
        Self { version, gzip: gzip(&plain), plain, fingerprint }
    }
}

fn gzip(plain: &[u8]) -> Bytes {
    let mut encoder =
        GzEncoder::new(Vec::with_capacity(plain.len() / 8), Compression::new(limits::GZIP_LEVEL));
    encoder.write_all(plain).expect("a Vec takes every byte");
    Bytes::from(encoder.finish().expect("a Vec takes every byte"))
}

/// Packages have no limits of their own: their quantity is 1 (`domain.md`, Quantity).
fn row(service: &Service, list: PriceList) -> ServiceRow {
    let (min, max) = if service.service_type.is_package() { (1, 1) } else { (service.min, service.max) };
    let extras = match list {
        PriceList::Standard => None,
        PriceList::Described => Some(Box::new(ServiceExtras {
            description: Some(service.description.clone()),
            ..ServiceExtras::default()
        })),
    };
    ServiceRow {
        service: u64::from(service.id.0),
        name: service.name.clone(),
        service_type: word(service.service_type),
        rate: panelworks_core::money::Amount(service.rate.micros()).to_string(),
        min,
        max,
        dripfeed: service.dripfeed,
        refill: service.refill.is_some(),
        cancel: service.cancel,
        category: service.category.clone(),
        extras,
    }
}

const fn word(service_type: ServiceType) -> Word {
    match service_type {
        ServiceType::Default => Word::Default,
        ServiceType::Seo => Word::Seo,
        ServiceType::CustomComments => Word::CustomComments,
        ServiceType::MentionsWithHashtags => Word::MentionsWithHashtags,
        ServiceType::MentionsCustomList => Word::MentionsCustomList,
        ServiceType::MentionsHashtag => Word::MentionsHashtag,
        ServiceType::MentionsUserFollowers => Word::MentionsUserFollowers,
        ServiceType::MentionsMediaLikers => Word::MentionsMediaLikers,
        ServiceType::Mentions => Word::Mentions,
        ServiceType::Package => Word::Package,
        ServiceType::CustomCommentsPackage => Word::CustomCommentsPackage,
        ServiceType::CommentLikes => Word::CommentLikes,
        ServiceType::Poll => Word::Poll,
        ServiceType::CommentReplies => Word::CommentReplies,
        ServiceType::InvitesFromGroups => Word::InvitesFromGroups,
        ServiceType::Subscriptions => Word::Subscriptions,
        ServiceType::WebTraffic => Word::WebTraffic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use panelworks_core::catalogue::{RefillTerms, Route};
    use panelworks_core::money::Rate;
    use panelworks_core::time::Span;

    fn service(id: u32, service_type: ServiceType) -> Service {
        Service {
            id: ServiceId(id),
            name: "Followers".to_owned(),
            category: "First Category".to_owned(),
            description: "Slow & steady".to_owned(),
            service_type,
            rate: Rate::from_micros(900_000).expect("a rate"),
            price_version: 1,
            min: 50,
            max: 10_000,
            step: 1,
            dripfeed: service_type == ServiceType::Default,
            cancel: true,
            refill: Some(RefillTerms { days: Some(30), partial: false }),
            enabled: true,
            linkless: false,
            guarded: true,
            hold_limit: Span::hours(72),
            route: Route::Manual,
        }
    }

    fn text(prepared: &Prepared) -> &str {
        std::str::from_utf8(&prepared.plain).expect("UTF-8")
    }

    #[test]
    fn a_list_is_the_seeds_form_in_the_order_of_the_ids() {
        let catalogue = Catalogue::default();
        catalogue.note(&[service(2, ServiceType::Package), service(1, ServiceType::Default)]);
        let list = catalogue.prepare(PriceList::Standard);
        assert_eq!(
            text(&list),
            concat!(
                r#"[{"service":1,"name":"Followers","type":"Default","category":"First Category","rate":"0.90","#,
                r#""min":"50","max":"10000","dripfeed":true,"refill":true,"cancel":true},"#,
                r#"{"service":2,"name":"Followers","type":"Package","category":"First Category","rate":"0.90","#,
                r#""min":"1","max":"1","dripfeed":false,"refill":true,"cancel":true}]"#,
            )
        );
    }

    #[test]
    fn descriptions_are_for_accounts_that_asked_for_them() {
        let catalogue = Catalogue::default();
        catalogue.note(&[service(1, ServiceType::Default)]);
        let described = catalogue.prepare(PriceList::Described);
        assert!(text(&described).contains(r#""desc":"Slow & steady","description":"Slow & steady""#));
        assert!(!text(&catalogue.prepare(PriceList::Standard)).contains("desc"));
    }

    #[test]
    fn a_list_is_built_once_per_change_and_a_disabled_service_is_left_out() {
        let catalogue = Catalogue::default();
        assert!(catalogue.ready(PriceList::Standard).is_none());
        assert_eq!(text(&catalogue.prepare(PriceList::Standard)), "[]");
        let first = catalogue.prepare(PriceList::Standard);
        assert!(Arc::ptr_eq(&first, &catalogue.ready(PriceList::Standard).expect("ready")));
        catalogue.note(&[service(1, ServiceType::Default)]);
        assert!(catalogue.ready(PriceList::Standard).is_none());
        assert_ne!(catalogue.prepare(PriceList::Standard).fingerprint, first.fingerprint);
        catalogue.note(&[Service { enabled: false, ..service(1, ServiceType::Default) }]);
        assert_eq!(text(&catalogue.prepare(PriceList::Standard)), "[]");
    }

    #[test]
    fn the_compressed_list_is_the_plain_one() {
        use std::io::Read as _;
        let catalogue = Catalogue::default();
        catalogue.note(&[service(1, ServiceType::Default)]);
        let list = catalogue.prepare(PriceList::Standard);
        let mut unpacked = String::new();
        flate2::read::GzDecoder::new(&list.gzip[..]).read_to_string(&mut unpacked).expect("gzip");
        assert_eq!(unpacked, text(&list));
    }
}
