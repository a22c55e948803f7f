//! The words of the field `type` in `services` (`api-v2.md` §3): exact on the way out, tolerant on the way in.
//! It doesn't know what a type costs or which parameters it takes; that is core's.

use std::fmt;

/// What sort of order a service takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ServiceType {
    Default,
    Seo,
    CustomComments,
    MentionsWithHashtags,
    MentionsCustomList,
    MentionsHashtag,
    MentionsUserFollowers,
    MentionsMediaLikers,
    Mentions,
    Package,
    CustomCommentsPackage,
    CommentLikes,
    Poll,
    CommentReplies,
    InvitesFromGroups,
    Subscriptions,
    WebTraffic,
}

impl ServiceType {
    /// Every type, in the order of the table of `api-v2.md` §3.
    #[must_use]
    pub const fn all() -> &'static [Self] {
        &[
            Self::Default,
            Self::Seo,
            Self::CustomComments,
            Self::MentionsWithHashtags,
            Self::MentionsCustomList,
            Self::MentionsHashtag,
            Self::MentionsUserFollowers,
            Self::MentionsMediaLikers,
            Self::Mentions,
            Self::Package,
            Self::CustomCommentsPackage,
            Self::CommentLikes,
            Self::Poll,
            Self::CommentReplies,
            Self::InvitesFromGroups,
            Self::Subscriptions,
            Self::WebTraffic,
        ]
    }

    /// The word exactly as our server emits it.
    #[must_use]
    pub const fn exact(self) -> &'static str {
        match self {
            Self::Default => "Default",
            Self::Seo => "SEO",
            Self::CustomComments => "Custom Comments",
            Self::MentionsWithHashtags => "Mentions with Hashtags",
            Self::MentionsCustomList => "Mentions Custom List",
            Self::MentionsHashtag => "Mentions Hashtag",
            Self::MentionsUserFollowers => "Mentions User Followers",
            Self::MentionsMediaLikers => "Mentions Media Likers",
            Self::Mentions => "Mentions",
            Self::Package => "Package",
            Self::CustomCommentsPackage => "Custom Comments Package",
            Self::CommentLikes => "Comment Likes",
            Self::Poll => "Poll",
            Self::CommentReplies => "Comment Replies",
            Self::InvitesFromGroups => "Invites from Groups",
            Self::Subscriptions => "Subscriptions",
            Self::WebTraffic => "Web Traffic",
        }
    }

    /// Reads a provider's word: case, `_`, `-` and runs of spaces don't matter, and the misspellings and quality
    /// words listed in `api-v2.md` §3 are known. `None` for anything else: such a service isn't orderable by itself.
    #[must_use]
    pub fn normalise(word: &str) -> Option<Self> {
        let plain = plain(word);
        let known = Self::all().iter().copied().find(|known| known.exact().eq_ignore_ascii_case(&plain));
        known.or_else(|| Self::misspelt(&plain))
    }

    fn misspelt(plain: &str) -> Option<Self> {
        Some(match plain {
            "mentions hastag" => Self::MentionsHashtag,
            "mentions users followers" => Self::MentionsUserFollowers,
            "subscription" => Self::Subscriptions,
            "custom comment" => Self::CustomComments,
            "custom replies" => Self::CommentReplies,
            // Words for how a plain order is delivered; they ask for no other parameters.
            "likes spread" | "drip feed" | "dripfeed" | "high quality" | "realtime" => Self::Default,
            _ => return None,
        })
    }
}

impl fmt::Display for ServiceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.exact())
    }
}

/// Lower case, `_` and `-` as spaces, runs of spaces as one.
fn plain(word: &str) -> String {
    let mut plain = String::with_capacity(word.len());
    let pieces =
        word.split(|c: char| c.is_whitespace() || c == '_' || c == '-').filter(|piece| !piece.is_empty());
    for piece in pieces {
        if !plain.is_empty() {
            plain.push(' ');
        }
        plain.extend(piece.chars().flat_map(char::to_lowercase));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_reads_its_own_word_in_any_spelling() {
        for &service_type in ServiceType::all() {
            let exact = service_type.exact();
            for spelling in [
                exact.to_owned(),
                exact.to_uppercase(),
                exact.to_lowercase().replace(' ', "_"),
                exact.replace(' ', "-"),
            ] {
                assert_eq!(ServiceType::normalise(&spelling), Some(service_type), "{spelling}");
            }
        }
    }

    #[test]
    fn misspellings_seen_in_the_wild_are_known() {
        let table = [
            ("mentions hastag", ServiceType::MentionsHashtag),
            ("Mentions Users Followers", ServiceType::MentionsUserFollowers),
            ("subscription", ServiceType::Subscriptions),
            ("custom_comment", ServiceType::CustomComments),
            ("Custom Replies", ServiceType::CommentReplies),
            ("Invites From Groups", ServiceType::InvitesFromGroups),
            ("  Web   traffic ", ServiceType::WebTraffic),
            ("Drip-feed", ServiceType::Default),
            ("High Quality", ServiceType::Default),
        ];
        for (word, expected) in table {
            assert_eq!(ServiceType::normalise(word), Some(expected), "{word}");
        }
    }

    #[test]
    fn an_unknown_word_is_not_taken_for_default() {
        for word in ["", "Reviews", "Package Plus", "0"] {
            assert_eq!(ServiceType::normalise(word), None, "{word}");
        }
    }
}
