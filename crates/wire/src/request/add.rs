//! The parameters of `add` (`api-v2.md` §4). Every one gets its own result; which are demanded is core's to say.

use super::fields::single;
use super::fingerprint::fingerprint;
use super::params::{Name, Params, Raw};
use super::{Add, Field};
use crate::decimal;
use crate::limits::IDEMPOTENCY_KEY_BYTES;

/// `None` if an idempotency key was given that can't be kept: ignoring it would let a retry buy twice.
pub(super) fn read(params: &mut Params<'_>, idempotency_header: Option<&str>) -> Option<Box<Add>> {
    let idempotency_key = idempotency_key(params, idempotency_header).ok()?;
    let mut add = Box::new(Add {
        service: params.id(Name::Service),
        link: params.line(Name::Link),
        quantity: params.number(Name::Quantity),
        runs: params.number(Name::Runs),
        interval: params.number(Name::Interval),
        comments: params.lines(Name::Comments),
        usernames: params.lines(Name::Usernames),
        hashtags: params.lines(Name::Hashtags),
        keywords: params.lines_or_commas(Name::Keywords),
        groups: params.lines(Name::Groups),
        hashtag: params.line(Name::Hashtag),
        username: params.line(Name::Username),
        media: media(params),
        country: params.line(Name::Country),
        google_keyword: params.line(Name::GoogleKeyword),
        referring_url: params.line(Name::ReferringUrl),
        answer_number: params.line(Name::AnswerNumber),
        device: device(params),
        type_of_traffic: params.number(Name::TypeOfTraffic),
        min: params.number(Name::Min),
        max: params.number(Name::Max),
        posts: params.number(Name::Posts),
        old_posts: params.number(Name::OldPosts),
        delay: params.number(Name::Delay),
        expiry: params.date(Name::Expiry),
        max_charge: params.line(Name::MaxCharge).and_then(|text| decimal::parse_strict(&text).map(|_| text)),
        idempotency_key,
        fingerprint: Vec::new(),
    });
    if add.idempotency_key.is_some() {
        add.fingerprint = fingerprint(&add);
    }
    Some(add)
}

/// One clone calls it `media_url`.
fn media(params: &mut Params<'_>) -> Field<String> {
    match params.line(Name::Media) {
        Field::Absent => params.line(Name::MediaUrl),
        given @ (Field::Bad | Field::Is(_)) => given,
    }
}

/// A number; a client in the wild sends the words `Desktop` and `Mobile`.
fn device(params: &mut Params<'_>) -> Field<u64> {
    let raw = params.take(Name::Device);
    single(raw).and_then(|text| match text.trim() {
        word if word.eq_ignore_ascii_case("desktop") => Some(1),
        word if word.eq_ignore_ascii_case("mobile") => Some(4),
        _ => super::fields::digits(&text),
    })
}

struct Impossible;

/// The header, else `request_id`, else `idempotency_key`.
fn idempotency_key(params: &mut Params<'_>, header: Option<&str>) -> Result<Option<String>, Impossible> {
    let header =
        header.map(str::trim).filter(|header| !header.is_empty()).map(|header| Raw::Text(header.into()));
    let given = header.or_else(|| {
        [Name::RequestId, Name::IdempotencyKey]
            .into_iter()
            .find_map(|name| params.is_given(name).then(|| params.take(name)))
    });
    match single(given.unwrap_or_default()) {
        Field::Absent => Ok(None),
        Field::Bad => Err(Impossible),
        Field::Is(key) => {
            let key = key.trim();
            let sound =
                key.len() <= IDEMPOTENCY_KEY_BYTES && !key.contains(['\0', char::REPLACEMENT_CHARACTER]);
            if sound { Ok(Some(key.to_owned())) } else { Err(Impossible) }
        }
    }
}
