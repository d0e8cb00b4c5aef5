//! Problems that users of other clients reported, or that real servers and hostile peers caused,
//! each recreated against the program. A file is one kind of fault; its header has the report.

mod addresses;
mod api_limits;
#[cfg(unix)]
mod dials;
mod draining;
#[cfg(unix)]
mod few_descriptors;
#[cfg(unix)]
mod full_disk;
mod http2;
mod last_words;
#[cfg(unix)]
mod memory;
#[path = "../service_support/nginx.rs"]
mod nginx;
mod overlapping_changes;
mod owners;
mod raw_bridge;
mod reverse_proxy;
mod same_cause;
mod send_epoch;
#[path = "../service_support/mod.rs"]
mod service_support;
#[cfg(unix)]
mod sessions;
mod shares;
mod shown;
mod slow_clients;
#[cfg(unix)]
mod state_dir;
#[path = "../../../../tests/support/mod.rs"]
mod support;
mod tenants;
mod words;
