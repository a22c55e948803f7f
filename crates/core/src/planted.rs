//! Bugs planted on purpose, to prove that the simulation can see them (invariants.md 7.7 and 8).
//!
//! Without the feature `planted`, which only the simulation turns on, [`Planted::has`] is `false` at compile
//! time and nothing of this is in the program.

/// The bugs that can be switched on. Numbers in brackets are those of invariants.md 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Bug {
    /// A time-out after the first byte is planned again (1).
    RetryAfterTimeout,
    /// `sending` becomes `planned` at recovery (5).
    SendingToPlanned,
    /// The reply leaves before the commit (6).
    AckBeforeCommit,
    /// The request leaves before `sending` is durable (4).
    SendBeforeSending,
    /// The balance is checked as it was before the batch (9).
    BalanceBeforeBatch,
    /// Refunds are not bounded by the charge (12).
    RefundWithoutCap,
    /// A repeated Partial refunds again (13).
    RefundRepeated,
    /// A retried `add` with the same key is a new order (23's neighbour).
    IdempotencyIgnored,
    /// Remains below zero count (14).
    NegativeRemains,
    /// A Partial gives everything back (15).
    FullRefundOnPartial,
    /// The request for a cancel already gives the money back (16).
    RefundOnCancelRequest,
    /// An ended order moves again (17).
    LeaveTerminal,
    /// A batch of unknown commit is decided again without asking whether it stands (8).
    RetryUnknownCommit,
    /// The charge is rounded down (26).
    ChargeRoundsDown,
    /// All missed runs of a drip-feed are made at once (27).
    RunsCatchUp,
}

impl Bug {
    pub const ALL: [Self; 15] = [
        Self::RetryAfterTimeout,
        Self::SendingToPlanned,
        Self::AckBeforeCommit,
        Self::SendBeforeSending,
        Self::BalanceBeforeBatch,
        Self::RefundWithoutCap,
        Self::RefundRepeated,
        Self::IdempotencyIgnored,
        Self::NegativeRemains,
        Self::FullRefundOnPartial,
        Self::RefundOnCancelRequest,
        Self::LeaveTerminal,
        Self::RetryUnknownCommit,
        Self::ChargeRoundsDown,
        Self::RunsCatchUp,
    ];
}

/// The bugs that are on: none, outside the simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Planted {
    #[cfg(feature = "planted")]
    bug: Option<Bug>,
}

impl Planted {
    #[cfg(feature = "planted")]
    pub const fn only(bug: Bug) -> Self {
        Self { bug: Some(bug) }
    }

    #[cfg(feature = "planted")]
    pub fn has(self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    #[cfg(not(feature = "planted"))]
    pub const fn has(self, _bug: Bug) -> bool {
        false
    }
}
