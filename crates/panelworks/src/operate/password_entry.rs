//! Where a new password comes from: a line of standard input, a terminal, or the panel itself.
//!
//! In: what the command line says. Out: what was entered, or None where one is to be made, or nobody can be asked. Never:
//! a password as an argument, where every process could read it; an echo of it. Whether it may be chosen is judged
//! where it is hashed.

use std::io::{BufRead, IsTerminal};

use anyhow::{Context, bail};
use panelworks_web::password::Passphrase;

use crate::cli::PasswordArgs;
use crate::limits;

pub(super) fn entered(args: PasswordArgs) -> anyhow::Result<Option<Passphrase>> {
    let input = std::io::stdin();
    if args.password_stdin {
        return first_line(input.lock()).map(Some);
    }
    if args.generate || !input.is_terminal() {
        return Ok(None);
    }
    let ask = |prompt| rpassword::prompt_password(prompt).context("can't read from the terminal");
    let password = ask("New password: ")?;
    if ask("The same again: ")? != password {
        bail!("these were two different passwords; nothing was changed");
    }
    Ok(Some(Passphrase::new(password)))
}

/// As it stands there, but for the end of the line: spaces may belong to it.
fn first_line(input: impl BufRead) -> anyhow::Result<Passphrase> {
    let mut line = String::new();
    input.take(limits::PASSWORD_LINE_BYTES).read_line(&mut line).context("can't read the password")?;
    if line.is_empty() {
        bail!("standard input ended before a password");
    }
    Ok(Passphrase::new(line.trim_end_matches(['\r', '\n'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_first_line_with_all_its_spaces() {
        let read = |text: &str| first_line(text.as_bytes()).map(|read| read.expose().to_owned()).ok();
        assert_eq!(read(" eleven blue horses \r\nmore\n").as_deref(), Some(" eleven blue horses "));
        assert_eq!(read("without an end").as_deref(), Some("without an end"));
        assert_eq!(read("\n").as_deref(), Some(""), "for the rules to refuse");
        assert_eq!(read(""), None);
    }
}
