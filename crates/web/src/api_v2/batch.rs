//! The ids of one call, each thought of once (`api-v2.md` rule 9, §5 to §7).
//!
//! In: ids as sent, with repetitions. Out: the first hundred distinct ones to be looked up or acted on, and then a
//! row for every id as sent: a repeated one repeats the first row, and beyond the hundredth nothing was done.

use std::collections::HashMap;

use panelworks_wire::ErrorText;
use panelworks_wire::limits::BATCH_IDS;
use panelworks_wire::request::AskedId;

/// See the module's head.
#[derive(Debug)]
pub(super) struct Batch {
    asked: Vec<AskedId>,
    /// For each id as sent: its place among the distinct ones; None beyond the hundredth.
    places: Vec<Option<usize>>,
    /// The numbers of the distinct ids; None for a text that is no number of ours.
    distinct: Vec<Option<u32>>,
}

impl Batch {
    pub(super) fn new(asked: Vec<AskedId>) -> Self {
        let mut seen: HashMap<Same<'_>, Option<usize>> = HashMap::with_capacity(asked.len().min(BATCH_IDS));
        let mut distinct = Vec::with_capacity(asked.len().min(BATCH_IDS));
        let places = asked
            .iter()
            .map(|id| {
                *seen.entry(Same::of(id)).or_insert_with(|| {
                    (distinct.len() < BATCH_IDS).then(|| {
                        distinct.push(number(id));
                        distinct.len() - 1
                    })
                })
            })
            .collect();
        Self { asked, places, distinct }
    }

    /// At most a hundred, in the order in which they were first sent.
    pub(super) fn distinct(&self) -> &[Option<u32>] {
        &self.distinct
    }

    /// A row for every id as sent. `results` belong to the distinct ids, in their order.
    pub(super) fn rows<T: Clone>(
        self,
        results: &[Result<T, ErrorText>],
    ) -> Vec<(AskedId, Result<T, ErrorText>)> {
        let result = |place: Option<usize>| {
            place.and_then(|place| results.get(place)).cloned().unwrap_or(Err(ErrorText::TooManyIds))
        };
        self.asked.into_iter().zip(self.places).map(|(id, place)| (id, result(place))).collect()
    }

    /// Those distinct ids that are numbers of ours, as the store is asked for them.
    pub(super) fn numbers<I>(&self, id: impl Fn(u32) -> I) -> Vec<I> {
        self.distinct.iter().copied().flatten().map(id).collect()
    }

    /// The store's answers, one per number, put back among all distinct ids; None for what has no row.
    pub(super) fn spread<T>(&self, found: Vec<Option<T>>) -> Vec<Option<T>> {
        let mut found = found.into_iter();
        self.distinct.iter().map(|number| number.and_then(|_| found.next().flatten())).collect()
    }
}

/// An id of ours, if the text can be one.
pub(super) fn number(id: &AskedId) -> Option<u32> {
    id.id.and_then(|id| u32::try_from(id).ok())
}

/// `7` and `007` are one id; texts that are no ids differ by their letters.
#[derive(PartialEq, Eq, Hash)]
enum Same<'a> {
    Number(u64),
    Text(&'a str),
}

impl<'a> Same<'a> {
    fn of(id: &'a AskedId) -> Self {
        id.id.map_or(Self::Text(&id.text), Self::Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(ids: &str) -> Batch {
        Batch::new(ids.split(',').map(AskedId::new).collect())
    }

    #[test]
    fn a_repeated_id_is_acted_on_once_and_repeats_its_row() {
        let batch = batch("5,x,5,7,x,005");
        assert_eq!(batch.distinct(), [Some(5), None, Some(7)]);
        let results = [Ok('a'), Err(ErrorText::IncorrectOrderId), Ok('b')];
        let rows: Vec<_> = batch.rows(&results).into_iter().map(|(id, row)| (id.text, row.ok())).collect();
        let expected = [
            ("5", Some('a')),
            ("x", None),
            ("5", Some('a')),
            ("7", Some('b')),
            ("x", None),
            ("005", Some('a')),
        ];
        assert_eq!(rows, expected.map(|(text, row)| (text.to_owned(), row)));
    }

    #[test]
    fn beyond_the_hundredth_distinct_id_nothing_is_done() {
        let ids: Vec<String> = (1..=101).map(|id| id.to_string()).collect();
        let batch = batch(&format!("{},1", ids.join(",")));
        assert_eq!(batch.distinct().len(), 100);
        let rows = batch.rows(&vec![Ok(()); 100]);
        assert_eq!(rows.len(), 102);
        assert!(rows[..100].iter().all(|(_, row)| row.is_ok()));
        assert_eq!(rows[100].1, Err(ErrorText::TooManyIds));
        assert_eq!(rows[101].1, Ok(()), "the first one again");
    }

    #[test]
    fn what_is_no_number_is_not_looked_up_and_keeps_its_place() {
        let batch = batch("9,no,4294967296,3");
        assert_eq!(batch.numbers(|id| id), [9, 3]);
        assert_eq!(batch.spread(vec![Some('a'), None]), [Some('a'), None, None, None]);
    }
}
