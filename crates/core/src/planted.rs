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
    /// Refunds follow whatever remains is said, also above what was sold (12).
    RefundWithoutCap,
    /// A repeated Partial refunds again (13).
    RefundRepeated,
    /// A retried `add` with the same key is a new order (a neighbour of 23).
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
    /// A 5xx after the first byte is planned again (2).
    RetryAfterServerError,
    /// A connection that broke after the body was sent is planned again (3).
    RetryAfterReset,
    /// A commit that nobody knows the fate of is acknowledged (7).
    AckUnknownCommit,
    /// A provider that does not know an order of ours is believed to have canceled it (18).
    UnknownIdIsCanceled,
    /// The answers of many are matched by their place (19).
    AnswersByPosition,
    /// One id that is answered with an error ends the pass: the rest is never asked again (20).
    OneErrorStopsPoll,
    /// An idempotency key counts for every customer (23).
    KeyOfAnyCustomer,
    /// The same key with other parameters is answered with the first order (24).
    KeyWithOtherParameters,
    /// Rate and quantity are multiplied in 32 bits, wrapping around (25).
    WrappingProduct,
    /// The price is read when the order is sent (28).
    PriceAtDispatch,
    /// Books restored from a backup go on as if nothing had happened since (30).
    RestoreWithoutQuarantine,
    /// A node that was taken over or replaced goes on writing (10).
    NoFence,
    /// Whether a node's epoch is over is asked when a batch begins, and not by its commit (11).
    FenceBeforeCommit,
    /// A claimed attempt is sent however long ago it was claimed (a neighbour of 10, A12).
    SentHoweverLate,
}

impl Bug {
    pub const ALL: [Self; 29] = [
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
        Self::RetryAfterServerError,
        Self::RetryAfterReset,
        Self::AckUnknownCommit,
        Self::UnknownIdIsCanceled,
        Self::AnswersByPosition,
        Self::OneErrorStopsPoll,
        Self::KeyOfAnyCustomer,
        Self::KeyWithOtherParameters,
        Self::WrappingProduct,
        Self::PriceAtDispatch,
        Self::RestoreWithoutQuarantine,
        Self::NoFence,
        Self::FenceBeforeCommit,
        Self::SentHoweverLate,
    ];

    /// Its number in invariants.md 8; none for a neighbour of one.
    pub const fn number(self) -> Option<u8> {
        Some(match self {
            Self::RetryAfterTimeout => 1,
            Self::RetryAfterServerError => 2,
            Self::RetryAfterReset => 3,
            Self::SendBeforeSending => 4,
            Self::SendingToPlanned => 5,
            Self::AckBeforeCommit => 6,
            Self::AckUnknownCommit => 7,
            Self::RetryUnknownCommit => 8,
            Self::BalanceBeforeBatch => 9,
            Self::NoFence => 10,
            Self::FenceBeforeCommit => 11,
            Self::RefundWithoutCap => 12,
            Self::RefundRepeated => 13,
            Self::NegativeRemains => 14,
            Self::FullRefundOnPartial => 15,
            Self::RefundOnCancelRequest => 16,
            Self::LeaveTerminal => 17,
            Self::UnknownIdIsCanceled => 18,
            Self::AnswersByPosition => 19,
            Self::OneErrorStopsPoll => 20,
            Self::KeyOfAnyCustomer => 23,
            Self::KeyWithOtherParameters => 24,
            Self::WrappingProduct => 25,
            Self::ChargeRoundsDown => 26,
            Self::RunsCatchUp => 27,
            Self::PriceAtDispatch => 28,
            Self::RestoreWithoutQuarantine => 30,
            Self::IdempotencyIgnored | Self::SentHoweverLate => return None,
        })
    }

    /// The eight that any seed should see (invariants.md 7.7).
    pub const OBVIOUS: [Self; 8] = [
        Self::RetryAfterTimeout,
        Self::AckBeforeCommit,
        Self::RefundWithoutCap,
        Self::BalanceBeforeBatch,
        Self::RefundRepeated,
        Self::SendBeforeSending,
        Self::IdempotencyIgnored,
        Self::SendingToPlanned,
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
