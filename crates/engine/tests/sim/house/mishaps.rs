//! What befalls the processes of a house: kills, freezes, replacements, clocks that are set, old books; and their end.

use std::mem;

use panelworks_core::ids::NodeId;
use panelworks_core::time::Span;
use panelworks_store::memory::Memory;

use super::{House, Life, Process, Wake, tell_what_is_sold};
use crate::outside::Outside;

impl House {
    /// SIGKILL of one that runs, started again after `down`. How many of its calls were under way, if there was one.
    pub(crate) fn kill(&mut self, down: Span) -> Option<usize> {
        let place = self.some_running()?;
        let calls = self.processes[place].panel.calls_under_way();
        self.put_down(place);
        if let Life::Down { until, .. } = &mut self.processes[place].life {
            *until = self.now.after(down);
        }
        Some(calls)
    }

    /// One that runs stops in its tracks and goes on where it was.
    pub(crate) fn freeze(&mut self, span: Span) -> bool {
        let Some(place) = self.some_running() else { return false };
        self.processes[place].panel.freeze();
        self.processes[place].life = Life::Frozen { since: self.now, until: self.now.after(span) };
        true
    }

    /// One that runs will be frozen as soon as it has claimed an attempt.
    pub(crate) fn freeze_before_sending(&mut self) {
        if let Some(place) = self.some_running() {
            self.processes[place].panel.freeze_before_sending();
        }
    }

    /// Whoever watches the processes believes a frozen one dead, and starts another by its name.
    pub(crate) fn replace_frozen(&mut self) {
        let frozen = |process: &Process| matches!(process.life, Life::Frozen { .. }) && !process.is_replaced;
        let Some(place) = self.processes.iter().position(frozen) else { return };
        self.processes[place].is_replaced = true;
        let Process { node, epoch, .. } = self.processes[place];
        let replacement = self.process(Memory::default(), node, epoch);
        self.processes.push(replacement);
        self.start(self.processes.len() - 1);
        self.fire("A12 a frozen node replaced by a start of its name");
    }

    /// Somebody sets the clocks of all; negative: back.
    pub(crate) fn set_clock(&mut self, by: Span) {
        self.now = self.now.after(by);
        self.late_at = self.late_at.map(|at| at.after(by));
        for process in &mut self.processes {
            process.panel.set_clock(by);
            process.over_at = process.over_at.map(|at| at.after(by));
            process.wake = Wake::Unknown;
            process.life = match process.life {
                Life::Runs => Life::Runs,
                Life::Frozen { since, until } => {
                    Life::Frozen { since: since.after(by), until: until.after(by) }
                }
                Life::Down { since, until } => Life::Down { since: since.after(by), until: until.after(by) },
                Life::Gone => Life::Gone,
            };
        }
    }

    /// A copy of old books in their place, and one process on it that works on everything. What was there before.
    pub(crate) fn restart_on(&mut self, down: Span, mut copy: Memory) -> Memory {
        let old = mem::take(self.books());
        self.past = self.counts();
        self.now = self.now.after(down);
        self.late_at = None;
        let node = copy.nodes().min().unwrap_or(NodeId(1));
        let epoch = copy.open_node(node);
        let others: Vec<NodeId> = copy.nodes().filter(|other| *other != node).collect();
        for other in others {
            copy.take_over(node, other);
        }
        copy.deliver_late();
        copy.take_news();
        let mut process = self.process(copy, node, epoch);
        process.panel.books().asked_by(node);
        tell_what_is_sold(&mut process.panel);
        (self.processes, self.holder) = (vec![process], 0);
        old
    }

    /// From now on no process fails: those that are down or frozen are no more so.
    pub(crate) fn recover(&mut self, net: &mut Outside) {
        if self.late_at.is_some() {
            self.deliver_late();
        }
        for process in self.processes.iter_mut().filter(|process| process.is_replaced) {
            process.life = Life::Gone;
        }
        self.forget_the_gone();
        for place in 0..self.processes.len() {
            match self.processes[place].life {
                Life::Runs | Life::Gone => {}
                Life::Frozen { .. } => self.thaw(place, net),
                Life::Down { .. } => self.start(place),
            }
            self.processes[place].panel.freeze_no_more();
        }
        let now = self.now;
        self.run_until(now.after(Span::minutes(1)), net);
    }
}
