//! The doors from outside: whole requests through the router, over a store in a temporary folder, with exact bodies.

mod add;
mod crowded;
mod encodings;
mod journal;
mod lists;
mod pages;
mod protection;
mod served;
mod shop;
mod standing;
mod waiting;
