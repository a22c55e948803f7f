//! The word to stop: Ctrl-C or SIGTERM. Said a second time, the process ends at once.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::said::complain;

/// What a shell reports for a process that a second signal ended.
const ENDED_BY_SIGNAL: i32 = 130;

/// Comes back when the process is asked to stop.
pub async fn stop() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        tracing::error!("signals can't be heard: only SIGKILL will stop this process");
        return std::future::pending().await;
    };
    either(&mut interrupt, &mut terminate).await;
    tokio::spawn(async move {
        either(&mut interrupt, &mut terminate).await;
        complain("Stopped at once. What was under way is settled at the next start.");
        std::process::exit(ENDED_BY_SIGNAL);
    });
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
