//! A provider whose books last: every fact is in the journal before the answer that rests on it is handed
//! out.
//!
//! In: a data folder (or none, for books in memory only), a catalogue, settings; then requests with their
//! time. Out: reactions. The server stands on it, and so does a demonstration that lives its past through
//! under a simulated clock before it opens. It reads no clock.

use std::path::Path;

use panelworks_wire::request::Incoming;

use crate::catalogue::Catalogue;
use crate::journal::{Facts, Journal, JournalError};
use crate::options::Settings;
use crate::provider::Provider;
use crate::reply::Reaction;

/// See the module.
#[derive(Debug)]
pub struct KeptProvider {
    provider: Provider,
    journal: Option<Journal>,
    /// Set when a fact could not be written: the books in memory are ahead of the journal for ever.
    broken: bool,
}

impl KeptProvider {
    /// Opens the books in `folder`, or empty ones in memory. Books that exist keep their seed and balance.
    pub fn open(
        folder: Option<&Path>,
        catalogue: Catalogue,
        settings: Settings,
    ) -> Result<KeptProvider, JournalError> {
        let Some(folder) = folder else {
            let provider = Provider::open(catalogue, settings);
            return Ok(KeptProvider { provider, journal: None, broken: false });
        };
        let mut facts = Facts::open(folder)?;
        let mut provider = Provider::restore(catalogue, settings, &mut facts);
        provider.keep_journal(facts.read_so_far() > 0);
        let journal = Some(facts.into_journal()?);
        let mut kept = KeptProvider { provider, journal, broken: false };
        kept.write_down()?;
        Ok(kept)
    }

    /// Meets one request. After an error nobody may be answered, because what was done is not written down;
    /// every later request finds its connection closed, until the provider is opened again.
    pub fn react(&mut self, now_ms: i64, incoming: &Incoming<'_>) -> Result<Reaction, JournalError> {
        let reaction = self.provider.react(now_ms, incoming);
        self.write_down()?;
        // The books in memory hold more than the journal: from here on they must not be believed.
        Ok(if self.broken { Reaction::Closed } else { reaction })
    }

    /// The customer pays in, in micro-units.
    pub fn top_up(&mut self, now_ms: i64, micros: i64) -> Result<(), JournalError> {
        self.provider.top_up(now_ms, micros);
        self.write_down()
    }

    /// The provider, to be read.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// The provider, to be set. Whatever it does between two requests is written down with the next.
    pub fn provider_mut(&mut self) -> &mut Provider {
        &mut self.provider
    }

    fn write_down(&mut self) -> Result<(), JournalError> {
        let facts = self.provider.take_events();
        // After a failed write the file may end in half a line: nothing may follow it.
        let Some(journal) = self.journal.as_mut().filter(|_| !self.broken) else { return Ok(()) };
        let written = journal.append(&facts);
        self.broken |= written.is_err();
        written
    }
}
