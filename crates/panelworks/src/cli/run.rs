//! Arguments of the commands that run something: the demo, a panel, the simulator, a call.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Args;
use panelworks_provider_sim::{Dialect, FaultRate};

use crate::limits;

/// The demo.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// The panel's port; 0 takes a free one. Without this 8080, or the next free one after it
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Where panel and provider keep their books
    #[arg(long, value_name = "DIR", default_value = "panelworks-data")]
    pub data_dir: PathBuf,
    /// Write a JSON file with URLs, keys and ids once requests are answered
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// How many times faster than real ones the simulated provider delivers
    #[arg(long, value_name = "X", default_value_t = NonZeroU32::new(limits::DEMO_SPEED).unwrap_or(NonZeroU32::MIN))]
    pub speed: NonZeroU32,
    /// The simulated provider's port. Without this the one it had before, or a free one
    #[arg(long, value_name = "N")]
    pub provider_port: Option<u16>,
    /// Don't simulate: use a provider that runs already, such as `panelworks provider-sim`
    #[arg(long, value_name = "URL", requires = "provider_key", conflicts_with = "provider_port")]
    pub provider_url: Option<String>,
    /// The key at that provider
    #[arg(long, value_name = "KEY", requires = "provider_url")]
    pub provider_key: Option<String>,
    /// That provider honours idempotency keys for this many hours; without this it is taken for one that doesn't
    #[arg(long, value_name = "HOURS", requires = "provider_url", value_parser = clap::value_parser!(u16).range(2..=8760))]
    pub provider_keys_kept_hours: Option<u16>,
    /// Begin without the thirty days of past that the demo otherwise lives through
    #[arg(long)]
    pub no_past: bool,
    /// Log to standard error instead of panelworks.log in the data folder
    #[arg(long, short)]
    pub verbose: bool,
}

/// A real panel.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// The configuration; without it only environment variables and defaults count
    #[arg(long, value_name = "FILE", env = "PANELWORKS_CONFIG")]
    pub config: Option<PathBuf>,
    /// Listen on this port instead of the configured one; 0 takes a free one
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// The folder with the books, instead of the configured one
    #[arg(long, value_name = "DIR", env = "PANELWORKS_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// Write a JSON file with the URLs once requests are answered
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// These books were moved or copied here, and the panel they come from is gone for good
    #[arg(long)]
    pub claim: bool,
}

/// The simulated provider.
#[derive(Debug, Clone, Args)]
pub struct SimulatorArgs {
    /// The port; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 8090)]
    pub port: u16,
    /// Where it keeps its books; without this in memory only
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// How many times faster than a real provider it delivers
    #[arg(long, value_name = "X", default_value_t = NonZeroU32::new(limits::DEMO_SPEED).unwrap_or(NonZeroU32::MIN))]
    pub speed: NonZeroU32,
    /// The only key it knows
    #[arg(long, value_name = "KEY", default_value = "provider-key")]
    pub key: String,
    /// Everything drawn is drawn from this number
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// The panel family whose answers it imitates
    #[arg(long, value_name = "NAME", default_value = "ours", value_parser = dialect)]
    pub dialect: Dialect,
    /// What goes wrong, of 1000 requests: NAME=N or NAME@ACTION=N; repeat for more
    #[arg(long = "fault", value_name = "NAME=N", value_parser = fault)]
    pub faults: Vec<FaultRate>,
    /// Milliseconds every answer waits
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub latency_ms: u64,
    /// Connections served at a time; 0 for no limit
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub max_connections: usize,
    /// Answer an add that comes again with its idempotency key with the first one's order
    #[arg(long)]
    pub idempotency_keys: bool,
    /// Write a JSON file with URLs and key once requests are answered
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
}

/// One call.
#[derive(Debug, Clone, Args)]
pub struct CallArgs {
    /// The panel's API v2
    #[arg(long, value_name = "URL", env = "PANELWORKS_URL")]
    pub url: String,
    /// The API key; better given by the variable or a file, where other users can't see it
    #[arg(long, value_name = "KEY", env = "PANELWORKS_KEY", hide_env_values = true)]
    pub key: Option<String>,
    /// A file with the API key
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    pub key_file: Option<PathBuf>,
    /// Print the answer as it came
    #[arg(long)]
    pub raw: bool,
    /// What to do: balance, services, add, status, refill, cancel, or whatever else the panel knows
    pub action: String,
    /// Parameters as name=value, or name@=file for a value from a file
    #[arg(value_name = "NAME=VALUE")]
    pub parameters: Vec<String>,
}

fn dialect(word: &str) -> Result<Dialect, String> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).map_err(|_| {
        let known = Dialect::ALL.iter().filter_map(|known| serde_json::to_string(known).ok());
        format!("known are {}", known.collect::<Vec<_>>().join(", ").replace('"', ""))
    })
}

fn fault(text: &str) -> Result<FaultRate, String> {
    text.parse().map_err(|error: panelworks_provider_sim::fault::BadFault| error.to_string())
}
