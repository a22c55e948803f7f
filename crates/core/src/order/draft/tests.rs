//! What [`super`] promises.

use super::*;
use crate::testing::{draft, dripping, following, service};

fn list(items: &[&str]) -> Given<Lines> {
    Given::Is(items.iter().map(|item| (*item).to_owned()).collect())
}

fn is(text: &str) -> Given<String> {
    Given::Is(text.to_owned())
}

/// Every field there is, each usable.
fn full() -> (Draft, Extra) {
    let extra = Extra {
        comments: list(&["one", "two", "three"]),
        usernames: list(&["anna", "ben"]),
        hashtags: list(&["sun"]),
        keywords: list(&["shop"]),
        groups: list(&["group"]),
        hashtag: is("sun"),
        username: is("anna"),
        media: is("https://example.com/m"),
        answer_number: is("2"),
        country: is("US"),
        device: Given::Is(5),
        type_of_traffic: Given::Is(1),
        google_keyword: is("shop"),
        referring_url: is("https://example.com"),
        min: Given::Is(20),
        max: Given::Is(30),
        posts: Given::Is(4),
        old_posts: Given::Absent,
        delay_min: Given::Is(15),
        expiry: Given::Absent,
    };
    (draft("https://example.com/p", 50), extra)
}

type Blank = fn(&mut Draft, &mut Extra);

const LINK: (Blank, Refusal) = (|draft, _| draft.link = Given::Absent, Refusal::BadLink);
const QUANTITY: (Blank, Refusal) =
    (|draft, _| draft.quantity = Given::Absent, Refusal::Incorrect(Parameter::Quantity));

const fn lacks(blank: Blank, parameter: Parameter) -> (Blank, Refusal) {
    (blank, Refusal::Incorrect(parameter))
}

/// Per type: the quantity of the full draft, and each parameter it demands with the refusal when it is missing.
fn demands(service_type: ServiceType) -> (Quantity, Vec<(Blank, Refusal)>) {
    let comments = lacks(|_, extra| extra.comments = Given::Absent, Parameter::Comments);
    let usernames = lacks(|_, extra| extra.usernames = Given::Absent, Parameter::Usernames);
    let username = lacks(|_, extra| extra.username = Given::Absent, Parameter::Username);
    let hashtags = lacks(|_, extra| extra.hashtags = Given::Absent, Parameter::Hashtags);
    match service_type {
        ServiceType::Default => (50, vec![LINK, QUANTITY]),
        ServiceType::Seo => {
            let keywords = lacks(|_, extra| extra.keywords = Given::Absent, Parameter::Keywords);
            (50, vec![LINK, QUANTITY, keywords])
        }
        ServiceType::CustomComments | ServiceType::CommentReplies => (3, vec![LINK, comments]),
        ServiceType::CustomCommentsPackage => (1, vec![LINK, comments]),
        ServiceType::Package => (1, vec![LINK]),
        ServiceType::MentionsWithHashtags => (50, vec![LINK, QUANTITY, usernames, hashtags]),
        ServiceType::MentionsCustomList => (2, vec![LINK, usernames]),
        ServiceType::MentionsHashtag => {
            let hashtag = lacks(|_, extra| extra.hashtag = Given::Absent, Parameter::Hashtag);
            (50, vec![LINK, QUANTITY, hashtag])
        }
        ServiceType::MentionsUserFollowers | ServiceType::CommentLikes => {
            (50, vec![LINK, QUANTITY, username])
        }
        ServiceType::MentionsMediaLikers => {
            let media = lacks(|_, extra| extra.media = Given::Absent, Parameter::Media);
            (50, vec![LINK, QUANTITY, media])
        }
        ServiceType::Mentions => (50, vec![LINK, QUANTITY, usernames]),
        ServiceType::Poll => {
            let answer = lacks(|_, extra| extra.answer_number = Given::Absent, Parameter::AnswerNumber);
            (50, vec![LINK, QUANTITY, answer])
        }
        ServiceType::InvitesFromGroups => {
            let groups = lacks(|_, extra| extra.groups = Given::Absent, Parameter::Groups);
            (50, vec![LINK, QUANTITY, groups])
        }
        ServiceType::Subscriptions => {
            let min = lacks(|_, extra| extra.min = Given::Absent, Parameter::Min);
            let max = lacks(|_, extra| extra.max = Given::Absent, Parameter::Max);
            (0, vec![username, min, max])
        }
        ServiceType::WebTraffic => {
            let country = lacks(|_, extra| extra.country = Given::Absent, Parameter::Country);
            let device = lacks(|_, extra| extra.device = Given::Absent, Parameter::Device);
            let kind = lacks(|_, extra| extra.type_of_traffic = Given::Absent, Parameter::TypeOfTraffic);
            let keyword = lacks(|_, extra| extra.google_keyword = Given::Absent, Parameter::GoogleKeyword);
            (50, vec![LINK, QUANTITY, country, device, kind, keyword])
        }
    }
}

fn complete(service: &Service, (draft, extra): (Draft, Extra)) -> Result<Ordered, Refusal> {
    Draft { extra: Some(Box::new(extra)), ..draft }.complete(service)
}

#[test]
fn every_type_takes_its_parameters_and_names_the_one_that_is_missing() {
    for service_type in ServiceType::ALL {
        let sold = Service { min: 1, ..service(service_type) };
        let (quantity, demanded) = demands(service_type);
        let ordered = complete(&sold, full()).expect("everything is there");
        assert_eq!(ordered.quantity, quantity, "{service_type:?}");
        assert_eq!(ordered.kind.service_type(), service_type);
        for (blank, refusal) in demanded {
            let (mut draft, mut extra) = full();
            blank(&mut draft, &mut extra);
            assert_eq!(complete(&sold, (draft, extra)), Err(refusal), "{service_type:?}");
        }
    }
}

#[test]
fn a_type_without_its_extra_fields_is_refused_by_the_first_of_them() {
    for (service_type, parameter) in [
        (ServiceType::Seo, Parameter::Keywords),
        (ServiceType::WebTraffic, Parameter::Country),
        (ServiceType::Subscriptions, Parameter::Username),
    ] {
        let refused = draft("link", 50).complete(&service(service_type));
        assert_eq!(refused, Err(Refusal::Incorrect(parameter)));
    }
}

#[test]
fn what_the_traffic_comes_from_decides_what_else_is_demanded() {
    let sold = service(ServiceType::WebTraffic);
    let from = |kind: u64| {
        let (draft, extra) = full();
        let extra = Extra {
            type_of_traffic: Given::Is(kind),
            google_keyword: Given::Absent,
            referring_url: Given::Absent,
            ..extra
        };
        complete(&sold, (draft, extra)).map(|ordered| ordered.quantity)
    };
    assert_eq!(from(1), Err(Refusal::Incorrect(Parameter::GoogleKeyword)));
    assert_eq!(from(2), Err(Refusal::Incorrect(Parameter::ReferringUrl)));
    assert_eq!(from(3), Ok(50));
    assert_eq!(from(4), Err(Refusal::Incorrect(Parameter::TypeOfTraffic)));
}

#[test]
fn a_link_is_demanded_only_where_the_service_needs_one() {
    let without = || Draft { link: Given::Absent, ..draft("", 50) };
    let linkless = Service { linkless: true, ..service(ServiceType::Default) };
    assert_eq!(without().complete(&linkless).map(|ordered| ordered.link), Ok(None));
    for bad in ["", "   ", "a\nb", "<script>"] {
        assert_eq!(draft(bad, 50).complete(&linkless), Err(Refusal::BadLink), "{bad:?}");
    }
    let long = "x".repeat(limits::LINK_BYTES + 1);
    assert_eq!(draft(&long, 50).complete(&linkless), Err(Refusal::BadLink));
    let named = draft(" anna ", 50).complete(&linkless).expect("a name is a link");
    assert_eq!(named.link.as_deref(), Some("anna"));
}

#[test]
fn none_and_one_run_are_a_plain_order_and_more_need_a_service_that_drips() {
    let drips = service(ServiceType::Default);
    for runs in [0, 1] {
        assert_eq!(dripping("link", 50, runs, 30).complete(&drips).map(|ordered| ordered.drip), Ok(None));
    }
    let two = dripping("link", 50, 2, 30).complete(&drips).expect("runs");
    assert_eq!((two.quantity, two.drip), (50, Some(Drip { runs: 2, interval_min: 30 })));
    let plain = Service { dripfeed: false, ..drips };
    assert_eq!(dripping("link", 50, 2, 30).complete(&plain), Err(Refusal::DripFeedUnsupported));
}

#[test]
fn runs_and_interval_come_both_or_not_at_all() {
    let drips = service(ServiceType::Default);
    let half = Draft { runs: Given::Absent, ..dripping("link", 50, 2, 30) };
    assert_eq!(half.complete(&drips), Err(Refusal::Incorrect(Parameter::Runs)));
    let other = Draft { interval_min: Given::Absent, ..dripping("link", 50, 2, 30) };
    assert_eq!(other.complete(&drips), Err(Refusal::Incorrect(Parameter::Interval)));
    let bad = Draft { runs: Given::Bad, ..dripping("link", 50, 2, 30) };
    assert_eq!(bad.complete(&drips), Err(Refusal::Incorrect(Parameter::Runs)));
    // A service that does not drip ignores a stray interval, as any parameter it does not need.
    let plain = Service { dripfeed: false, ..drips };
    assert!(half.complete(&plain).is_ok());
}

#[test]
fn the_minimum_is_for_each_run_and_the_maximum_for_all() {
    let drips = service(ServiceType::Default);
    assert!(dripping("link", 10, 1_000, 1).complete(&drips).is_ok());
    assert_eq!(dripping("link", 9, 1_000, 1).complete(&drips), Err(Refusal::BelowMinimum(10)));
    let beyond = dripping("link", 5_001, 2, 1).complete(&drips);
    assert_eq!(beyond, Err(Refusal::Incorrect(Parameter::Quantity)));
    let never = dripping("link", 10, u64::MAX, 1).complete(&drips);
    assert_eq!(never, Err(Refusal::Incorrect(Parameter::Runs)));
    let slow = dripping("link", 10, 2, limits::INTERVAL_MAX_MIN + 1).complete(&drips);
    assert_eq!(slow, Err(Refusal::Incorrect(Parameter::Interval)));
}

#[test]
fn the_posts_of_a_subscription_lie_within_the_services_limits() {
    let sold = service(ServiceType::Subscriptions);
    let refused =
        |min, max| following("anna", min, max, None).complete(&sold).map(|ordered| ordered.quantity);
    assert_eq!(refused(30, 20), Err(Refusal::Incorrect(Parameter::Min)));
    assert_eq!(refused(9, 20), Err(Refusal::BelowMinimum(10)));
    assert_eq!(refused(10, 10_001), Err(Refusal::AboveMaximum(10_000)));
    assert_eq!(refused(10, 10_000), Ok(0));
    let endless = following("anna", 10, 20, Some(0)).complete(&sold).expect("posts without end");
    assert!(matches!(endless.kind, OrderKind::Subscriptions(PostsAsked { posts: None, .. })));
}
