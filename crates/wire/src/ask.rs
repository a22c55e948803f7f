//! What our client sends: one call as the form body every panel understands (`api-v2.md` §1, §4-§8).
//!
//! In come provider ids as the texts the provider gave out, and parameters under their names on the wire; out goes
//! `application/x-www-form-urlencoded`. It doesn't send, and it doesn't hold the key, so that a call can be logged.

use form_urlencoded::Serializer;

/// One call to a provider. Lists hold at most 100 ids ([`BATCH_IDS`](crate::limits::BATCH_IDS)); splitting is the caller's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientCall {
    Services,
    Balance,
    Add(ClientAdd),
    /// Order ids.
    Status(Vec<String>),
    /// Order ids.
    Refill(Vec<String>),
    /// Refill ids.
    RefillStatus(Vec<String>),
    /// Order ids.
    Cancel(Vec<String>),
    /// Cancel request ids.
    CancelStatus(Vec<String>),
}

/// An order to place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAdd {
    /// The provider's own id of the service.
    pub service: String,
    /// Further parameters by their names of `api-v2.md` §4, in the order they shall be sent.
    pub fields: Vec<(&'static str, String)>,
    /// Sent as `request_id`; the header of the same meaning is the HTTP client's to add.
    pub idempotency_key: Option<String>,
}

impl ClientCall {
    /// The word sent as `action`.
    #[must_use]
    pub const fn action(&self) -> &'static str {
        match self {
            Self::Services => "services",
            Self::Balance => "balance",
            Self::Add(_) => "add",
            Self::Status(_) => "status",
            Self::Refill(_) => "refill",
            Self::RefillStatus(_) => "refill_status",
            // The second seed asks for the state of cancels under the same action.
            Self::Cancel(_) | Self::CancelStatus(_) => "cancel",
        }
    }

    /// What a call may be repeated under: only an `add` has a key.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        match self {
            Self::Add(add) => add.idempotency_key.as_deref(),
            Self::Services
            | Self::Balance
            | Self::Status(_)
            | Self::Refill(_)
            | Self::RefillStatus(_)
            | Self::Cancel(_)
            | Self::CancelStatus(_) => None,
        }
    }

    /// The form body. One id goes in the single form and several in the list form, because older panels know only
    /// the former; cancels and their states are documented only as lists and always go so.
    #[must_use]
    pub fn to_form(&self, key: &str) -> String {
        let mut form = Serializer::new(String::new());
        form.append_pair("key", key).append_pair("action", self.action());
        match self {
            Self::Services | Self::Balance => {}
            Self::Add(add) => append_add(&mut form, add),
            Self::Status(ids) | Self::Refill(ids) => append_ids(&mut form, "order", "orders", ids),
            Self::RefillStatus(ids) => append_ids(&mut form, "refill", "refills", ids),
            Self::Cancel(ids) => append_ids(&mut form, "orders", "orders", ids),
            Self::CancelStatus(ids) => append_ids(&mut form, "cancels", "cancels", ids),
        }
        form.finish()
    }
}

fn append_add(form: &mut Serializer<'_, String>, add: &ClientAdd) {
    form.append_pair("service", &add.service);
    for (name, value) in &add.fields {
        form.append_pair(name, value);
    }
    if let Some(key) = &add.idempotency_key {
        form.append_pair("request_id", key);
    }
}

fn append_ids(form: &mut Serializer<'_, String>, one: &str, many: &str, ids: &[String]) {
    let name = if ids.len() == 1 { one } else { many };
    form.append_pair(name, &ids.join(","));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn one_id_goes_single_and_several_go_as_a_list() {
        assert_eq!(ClientCall::Status(ids(&["7"])).to_form("k"), "key=k&action=status&order=7");
        assert_eq!(ClientCall::Status(ids(&["7", "8"])).to_form("k"), "key=k&action=status&orders=7%2C8");
        assert_eq!(ClientCall::Refill(ids(&["7"])).to_form("k"), "key=k&action=refill&order=7");
        assert_eq!(ClientCall::RefillStatus(ids(&["a"])).to_form("k"), "key=k&action=refill_status&refill=a");
        assert_eq!(
            ClientCall::RefillStatus(ids(&["a", "b"])).to_form("k"),
            "key=k&action=refill_status&refills=a%2Cb"
        );
    }

    #[test]
    fn cancels_always_go_as_lists() {
        assert_eq!(ClientCall::Cancel(ids(&["7"])).to_form("k"), "key=k&action=cancel&orders=7");
        assert_eq!(ClientCall::CancelStatus(ids(&["1000"])).to_form("k"), "key=k&action=cancel&cancels=1000");
    }

    #[test]
    fn an_add_is_escaped_exactly_once() {
        let add = ClientAdd {
            service: "12".into(),
            fields: vec![
                ("link", "https://example.com/?a=1&b=50%25".into()),
                ("comments", "one\ntwo ☺".into()),
            ],
            idempotency_key: Some("att-9".into()),
        };
        assert_eq!(
            ClientCall::Add(add).to_form("k+y"),
            "key=k%2By&action=add&service=12&link=https%3A%2F%2Fexample.com%2F%3Fa%3D1%26b%3D50%2525\
             &comments=one%0Atwo+%E2%98%BA&request_id=att-9"
        );
    }

    #[test]
    fn calls_without_parameters_carry_key_and_action_only() {
        assert_eq!(ClientCall::Services.to_form("k"), "key=k&action=services");
        assert_eq!(ClientCall::Balance.to_form("k"), "key=k&action=balance");
    }
}
