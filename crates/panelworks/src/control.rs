//! Operators' commands: the same whether the panel runs or not.
//!
//! While a panel runs, its folder is locked, and a command goes through the socket in that folder to its process
//! ([`socket`]). Otherwise the command's own process opens the books, does it, and closes them. In both cases it is
//! the [`desk`] that does it, and all writing goes through the executor as commands of the core. A [`request`] is a
//! plain value, and so is its [`answer`].

pub mod answer;
pub mod desk;
pub mod operator_rows;
pub mod order_sheet;
pub mod request;
pub mod socket;
pub mod table;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::books::{self, Opening};
use crate::config::Config;
use crate::limits;
use crate::panel::Core;
use answer::Answer;
use request::Request;

/// Hears how far a long command is: steps done, and steps in all.
pub type Progress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// Between two looks at whether a panel that starts or stops is reachable now.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Has the request done, by the running panel or here.
pub async fn ask(config: &Config, request: Request, progress: Progress) -> anyhow::Result<Answer> {
    let patience = Instant::now() + limits::CONTROL_PATIENCE;
    loop {
        if let Some(connection) = socket::connect(&config.data_dir).await? {
            return Ok(socket::ask(connection, &request, &progress).await?);
        }
        if !books::may_be_there(config) {
            anyhow::bail!(
                "{} holds no books of a panel; say which panel is meant with --data-dir or --config",
                config.data_dir.display()
            );
        }
        let opening = Opening { on_damage: request.on_damage(), ..Opening::default() };
        match Core::open(config, opening).await {
            Ok(core) => return ask_here(core, request, progress).await,
            // A panel that is just starting or stopping has the lock and no socket.
            Err(error) if books::are_in_use(&error) && Instant::now() < patience => {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn ask_here(core: Core, request: Request, progress: Progress) -> anyhow::Result<Answer> {
    let answer = core.desk.perform(request, &progress).await;
    core.close().await?;
    answer.map_err(Into::into)
}

#[cfg(test)]
mod tests;
