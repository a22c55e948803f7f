//! What a variant carries beside its code, as columns of their own or as JSON text: the same in every adapter.
//!
//! In: a value of the core. Out: the text, None where the code says it all. The way back is in each adapter's
//! `rows.rs`, because it begins with the adapter's columns.

use panelworks_core::order::{AttemptState, Order, OrderKind, Part};
use panelworks_core::time::Timestamp;
use serde::Serialize;

type Result<T> = std::result::Result<T, serde_json::Error>;

pub(crate) fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
}

/// What of a kind goes into its details: nothing, where the code says it all.
pub(crate) fn kind_details(kind: &OrderKind) -> Result<Option<String>> {
    match kind {
        OrderKind::Default | OrderKind::Package => Ok(None),
        OrderKind::Seo { .. }
        | OrderKind::CustomComments { .. }
        | OrderKind::MentionsWithHashtags { .. }
        | OrderKind::MentionsCustomList { .. }
        | OrderKind::MentionsHashtag { .. }
        | OrderKind::MentionsUserFollowers { .. }
        | OrderKind::MentionsMediaLikers { .. }
        | OrderKind::Mentions { .. }
        | OrderKind::CustomCommentsPackage { .. }
        | OrderKind::CommentLikes { .. }
        | OrderKind::Poll { .. }
        | OrderKind::CommentReplies { .. }
        | OrderKind::InvitesFromGroups { .. }
        | OrderKind::Subscriptions(_)
        | OrderKind::WebTraffic(_) => json(kind).map(Some),
    }
}

/// What of a part goes into its details: the state of a parent.
pub(crate) fn part_details(part: &Part) -> Result<Option<String>> {
    match part {
        Part::Whole | Part::Run { .. } | Part::Post { .. } => Ok(None),
        Part::DripFeed(drip) => json(drip).map(Some),
        Part::Subscription(subscription) => json(subscription).map(Some),
    }
}

/// The number of a run or post within its parent.
pub(crate) const fn part_number(order: &Order) -> Option<u32> {
    match order.part {
        Part::Run { number, .. } | Part::Post { number, .. } => Some(number),
        Part::Whole | Part::DripFeed(_) | Part::Subscription(_) => None,
    }
}

/// When an order ended; as long as it is open, when it was accepted.
pub(crate) fn ended_at(order: &Order) -> Timestamp {
    order.ended_at.unwrap_or(order.accepted_at)
}

/// The hashes of idempotency key and parameters, one after the other.
pub(crate) fn mark(order: &Order) -> Option<[u8; 32]> {
    order.mark.map(|mark| {
        let mut both = [0_u8; 32];
        both[..16].copy_from_slice(&mark.key);
        both[16..].copy_from_slice(&mark.parameters);
        both
    })
}

/// The time that a state names.
pub(crate) const fn state_at(state: &AttemptState) -> Option<Timestamp> {
    match state {
        AttemptState::Planned { due } => Some(*due),
        AttemptState::Sending { since }
        | AttemptState::Unknown { since, .. }
        | AttemptState::Absent { since }
        | AttemptState::WrittenOff { since } => Some(*since),
        AttemptState::Accepted { .. }
        | AttemptState::Adopted { .. }
        | AttemptState::Rejected { .. }
        | AttemptState::NotSent { .. }
        | AttemptState::FoundLate { .. }
        | AttemptState::Voided => None,
    }
}

/// The states that carry a text are kept whole.
pub(crate) fn state_details(state: &AttemptState) -> Result<Option<String>> {
    match state {
        AttemptState::Rejected { .. } | AttemptState::NotSent { .. } | AttemptState::Unknown { .. } => {
            json(state).map(Some)
        }
        AttemptState::Planned { .. }
        | AttemptState::Sending { .. }
        | AttemptState::Accepted { .. }
        | AttemptState::Adopted { .. }
        | AttemptState::Absent { .. }
        | AttemptState::WrittenOff { .. }
        | AttemptState::FoundLate { .. }
        | AttemptState::Voided => Ok(None),
    }
}
