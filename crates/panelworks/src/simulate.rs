//! `panelworks provider-sim`: the simulated provider on its own, so that a panel can be killed without it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::Context;
use panelworks_provider_sim::options::Settings;
use panelworks_provider_sim::{Faults, SimOptions, Speed, serve};
use serde_json::json;
use tokio::net::TcpListener;

use crate::cli::SimulatorArgs;
use crate::said::say;
use crate::secrets::{Existing, write_private};
use crate::signals;

/// Runs until it is told to stop.
pub async fn run(args: &SimulatorArgs) -> anyhow::Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("can't listen on port {}; choose another with --port", args.port))?;
    let address = listener.local_addr()?;
    if let Some(file) = &args.ready_file {
        write_ready(file, address, &args.key)?;
    }
    say(&format!(
        "Simulated provider\n\n  API v2   http://{address}/api/v2\n  Key      {}\n  Witness  http://{address}/witness\n  \
         Books    {}\n\nStop with Ctrl-C.",
        args.key,
        args.data_dir
            .as_deref()
            .map_or_else(|| "in memory only".to_owned(), |folder| folder.display().to_string()),
    ));
    serve(listener, args.data_dir.clone(), options(args), signals::stop()).await?;
    Ok(())
}

fn options(args: &SimulatorArgs) -> SimOptions {
    SimOptions {
        provider: Settings {
            api_key: args.key.clone(),
            seed: args.seed,
            speed: Speed(args.speed),
            dialect: args.dialect,
            faults: Faults { rates: args.faults.clone(), script: Vec::new() },
            honours_idempotency_keys: args.idempotency_keys,
            ..Settings::default()
        },
        latency_ms: args.latency_ms,
        max_connections: args.max_connections,
        ..SimOptions::default()
    }
}

/// The listener takes connections already: whoever reads the file is answered.
fn write_ready(file: &Path, address: SocketAddr, key: &str) -> anyhow::Result<()> {
    let ready = json!({
        "api_url": format!("http://{address}/api/v2"),
        "api_key": key,
        "witness_url": format!("http://{address}/witness"),
        "pid": std::process::id(),
    });
    let text = serde_json::to_vec_pretty(&ready)?;
    write_private(file, &text, Existing::Replace).with_context(|| format!("can't write {}", file.display()))
}
