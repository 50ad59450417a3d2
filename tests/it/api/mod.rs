//! The CRD, tried on a real API server.

mod columns;
mod fresh;
mod rules;
mod schema;
mod sets;
pub mod status;
mod stored;
mod waivers;
