//! `panelworks call`: one call of API v2 to any panel, from the command line.
//!
//! In: a URL, a key, an action and parameters as `name=value`. Out: the answer on standard output, laid out for
//! people or as it came, and an exit code that says whether the panel agreed. It knows no action by heart: what a
//! panel understands, it passes on.

use anyhow::{Context, bail};
use panelworks_client::{Endpoint, Panel, Reach, Secret, Transport};
use serde_json::Value;

use crate::cli::CallArgs;
use crate::said::{self, complain};

/// How the call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    Yes,
    /// The answer is an error, or no JSON.
    No,
}

/// Makes the call and prints the answer.
pub async fn call(args: &CallArgs) -> anyhow::Result<Said> {
    let key = match (&args.key, &args.key_file) {
        (Some(key), _) => Secret::new(key),
        (None, Some(path)) => Secret::new(
            std::fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?,
        ),
        (None, None) => bail!("whose call is it? Give --key, --key-file or the variable PANELWORKS_KEY"),
    };
    let endpoint = Endpoint::new(&args.url, key, Reach::PrivateAllowed)
        .with_context(|| format!("{} can't be called", args.url))?;
    let mut parameters = vec![("action".to_owned(), args.action.clone())];
    for text in &args.parameters {
        parameters.push(parameter(text)?);
    }
    let answer = Panel::new(endpoint, Transport::new()?).call(&parameters).await?;
    let (text, said) = shown(&answer.body, answer.status, args.raw);
    said::write(&text);
    if said == Said::No && !text.first().is_some_and(|byte| matches!(byte, b'{' | b'[')) {
        complain(&format!("the answer (HTTP {}) is no JSON of API v2", answer.status));
    }
    Ok(said)
}

/// `name=value`, or `name@=file` for a value from a file, such as a list of comments.
fn parameter(text: &str) -> anyhow::Result<(String, String)> {
    let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.trim_end_matches('@').is_empty())
    else {
        bail!("{text:?} is no parameter; write name=value, or name@=file for a value from a file");
    };
    match name.strip_suffix('@') {
        Some(name) => {
            let content = std::fs::read_to_string(value).with_context(|| format!("can't read {value}"))?;
            Ok((name.to_owned(), content))
        }
        None => Ok((name.to_owned(), value.to_owned())),
    }
}

/// The answer as it is printed, and whether the panel agreed.
fn shown(body: &[u8], status: u16, raw: bool) -> (Vec<u8>, Said) {
    let parsed: Option<Value> =
        serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)).ok();
    let said = match &parsed {
        Some(Value::Object(fields)) if !fields.contains_key("error") && status < 400 => Said::Yes,
        Some(Value::Array(_)) if status < 400 => Said::Yes,
        Some(_) | None => Said::No,
    };
    let text = match parsed {
        Some(value) if !raw => {
            let mut text = serde_json::to_vec_pretty(&value).unwrap_or_else(|_| body.to_vec());
            text.push(b'\n');
            text
        }
        Some(_) | None => body.to_vec(),
    };
    (text, said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    #[test]
    fn answers_are_laid_out_in_their_own_order_or_left_as_they_came() {
        let body = br#"{"charge":"0.27819","status":"Partial"}"#;
        let (text, said) = shown(body, 200, false);
        assert_eq!(
            String::from_utf8(text).expect("UTF-8"),
            "{\n  \"charge\": \"0.27819\",\n  \"status\": \"Partial\"\n}\n"
        );
        assert_eq!(said, Said::Yes);
        assert_eq!(shown(body, 200, true), (body.to_vec(), Said::Yes));
    }

    #[test]
    fn an_error_a_failed_status_and_no_json_are_a_no() {
        for (body, status) in [
            (br#"{"error":"Invalid API key"}"#.as_slice(), 200),
            (br#"{"order":1}"#, 500),
            (b"<html>", 200),
            (b"", 200),
            (b"12", 200),
        ] {
            assert_eq!(shown(body, status, true).1, Said::No, "{body:?}");
        }
        assert_eq!(shown(br#"[{"order":1,"refill":{"error":"x"}}]"#, 200, true).1, Said::Yes);
    }

    #[test]
    fn a_parameter_s_value_may_hold_anything_even_an_equals_sign() {
        let pair = |text: &str| parameter(text).expect("a parameter");
        assert_eq!(pair("link=https://a.example/?b=c"), ("link".into(), "https://a.example/?b=c".into()));
        assert_eq!(pair("username=@anna"), ("username".into(), "@anna".into()));
        assert_eq!(pair("comments="), ("comments".into(), String::new()));
        assert!(parameter("quantity").is_err() && parameter("=5").is_err() && parameter("@=f").is_err());
    }

    #[test]
    fn a_value_can_come_from_a_file() {
        let folder = Folder::new();
        let path = folder.path("comments.txt");
        std::fs::write(&path, "one\ntwo\n").expect("written");
        let (name, value) = parameter(&format!("comments@={}", path.display())).expect("a parameter");
        assert_eq!((name.as_str(), value.as_str()), ("comments", "one\ntwo\n"));
    }
}
