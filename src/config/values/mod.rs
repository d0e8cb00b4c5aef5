//! The types of the configuration's values.

mod choice;
mod deflate;
mod listen;
mod numbers;
mod pointer;
mod proxy;
mod template;
mod text;
mod times;
mod token;
mod url;

pub(super) use self::{
    choice::{Choice, choice, read_choice},
    deflate::{ClientWindowBits, DeflateLevel, ServerWindowBits},
    listen::Listen,
    numbers::{
        CloseCode, Count, Factor, Kept, Limit, MemoryLimit, MessageCount, SchemaVersion, Size,
        Workers,
    },
    pointer::Pointer,
    proxy::ProxySetting,
    template::{
        Credential, HeaderValue, OpeningText, UserName, escaped_template, expand_template,
        secret_string,
    },
    text::{FilePath, HeartbeatText, ServerName, Tags, Text, escaped},
    times::{Period, RatePeriod, Rotation, Timeout},
    token::{Subprotocols, is_token},
    url::{Url, Urls},
};
