//! Data of another implementation: Python 3.11 with zlib 1.2.13.

/// The content of an HTX ping.
pub const SAID: &str = r#"{"ping":1492420473027}"#;

/// `gzip.compress(ping, mtime=0)`.
pub const PING: &str = concat!(
    "1f8b0800000000000203ab562ac8cc4b57b23234b134323132303137363032af05006c9fbb7a",
    "16000000",
);

/// The same with FEXTRA, FNAME, FCOMMENT and FHCRC.
pub const PING_WITH_FIELDS: &str = concat!(
    "1f8b081e0000000002ff060041420200787970696e672e6a736f6e006120e400e5c1ab562ac8",
    "cc4b57b23234b134323132303137363032af05006c9fbb7a16000000",
);

/// Three members, the last one empty: `{"a":1}`.
pub const THREE_MEMBERS: &str = concat!(
    "1f8b0800000000000203ab564a54b20200f37fb06a050000001f8b080000000000020333ac05",
    "00cc1830a9020000001f8b080000000000020303000000000000000000",
);

/// `zlib.compress(ping)`.
pub const PING_ZLIB: &str = "789cab562ac8cc4b57b23234b134323132303137363032af0500477a05c2";

/// `compressobj(9, DEFLATED, -15)`, finished.
pub const PING_DEFLATE: &str = "ab562ac8cc4b57b23234b134323132303137363032af0500";

/// The same, flushed by `Z_SYNC_FLUSH`.
pub const PING_DEFLATE_FLUSHED: &str = "aa562ac8cc4b57b23234b134323132303137363032af05000000ffff";

/// The same, stored.
pub const PING_STORED: &str = "011600e9ff7b2270696e67223a313439323432303437333032377d";

/// Bytes that are not UTF-8: 00 ff fe.
pub const BYTES: &str = "1f8b080000000000020363f8ff0f007bfb603603000000";

/// The first message of a stream.
pub const HELLO: &str = concat!(
    "789caa562a51b2ca2bcdc9d1512a8631f20b94ac0c0d74945294acaa953252138b4a9252134b",
    "e233f34a528bca127394ac4c0c8d4c0d6a6b01000000ffff",
);

/// The second message of the stream.
pub const READY: &str = "aa06e9550a7275748954026b3784e885692d0319535b0b000000ffff";

/// The third message of the stream, which refers to the second.
pub const AGAIN: &str = "c25066845519000000ffff";

/// The end of the stream, without a message.
pub const GOODBYE: &str = "030037f82767";

/// The content of the stream.
pub const STREAM: [&str; 3] = [
    r#"{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":41250}}"#,
    r#"{"t":"READY","s":1,"op":0,"d":{"v":10}}"#,
    r#"{"t":"READY","s":2,"op":0,"d":{"v":10}}"#,
];

/// Decodes the hex.
pub fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
