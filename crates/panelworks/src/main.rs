//! Panelworks as a program: reads its command line, does one thing, says how it ended by its exit code.
//!
//! 0: done. 1: refused, or something was found. 2: the command line or the configuration is wrong. Everything runs
//! on one runtime thread beside the executor's and the readers' own (performance.md, What follows 6).

#![expect(
    unreachable_pub,
    reason = "nobody depends on a program: in it `pub` says what a room offers the others"
)]

mod backup;
mod books;
mod call;
mod cli;
mod clock;
mod config;
mod control;
mod demo;
mod doctor;
mod import;
mod limits;
mod manual;
mod migrate;
mod operate;
mod panel;
mod past;
mod patience;
mod said;
mod secrets;
mod serve;
mod signals;
mod simulate;
mod telemetry;
#[cfg(test)]
mod testing;

use std::process::ExitCode;

use clap::Parser;

use books::NotHere;
use cli::{Cli, Command};
use config::{Config, WrongConfig};
use said::{complain, say};

/// The only static of the program: an allocator belongs to a process, not to a panel.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Well,
    /// It did what it should, and found something.
    Found,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("error: the runtime can't start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(run(cli));
    // A reader that still reads megabytes for nobody is not waited for.
    runtime.shutdown_background();
    match ended {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::Found) => ExitCode::from(1),
        Err(error) => {
            let is_configuration = error.is::<WrongConfig>() || error.is::<NotHere>();
            complain(&format!("error: {error:#}"));
            ExitCode::from(if is_configuration { 2 } else { 1 })
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<Ended> {
    match cli.command {
        None => demo::run(&cli.demo).await.map(|()| Ended::Well),
        Some(Command::Demo(args)) => demo::run(&args).await.map(|()| Ended::Well),
        Some(Command::Serve(args)) => serve::run(&args).await.map(|()| Ended::Well),
        Some(Command::CheckConfig { file }) => {
            Config::load(Some(&file), std::env::vars())?.database.password()?;
            say(&format!("{} is right.", file.display()));
            Ok(Ended::Well)
        }
        Some(Command::Call(args)) => Ok(match call::call(&args).await? {
            call::Said::Yes => Ended::Well,
            call::Said::No => Ended::Found,
        }),
        Some(Command::ProviderSim(args)) => simulate::run(&args).await.map(|()| Ended::Well),
        Some(Command::Completions { shell }) => {
            said::write(&manual::completions(shell));
            Ok(Ended::Well)
        }
        Some(Command::Man { folder }) => {
            say(&format!("{} pages in {}", manual::write_pages(&folder)?, folder.display()));
            Ok(Ended::Well)
        }
        Some(Command::Restore { file, in_place: _, panel }) => {
            let config = operate::configuration(&panel)?;
            tokio::task::spawn_blocking(move || backup::restore(file.as_deref(), &config))
                .await?
                .map(|()| Ended::Well)
        }
        Some(Command::MigrateStore(args)) => {
            let config = operate::configuration(&args.panel)?;
            tokio::task::spawn_blocking(move || migrate::run(&args, &config)).await?.map(|()| Ended::Well)
        }
        Some(
            command @ (Command::Doctor { .. }
            | Command::Operator(_)
            | Command::Customer(_)
            | Command::Provider(_)
            | Command::Service(_)
            | Command::Order(_)
            | Command::Check { .. }
            | Command::Backup { .. }),
        ) => operate::run(command).await,
    }
}
