//! Reads our own source: which file names what of which other file, and what the library shows to its users.

mod api;
mod api_lines;
mod borders;
mod errors;
mod examples;
mod floors;
mod names;
mod renames;
mod resolve;
mod resolver_tests;
mod rust_version;
mod scan;
mod tree;
