//! The store's contract on every adapter, and what only the embedded one promises.

mod embedded;
mod subjects;

mod memory {
    panelworks_store::store_contract!(panelworks_store::contract::InMemory::default());
}

mod sqlite {
    panelworks_store::store_contract!(crate::subjects::InSqlite::new());
}
