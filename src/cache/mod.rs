//! Reports as a controller keeps ten thousands of them: packed, with what is asked of all of them at hand.
//!
//! A watch keeps a [`Kept`] of each report, which the memory of the controller shares; whoever works on a report
//! opens it.

mod kept;
mod packed;

pub use kept::{Facts, Kept, Made};
pub use packed::{Digest, Snapshot, Trigger, Unreadable, print, short};
