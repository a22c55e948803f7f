//! Calls of busy customers, told from node to node, so that a limit holds over all nodes together.
//!
//! In: how often each busy key was let through here. Out: how often elsewhere. Each node has one row in a table that
//! is written without a log, and writes it only while there is something to tell: its last rounds, each numbered, so
//! that a reader that was late finds those that it missed. Never: anything that a loss would harm; a server that
//! crashes forgets it, and the limit counts anew. Bounds: [`limits::NEWS_EVERY`] for writing and again for reading.

use std::collections::{HashMap, VecDeque};

use tokio_postgres::Row;

use super::connection::{Connection, Step};
use super::error::Failure;
use super::node::Taken;
use super::rows::get;
use super::values::four;
use crate::limits;
use crate::neighbours::Calls;

const PUT: &str = "insert into pace (node, epoch, rounds) values ($1, $2, $3) \
     on conflict (node) do update set epoch = excluded.epoch, rounds = excluded.rounds";

const READ: &str = "select node, epoch, rounds from pace where node <> $1";

type Rounds = VecDeque<(u64, Calls)>;

/// What was told and heard.
#[derive(Debug, Default)]
pub(super) struct Paces {
    round: u64,
    told: Rounds,
    /// By node: its epoch, and the last of its rounds that was heard.
    heard: HashMap<i32, (i32, u64)>,
    has_read: bool,
}

impl Paces {
    /// Tells the calls of this round, and gives back those of the others' rounds that were not heard yet.
    pub(super) fn exchange(
        &mut self,
        connection: &mut Connection,
        taken: Taken,
        calls: Calls,
    ) -> Result<Calls, Failure> {
        let (own, epoch) = (four(taken.node.0)?, four(taken.epoch)?);
        let text = self.tell(calls)?;
        let put: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&own, &epoch, &text];
        let mut steps = vec![Step::new(READ, &put[..1])];
        if text.is_some() {
            steps.push(Step::new(PUT, &put));
        }
        let answers = connection.fly_soon(&steps).map_err(|fallen| fallen.failure)?;
        let rows = answers.first().map_or(&[][..], |answer| &answer.rows);
        let mut heard = Calls::new();
        for row in rows {
            heard.extend(self.hear_row(row)?);
        }
        self.has_read = true;
        Ok(heard)
    }

    /// The row's text; None while there is nothing to tell.
    fn tell(&mut self, calls: Calls) -> Result<Option<String>, Failure> {
        self.round += 1;
        let had_told = !self.told.is_empty();
        if !calls.is_empty() {
            self.told.push_back((self.round, calls));
        }
        while self.told.front().is_some_and(|(round, _)| round + limits::PACE_ROUNDS <= self.round) {
            self.told.pop_front();
        }
        if self.told.is_empty() && !had_told {
            return Ok(None);
        }
        serde_json::to_string(&self.told).map(Some).map_err(|why| Failure::value(why.to_string()))
    }

    fn hear_row(&mut self, row: &Row) -> Result<Calls, Failure> {
        let rounds: Rounds = serde_json::from_str(get(row, 2)?)
            .map_err(|why| Failure::value(format!("rounds that can't be read: {why}")))?;
        Ok(self.hear(get(row, 0)?, get(row, 1)?, rounds))
    }

    /// Of a node that was there before us, what it told before is over.
    fn hear(&mut self, node: i32, epoch: i32, rounds: Rounds) -> Calls {
        let newest = rounds.back().map_or(0, |(round, _)| *round);
        let last = match self.heard.get(&node) {
            Some((known, last)) if *known == epoch => *last,
            Some(_) => 0,
            None if self.has_read => 0,
            None => newest,
        };
        self.heard.insert(node, (epoch, newest.max(last)));
        rounds.into_iter().filter(|(round, _)| *round > last).flat_map(|(_, calls)| calls).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(all: &[(u64, u64)]) -> Rounds {
        all.iter().map(|(round, key)| (*round, vec![(*key, 1)])).collect()
    }

    #[test]
    fn each_round_is_heard_once_also_by_one_who_was_late() {
        let mut paces = Paces { has_read: true, ..Paces::default() };
        assert_eq!(paces.hear(2, 1, rounds(&[(1, 10), (2, 20)])), [(10, 1), (20, 1)]);
        assert_eq!(paces.hear(2, 1, rounds(&[(1, 10), (2, 20)])), []);
        assert_eq!(paces.hear(2, 1, rounds(&[(2, 20), (5, 50), (6, 60)])), [(50, 1), (60, 1)]);
        assert_eq!(paces.hear(2, 1, rounds(&[])), []);
        assert_eq!(paces.hear(2, 2, rounds(&[(1, 70)])), [(70, 1)], "another start counts its rounds anew");
    }

    #[test]
    fn what_was_told_before_a_node_began_to_listen_is_over() {
        let mut paces = Paces::default();
        assert_eq!(paces.hear(2, 1, rounds(&[(7, 10)])), []);
        assert_eq!(paces.hear(2, 1, rounds(&[(7, 10), (8, 20)])), [(20, 1)]);
    }

    #[test]
    fn a_row_is_written_while_there_is_something_to_tell_and_once_more() {
        let mut paces = Paces::default();
        assert_eq!(paces.tell(Vec::new()), Ok(None));
        assert_eq!(paces.tell(vec![(9, 3)]), Ok(Some("[[2,[[9,3]]]]".to_owned())));
        for _ in 1..limits::PACE_ROUNDS {
            assert_eq!(paces.tell(Vec::new()), Ok(Some("[[2,[[9,3]]]]".to_owned())));
        }
        assert_eq!(paces.tell(Vec::new()), Ok(Some("[]".to_owned())));
        assert_eq!(paces.tell(Vec::new()), Ok(None));
    }
}
