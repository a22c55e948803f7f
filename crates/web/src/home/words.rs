//! The status words as the page explains them (`api-v2.md` §5, §6, §7).

/// The words of one kind of thing.
#[derive(Debug)]
pub(super) struct WordGroup {
    pub title: &'static str,
    pub words: &'static [Word],
}

/// A word, exactly as it is sent.
#[derive(Debug)]
pub(super) struct Word {
    pub exact: &'static str,
    /// The key of what it means.
    pub meaning: &'static str,
    pub tone: Tone,
}

/// How a word feels, for its colour; the word itself says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Waiting,
    Moving,
    Good,
    Mixed,
    Ended,
}

impl Tone {
    /// The class in the style sheet.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Moving => "moving",
            Self::Good => "good",
            Self::Mixed => "mixed",
            Self::Ended => "ended",
        }
    }
}

#[cfg(test)]
impl WordGroup {
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> + '_ {
        std::iter::once(self.title).chain(self.words.iter().map(|word| word.meaning))
    }
}

const fn word(exact: &'static str, meaning: &'static str, tone: Tone) -> Word {
    Word { exact, meaning, tone }
}

pub(super) const WORDS: &[WordGroup] = &[
    WordGroup {
        title: "words-orders",
        words: &[
            word("Pending", "word-pending", Tone::Waiting),
            word("Processing", "word-processing", Tone::Waiting),
            word("In progress", "word-in-progress", Tone::Moving),
            word("Completed", "word-completed", Tone::Good),
            word("Partial", "word-partial", Tone::Mixed),
            word("Canceled", "word-canceled", Tone::Ended),
        ],
    },
    WordGroup {
        title: "words-subscriptions",
        words: &[
            word("Active", "word-active", Tone::Moving),
            word("Completed", "word-sub-completed", Tone::Good),
            word("Expired", "word-expired", Tone::Ended),
            word("Canceled", "word-sub-canceled", Tone::Ended),
        ],
    },
    WordGroup {
        title: "words-refills",
        words: &[
            word("Pending", "word-refill-pending", Tone::Waiting),
            word("In progress", "word-refill-in-progress", Tone::Moving),
            word("Completed", "word-refill-completed", Tone::Good),
            word("Rejected", "word-refill-rejected", Tone::Ended),
            word("Error", "word-refill-error", Tone::Mixed),
        ],
    },
    WordGroup {
        title: "words-cancels",
        words: &[
            word("Pending", "word-cancel-pending", Tone::Waiting),
            word("Completed", "word-cancel-completed", Tone::Good),
            word("Rejected", "word-cancel-rejected", Tone::Ended),
        ],
    },
];
