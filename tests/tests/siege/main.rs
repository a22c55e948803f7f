//! The panel under attack, and under more than it can do: `invariants.md` C6, C7, C25-C28, I22, and overload.

mod crowd;
mod echo;
mod framing;
mod guesses;
mod hog;
mod overload;
mod secrets;
mod sizes;
