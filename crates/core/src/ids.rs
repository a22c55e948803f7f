//! Newtypes of every id, so that one noun's number can't be passed for another's.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($of:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $of);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// An order, drip-feed or subscription, or a run or post of one: 1 to 2³¹−1, one sequence for all.
    OrderId(u32)
);
id!(CustomerId(u32));
id!(ServiceId(u32));
id!(
    /// One pair of URL and key at a provider; a changed URL or key starts a new account.
    ProviderAccountId(u32)
);
id!(RefillId(u32));
id!(
    /// A cancel request; the sequence starts at 1000, so that 1 can only mean 'yes' (`api-v2.md` §10, 10).
    CancelId(u32)
);
id!(
    /// A movement entered by an operator or a gateway: deposit, adjustment, top-up at a provider.
    TransferId(u32)
);
id!(OperatorId(u32));
id!(
    /// One installation's number among the nodes that share a database.
    NodeId(u16)
);

/// The n-th attempt made for an order, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttemptId {
    /// The order it spends for.
    pub order: OrderId,
    /// Its place among the order's attempts, from 1.
    pub number: u16,
}

impl AttemptId {
    /// No attempt of the order: what an operator or an outside worker reports of it by hand.
    pub const fn by_hand(order: OrderId) -> Self {
        Self { order, number: 0 }
    }

    pub const fn is_by_hand(self) -> bool {
        self.number == 0
    }
}

impl std::fmt::Display for AttemptId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.order, self.number)
    }
}

/// The provider's own name for an order of ours: text, because providers use integers beyond 32 bits,
/// prefixed texts and UUIDs (`api-v2.md` §12). At most [`crate::limits::PROVIDER_ORDER_ID_BYTES`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProviderOrderId(String);

impl ProviderOrderId {
    /// None for an empty or too long text: such an answer names no order.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = !text.is_empty() && text.len() <= crate::limits::PROVIDER_ORDER_ID_BYTES;
        fits.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ProviderOrderId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of one commit: unique for ever, and the proof that the commit happened (`domain.md`, The ledger).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BatchId {
    pub node: NodeId,
    /// Raised at every start of the node; nothing of an older epoch commits after it.
    pub epoch: u32,
    /// Ascending within the epoch, from 1; a batch that changed nothing leaves no row.
    pub sequence: u64,
}
