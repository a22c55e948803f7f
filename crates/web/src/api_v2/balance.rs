//! `action=balance` (`api-v2.md` §8): what the account has, in its own currency.

use panelworks_wire::{ErrorText, Response};

use super::refusal;
use crate::known::Caller;
use crate::panel::Panel;

pub(super) async fn balance(panel: &Panel, caller: &Caller) -> Response {
    let customer = caller.customer;
    match panel.ask(move |views| views.account(customer)).await {
        Ok(Some(account)) => {
            Response::Balance { balance: account.balance.to_string(), currency: account.currency.to_string() }
        }
        // A key always belongs to an account; one that is gone takes its keys with it.
        Ok(None) => Response::Error(ErrorText::InvalidApiKey),
        Err(unanswered) => Response::Error(refusal::unanswered(&unanswered)),
    }
}
