//! The load harness: the operator and its twin side by side, on a real API server and a scripted GitHub.

pub mod api;
pub mod bare;
pub mod cluster;
pub mod github;
pub mod growth;
pub mod load;
pub mod process;
pub mod relay;
pub mod rounds;
pub mod session;
pub mod subjects;
pub mod table;
