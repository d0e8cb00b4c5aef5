//! Situations that users of other clients reported, or that real servers and hostile peers made, each recreated against the
//! library or the program. A file is one kind of fault; its header says what was reported.

#[cfg(feature = "service")]
mod addresses;
#[cfg(feature = "service")]
mod api_limits;
mod backlog;
#[path = "../support/chaos.rs"]
mod chaos;
mod closes;
mod compressed;
#[cfg(all(unix, feature = "service"))]
mod dials;
mod draining;
#[cfg(all(unix, feature = "service"))]
mod few_descriptors;
mod folded;
#[cfg(all(unix, feature = "service"))]
mod full_disk;
#[cfg(feature = "service")]
mod http2;
#[cfg(feature = "service")]
mod last_words;
mod liveness;
#[cfg(all(unix, feature = "service"))]
mod memory;
#[cfg(feature = "service")]
#[path = "../support/nginx.rs"]
mod nginx;
#[cfg(feature = "service")]
mod overlapping_changes;
mod own_certificate;
#[cfg(feature = "service")]
mod owners;
mod pings;
mod present_cause;
mod proxy_answers;
mod rates;
mod raw;
#[cfg(feature = "service")]
mod raw_bridge;
mod redirected;
mod refusals;
#[cfg(feature = "service")]
mod reverse_proxy;
mod rules;
#[cfg(feature = "service")]
mod same_cause;
#[cfg(feature = "service")]
mod send_epoch;
mod sent_counts;
#[cfg(feature = "service")]
#[path = "../service_support/mod.rs"]
mod service_support;
#[cfg(all(unix, feature = "service"))]
mod sessions;
#[cfg(feature = "service")]
mod shares;
#[cfg(feature = "service")]
mod shown;
#[cfg(feature = "service")]
mod slow_clients;
mod spelling;
#[cfg(all(unix, feature = "service"))]
mod state_dir;
mod subprotocols;
#[path = "../support/mod.rs"]
mod support;
#[cfg(feature = "service")]
mod tenants;
mod turns;
mod verdicts;
mod waiting_age;
#[cfg(feature = "service")]
mod words;
