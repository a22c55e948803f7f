//! Orders of every type: what `add` needs (`api-v2.md` §4), and what they cost (`domain.md`, Money, Orders).

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use crate::micros;

/// The words of an order that has ended.
pub const ENDS: [&str; 3] = ["Completed", "Partial", "Canceled"];

/// All types but subscriptions, whose orders are made by somebody else's posts.
pub const ONE_CALL_TYPES: [&str; 16] = [
    "Default",
    "SEO",
    "Custom Comments",
    "Mentions with Hashtags",
    "Mentions Custom List",
    "Mentions Hashtag",
    "Mentions User Followers",
    "Mentions Media Likers",
    "Mentions",
    "Package",
    "Custom Comments Package",
    "Comment Likes",
    "Poll",
    "Comment Replies",
    "Invites from Groups",
    "Web Traffic",
];

/// A link nobody has used yet in this test program.
pub fn link(about: &str) -> String {
    static USED: AtomicU64 = AtomicU64::new(0);
    format!("https://example.com/{about}/{}", USED.fetch_add(1, Ordering::Relaxed))
}

/// What an order of this type needs besides its link: three lines for lists, else a quantity of 100.
pub fn parameters(word: &str) -> Vec<(&'static str, &'static str)> {
    const LINES: &str = "first line\r\nsecond line\n\n  third line  \n";
    match word {
        "Default" => vec![("quantity", "100")],
        "SEO" => vec![("quantity", "100"), ("keywords", "one\ntwo")],
        "Custom Comments" | "Custom Comments Package" | "Comment Replies" => vec![("comments", LINES)],
        "Mentions with Hashtags" => {
            vec![("quantity", "100"), ("usernames", "anna\nben"), ("hashtags", "#a\n#b")]
        }
        "Mentions Custom List" => vec![("usernames", "anna\nben\ncleo")],
        "Mentions Hashtag" => vec![("quantity", "100"), ("hashtag", "spring")],
        "Mentions User Followers" => vec![("quantity", "100"), ("username", "https://example.com/anna")],
        "Mentions Media Likers" => vec![("quantity", "100"), ("media", "https://example.com/p/1")],
        "Mentions" => vec![("quantity", "100"), ("usernames", "anna\nben")],
        "Package" => vec![],
        "Comment Likes" => vec![("quantity", "100"), ("username", "anna")],
        "Poll" => vec![("quantity", "100"), ("answer_number", "2")],
        "Invites from Groups" => vec![("quantity", "100"), ("groups", "group one\ngroup two")],
        "Web Traffic" => vec![
            ("quantity", "100"),
            ("country", "US"),
            ("device", "5"),
            ("type_of_traffic", "1"),
            ("google_keyword", "tea"),
        ],
        "Subscriptions" => vec![("username", "anna"), ("min", "10"), ("max", "20"), ("posts", "2")],
        other => panic!("no such type: {other}"),
    }
}

/// The quantity that [`parameters`] are charged for.
pub fn quantity_charged(word: &str) -> i128 {
    match word {
        "Custom Comments" | "Comment Replies" | "Mentions Custom List" => 3,
        "Package" | "Custom Comments Package" => 1,
        _ => 100,
    }
}

/// What the whole of it costs, in micro-units; `service` is its row of `services`.
pub fn full_charge(service: &Value, quantity: i128) -> i128 {
    let rate = micros(&service["rate"]);
    match service["type"].as_str() {
        Some("Package" | "Custom Comments Package") => rate,
        _ => ceiling(rate * quantity, 1000),
    }
}

/// Rounded up once.
pub fn ceiling(numerator: i128, denominator: i128) -> i128 {
    (numerator + denominator - 1).div_euclid(denominator)
}

/// Panics where the charge of an order that has ended is not what `domain.md` says of its end.
#[track_caller]
pub fn charge_is_right(status: &Value, full: i128, quantity: i128) {
    let charge = micros(&status["charge"]);
    let remains: i128 = status["remains"].as_str().and_then(|text| text.parse().ok()).expect("digits");
    match status["status"].as_str() {
        Some("Completed") => assert!(charge == full && remains == 0, "{status}: charged {full} for all"),
        Some("Partial") => {
            assert!((1..quantity).contains(&remains), "{status}: of {quantity}");
            let kept = ceiling(full * (quantity - remains), quantity);
            assert_eq!(charge, kept, "{status}: charged {full} for {quantity}");
        }
        Some("Canceled") => assert_eq!(charge, 0, "{status}"),
        _ => panic!("not ended: {status}"),
    }
}
