//! Problems that users of other clients reported, or that real servers and hostile peers caused,
//! each recreated against the library. A file is one kind of fault; its header has the report.

mod backlog;
#[path = "../support/chaos.rs"]
mod chaos;
mod closes;
mod compressed;
mod folded;
mod forever;
mod liveness;
mod own_certificate;
mod pings;
mod present_cause;
mod proxy_answers;
mod rates;
mod raw;
mod redirected;
mod refusals;
#[cfg(feature = "config")]
mod rules;
mod sent_counts;
mod spelling;
#[cfg(feature = "config")]
mod subprotocols;
#[path = "../support/mod.rs"]
mod support;
mod turns;
mod verdicts;
mod waiting_age;
