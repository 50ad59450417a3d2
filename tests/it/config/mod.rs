//! The configuration: its reference, and what a process makes of it.

mod process;
mod reference;
mod reload;
