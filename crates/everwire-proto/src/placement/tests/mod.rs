//! Tests of the placement: the fold, the choice, and lives of whole clusters.

mod choice;
mod commands;
mod crossing;
mod leases;
mod lives;
mod log;
mod lost_records;
mod node;
mod random;
mod troubles;
mod twins;
mod world;
mod written;
