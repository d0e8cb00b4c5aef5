//! Pointers into a JSON text of some 3.5 KiB. Each function returns the time for one text, in
//! microseconds.

use std::{fmt::Write, hint::black_box};

use everwire::language::{
    JsonPointer, Scalar,
    json::{PointerSet, Spans},
};

use crate::pairs::fastest;

const TEXTS: u32 = 20_000;

/// A text, and the pointers into it.
pub struct Wanted {
    text: String,
    pointers: [&'static str; 12],
}

/// A chat message of Discord.
pub fn chat() -> Wanted {
    let user = |n: u32| {
        format!(
            r#"{{"id":"80351110224678{n:03}","username":"nelly {n}","global_name":"Nelly \u00e4 {n}","avatar":"8342729096ea3675442027381ff50dfe","discriminator":"0","public_flags":64,"bot":false,"member":{{"roles":["41771983423143{n:03}"],"joined_at":"2015-04-26T06:26:56.936000+00:00","deaf":false,"mute":false,"nick":null}}}}"#
        )
    };
    let mentions: Vec<String> = (0..7).map(user).collect();
    let author = user(900);
    let content =
        "Supa hot, and all that \\\"this\\\" needs is a text of a length as people write it. "
            .repeat(6);
    let text = format!(
        r#"{{"t":"MESSAGE_CREATE","s":4217,"op":0,"d":{{"type":0,"tts":false,"timestamp":"2026-07-11T17:27:07.299000+00:00","pinned":false,"mention_everyone":false,"mentions":[{}],"author":{author},"content":"{content}","embeds":[],"attachments":[],"id":"334385199974967042","channel_id":"290926798999357250","guild_id":"290926798626357999","nonce":"1175000000000000000"}}}}"#,
        mentions.join(",")
    );
    Wanted {
        text,
        pointers: [
            "/s",
            "/t",
            "/op",
            "/d/id",
            "/d/session_id",
            "/d/resume_gateway_url",
            "/d/heartbeat_interval",
            "/d/author/id",
            "/d/channel_id",
            "/d/guild_id",
            "/d/mentions/0/id",
            "/d/content",
        ],
    }
}

/// The levels of an order book.
pub fn book() -> Wanted {
    let levels = |from: u32| {
        let level = |n: u32| {
            format!(
                r#"["{}.{}0","0.{:05}000"]"#,
                27_123 + n,
                n % 10,
                n * 97 % 99_991
            )
        };
        let levels: Vec<String> = (from..from + 62).map(level).collect();
        levels.join(",")
    };
    let mut text = String::from(r#"{"stream":"btcusdt@depth","data":{"#);
    let _written = write!(
        text,
        r#""e":"depthUpdate","E":1769903999123,"s":"BTCUSDT","U":157,"u":160,"b":[{}],"a":[{}]}}}}"#,
        levels(0),
        levels(500)
    );
    Wanted {
        text,
        pointers: [
            "/data/u",
            "/stream",
            "/data/e",
            "/data/E",
            "/data/s",
            "/data/U",
            "/data/b/0/0",
            "/data/b/0/1",
            "/data/b/9/0",
            "/data/a/0/0",
            "/data/a/0/1",
            "/result",
        ],
    }
}

impl Wanted {
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// The pass for a peer's sequence number: one pointer.
    pub fn one(&self) -> f64 {
        let pointer = JsonPointer::new(self.pointers[0]).expect("a pointer");
        assert!(matches!(
            pointer.lookup(&self.text),
            Some(Scalar::Unsigned(_))
        ));
        each(|| {
            black_box(pointer.lookup(black_box(&self.text)));
        })
    }

    /// Twelve pointers in one pass.
    pub fn twelve(&self) -> f64 {
        let mut set = PointerSet::default();
        let pointers = self.pointers.map(|text| JsonPointer::new(text));
        let slots = pointers.map(|pointer| set.insert(&pointer.expect("a pointer")));
        let mut spans = Spans::default();
        each(|| {
            let found = set.find(black_box(&self.text), &mut spans).expect("JSON");
            black_box(slots.map(|slot| found.get(slot).is_some()));
        })
    }
}

fn each(mut work: impl FnMut()) -> f64 {
    let time = fastest(|| (0..TEXTS).for_each(|_| work()));
    time.as_secs_f64() * 1e6 / f64::from(TEXTS)
}
