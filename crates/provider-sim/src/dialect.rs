//! The dialects of real panels: the same answer, told in another panel's way.
//!
//! In: an answer in our own form (perhaps bent by faults) and what it answers. Out: status, content type and
//! bytes as that family of panels sends them. It knows no order and no fault. Each form names its line in
//! `api-v2.md`; a client that follows that contract reads all of them alike.

mod rows;

use panelworks_wire::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::action::Action;
use crate::reply::{HTML, Reply};

/// The families, by what is special about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// The superset our own server speaks.
    #[default]
    Ours,
    /// Every number is a number, every flag 0 or 1, an unknown counter null (§3, §5, §8).
    Numbers,
    /// Status words in lower case and British spelling (§5).
    LowerCase,
    /// SP: types in `snake_case`, numbers as strings, no `refill` and no `cancel` flag, unknown ids as bare
    /// texts, `runs` in all (§3, §5).
    SmartPanel,
    /// CM: errors with `status`, `msg` and a code; a single refill's error one level down; a single
    /// `refill_status` as a list of one (§1, §6).
    Cmsnt,
    /// Everything inside `data` (§3, §4, §8).
    Wrapped,
    /// The status of many is a list of rows with `order` (§5).
    StatusList,
    /// Knows only one order at a time (§10, 4).
    SingleStatus,
    /// A byte order mark and PHP notices before the JSON, which is called HTML (§1).
    Notices,
    /// BR: 201 for what was created, 401 and 422 for errors, the status of many as a list without ids (§1,
    /// §5).
    Codes,
    /// Refill ids as ints and rows of other shapes (§6).
    LooseRefills,
    /// The first seed: a cancel is answered 1, without `type`, and can't be asked about; no `dripfeed` (§7,
    /// §10).
    FirstSeed,
    /// The second seed: `type` where a refill's `status` belongs (§6).
    SecondSeed,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Dialect; 13] = [
        Dialect::Ours,
        Dialect::Numbers,
        Dialect::LowerCase,
        Dialect::SmartPanel,
        Dialect::Cmsnt,
        Dialect::Wrapped,
        Dialect::StatusList,
        Dialect::SingleStatus,
        Dialect::Notices,
        Dialect::Codes,
        Dialect::LooseRefills,
        Dialect::FirstSeed,
        Dialect::SecondSeed,
    ];
}

const NOTICE: &str = "\u{feff}<br />\n<b>Notice</b>:  Undefined index: dripfeed in \
                      <b>/home/panel/public_html/api.php</b> on line <b>[214]</b><br />\n";

/// Speaks an answer. `bent` replaces the answer's own form where a fault changed it.
pub(crate) fn speak(dialect: Dialect, action: Action, response: &Response, bent: Option<Value>) -> Reply {
    if dialect == Dialect::Ours {
        let body = bent.map_or_else(|| response.encode(), |bent| bent.to_string().into_bytes());
        return Reply::json(200, body);
    }
    let own = || serde_json::from_slice(&response.encode()).expect("our own encoder writes JSON");
    let value = bent.unwrap_or_else(own);
    let body = match dialect {
        Dialect::Ours | Dialect::Notices => value,
        Dialect::Numbers => rows::numbers(response, value),
        Dialect::LowerCase => rows::lower_case(value),
        Dialect::SmartPanel => rows::smart_panel(response, value),
        Dialect::Cmsnt => rows::cmsnt(action, response, value),
        Dialect::Wrapped => rows::wrapped(response, value),
        Dialect::StatusList => rows::status_list(response, value),
        Dialect::SingleStatus => rows::single_status(response, value),
        Dialect::Codes => rows::codes(response, value),
        Dialect::LooseRefills => rows::loose_refills(response, value),
        Dialect::FirstSeed => rows::first_seed(response, value),
        Dialect::SecondSeed => rows::second_seed(response, value),
    };
    let mut reply = Reply::json(status(dialect, action, response), body.to_string().into_bytes());
    if dialect == Dialect::Notices {
        reply.body.splice(0..0, NOTICE.bytes());
        reply.content_type = HTML;
    }
    reply
}

fn status(dialect: Dialect, action: Action, response: &Response) -> u16 {
    if dialect != Dialect::Codes {
        return 200;
    }
    match response {
        Response::Order(_) | Response::Refill(_) | Response::RefillMany(_) => 201,
        Response::Error(_) if action == Action::Unreadable => 401,
        Response::Error(_) => 422,
        Response::Services(_)
        | Response::Status(_)
        | Response::StatusMany(_)
        | Response::RefillStatus(_)
        | Response::RefillStatusMany(_)
        | Response::Cancel(_)
        | Response::CancelMany(_)
        | Response::CancelStatus(_)
        | Response::CancelStatusMany(_)
        | Response::Balance { .. } => 200,
    }
}

#[cfg(test)]
mod tests;
