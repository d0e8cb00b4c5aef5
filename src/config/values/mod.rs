//! The types of the configuration's values.

mod choice;
mod deflate;
mod numbers;
mod proxy;
mod template;
mod text;
mod times;
mod token;

pub(super) use self::{
    choice::{Choice, choice, read_choice},
    deflate::{ClientWindowBits, DeflateLevel, ServerWindowBits},
    numbers::{CloseCode, Count, Factor, Limit, SchemaVersion, Size, Workers},
    proxy::ProxySetting,
    template::{Credential, HeaderValue, OpeningText, Url, Urls, UserName},
    text::{FilePath, HeartbeatText, ServerName, Tags, Text},
    times::{Period, Timeout},
    token::{Subprotocols, is_token},
};
