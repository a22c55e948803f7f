//! What every test from outside needs: panels and providers to start, a client to call them with, conditions to wait
//! for.
//!
//! In: the program `panelworks`. Out: [`Panel`] (one process of it), [`World`] (a panel with providers and customers),
//! [`Simulator`] (a provider), [`Api`] (a plain API v2 client),
//! [`Cluster`] (a PostgreSQL server), [`Patroni`] (three of them). Everything has a port and a folder of its own and is
//! gone when the test is. What goes wrong panics with what was seen: here that is a failed test. Nothing waits for a
//! time, only for conditions ([`until`]), each with a limit.

mod api;
mod clock;
mod cluster;
mod folder;
mod load;
mod order;
mod panel;
mod patroni;
mod process;
mod program;
pub mod raw;
pub mod recorded;
mod simulator;
mod skip;
mod small_disk;
mod wait;
mod witness;
mod world;

pub use api::{Answer, Api, error_of, micros, page};
pub use clock::FakeClock;
pub use cluster::{Cluster, has_postgres, on_postgres};
pub use folder::Folder;
pub use load::{Known, Load};
pub use order::{
    ENDS, ONE_CALL_TYPES, ceiling, charge_is_right, full_charge, link, parameters, quantity_charged,
};
pub use panel::Panel;
pub use patroni::{Manner, Patroni, lacks_patroni};
pub use process::{Ended, Process};
pub use program::{arguments, panelworks, run, run_in, run_json, run_json_in};
pub use simulator::{Simulator, SimulatorProcess};
pub use skip::{has, is_root, skipped};
pub use small_disk::SmallDisk;
pub use wait::until;
pub use witness::{Witness, Witnessed};
pub use world::{World, WorldBuilder};
