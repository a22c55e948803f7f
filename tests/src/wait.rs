//! Waiting for a condition, with a limit.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Looks until `look` finds something. Panics after `limit`, saying `what` was waited for; `look` gives back what it
/// saw as the error, so that a failure shows it.
pub async fn until<T, Seen: Debug>(
    what: &str,
    limit: Duration,
    mut look: impl AsyncFnMut() -> Result<T, Seen>,
) -> T {
    let began = Instant::now();
    loop {
        match look().await {
            Ok(found) => return found,
            Err(seen) if began.elapsed() > limit => {
                panic!("waited {limit:?} for: {what}; seen last: {seen:?}");
            }
            Err(_) => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}
