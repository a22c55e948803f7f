//! Random draws as values: a function of the batch, the command's place in it, and how many were drawn.
//!
//! A batch that is decided a second time (a need was loaded, a commit was of unknown fate) draws the same
//! again. Good enough for spreading quantities; never used for secrets, which come in from outside.

use crate::ids::BatchId;

/// The draws of one command.
#[derive(Debug, Clone)]
pub struct Draws {
    state: u64,
}

impl Draws {
    /// `place`: the command's position in its batch, from 0.
    pub fn new(batch: BatchId, place: usize) -> Self {
        let mut state = mix(u64::from(batch.node.0) << 32 | u64::from(batch.epoch));
        state = mix(state ^ batch.sequence);
        Self { state: mix(state ^ place as u64) }
    }

    /// A number in `low..=high`; `low` when the range is empty.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        let width = high.saturating_sub(low).saturating_add(1);
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        low + mix(self.state) % width.max(1)
    }
}

/// The finaliser of splitmix64: every input bit moves every output bit.
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;

    #[test]
    fn a_batch_decided_again_draws_the_same() {
        let batch = BatchId { node: NodeId(1), epoch: 2, sequence: 3 };
        let draw = || {
            (0..5)
                .map({
                    let mut d = Draws::new(batch, 7);
                    move |_| d.between(10, 20)
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(draw(), draw());
        assert!(draw().iter().all(|n| (10..=20).contains(n)));
    }

    #[test]
    fn two_commands_of_a_batch_draw_differently() {
        let batch = BatchId { node: NodeId(1), epoch: 2, sequence: 3 };
        let first: Vec<u64> = (0..8).map(|n| Draws::new(batch, n).between(0, u64::MAX - 1)).collect();
        assert_eq!(first.iter().collect::<std::collections::BTreeSet<_>>().len(), 8);
    }
}
