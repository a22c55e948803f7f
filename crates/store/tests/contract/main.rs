//! The store's contract on every adapter, what only the embedded one promises, and what only the shared one.

mod carry;
mod embedded;
mod shared;
mod subjects;
mod upgrade;

mod memory {
    panelworks_store::store_contract!(panelworks_store::contract::InMemory::default());
}

mod sqlite {
    panelworks_store::store_contract!(crate::subjects::InSqlite::new());
    panelworks_store::views_contract!(crate::subjects::InSqlite::new());
}

mod on_postgres {
    panelworks_store::store_contract!(where_possible crate::subjects::InPostgres::new());
    panelworks_store::views_contract!(where_possible crate::subjects::InPostgres::new());
}
