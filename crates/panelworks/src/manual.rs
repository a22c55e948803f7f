//! `panelworks man` and `panelworks completions`: what follows from the command line's own definition.

use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;

/// Writes a man page for the program and for each of its commands into `folder`.
pub fn write_pages(folder: &Path) -> anyhow::Result<usize> {
    std::fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
    clap_mangen::generate_to(Cli::command(), folder)
        .with_context(|| format!("can't write man pages to {}", folder.display()))?;
    Ok(std::fs::read_dir(folder)?.count())
}

/// The completions of a shell.
pub fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "panelworks", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    #[test]
    fn there_is_a_page_for_every_command() {
        let folder = Folder::new();
        assert!(write_pages(folder.root()).expect("written") > 30);
        let page = std::fs::read_to_string(folder.path("panelworks-customer-add.1")).expect("a page");
        assert!(page.contains("customer") && page.contains(".TH"), "{page}");
    }

    #[test]
    fn completions_know_the_commands() {
        let text = String::from_utf8(completions(Shell::Bash)).expect("UTF-8");
        assert!(text.contains("rotate-key") && text.contains("provider-sim"));
    }
}
