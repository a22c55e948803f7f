//! The full catalogue, written down: one line per service, grouped as customers see it.
//!
//! Out: `all()`, in display order. The flags read `d` drip-feed, `r` refill, `c` cancel, `-` none of it.
//! Rates are decimal dollars per 1000 (per order for packages) times 10⁶.

use panelworks_wire::ServiceType;

use super::{Profile, Service};

/// Starts at once and is done soon; hardly ever fails.
const QUICK: Profile = Profile {
    start_min: (8, 25),
    per_minute: 20,
    lasts_min: (40, 150),
    partial_permille: 20,
    canceled_permille: 10,
};
/// The ordinary case.
const STEADY: Profile = Profile {
    start_min: (15, 60),
    per_minute: 8,
    lasts_min: (60, 300),
    partial_permille: 70,
    canceled_permille: 35,
};
/// Real people, by hand.
const GRADUAL: Profile = Profile {
    start_min: (30, 90),
    per_minute: 3,
    lasts_min: (120, 480),
    partial_permille: 90,
    canceled_permille: 40,
};
/// Cheap and often cut short.
const SHAKY: Profile = Profile {
    start_min: (20, 90),
    per_minute: 10,
    lasts_min: (60, 420),
    partial_permille: 220,
    canceled_permille: 120,
};
/// Never fails: what a test or a demonstration wants to see through to the end.
const SURE: Profile = Profile {
    start_min: (5, 15),
    per_minute: 30,
    lasts_min: (30, 90),
    partial_permille: 0,
    canceled_permille: 0,
};

type Line = (u32, ServiceType, &'static str, i64, (u64, u64), &'static str, Profile);

pub(super) fn all() -> Vec<Service> {
    GROUPS.iter().flat_map(|(category, lines)| lines.iter().map(|line| service(category, line))).collect()
}

fn service(category: &str, line: &Line) -> Service {
    let (id, kind, name, rate_micros, (min, max), flags, profile) = *line;
    Service {
        id,
        kind,
        category: category.to_owned(),
        name: name.to_owned(),
        rate_micros,
        min,
        max,
        dripfeed: flags.contains('d'),
        refill: flags.contains('r'),
        cancel: flags.contains('c'),
        link_less: name.contains(super::NO_LINK_MARK),
        profile,
    }
}

use ServiceType::{
    CommentLikes, CommentReplies, CustomComments, CustomCommentsPackage, Default, InvitesFromGroups,
    Mentions, MentionsCustomList, MentionsHashtag, MentionsMediaLikers, MentionsUserFollowers,
    MentionsWithHashtags, Package, Poll, Seo, Subscriptions, WebTraffic,
};

#[rustfmt::skip]
const GROUPS: &[(&str, &[Line])] = &[
    ("Instagram Followers", &[
        (1, Default, "Instagram Followers | Worldwide | 30 Days Refill", 900_000, (50, 100_000), "drc", SURE),
        (2, Default, "Instagram Followers | HQ Profiles | 60 Days Refill", 2_450_000, (20, 50_000), "r", GRADUAL),
        (3, Default, "Instagram Followers | Economy | No Refill", 210_000, (50, 500_000), "dc", SHAKY),
        (4, Default, "Instagram Followers | Germany | Real People", 12_800_000, (10, 10_000), "rc", GRADUAL),
    ]),
    ("Instagram Likes", &[
        (5, Default, "Instagram Likes | Instant | Up to 200K", 140_000, (10, 200_000), "d", QUICK),
        (6, Default, "Instagram Likes | Mixed Quality | Refill 30 Days", 320_000, (20, 100_000), "dr", STEADY),
        (7, Default, "Instagram Likes | Female Profiles", 1_150_000, (10, 30_000), "c", STEADY),
        (8, Default, "Instagram Likes | Brazil", 780_000, (25, 25_000), "-", STEADY),
    ]),
    ("Instagram Views and Reach", &[
        (9, Default, "Instagram Reel Views | Fast", 10_000, (50, 10_000_000), "dc", QUICK),
        (10, Default, "Instagram Story Views | All Stories", 95_000, (20, 50_000), "c", QUICK),
        (11, Default, "Instagram Reach and Impressions | Explore", 265_000, (50, 1_000_000), "d", STEADY),
        (12, Package, "Instagram Starter Package | 250 Followers and 500 Likes", 1_500_000, (1, 1), "r", STEADY),
        (13, Package, "Instagram Growth Package | 1000 Followers and 3000 Likes", 6_900_000, (1, 1), "rc", GRADUAL),
    ]),
    ("Instagram Comments", &[
        (14, CustomComments, "Instagram Custom Comments | Worldwide", 8_000_000, (1, 5_000), "c", STEADY),
        (15, CustomComments, "Instagram Custom Comments | Verified Profiles", 45_000_000, (1, 1_000), "-", GRADUAL),
        (16, CustomCommentsPackage, "Instagram Custom Comments Package | 10 Comments", 1_250_000, (1, 1), "c", STEADY),
        (17, CommentLikes, "Instagram Comment Likes", 1_900_000, (10, 20_000), "r", STEADY),
        (18, CommentReplies, "Instagram Comment Replies | Custom", 14_500_000, (1, 2_000), "c", GRADUAL),
    ]),
    ("Instagram Mentions", &[
        (19, Mentions, "Instagram Mentions | Your Usernames", 6_200_000, (10, 50_000), "c", STEADY),
        (20, MentionsWithHashtags, "Instagram Mentions | Usernames with Hashtags", 6_600_000, (10, 50_000), "-", STEADY),
        (21, MentionsCustomList, "Instagram Mentions | Custom List", 5_900_000, (1, 20_000), "c", STEADY),
        (22, MentionsHashtag, "Instagram Mentions | Users of a Hashtag", 4_800_000, (20, 100_000), "-", SHAKY),
        (23, MentionsUserFollowers, "Instagram Mentions | Followers of a Profile", 4_500_000, (20, 100_000), "c", SHAKY),
        (24, MentionsMediaLikers, "Instagram Mentions | Likers of a Post", 4_700_000, (20, 100_000), "c", SHAKY),
    ]),
    ("Instagram Auto Services", &[
        (25, Subscriptions, "Instagram Auto Likes | New Posts", 420_000, (10, 20_000), "c", QUICK),
        (26, Subscriptions, "Instagram Auto Reel Views | New Posts", 35_000, (10, 1_000_000), "c", QUICK),
    ]),
    ("TikTok", &[
        (27, Default, "TikTok Followers | Refill 30 Days", 3_100_000, (20, 100_000), "rc", STEADY),
        (28, Default, "TikTok Likes | Refill 30 Days", 690_000, (10, 100_000), "dr", STEADY),
        (29, Default, "TikTok Views | Instant", 15_000, (50, 50_000_000), "dc", QUICK),
        (30, Default, "TikTok Shares", 180_000, (50, 200_000), "-", QUICK),
        (31, Default, "TikTok Saves", 240_000, (10, 100_000), "c", STEADY),
    ]),
    ("YouTube", &[
        (32, Default, "YouTube Views | Lifetime Guarantee", 1_750_000, (50, 1_000_000), "drc", STEADY),
        (33, Default, "YouTube Likes | Refill 30 Days", 1_280_000, (20, 50_000), "r", STEADY),
        (34, Default, "YouTube Subscribers | Slow and Stable", 22_500_000, (50, 10_000), "r", GRADUAL),
        (35, CustomComments, "YouTube Custom Comments | USA", 28_000_000, (1, 2_000), "-", GRADUAL),
        (36, CommentLikes, "YouTube Comment Likes", 2_300_000, (10, 10_000), "-", STEADY),
        (37, Poll, "YouTube Community Poll Votes", 2_900_000, (20, 50_000), "c", STEADY),
    ]),
    ("Telegram", &[
        (38, Default, "Telegram Members | Channel | No Drop", 1_350_000, (50, 100_000), "dr", STEADY),
        (39, Default, "Telegram Post Views | Last Post", 25_000, (10, 1_000_000), "d", QUICK),
        (40, Poll, "Telegram Poll Votes", 850_000, (10, 100_000), "-", QUICK),
        (41, InvitesFromGroups, "Telegram Members Invited from Groups", 9_400_000, (50, 20_000), "c", GRADUAL),
        (42, Default, "Telegram Reactions | Positive Mix", 110_000, (10, 100_000), "c", QUICK),
    ]),
    ("X and Facebook", &[
        (43, Default, "X Followers | Worldwide | Refill 30 Days", 7_200_000, (20, 30_000), "rc", STEADY),
        (44, Default, "X Post Impressions", 60_000, (50, 10_000_000), "d", QUICK),
        (45, Poll, "X Poll Votes", 1_600_000, (20, 50_000), "-", STEADY),
        (46, Default, "Facebook Page Followers | Refill 30 Days", 1_850_000, (50, 200_000), "drc", GRADUAL),
        (47, Default, "Facebook Post Reactions | Like", 620_000, (20, 20_000), "-", STEADY),
    ]),
    ("Music", &[
        (48, Default, "Spotify Plays | Premium Accounts", 480_000, (50, 1_000_000), "dr", GRADUAL),
        (49, Default, "SoundCloud Plays", 30_000, (50, 1_000_000), "-", QUICK),
    ]),
    ("Websites", &[
        (50, WebTraffic, "Website Traffic | Any Country | Choose Source", 330_000, (50, 1_000_000), "dc", STEADY),
        (51, WebTraffic, "Website Traffic | Mobile Visitors", 410_000, (50, 500_000), "-", STEADY),
        (52, Seo, "SEO Backlinks | Keywords of Your Choice", 17_000_000, (10, 10_000), "c", GRADUAL),
        (53, Default, "Newsletter Mentions in Our Network | No link needed", 5_500_000, (10, 10_000), "c", STEADY),
        (54, Package, "Website Launch Package | Traffic, Backlinks and Signals", 24_900_000, (1, 1), "-", GRADUAL),
    ]),
];
