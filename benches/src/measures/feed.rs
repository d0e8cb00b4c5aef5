//! The cost of a received message.

use super::Effort;
use crate::{
    feed::{Load, Mode},
    pairs::{Rounds, alternate_all},
    process::{PeerProcess, sample},
    table::{Row, Target},
};

/// A subscriber.
#[derive(Clone, Copy)]
struct Subject {
    /// Its name for a sample.
    name: &'static str,
    /// Its name in the table, with the place of the reader.
    shown: &'static str,
    /// Its name as the unit of a ratio.
    unit: &'static str,
    /// A flood has this factor fewer messages, because it is slower.
    slower: usize,
}

const fn subject(name: &'static str, shown: &'static str) -> Subject {
    Subject {
        name,
        shown,
        unit: "",
        slower: 1,
    }
}

const RAW: Subject = Subject {
    unit: " × raw",
    ..subject("raw", "raw TCP that scans the headers")
};
const TUNGSTENITE: Subject = Subject {
    unit: " × tungstenite",
    ..subject("tungstenite", "tokio-tungstenite, bare")
};
const TOKIO_WEBSOCKETS: Subject = subject("tokio-websockets", "tokio-websockets, bare");
const FASTWEBSOCKETS: Subject = subject("fastwebsockets", "fastwebsockets, bare");
const EZSOCKETS: Subject = Subject {
    unit: " × ezsockets",
    slower: 2,
    ..subject("ezsockets", "ezsockets")
};
const CALLBACK: Subject = Subject {
    unit: " × callback",
    ..subject("callback", "everwire, callback, same arbiter")
};
const SLICE: Subject = subject("slice", "everwire, callback in slices, same arbiter");
const STREAM_SAME: Subject = subject("stream+same", "everwire, stream, same arbiter");
const STREAM_OTHER: Subject = subject("stream", "everwire, stream, other thread");
const STREAM_BATCHES_SAME: Subject = subject(
    "stream-batches+same",
    "everwire, stream in batches, same arbiter",
);
const STREAM_BATCHES_OTHER: Subject = subject(
    "stream-batches",
    "everwire, stream in batches, other thread",
);
const ACTOR_SAME: Subject = Subject {
    slower: 2,
    ..subject("actor+same", "everwire, actor, same arbiter")
};
const ACTOR_OTHER: Subject = Subject {
    slower: 2,
    ..subject("actor", "everwire, actor, other thread")
};
const ACTOR_BATCHES_SAME: Subject = subject(
    "actor-batches+same",
    "everwire, actor in batches, same arbiter",
);
const ACTOR_BATCHES_OTHER: Subject =
    subject("actor-batches", "everwire, actor in batches, other thread");

const ALL: [Subject; 15] = [
    RAW,
    TUNGSTENITE,
    TOKIO_WEBSOCKETS,
    FASTWEBSOCKETS,
    EZSOCKETS,
    CALLBACK,
    SLICE,
    STREAM_SAME,
    STREAM_OTHER,
    STREAM_BATCHES_SAME,
    STREAM_BATCHES_OTHER,
    ACTOR_SAME,
    ACTOR_OTHER,
    ACTOR_BATCHES_SAME,
    ACTOR_BATCHES_OTHER,
];

/// The numbers of a sample.
const CPU: usize = 0;
const RATE: usize = 1;
const MEDIAN: usize = 2;
const P99: usize = 3;
const P999: usize = 4;

/// The samples of one load.
struct Taken<'a> {
    what: String,
    load: Load,
    subjects: &'a [Subject],
    numbers: Vec<Rounds>,
}

/// Takes the samples, over TLS if `is_tls`.
fn take(effort: Effort, load: Load, is_tls: bool, subjects: &[Subject]) -> Taken<'_> {
    let ca_file = std::env::temp_dir().join(format!("everwire-feed-{}.pem", std::process::id()));
    let ca = is_tls.then(|| ca_file.to_str().expect("a path"));
    let peer = PeerProcess::start(&ca.into_iter().collect::<Vec<_>>()).expect("a peer");
    let take = |subject: Subject| {
        let slower = if load.mode == Mode::Flood {
            subject.slower
        } else {
            1
        };
        let messages = load.messages / effort.less / slower;
        let load = Load { messages, ..load }.arguments();
        let mut arguments = vec!["feed", subject.name, &peer.url];
        arguments.extend(load.iter().map(String::as_str));
        arguments.extend(ca);
        sample(&arguments)
    };
    let mut takes: Vec<_> = subjects
        .iter()
        .map(|&subject| move || take(subject))
        .collect();
    let mut takes: Vec<&mut dyn FnMut() -> Vec<f64>> = takes
        .iter_mut()
        .map(|take| take as &mut dyn FnMut() -> Vec<f64>)
        .collect();
    let numbers = alternate_all(effort.rounds, &mut takes);
    let _removed = std::fs::remove_file(&ca_file);
    let mode = match load.mode {
        Mode::Flood => "flood",
        Mode::Paced => "1,000/s each",
        Mode::Spread => "1,000/s each, spread over the millisecond",
    };
    let scheme = if is_tls { ", `wss`" } else { "" };
    let sockets = match load.sockets {
        1 => "1 socket".to_owned(),
        many => format!("{many} sockets"),
    };
    Taken {
        what: format!("feed, {sockets}, {mode}, {} B{scheme}", load.size),
        load,
        subjects,
        numbers,
    }
}

impl Taken<'_> {
    fn place(&self, subject: Subject) -> usize {
        let place = self
            .subjects
            .iter()
            .position(|known| known.name == subject.name);
        place.expect("one that was taken")
    }

    /// A row for each subject: the processor time for each message.
    fn rows(&self) -> Vec<Row> {
        let row = |(place, subject): (usize, &Subject)| Row {
            what: format!("{}: {}", self.what, subject.shown).into(),
            series: self.numbers[CPU].of(place),
            target: Target::None,
            unit: " µs",
            detail: self.detail(place),
        };
        self.subjects.iter().enumerate().map(row).collect()
    }

    fn detail(&self, place: usize) -> String {
        let median = |number: usize| self.numbers[number].of(place).median();
        match self.load.mode {
            Mode::Flood => format!("{:.0} messages/s", median(RATE)),
            Mode::Paced | Mode::Spread => format!(
                "{:.0} messages/s; delay p50 {:.0} µs, p99 {:.0} µs, p99.9 {:.0} µs",
                median(RATE),
                median(MEDIAN),
                median(P99),
                median(P999)
            ),
        }
    }

    /// The processor time of a subject, against that of another.
    fn against(&self, subject: Subject, to: Subject, target: Target) -> Row {
        self.ratio("", CPU, subject, to, target)
    }

    /// The 99th percentile of the delay, against that of another.
    fn delay_against(&self, subject: Subject, to: Subject, target: Target) -> Row {
        self.ratio(", p99 of the delay", P99, subject, to, target)
    }

    fn ratio(&self, of: &str, number: usize, subject: Subject, to: Subject, target: Target) -> Row {
        let (place, to_place) = (self.place(subject), self.place(to));
        let numbers = &self.numbers[number];
        Row {
            what: format!("{}: {}{of}", self.what, subject.shown).into(),
            series: numbers.ratio(place, to_place),
            target,
            unit: to.unit,
            detail: format!(
                "{:.3} µs; {} {:.3} µs",
                numbers.of(place).median(),
                to.name,
                numbers.of(to_place).median()
            ),
        }
    }
}

fn flood(sockets: usize, size: usize, messages: usize) -> Load {
    Load {
        mode: Mode::Flood,
        sockets,
        size,
        messages,
    }
}

/// Two seconds of 50 sockets.
fn at_a_rate(mode: Mode) -> Load {
    Load {
        mode,
        sockets: 50,
        size: 185,
        messages: 100_000,
    }
}

pub fn floods(effort: Effort) -> Vec<Row> {
    let one = take(effort, flood(1, 185, 2_000_000), false, &ALL);
    let many = take(effort, flood(50, 185, 2_000_000), false, &ALL);
    let mut rows = one.rows();
    rows.extend(many.rows());
    rows.extend([
        many.against(CALLBACK, TUNGSTENITE, Target::AtMost(1.1)),
        many.against(STREAM_OTHER, EZSOCKETS, Target::None),
        many.against(STREAM_BATCHES_OTHER, EZSOCKETS, Target::AtMost(0.6)),
        many.against(ACTOR_BATCHES_OTHER, EZSOCKETS, Target::AtMost(0.6)),
        many.against(ACTOR_OTHER, EZSOCKETS, Target::AtMost(1.0)),
    ]);
    rows
}

pub fn paced(effort: Effort) -> Vec<Row> {
    let taken = take(effort, at_a_rate(Mode::Paced), false, &ALL);
    let mut rows = taken.rows();
    rows.extend([
        taken.against(CALLBACK, RAW, Target::AtMost(1.15)),
        taken.against(STREAM_SAME, RAW, Target::AtMost(1.4)),
        taken.against(ACTOR_SAME, RAW, Target::AtMost(1.4)),
        taken.against(STREAM_OTHER, EZSOCKETS, Target::AtMost(0.65)),
        taken.against(ACTOR_OTHER, EZSOCKETS, Target::AtMost(0.65)),
        taken.delay_against(STREAM_OTHER, EZSOCKETS, Target::AtMost(0.8)),
        taken.delay_against(ACTOR_OTHER, EZSOCKETS, Target::AtMost(0.8)),
    ]);
    rows
}

/// Each message finds its reader asleep. Here the cost of another thread shows: each message wakes
/// it.
pub fn spread(effort: Effort) -> Vec<Row> {
    let taken = take(effort, at_a_rate(Mode::Spread), false, &ALL);
    let mut rows = taken.rows();
    rows.extend([
        taken.against(CALLBACK, RAW, Target::None),
        taken.against(STREAM_SAME, RAW, Target::None),
        taken.against(STREAM_OTHER, EZSOCKETS, Target::None),
    ]);
    rows
}

pub fn sizes(effort: Effort) -> Vec<Row> {
    let small = take(effort, flood(50, 64, 2_000_000), false, &ALL);
    let large = take(effort, flood(50, 4096, 300_000), false, &ALL);
    let mut rows = small.rows();
    rows.extend(large.rows());
    for taken in [&small, &large] {
        rows.push(taken.against(CALLBACK, TUNGSTENITE, Target::None));
    }
    rows
}

pub fn tls(effort: Effort) -> Vec<Row> {
    const SUBJECTS: [Subject; 5] = [
        RAW,
        TUNGSTENITE,
        CALLBACK,
        STREAM_BATCHES_OTHER,
        ACTOR_BATCHES_OTHER,
    ];
    let flood = take(effort, flood(50, 185, 1_000_000), true, &SUBJECTS);
    let paced = take(effort, at_a_rate(Mode::Paced), true, &SUBJECTS);
    let mut rows = flood.rows();
    rows.push(flood.against(CALLBACK, TUNGSTENITE, Target::None));
    rows.extend(paced.rows());
    rows.push(paced.against(CALLBACK, RAW, Target::None));
    rows
}

/// The cost of additional features, as a ratio.
pub fn more(effort: Effort) -> Vec<Row> {
    const SEQUENCE: Subject = subject(
        "callback+sequence",
        "everwire, callback, same arbiter, `sequence`",
    );
    const HISTORY: Subject = subject(
        "callback+history",
        "everwire, callback, same arbiter, 100 messages kept",
    );
    const STRANGERS: Subject = subject(
        "callback+strangers",
        "everwire, callback, same arbiter, beside 1,000 subscribers of other names",
    );
    const TEN_CALLBACKS: Subject = Subject {
        slower: 2,
        ..subject("callback+ten", "everwire, ten callbacks, same arbiter")
    };
    const TEN_STREAMS: Subject = Subject {
        slower: 4,
        ..subject("stream+ten", "everwire, ten streams, one other thread")
    };
    const TEN_BATCHES: Subject = Subject {
        slower: 4,
        ..subject(
            "stream-batches+ten",
            "everwire, ten streams in batches, one other thread",
        )
    };
    const SUBJECTS: [Subject; 8] = [
        CALLBACK,
        SEQUENCE,
        HISTORY,
        STRANGERS,
        TEN_CALLBACKS,
        STREAM_BATCHES_OTHER,
        TEN_STREAMS,
        TEN_BATCHES,
    ];
    let taken = take(effort, flood(50, 185, 2_000_000), false, &SUBJECTS);
    let mut rows = taken.rows();
    for subject in [SEQUENCE, HISTORY, STRANGERS, TEN_CALLBACKS] {
        rows.push(taken.against(subject, CALLBACK, Target::None));
    }
    rows
}
