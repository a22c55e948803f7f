//! The seeds that found something once (`seeds.txt`): they are run before any other.

const SEEDS: &str = include_str!("seeds.txt");

/// Each with its reason. A line that is neither a seed with a reason nor a remark is a mistake.
pub(crate) fn of_old() -> Vec<(u64, &'static str)> {
    let lines = SEEDS.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let read = |line: &'static str| {
        let (seed, reason) = line.split_once(' ')?;
        Some((seed.parse().ok()?, reason.trim()))
    };
    lines
        .map(|line| read(line).unwrap_or_else(|| panic!("seeds.txt: {line:?} is no seed with a reason")))
        .collect()
}
