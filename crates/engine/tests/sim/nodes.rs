//! What goes wrong with one process of several, or of one, while everything around it goes on (invariants.md A11, A12).

use panelworks_core::time::Span;
use panelworks_store::memory::CommitFault;
use rand::RngExt;

use crate::run::Sim;

impl Sim {
    pub(crate) fn node_trouble(&mut self) {
        match self.rng.random_range(0..4) {
            0 => self.freeze(),
            1 => {
                self.freeze_before_sending();
                self.clear_up_meanwhile();
            }
            2 => self.kill_in_a_commit(),
            _replaced => {
                self.freeze();
                self.panel.replace_frozen();
            }
        }
        let span = Span::seconds(self.rng.random_range(0..60));
        self.let_pass(span);
    }

    /// Stopped in its tracks, as by SIGSTOP or with its virtual machine; shorter or longer than others wait for it.
    fn freeze(&mut self) {
        let span = Span::seconds(self.rng.random_range(1..1_200));
        if self.panel.freeze(span) {
            self.fire("A12 a process frozen");
            self.say(|| format!("a process is frozen for {} seconds", span.0 / 1_000));
        }
    }

    /// The worst moment to be frozen in: others believe that the attempt is under way.
    fn freeze_before_sending(&mut self) {
        self.say(|| "a process will be frozen between a claim and its sending".to_owned());
        self.panel.freeze_before_sending();
        self.customers_order();
    }

    /// Others take over what was claimed, and a person settles it, before the frozen process goes on.
    fn clear_up_meanwhile(&mut self) {
        if self.rng.random_bool(0.5) {
            self.panel.replace_frozen();
        }
        self.let_pass(Span::seconds(30));
        for _ in 0..3 {
            self.resolve_some();
        }
        self.let_pass(Span::minutes(1));
    }

    /// The batch is on its way to the database when its process dies, and arrives some time later.
    fn kill_in_a_commit(&mut self) {
        self.fire("A12 killed with a commit under way");
        self.say(|| "a process will be killed with a commit under way".to_owned());
        self.panel.books().faults.push_front(Some(CommitFault::Late));
        self.customers_order();
    }
}
