//! The statements that write, and their columns as arrays: one statement per table and batch, however many rows.
//!
//! In: rows, one after another. Out: the parameters of the statement beside them, in its order.

use tokio_postgres::types::ToSql;

use super::values::Hash;

macro_rules! columns_of {
    ($($(#[$doc:meta])* pub(super) struct $name:ident<'a> { $($column:ident: $of:ty,)* })*) => {$(
        $(#[$doc])*
        #[allow(clippy::struct_field_names, reason = "fields are named as the columns are")]
        #[derive(Debug, Default)]
        pub(super) struct $name<'a> {
            $(pub(super) $column: Vec<$of>,)*
            pub(super) lifetime: std::marker::PhantomData<&'a ()>,
        }

        impl $name<'_> {
            pub(super) fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
                vec![$(&self.$column),*]
            }
        }
    )*};
}

columns_of! {
    /// `account`.
    pub(super) struct Accounts<'a> {
        customer: i32,
        currency: &'a str,
        balance: i64,
        credit_limit: i64,
        standing: i16,
    }

    /// `orders` that were just accepted and nothing more, the columns that don't follow from others.
    pub(super) struct FreshOrders<'a> {
        quantity: i64,
        rate: i64,
        charge: i64,
        accepted_at: i64,
        id: i32,
        customer: i32,
        service: i32,
        price_version: i32,
        kind: i16,
        guarded: bool,
        currency: &'a str,
        guard: Option<Hash>,
        mark: Option<Vec<u8>>,
        link: Option<&'a str>,
    }

    /// `attempt` that was just planned, the first of its order, the columns that don't follow from others.
    pub(super) struct FreshAttempts<'a> {
        expected_cost: i64,
        planned_at: i64,
        state_at: i64,
        order_id: i32,
        customer: i32,
        account: i32,
        currency: &'a str,
        service: &'a str,
    }

    /// `orders`, all columns but the node.
    pub(super) struct NewOrders<'a> {
        quantity: i64,
        remains: i64,
        rate: i64,
        charge: i64,
        debited: i64,
        returned: i64,
        refunded: i64,
        in_flight: i64,
        accepted_at: i64,
        ended_at: i64,
        id: i32,
        customer: i32,
        service: i32,
        price_version: i32,
        entries: i32,
        status: i16,
        kind: i16,
        part: i16,
        open: bool,
        guarded: bool,
        currency: &'a str,
        start_count: Option<i64>,
        hold_at: Option<i64>,
        parent: Option<i32>,
        part_number: Option<i32>,
        guard: Option<Hash>,
        mark: Option<Vec<u8>>,
        link: Option<&'a str>,
        kind_details: Option<String>,
        part_details: Option<String>,
        hold: Option<String>,
    }

    /// What of an order changes in its life.
    pub(super) struct MovedOrders<'a> {
        id: i32,
        customer: i32,
        status: i16,
        open: bool,
        remains: i64,
        charge: i64,
        debited: i64,
        returned: i64,
        refunded: i64,
        in_flight: i64,
        entries: i32,
        ended_at: i64,
        start_count: Option<i64>,
        hold_at: Option<i64>,
        part_details: Option<String>,
        hold: Option<String>,
    }

    /// `attempt`.
    pub(super) struct NewAttempts<'a> {
        expected_cost: i64,
        booked_cost: i64,
        planned_at: i64,
        state_at: Option<i64>,
        order_id: i32,
        customer: i32,
        purpose: i64,
        account: i32,
        entries: i32,
        number: i32,
        state: i16,
        doubt: bool,
        currency: &'a str,
        service: &'a str,
        provider_order: Option<&'a str>,
        details: Option<String>,
        recall: Option<String>,
    }

    /// What of an attempt changes in its life.
    pub(super) struct MovedAttempts<'a> {
        order_id: i32,
        number: i32,
        customer: i32,
        expected_cost: i64,
        booked_cost: i64,
        currency: &'a str,
        entries: i32,
        state: i16,
        doubt: bool,
        state_at: Option<i64>,
        provider_order: Option<&'a str>,
        details: Option<String>,
        recall: Option<String>,
    }

    /// `refill`.
    pub(super) struct Refills<'a> {
        id: i32,
        order_id: i32,
        customer: i32,
        state: i16,
        open: bool,
        due: Option<i64>,
        provider_refill: Option<&'a str>,
        tries: i32,
        requested_at: i64,
        ended_at: Option<i64>,
    }

    /// `cancel`.
    pub(super) struct Cancels<'a> {
        id: i32,
        order_id: i32,
        customer: i32,
        state: i16,
        due: Option<i64>,
        provider_cancel: Option<&'a str>,
        tries: i32,
        requested_at: i64,
        ended_at: Option<i64>,
    }

    /// `entry`, all columns but the node.
    pub(super) struct Entries<'a> {
        number: i64,
        amount: i64,
        cause_id: i32,
        cause_part: i32,
        sequence: i32,
        customer: i32,
        from_id: i32,
        to_id: i32,
        cause_kind: i16,
        from_kind: i16,
        to_kind: i16,
        currency: &'a str,
    }

    /// What each provider account gained or lost.
    pub(super) struct Prepaid<'a> {
        account: i32,
        amount: i64,
    }

    /// `idempotency`.
    pub(super) struct Marks<'a> {
        customer: i32,
        key: Hash,
        parameters: Hash,
        order_id: i32,
        accepted_at: i64,
    }

    /// Keys of `idempotency` that are given again.
    pub(super) struct ExpiredMarks<'a> {
        customer: i32,
        key: Hash,
    }

    /// `customer` and `service`: the revision is the one that was read, 1 for a new row.
    pub(super) struct Details<'a> {
        id: i32,
        revision: i64,
        details: String,
    }

    /// `provider`: the revision is the one that was read, 1 for a new row.
    pub(super) struct Providers<'a> {
        id: i32,
        revision: i64,
        sealed_key: &'a [u8],
        details: String,
    }

    /// `api_key`.
    pub(super) struct ApiKeys<'a> {
        hash: &'a [u8],
        customer: i32,
        label: &'a str,
        revoked: bool,
    }

    /// `price`.
    pub(super) struct Prices<'a> {
        service: i32,
        version: i32,
        rate: i64,
        since: i64,
    }

    /// `transfer`.
    pub(super) struct Transfers<'a> {
        id: i32,
        to_kind: i16,
        to_id: i32,
        amount: i64,
        currency: &'a str,
        at: i64,
        note: &'a str,
    }

    /// `operator`.
    pub(super) struct Operators<'a> {
        id: i32,
        username: &'a str,
        password: &'a str,
        admin_key: Option<&'a [u8]>,
        role: i16,
        standing: i16,
        opened_at: i64,
        password_changed_at: i64,
        sessions_since: i64,
    }
}
