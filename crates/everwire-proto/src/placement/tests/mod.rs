//! Tests of the placement: the fold, the choice, and lives of whole clusters.

mod choice;
mod commands;
mod leases;
mod lives;
mod random;
mod world;
