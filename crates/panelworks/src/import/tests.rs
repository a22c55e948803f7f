//! What rows of a provider's catalogue become.

use super::*;

fn row(id: &str, name: &str) -> SeenService {
    SeenService {
        service: id.to_owned(),
        name: name.to_owned(),
        service_type: Ok(WireType::Default),
        category: Some("Likes".to_owned()),
        rate_micros: Some(1_000_000),
        min: Some(10),
        max: Some(1_000),
        refill: false,
        cancel: true,
        dripfeed: Some(true),
        description: None,
        average_time: None,
    }
}

fn asked() -> ImportAsked {
    ImportAsked {
        provider: ProviderAccountId(1),
        which: Which::default(),
        markup_percent: 30,
        fixed: Amount::ZERO,
        link_less: Vec::new(),
        dry_run: false,
    }
}

fn opened(row: &SeenService, asked: &ImportAsked) -> Service {
    match propose_one(row, &[], asked) {
        Proposal::Open(service) => *service,
        other => panic!("{other:?}"),
    }
}

fn skipped(row: &SeenService) -> String {
    match propose_one(row, &[], &asked()) {
        Proposal::Skip(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_row_becomes_a_service_with_its_markup_and_route() {
    let service = opened(&row("17", "Likes"), &ImportAsked { fixed: Amount(5), ..asked() });
    assert_eq!(service.rate.micros(), 1_300_005);
    assert_eq!((service.min, service.max, service.step), (10, 1_000, 1));
    assert!(service.dripfeed && service.cancel && service.enabled && service.guarded && !service.linkless);
    let [leg] = service.route.legs() else { panic!("one leg") };
    assert_eq!(
        (leg.account, leg.service.as_str(), leg.rate.micros()),
        (ProviderAccountId(1), "17", 1_000_000)
    );
}

#[test]
fn a_markup_is_rounded_up_to_the_micro_unit() {
    let cheap = SeenService { rate_micros: Some(1), ..row("1", "Views") };
    assert_eq!(opened(&cheap, &ImportAsked { markup_percent: 1, ..asked() }).rate.micros(), 2);
    assert_eq!(opened(&cheap, &ImportAsked { markup_percent: -50, ..asked() }).rate.micros(), 1);
}

#[test]
fn every_type_of_the_wire_has_its_own_in_the_core() {
    let all: std::collections::HashSet<ServiceType> =
        WireType::all().iter().map(|wire| core_type(*wire)).collect();
    assert_eq!(all.len(), ServiceType::ALL.len());
    for service_type in ServiceType::ALL {
        let back = WireType::normalise(exact_word(service_type)).map(core_type);
        assert_eq!(back, Some(service_type));
    }
}

#[test]
fn packages_are_sold_one_at_a_time_whatever_limits_are_shown() {
    let package =
        SeenService { service_type: Ok(WireType::Package), min: None, max: Some(9), ..row("1", "Set") };
    let service = opened(&package, &asked());
    assert_eq!((service.min, service.max, service.dripfeed), (1, 1, false));
}

#[test]
fn rows_that_can_t_be_sold_are_skipped_with_the_reason() {
    for (broken, why) in [
        (SeenService { service_type: Err("Magic".to_owned()), ..row("1", "x") }, "\"Magic\" is not known"),
        (SeenService { rate_micros: None, ..row("1", "x") }, "no rate"),
        (SeenService { rate_micros: Some(i128::MAX), ..row("1", "x") }, "beyond all bounds"),
        (SeenService { min: None, ..row("1", "x") }, "no minimum"),
        (SeenService { max: None, ..row("1", "x") }, "no maximum"),
        (SeenService { min: Some(9), max: Some(8), ..row("1", "x") }, "above its maximum"),
    ] {
        assert!(skipped(&broken).contains(why), "{}", skipped(&broken));
    }
}

#[test]
fn what_is_chosen_must_fit_every_condition() {
    let rows = [row("1", "Instagram Likes"), row("2", "Instagram Followers"), row("3", "TikTok Likes")];
    let chosen = |which: Which| {
        let asked = ImportAsked { which, ..asked() };
        propose(&rows, &[], &asked).into_iter().map(|(row, _)| row.service.clone()).collect::<Vec<_>>()
    };
    assert_eq!(chosen(Which::default()).len(), 3);
    assert_eq!(chosen(Which { search: Some("instagram".to_owned()), ..Which::default() }), ["1", "2"]);
    assert_eq!(chosen(Which { ids: vec!["3".to_owned()], ..Which::default() }), ["3"]);
    assert_eq!(chosen(Which { category: Some("follow".to_owned()), ..Which::default() }), [""; 0]);
    assert_eq!(chosen(Which { service_type: Some("Poll".to_owned()), ..Which::default() }), [""; 0]);
    assert_eq!(chosen(Which { service_type: Some("Default".to_owned()), ..Which::default() }).len(), 3);
}

#[test]
fn a_second_import_changes_rates_and_limits_and_keeps_names_and_switches() {
    let mut sold = opened(&row("17", "Likes"), &asked());
    sold.id = ServiceId(5);
    sold.name = "Our Likes".to_owned();
    sold.enabled = false;
    let sold = [sold];
    assert_eq!(propose_one(&row("17", "Likes"), &sold, &asked()), Proposal::Same);

    let dearer =
        SeenService { rate_micros: Some(2_000_000), max: Some(500), cancel: false, ..row("17", "New name") };
    let Proposal::Change { service, what } = propose_one(&dearer, &sold, &asked()) else {
        panic!("a change")
    };
    assert_eq!((service.id, service.name.as_str(), service.enabled), (ServiceId(5), "Our Likes", false));
    assert_eq!((service.rate.micros(), service.max, service.cancel), (2_600_000, 500, false));
    assert_eq!(service.route.legs()[0].rate.micros(), 2_000_000);
    assert_eq!(what, "rate 1.30 to 2.60, limits 10-1000 to 10-500, cancel off");
    assert!(matches!(propose_one(&row("18", "Likes"), &sold, &asked()), Proposal::Open(_)));
}

/// Shows B11.
#[test]
fn a_changed_type_is_another_service() {
    let sold = [opened(&row("17", "Likes"), &asked())];
    let poll = SeenService { service_type: Ok(WireType::Poll), ..row("17", "Likes") };
    assert!(matches!(propose_one(&poll, &sold, &asked()), Proposal::Skip(why) if why.contains("now Poll")));
}

#[test]
fn services_without_a_link_are_known_by_their_words_or_named() {
    assert!(opened(&row("1", "Mentions | No link needed"), &asked()).linkless);
    assert!(!opened(&row("1", "Likes"), &asked()).linkless);
    let named = ImportAsked { link_less: vec!["1".to_owned()], ..asked() };
    assert!(opened(&row("1", "Likes"), &named).linkless);
    let poll = SeenService { service_type: Ok(WireType::Poll), ..row("1", "Poll | no link shorteners") };
    assert!(!opened(&poll, &asked()).linkless);
}

#[test]
fn the_guarantee_is_read_from_the_name() {
    let days = |name: &str| {
        let row = SeenService { refill: true, ..row("1", name) };
        refill_terms(&row).expect("refill").days
    };
    assert_eq!(days("Followers | 60 Days Refill"), Some(60));
    assert_eq!(days("Followers [R90D]"), Some(30), "not a number of days that stands alone");
    assert_eq!(days("Followers 365d refill"), Some(365));
    assert_eq!(days("Views | Lifetime Guarantee"), None);
    assert_eq!(days("Likes 24/7, refill"), Some(30));
    assert_eq!(refill_terms(&row("1", "30 days")), None);
}

/// Shows B11.
#[test]
fn what_a_provider_no_longer_shows_is_reported_and_left_alone() {
    let mut sold = opened(&row("17", "Likes"), &asked());
    sold.id = ServiceId(5);
    let gone = vanished(&[row("1", "x")], &[sold], ProviderAccountId(1));
    assert_eq!(gone.len(), 1);
    assert!(gone[0].what.contains("service set 5 --disable"));
}
