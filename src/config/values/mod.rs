//! The types of the configuration's values.

mod choice;
mod cluster;
mod credentials;
mod deflate;
mod dialled;
mod labels;
mod listen;
mod matcher;
mod nats;
mod numbers;
mod opening_text;
mod pointer;
mod proxy;
mod source_text;
mod template;
mod text;
mod times;
mod token;
mod url;

pub(super) use self::{
    choice::{Choice, choice, read_choice},
    cluster::{MoveRate, NodeName},
    credentials::{Credential, HeaderValue, UserName},
    deflate::{ClientWindowBits, DeflateLevel, ServerWindowBits},
    dialled::Dialled,
    labels::{NodeLabels, PlaceLabels},
    listen::Listen,
    matcher::expression_of,
    nats::{NatsPassword, NatsServers, NatsUser, Replicas, StreamName, SubjectPrefix},
    numbers::{
        ByteLimit, CloseCode, Count, Factor, FirstId, InFlight, Kept, Limit, MaxSubscriptions,
        MemoryLimit, MessageCount, SchemaVersion, ShardCount, Size, Weight, Workers,
    },
    opening_text::OpeningText,
    pointer::Pointer,
    proxy::ProxySetting,
    source_text::{ExpressionText, TemplateText, Templated, Written, has_holes},
    template::{escaped_template, expand_template, secret_string, warn_of_missing_file},
    text::{FilePath, ServerName, Tags, Text, escaped},
    times::{Period, RatePeriod, Rotation, Timeout},
    token::{Subprotocols, is_token},
    url::{Url, Urls},
};
