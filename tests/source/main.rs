//! Reads our own source: which files name items of other files, and which items are public.

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
