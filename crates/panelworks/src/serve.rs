//! `panelworks serve`: a real panel, as its configuration says.

use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;

use anyhow::{Context, bail};
use panelworks_engine::Pace;
use serde_json::json;
use tokio::net::TcpListener;

use crate::books::Opening;
use crate::cli::ServeArgs;
use crate::config::Config;
use crate::panel::Manner;
use crate::patience::open_patiently;
use crate::secrets::{Existing, write_private};
use crate::signals;
use crate::telemetry::Telemetry;

/// Serves until it is told to stop.
pub async fn run(args: &ServeArgs) -> anyhow::Result<()> {
    let mut config = Config::load(args.config.as_deref(), std::env::vars())?;
    if let Some(port) = args.port {
        config.listen.set_port(port);
    }
    if let Some(folder) = &args.data_dir {
        config.data_dir.clone_from(folder);
    }
    if config.data_dir.join("demo.json").exists() {
        bail!(
            "{} holds a demo's play money; give the real panel a folder of its own (panel.data_dir)",
            config.data_dir.display()
        );
    }
    let telemetry = Telemetry::start(&config.log).context("can't start the log")?;
    // First the port: a panel that can't listen must not raise the epoch of books that another one holds.
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("can't listen on {}; http.listen names another address", config.listen))?;
    let mut stop = pin!(signals::stop());
    let opening = Opening { claim: args.claim, ..Opening::default() };
    let Some((core, listener)) = open_patiently(&config, opening, listener, stop.as_mut()).await? else {
        return Ok(());
    };
    let pace = Pace {
        poll_first: config.poll,
        chore_poll: config.request_poll,
        token_prefix: core.desk.secret()?.token_prefix(),
    };
    let manner = Manner { pace, demo_note: None, dropped_lines: telemetry.dropped_lines() };
    let running = core.run(&config, listener, manner).await?;
    if let Some(file) = &args.ready_file {
        write_ready(file, running.address, &config.data_dir)?;
    }
    let ended = running.run_until(stop).await;
    let dropped = telemetry.dropped_lines().dropped_lines();
    if dropped > 0 {
        tracing::warn!(dropped, "lines of the log found no room");
    }
    ended
}

fn write_ready(file: &Path, address: SocketAddr, data_dir: &Path) -> anyhow::Result<()> {
    let ready = json!({
        "api_url": format!("http://{address}/api/v2"),
        "web_url": format!("http://{address}/"),
        "data_dir": data_dir.canonicalize().unwrap_or_else(|_| data_dir.to_owned()),
        "pid": std::process::id(),
    });
    let text = serde_json::to_vec_pretty(&ready)?;
    write_private(file, &text, Existing::Replace).with_context(|| format!("can't write {}", file.display()))
}
