//! Faults of everything that the operator depends on. Each run is judged alike: the last status is that of a run
//! without faults, no value of the status ever passed what had not, and writes and requests stay bounded.

mod bench;
mod crash;
mod deeds;
mod ends;
mod events;
mod late;
mod life;
mod limits;
mod memory;
mod newer;
mod relay;
mod requests;
mod servers;
mod versions;
