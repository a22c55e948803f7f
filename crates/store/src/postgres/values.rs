//! Values on their way into columns: sixteen-byte hashes as uuid, and numbers in the width of their column.

use std::error::Error;

use bytes::{BufMut as _, BytesMut};
use panelworks_core::world::GuardKey;
use sha2::{Digest, Sha256};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::error::Failure;

/// Sixteen bytes in a column of type uuid: fixed in length, without a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hash(pub(super) [u8; 16]);

impl Hash {
    /// What the duplicate guard's index compares, beside customer and service.
    pub(super) fn of_guard(guard: &GuardKey) -> Self {
        let mut hash = Self([0; 16]);
        hash.0.copy_from_slice(&Sha256::digest(guard.target.as_bytes())[..16]);
        hash
    }
}

impl ToSql for Hash {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::UUID
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Hash {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw.try_into()?))
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::UUID
    }
}

/// Four bytes. Ids, versions and counts end far below (panelworks-core's limits.rs).
pub(super) fn four(number: impl TryInto<i32> + std::fmt::Display + Copy) -> Result<i32, Failure> {
    number.try_into().map_err(|_| Failure::value(format!("{number} does not fit into four bytes")))
}

/// Eight bytes.
pub(super) fn eight(number: impl TryInto<i64> + std::fmt::Display + Copy) -> Result<i64, Failure> {
    number.try_into().map_err(|_| Failure::value(format!("{number} does not fit into eight bytes")))
}

/// A code.
pub(super) fn two(code: impl TryInto<i16> + std::fmt::Display + Copy) -> Result<i16, Failure> {
    code.try_into().map_err(|_| Failure::value(format!("{code} does not fit into two bytes")))
}
