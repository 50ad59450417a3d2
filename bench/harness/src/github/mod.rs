//! A scripted GitHub for load: the endpoints that are read, in full length, without delay.
//!
//! Every commit number has a pull request of that number plus one, two workflow runs and their jobs;
//! nothing is stored. `POST /_bench/move/failed?from=3&to=4` moves commits to another state,
//! `GET /_bench/delivery/3` is what a webhook is sent, `GET /_bench/counts` tells what was asked.

mod documents;
mod server;
mod template;
mod world;

pub use server::{Counts, Server, source_of};
pub use world::{Size, State, sha_of};
