//! One table of every reader of the engine, and what must hold of it whatever it is given.
//!
//! A [`Target`] is a reader with inputs that it understands. [`mutate`] damages those inputs, [`laws`]
//! says what must hold of the answer:
//!
//! - it never panics, and what it keeps is bounded and clean of control characters;
//! - the same bytes have the same answer, however the stream is cut into pieces;
//! - a report that lost its end, or one byte of it, never says that all is well.
//!
//! The tests try each law for a moment. `cargo run --release --example fuzz -- N` tries it N times for
//! each reader, and includes this module by its path: nothing here may use what is not public.

mod consoles;
mod fixtures;
mod laws;
mod mutate;
mod reports;
mod table;

#[cfg(test)]
mod tests;

pub use laws::{Answer, archived, changed, torn};
pub use mutate::{damage, ops};
pub use table::{Fixture, TARGETS, Target};
