//! The shipped recipes of `config/recipes/`, with servers that check what the real ones check,
//! refuse, fall silent, and disconnect in the middle. Host names are mapped outside the file;
//! credentials are those of the test.

#[path = "../support/compressed.rs"]
mod compressed;
#[path = "../support/peer.rs"]
mod peer;
#[path = "../support/mod.rs"]
mod support;

mod binance;
mod binance_orders;
mod bybit;
mod checks;
mod coinbase;
mod deepgram;
mod deribit;
mod discord;
mod eth_subscribe;
mod graphql_ws;
mod home_assistant;
mod htx;
mod kraken;
mod ocpp;
mod okx;
mod openai_realtime;
mod plan;
mod slack;
mod stage;
mod talk;
mod twitch_eventsub;
mod world;
