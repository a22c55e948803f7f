//! The actions of API v2 as the page documents them, in the manner of the seeds: parameters, a request, example
//! answers. Shapes: `api-v2.md` §3 to §8. The request shown is made from the same rows as the table, so that the two
//! can't disagree. `¤` in an answer stands for the panel's currency.

use std::fmt::Write as _;

use super::parameter::Parameter;

/// One action, or one of its forms.
#[derive(Debug)]
pub(super) struct Action {
    /// The anchor on the page; its texts are `act-<anchor>` and `act-<anchor>-text`.
    pub anchor: &'static str,
    pub title: &'static str,
    pub about: &'static str,
    /// The value of `action`.
    pub word: &'static str,
    /// Without `key` and `action`, which every request has.
    pub parameters: &'static [Parameter],
    /// Values for the request shown, by parameter; what isn't here is left out of it.
    pub example: &'static [(&'static str, &'static str)],
    pub answers: &'static [Answer],
    pub notes: &'static [&'static str],
}

/// One example answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// What it is an answer about, where an action has several.
    pub of: Option<&'static str>,
    pub json: &'static str,
}

impl Action {
    /// The request as a curl command, ready to be pasted once the key is filled in.
    pub(super) fn curl(&self, api_url: &str) -> String {
        let mut command = format!("curl {api_url} \\\n  -d key=YOUR_API_KEY \\\n  -d action={}", self.word);
        for (name, value) in self.example {
            let plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b',');
            let option = if plain { "-d" } else { "--data-urlencode" };
            // Writing to a string can't fail.
            let _ = write!(command, " \\\n  {option} {name}={value}");
        }
        command
    }

    #[cfg(test)]
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> + '_ {
        let parameters = self.parameters.iter().map(|parameter| parameter.about);
        let answers = self.answers.iter().filter_map(|answer| answer.of);
        [self.title, self.about]
            .into_iter()
            .chain(parameters)
            .chain(answers)
            .chain(self.notes.iter().copied())
    }
}

/// The form of `add` that most services take, shown at the top of the page, too.
pub(super) const fn add() -> &'static Action {
    &ADD
}

const ADD: Action = Action {
    anchor: "add",
    title: "act-add",
    about: "act-add-text",
    word: "add",
    parameters: &[
        Parameter::required("service", "par-service"),
        Parameter::required("link", "par-link"),
        Parameter::required("quantity", "par-quantity"),
        Parameter::optional("runs", "par-runs"),
        Parameter::optional("interval", "par-interval"),
        Parameter::optional("request_id", "par-request-id"),
    ],
    example: &[("service", "1"), ("link", "https://example.com/page"), ("quantity", "100")],
    answers: &[Answer {
        of: None,
        json: r#"{
    "order": 23501
}"#,
    }],
    notes: &["act-add-note-drip", "act-add-note-linkless"],
};

pub(super) const ACTIONS: &[Action] = &[
    Action {
        anchor: "services",
        title: "act-services",
        about: "act-services-text",
        word: "services",
        parameters: &[],
        example: &[],
        answers: &[Answer {
            of: None,
            json: r#"[
    {
        "service": 1,
        "name": "Followers",
        "type": "Default",
        "category": "First Category",
        "rate": "0.90",
        "min": "50",
        "max": "10000",
        "dripfeed": true,
        "refill": true,
        "cancel": true
    },
    {
        "service": 2,
        "name": "Comments",
        "type": "Custom Comments",
        "category": "Second Category",
        "rate": "8.00",
        "min": "10",
        "max": "1500",
        "dripfeed": false,
        "refill": false,
        "cancel": true
    }
]"#,
        }],
        notes: &["act-services-note-fields"],
    },
    ADD,
    Action {
        anchor: "status",
        title: "act-status",
        about: "act-status-text",
        word: "status",
        parameters: &[Parameter::required("order", "par-order")],
        example: &[("order", "23501")],
        answers: &[
            Answer {
                of: Some("act-status-plain"),
                json: r#"{
    "charge": "0.27819",
    "start_count": "3572",
    "status": "Partial",
    "remains": "157",
    "currency": "¤"
}"#,
            },
            Answer {
                of: Some("act-status-drip"),
                json: r#"{
    "charge": "0.90",
    "start_count": "0",
    "status": "In progress",
    "remains": "800",
    "currency": "¤",
    "runs": "2",
    "orders": ["23502", "23519"]
}"#,
            },
            Answer {
                of: Some("act-status-subscription"),
                json: r#"{
    "charge": "0.10",
    "start_count": "0",
    "status": "Active",
    "remains": "0",
    "currency": "¤",
    "posts": "3",
    "expiry": "31/12/2030",
    "orders": ["23601", "23644", "23702"]
}"#,
            },
        ],
        notes: &["act-status-note-drip"],
    },
    Action {
        anchor: "multi-status",
        title: "act-multi-status",
        about: "act-multi-status-text",
        word: "status",
        parameters: &[Parameter::required("orders", "par-orders")],
        example: &[("orders", "1,10,100")],
        answers: &[Answer {
            of: None,
            json: r#"{
    "1": {
        "charge": "0.27819",
        "start_count": "3572",
        "status": "Partial",
        "remains": "157",
        "currency": "¤"
    },
    "10": {
        "error": "Incorrect order ID"
    },
    "100": {
        "charge": "1.44219",
        "start_count": "234",
        "status": "In progress",
        "remains": "10",
        "currency": "¤"
    }
}"#,
        }],
        notes: &[],
    },
    Action {
        anchor: "refill",
        title: "act-refill",
        about: "act-refill-text",
        word: "refill",
        parameters: &[Parameter::required("order", "par-order")],
        example: &[("order", "23501")],
        answers: &[Answer {
            of: None,
            json: r#"{
    "refill": "1"
}"#,
        }],
        notes: &[],
    },
    Action {
        anchor: "multi-refill",
        title: "act-multi-refill",
        about: "act-multi-refill-text",
        word: "refill",
        parameters: &[Parameter::required("orders", "par-orders")],
        example: &[("orders", "1,2,3")],
        answers: &[Answer {
            of: None,
            json: r#"[
    {
        "order": 1,
        "refill": 1
    },
    {
        "order": 2,
        "refill": 2
    },
    {
        "order": 3,
        "refill": {
            "error": "Incorrect order ID"
        }
    }
]"#,
        }],
        notes: &[],
    },
    Action {
        anchor: "refill-status",
        title: "act-refill-status",
        about: "act-refill-status-text",
        word: "refill_status",
        parameters: &[Parameter::required("refill", "par-refill")],
        example: &[("refill", "1")],
        answers: &[Answer {
            of: None,
            json: r#"{
    "status": "Completed"
}"#,
        }],
        notes: &[],
    },
    Action {
        anchor: "multi-refill-status",
        title: "act-multi-refill-status",
        about: "act-multi-refill-status-text",
        word: "refill_status",
        parameters: &[Parameter::required("refills", "par-refills")],
        example: &[("refills", "1,2,3")],
        answers: &[Answer {
            of: None,
            json: r#"[
    {
        "refill": 1,
        "status": "Completed"
    },
    {
        "refill": 2,
        "status": "Rejected"
    },
    {
        "refill": 3,
        "status": {
            "error": "Refill not found"
        }
    }
]"#,
        }],
        notes: &[],
    },
    Action {
        anchor: "cancel",
        title: "act-cancel",
        about: "act-cancel-text",
        word: "cancel",
        parameters: &[Parameter::required("orders", "par-orders")],
        example: &[("orders", "9,2,12,1000")],
        answers: &[Answer {
            of: None,
            json: r#"[
    {
        "order": 9,
        "cancel": {
            "error": "Incorrect order ID"
        }
    },
    {
        "order": 2,
        "type": "order",
        "cancel": 1000
    },
    {
        "order": 12,
        "type": "dripfeed",
        "cancel": 1001
    },
    {
        "order": 1000,
        "type": "subscription",
        "cancel": {
            "error": "Cancellation request was sent earlier"
        }
    }
]"#,
        }],
        notes: &["act-cancel-note-one"],
    },
    Action {
        anchor: "cancel-status",
        title: "act-cancel-status",
        about: "act-cancel-status-text",
        word: "cancel",
        parameters: &[Parameter::required("cancels", "par-cancels")],
        example: &[("cancels", "1000,1001,5")],
        answers: &[Answer {
            of: None,
            json: r#"[
    {
        "cancel": 1000,
        "status": "Completed"
    },
    {
        "cancel": 1001,
        "status": "Rejected"
    },
    {
        "cancel": 5,
        "status": {
            "error": "Cancel not found"
        }
    }
]"#,
        }],
        notes: &[],
    },
    Action {
        anchor: "balance",
        title: "act-balance",
        about: "act-balance-text",
        word: "balance",
        parameters: &[],
        example: &[],
        answers: &[Answer {
            of: None,
            json: r#"{
    "balance": "100.84292",
    "currency": "¤"
}"#,
        }],
        notes: &[],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_shown_has_every_required_parameter_and_no_unknown_one() {
        for action in ACTIONS {
            let shown: Vec<&str> = action.example.iter().map(|(name, _)| *name).collect();
            for parameter in action.parameters.iter().filter(|parameter| !parameter.is_optional()) {
                assert!(shown.contains(&parameter.name), "{} of {}", parameter.name, action.anchor);
            }
            for name in shown {
                assert!(
                    action.parameters.iter().any(|parameter| parameter.name == name),
                    "{name} of {}",
                    action.anchor
                );
            }
        }
    }

    #[test]
    fn every_example_answer_is_json_with_the_errors_the_wire_knows() {
        let documented: Vec<String> = super::super::errors::texts().collect();
        for answer in ACTIONS.iter().flat_map(|action| action.answers) {
            let json: serde_json::Value = serde_json::from_str(answer.json).expect(answer.json);
            for error in errors_in(&json) {
                assert!(documented.contains(&error), "{error}");
            }
        }
    }

    fn errors_in(json: &serde_json::Value) -> Vec<String> {
        let inner = match json {
            serde_json::Value::Object(fields) => {
                let own = fields.get("error").and_then(serde_json::Value::as_str).map(str::to_owned);
                return own.into_iter().chain(fields.values().flat_map(errors_in)).collect();
            }
            serde_json::Value::Array(rows) => rows,
            serde_json::Value::Null
            | serde_json::Value::Bool(_)
            | serde_json::Value::Number(_)
            | serde_json::Value::String(_) => return Vec::new(),
        };
        inner.iter().flat_map(errors_in).collect()
    }

    #[test]
    fn a_value_with_marks_of_its_own_is_sent_encoded() {
        let command = add().curl("http://127.0.0.1:1/api/v2");
        assert!(command.starts_with("curl http://127.0.0.1:1/api/v2 \\\n  -d key="));
        assert!(command.contains("--data-urlencode link=https://example.com/page"));
        assert!(command.ends_with("-d quantity=100"));
    }
}
