//! Whether the server that answers now still has what the one before acknowledged.
//!
//! In: the end of our stream as it was committed, and as a new connection finds it. Out: nothing; or the words after
//! which nothing is written any more, left in a file too, for the next start knows nothing of what was lost. A failover
//! without a synchronous standby does this, and so does a database that is put back to an earlier moment under a panel
//! that runs. Going on would send again what was sent already, and give out the same ids twice (invariants.md A10, E7,
//! 7.10).

use std::path::Path;

use super::node::Tip;

/// Why the books may not be written to; None where all is there.
pub(super) fn lost(committed: &Tip, found: &Tip) -> Option<String> {
    let missing = committed.place.saturating_sub(found.place);
    let what = if missing > 0 {
        format!("the last {missing} batches that it acknowledged to us")
    } else if found.place == committed.place && found.link != committed.link {
        "batches that it acknowledged to us, and has others in their place".to_owned()
    } else {
        return None;
    };
    Some(format!(
        "the database has lost {what}: it failed over without a synchronous standby, or was put back. Stop all panels on \
         it, see to the database, then: panelworks restore --in-place"
    ))
}

/// The next start reads it. Where it can't be written, the log has it.
pub(super) fn leave_word(file: Option<&Path>, why: &str) {
    tracing::error!(why, "nothing is written any more");
    if let Some(file) = file
        && let Err(error) = std::fs::write(file, format!("{why}\n"))
    {
        tracing::error!(file = %file.display(), %error, "the next start must not go on as if nothing had happened");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tip(place: u64, link: u8) -> Tip {
        Tip { place, link: [link; 16], ..Tip::START }
    }

    #[test]
    fn a_server_that_has_all_we_committed_or_one_batch_more_is_right() {
        assert_eq!(lost(&tip(7, 1), &tip(7, 1)), None);
        assert_eq!(lost(&tip(7, 1), &tip(8, 2)), None);
        assert_eq!(lost(&Tip::START, &Tip::START), None);
    }

    #[test]
    fn a_server_that_is_behind_or_has_something_else_has_lost_batches() {
        assert!(lost(&tip(7, 1), &tip(5, 3)).is_some_and(|why| why.contains("last 2 batches")));
        assert!(lost(&tip(7, 1), &tip(7, 2)).is_some());
        assert!(lost(&tip(1, 1), &Tip::START).is_some());
    }
}
