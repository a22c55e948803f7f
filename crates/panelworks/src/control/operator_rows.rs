//! What is told about operators: rows for a table or JSON, and the secrets that are shown only once.

use panelworks_core::ids::OperatorId;
use panelworks_core::operator::{Operator, OperatorStanding, Role, Username};
use serde::{Deserialize, Serialize};

use super::order_sheet::instant;
use super::table::{Align, Table};

/// An operator as a list shows him.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OperatorRow {
    pub operator: OperatorId,
    pub username: Username,
    pub role: Role,
    pub standing: OperatorStanding,
    /// Whether the operator has a key to the admin API.
    pub admin_key: bool,
    /// As RFC 3339 in UTC.
    pub opened_at: String,
    pub password_changed_at: String,
}

/// An operator who was just opened.
#[derive(Clone, Serialize, Deserialize)]
pub struct OperatorAdded {
    pub operator: OperatorId,
    pub username: Username,
    pub role: Role,
    /// Where it was made here: shown only now.
    pub password: Option<String>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct NewPassword {
    pub username: Username,
    /// Where it was made here: shown only now.
    pub password: Option<String>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct NewAdminKey {
    pub username: Username,
    /// Shown only now; None where the key was taken away.
    pub admin_api_key: Option<String>,
}

macro_rules! shows_no_secret {
    ($($name:ident),*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).field("username", &self.username).finish_non_exhaustive()
            }
        }
    )*};
}

shows_no_secret!(OperatorAdded, NewPassword, NewAdminKey);

impl From<&Operator> for OperatorRow {
    fn from(operator: &Operator) -> Self {
        Self {
            operator: operator.id,
            username: operator.username.clone(),
            role: operator.role,
            standing: operator.standing,
            admin_key: operator.admin_key.is_some(),
            opened_at: instant(operator.opened_at),
            password_changed_at: instant(operator.password_changed_at),
        }
    }
}

impl OperatorRow {
    pub fn table(rows: &[Self]) -> String {
        if rows.is_empty() {
            return "No operators yet: panelworks operator add NAME".to_owned();
        }
        let mut table = Table::new(&[
            ("id", Align::Right),
            ("name", Align::Left),
            ("role", Align::Left),
            ("standing", Align::Left),
            ("admin key", Align::Left),
            ("password since", Align::Left),
        ]);
        for row in rows {
            table.row(vec![
                row.operator.to_string(),
                row.username.to_string(),
                role_word(row.role).to_owned(),
                standing_word(row.standing).to_owned(),
                if row.admin_key { "yes" } else { "" }.to_owned(),
                row.password_changed_at.clone(),
            ]);
        }
        table.text()
    }
}

impl OperatorAdded {
    pub fn text(&self) -> String {
        let role = match self.role {
            Role::Owner => "an owner",
            Role::Staff => "staff",
        };
        let opened = format!("Operator {} is there ({role}).", self.username);
        with_password(opened, self.password.as_deref())
    }
}

impl NewPassword {
    pub fn text(&self) -> String {
        let changed = format!("Operator {} has a new password; older sessions have ended.", self.username);
        with_password(changed, self.password.as_deref())
    }
}

impl NewAdminKey {
    pub fn text(&self) -> String {
        match &self.admin_api_key {
            Some(key) => format!("Operator {} has a new admin API key, shown only now: {key}", self.username),
            None => format!("Operator {} has no admin API key any more.", self.username),
        }
    }
}

fn with_password(text: String, password: Option<&str>) -> String {
    match password {
        Some(password) => format!("{text}\nPassword, shown only now: {password}"),
        None => text,
    }
}

const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Staff => "staff",
    }
}

/// Also how it is told that somebody's standing was changed.
pub const fn standing_word(standing: OperatorStanding) -> &'static str {
    match standing {
        OperatorStanding::Active => "active",
        OperatorStanding::Suspended => "suspended",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anna() -> Username {
        Username::parse("anna").expect("a username")
    }

    #[test]
    fn secrets_are_told_where_they_were_made_here_and_never_by_debug() {
        let made = NewPassword { username: anna(), password: Some("hidden words".to_owned()) };
        assert!(made.text().ends_with("Password, shown only now: hidden words"));
        assert!(!format!("{made:?}").contains("hidden"));
        let chosen = NewPassword { username: anna(), password: None };
        assert!(!chosen.text().contains("shown"), "{}", chosen.text());
    }
}
