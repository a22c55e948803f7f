//! What one run of libFuzzer did, read from what it printed.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

/// See the module's head.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Session {
    pub(super) target: String,
    pub(super) executions: u64,
    pub(super) seconds: u64,
    /// Places in the program that some input reached.
    pub(super) edges: u64,
    /// Inputs that reach something the others don't.
    pub(super) inputs: u64,
    pub(super) peak_mib: u64,
    pub(super) ended: Ended,
}

/// How it ended.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ended {
    Held,
    /// A property did not hold for the bytes in this file.
    Found {
        input: PathBuf,
        why: String,
    },
}

impl Session {
    pub(super) fn read(target: &str, said: &str, time: Duration, ended: Ended) -> Self {
        // `#524288 pulse  cov: 834 ft: 3021 corp: 212/9Kb lim: 674 exec/s: 87381 rss: 51Mb`
        let after = |word: &str| {
            said.lines()
                .rev()
                .filter_map(|line| line.split_once(word))
                .find_map(|(_, rest)| leading_number(rest))
        };
        let last_count =
            said.lines().rev().filter_map(|line| line.strip_prefix('#')).find_map(leading_number);
        Self {
            target: target.to_owned(),
            executions: after("stat::number_of_executed_units:").or(last_count).unwrap_or(0),
            seconds: time.as_secs(),
            edges: after(" cov: ").unwrap_or(0),
            inputs: after(" corp: ").unwrap_or(0),
            peak_mib: after("stat::peak_rss_mb:").or_else(|| after(" rss: ")).unwrap_or(0),
            ended,
        }
    }
}

fn leading_number(text: &str) -> Option<u64> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_prints_is_understood() {
        let said = "#2\tINITED cov: 20 ft: 21 corp: 1/1b exec/s: 0 rss: 30Mb\n\
                    #524288\tpulse  cov: 834 ft: 3021 corp: 212/9Kb lim: 674 exec/s: 87381 rss: 51Mb\n\
                    Done 700000 runs in 10 second(s)\n\
                    stat::number_of_executed_units: 700000\nstat::peak_rss_mb:              55\n";
        let session = Session::read("answer", said, Duration::from_secs(10), Ended::Held);
        assert_eq!((session.executions, session.edges, session.inputs), (700_000, 834, 212));
        assert_eq!(session.peak_mib, 55);
    }

    #[test]
    fn a_session_that_ended_early_still_counts() {
        let said = "#8192\tpulse  cov: 34 ft: 30 corp: 2/9b lim: 6 exec/s: 8 rss: 51Mb\n==7== ERROR\n";
        let session = Session::read("canary_panic", said, Duration::from_secs(10), Ended::Held);
        assert_eq!((session.executions, session.peak_mib), (8_192, 51));
    }
}
