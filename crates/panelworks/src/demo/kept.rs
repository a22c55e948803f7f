//! What the demo remembers in its folder: keys, the provider's port, whether its past is complete.
//!
//! `demo.json`, for its owner alone: unlike a real panel's keys these must be printed again at every start.

use std::fmt;
use std::path::Path;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::books;
use crate::cli::DemoArgs;
use crate::config::Config;
use crate::secrets::{Existing, new_api_key, write_private};

const FILE: &str = "demo.json";

/// See the module's head.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) customers: Vec<KeptCustomer>,
    pub(super) operator: Operator,
    pub(super) provider: Provider,
    /// Everything was set up once, and shown.
    pub(super) opened: bool,
    /// The database with its books; in the folder where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    database: Option<String>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct KeptCustomer {
    pub(super) name: String,
    pub(super) api_key: String,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Operator {
    pub(super) username: String,
    pub(super) password: String,
    pub(super) admin_api_key: String,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Provider {
    /// In this process; the port is kept once there was one, because the account's URL names it.
    Simulated { port: Option<u16>, api_key: String },
    /// Somewhere else.
    Outside { url: String, api_key: String },
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("opened", &self.opened).finish_non_exhaustive()
    }
}

impl fmt::Debug for KeptCustomer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptCustomer").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operator").field("username", &self.username).finish_non_exhaustive()
    }
}

impl Kept {
    pub(super) fn is_in(folder: &Path) -> bool {
        folder.join(FILE).exists()
    }

    /// What the folder remembers; new keys for a new folder.
    pub(super) fn load_or_make(config: &Config, args: &DemoArgs) -> anyhow::Result<Self> {
        let folder = &config.data_dir;
        let path = folder.join(FILE);
        if !path.exists() {
            let kept = Self { database: database(config), ..Self::new(args)? };
            kept.save(folder)?;
            return Ok(kept);
        }
        let text = std::fs::read(&path).with_context(|| format!("can't read {}", path.display()))?;
        let mut kept: Self =
            serde_json::from_slice(&text).with_context(|| format!("{} is not a demo's", path.display()))?;
        kept.take_flags(args)?;
        if kept.database != database(config) {
            bail!(
                "this demo's books are in {}; for others begin in a new folder with --data-dir",
                kept.database.as_deref().unwrap_or("its folder")
            );
        }
        Ok(kept)
    }

    fn new(args: &DemoArgs) -> anyhow::Result<Self> {
        let key = || Ok::<_, anyhow::Error>(new_api_key()?.expose().to_owned());
        let customer =
            |name: &str| Ok::<_, anyhow::Error>(KeptCustomer { name: name.to_owned(), api_key: key()? });
        let provider = match (&args.provider_url, &args.provider_key) {
            (Some(url), Some(api_key)) => Provider::Outside { url: url.clone(), api_key: api_key.clone() },
            _simulated => Provider::Simulated { port: None, api_key: key()? },
        };
        Ok(Self {
            customers: vec![customer("Anna's Agency")?, customer("Boris Boosts")?],
            operator: Operator { username: "operator".to_owned(), password: key()?, admin_api_key: key()? },
            provider,
            opened: false,
            database: None,
        })
    }

    /// A demo stays with its provider: orders of another one could not be followed.
    fn take_flags(&mut self, args: &DemoArgs) -> anyhow::Result<()> {
        match (&mut self.provider, &args.provider_url) {
            (Provider::Simulated { .. } | Provider::Outside { .. }, None) => Ok(()),
            (Provider::Simulated { .. }, Some(_)) => {
                bail!(
                    "this demo has a simulated provider; for another one begin in a new folder with --data-dir"
                )
            }
            (Provider::Outside { url, api_key }, Some(wanted)) => {
                if url != wanted || Some(&*api_key) != args.provider_key.as_ref() {
                    bail!(
                        "this demo's provider is {url}; for another one begin in a new folder with --data-dir"
                    );
                }
                Ok(())
            }
        }
    }

    pub(super) fn save(&self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(FILE);
        let text = serde_json::to_vec_pretty(self)?;
        write_private(&path, &text, Existing::Replace)
            .with_context(|| format!("can't write {}", path.display()))
    }
}

fn database(config: &Config) -> Option<String> {
    config.database.url.as_ref().map(|_| books::place(config))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use crate::secrets::is_exposed;
    use crate::testing::Folder;
    use clap::Parser;

    fn args(words: &[&str]) -> DemoArgs {
        Cli::try_parse_from(["panelworks"].iter().chain(words)).expect("parses").demo
    }

    fn config(folder: &Folder) -> Config {
        Config { data_dir: folder.root().to_owned(), ..Config::default() }
    }

    #[test]
    fn keys_are_made_once_and_kept_for_the_owner_alone() {
        let folder = Folder::new();
        let made = Kept::load_or_make(&config(&folder), &args(&[])).expect("made");
        let read = Kept::load_or_make(&config(&folder), &args(&[])).expect("read");
        assert_eq!(made.customers[0].api_key, read.customers[0].api_key);
        assert_ne!(made.customers[0].api_key, made.customers[1].api_key);
        assert!(!is_exposed(&folder.path(FILE)).expect("there"));
        assert!(!format!("{made:?}").contains(&made.operator.password));
    }

    #[test]
    fn a_demo_stays_with_its_provider() {
        let folder = Folder::new();
        let outside = args(&["--provider-url", "http://127.0.0.1:9/api/v2", "--provider-key", "k"]);
        Kept::load_or_make(&config(&folder), &outside).expect("made");
        Kept::load_or_make(&config(&folder), &outside).expect("the same again");
        Kept::load_or_make(&config(&folder), &args(&[])).expect("without saying it again");
        let other = args(&["--provider-url", "http://127.0.0.1:8/api/v2", "--provider-key", "k"]);
        assert!(Kept::load_or_make(&config(&folder), &other).is_err());
    }
}
