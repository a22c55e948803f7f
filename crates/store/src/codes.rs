//! Enums of the core as the small integers that the tables keep. Codes are for ever: never changed, never reused.
//!
//! In: a variant, or a code read from a row. Out: the code; or the variant, None for a code this program does
//! not know. What a variant carries beside its tag stands in `details.rs`.

use panelworks_core::catalogue::ServiceType;
use panelworks_core::customer::Standing;
use panelworks_core::operator::{OperatorStanding, Role};
use panelworks_core::order::{AttemptState, CancelState, OrderStatus, Part, Purpose, RefillState};

/// Open ones are at most 3: the partial index of open orders says so too.
pub(crate) const fn status_code(status: OrderStatus) -> i64 {
    match status {
        OrderStatus::Pending => 1,
        OrderStatus::Processing => 2,
        OrderStatus::InProgress => 3,
        OrderStatus::Completed => 4,
        OrderStatus::Partial => 5,
        OrderStatus::Canceled => 6,
        OrderStatus::Expired => 7,
    }
}

pub(crate) const fn status_of(code: i64) -> Option<OrderStatus> {
    Some(match code {
        1 => OrderStatus::Pending,
        2 => OrderStatus::Processing,
        3 => OrderStatus::InProgress,
        4 => OrderStatus::Completed,
        5 => OrderStatus::Partial,
        6 => OrderStatus::Canceled,
        7 => OrderStatus::Expired,
        _ => return None,
    })
}

/// One code per type of service, in the order of `api-v2.md` §3.
pub(crate) const fn kind_code(kind: ServiceType) -> i64 {
    match kind {
        ServiceType::Default => 1,
        ServiceType::Seo => 2,
        ServiceType::CustomComments => 3,
        ServiceType::MentionsWithHashtags => 4,
        ServiceType::MentionsCustomList => 5,
        ServiceType::MentionsHashtag => 6,
        ServiceType::MentionsUserFollowers => 7,
        ServiceType::MentionsMediaLikers => 8,
        ServiceType::Mentions => 9,
        ServiceType::Package => 10,
        ServiceType::CustomCommentsPackage => 11,
        ServiceType::CommentLikes => 12,
        ServiceType::Poll => 13,
        ServiceType::CommentReplies => 14,
        ServiceType::InvitesFromGroups => 15,
        ServiceType::Subscriptions => 16,
        ServiceType::WebTraffic => 17,
    }
}

pub(crate) const fn part_code(part: &Part) -> i64 {
    match part {
        Part::Whole => 0,
        Part::DripFeed(_) => 1,
        Part::Subscription(_) => 2,
        Part::Run { .. } => 3,
        Part::Post { .. } => 4,
    }
}

pub(crate) const fn standing_code(standing: Standing) -> i64 {
    match standing {
        Standing::Active => 1,
        Standing::Suspended => 2,
        Standing::Frozen => 3,
    }
}

pub(crate) const fn standing_of(code: i64) -> Option<Standing> {
    Some(match code {
        1 => Standing::Active,
        2 => Standing::Suspended,
        3 => Standing::Frozen,
        _ => return None,
    })
}

pub(crate) const fn role_code(role: Role) -> i64 {
    match role {
        Role::Owner => 1,
        Role::Staff => 2,
    }
}

pub(crate) const fn role_of(code: i64) -> Option<Role> {
    Some(match code {
        1 => Role::Owner,
        2 => Role::Staff,
        _ => return None,
    })
}

pub(crate) const fn operator_standing_code(standing: OperatorStanding) -> i64 {
    match standing {
        OperatorStanding::Active => 1,
        OperatorStanding::Suspended => 2,
    }
}

pub(crate) const fn operator_standing_of(code: i64) -> Option<OperatorStanding> {
    Some(match code {
        1 => OperatorStanding::Active,
        2 => OperatorStanding::Suspended,
        _ => return None,
    })
}

/// The order itself 0, a mirrored post −1, the n-th segment n + 1.
pub(crate) fn purpose_code(purpose: Purpose) -> i64 {
    match purpose {
        Purpose::Order => 0,
        Purpose::Mirrored => -1,
        Purpose::Segment(number) => i64::from(number) + 1,
    }
}

pub(crate) fn purpose_of(code: i64) -> Option<Purpose> {
    match code {
        0 => Some(Purpose::Order),
        -1 => Some(Purpose::Mirrored),
        segment => u32::try_from(segment.checked_sub(1)?).ok().map(Purpose::Segment),
    }
}

pub(crate) const fn attempt_code(state: &AttemptState) -> i64 {
    match state {
        AttemptState::Planned { .. } => 1,
        AttemptState::Sending { .. } => 2,
        AttemptState::Accepted { .. } => 3,
        AttemptState::Rejected { .. } => 4,
        AttemptState::NotSent { .. } => 5,
        AttemptState::Unknown { .. } => 6,
        AttemptState::Adopted { .. } => 7,
        AttemptState::Absent { .. } => 8,
        AttemptState::WrittenOff { .. } => 9,
        AttemptState::Voided => 10,
        AttemptState::FoundLate { .. } => 11,
    }
}

/// Open ones are at most 3: the partial index says so too. 3 is *taken and running*.
pub(crate) const fn refill_code(state: &RefillState) -> i64 {
    match state {
        RefillState::Pending { .. } => 1,
        RefillState::Taken { running: false, .. } => 2,
        RefillState::Taken { running: true, .. } => 3,
        RefillState::Completed => 4,
        RefillState::Rejected => 5,
        RefillState::Error => 6,
    }
}

pub(crate) const fn cancel_code(state: &CancelState) -> i64 {
    match state {
        CancelState::Pending { .. } => 1,
        CancelState::Taken { .. } => 2,
        CancelState::Completed => 3,
        CancelState::Rejected => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lead_back_to_what_they_stand_for() {
        for code in 1..=7 {
            assert_eq!(status_of(code).map(status_code), Some(code));
        }
        for code in 1..=3 {
            assert_eq!(standing_of(code).map(standing_code), Some(code));
        }
        for code in 1..=2 {
            assert_eq!(role_of(code).map(role_code), Some(code));
            assert_eq!(operator_standing_of(code).map(operator_standing_code), Some(code));
        }
        for purpose in [Purpose::Order, Purpose::Mirrored, Purpose::Segment(0), Purpose::Segment(u32::MAX)] {
            assert_eq!(purpose_of(purpose_code(purpose)), Some(purpose));
        }
        assert_eq!(status_of(0), None);
        assert_eq!(purpose_of(i64::MIN), None);
    }

    #[test]
    fn every_open_status_is_in_the_index_of_open_orders() {
        for code in 1..=7 {
            let status = status_of(code).expect("known");
            assert_eq!(status.has_ended(), code > 3, "{status:?}");
        }
    }

    #[test]
    fn every_type_of_service_has_a_code_of_its_own() {
        let codes: std::collections::BTreeSet<i64> = ServiceType::ALL.map(kind_code).into();
        assert_eq!(codes.len(), ServiceType::ALL.len());
    }
}
