use std::fs;

use everwire::{Message, core::Cursor};

use super::*;

fn name(text: &str) -> ConnectionName {
    ConnectionName::new(text).unwrap()
}

fn message(epoch: u32, seq: u64, message: Message) -> Entry {
    Entry {
        place: Place { epoch, seq },
        previous: (seq > 1).then(|| Place {
            epoch,
            seq: seq - 1,
        }),
        at: "2026-01-02T03:04:05.678Z".parse().unwrap(),
        cursor: Cursor(seq),
        subscription: (seq == 2).then(|| "key".into()),
        message,
        gap: seq,
        is_spooled: true,
        was_published: true,
        was_refused: false,
    }
}

fn folder(of: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("everwire-spool-{of}-{}", std::process::id()));
    fs::remove_dir_all(&folder).ok();
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn what_is_put_comes_back_in_order_after_a_restart() {
    let folder = folder("order");
    let (a, b) = (name("a"), name("b:c"));
    let mut spool = open(&folder, 1 << 20);
    let entries: Vec<_> = [(1, 1), (1, 2), (1, 30), (2, 1)]
        .map(|(epoch, seq)| (a.clone(), message(epoch, seq, Message::text("ü"))))
        .into();
    spool.put(&entries[2..]).unwrap();
    spool.put(&entries[..2]).unwrap();
    let other = message(9, 9, Message::binary(vec![0, 255]));
    spool.put(&[(b.clone(), other.clone())]).unwrap();
    drop(spool);

    let mut spool = open(&folder, 1 << 20);
    assert_eq!(spool.messages(), 5);
    let last = [Place { epoch: 2, seq: 1 }, Place { epoch: 9, seq: 9 }];
    assert_eq!(
        spool.names().unwrap(),
        [(a.clone(), 4, last[0]), (b.clone(), 1, last[1])]
    );
    let all: Vec<_> = entries.into_iter().map(|(_, entry)| entry).collect();
    assert_eq!(messages(&mut spool, &a, None), all);
    assert_eq!(messages(&mut spool, &a, Some(all[1].place)), all[2..]);
    assert_eq!(messages(&mut spool, &b, None), [other]);
    forget(&mut spool, &a, all[2].place, 3);
    assert_eq!(messages(&mut spool, &a, None), all[3..]);
    forget(&mut spool, &a, all[3].place, 1);
    forget(&mut spool, &b, Place { epoch: 9, seq: 9 }, 1);
    assert_eq!((spool.messages(), spool.bytes()), (0, 0));
    fs::remove_dir_all(folder).unwrap();
}

fn messages(spool: &mut Spool, of: &ConnectionName, behind: Option<Place>) -> Vec<Entry> {
    match spool.load(of, behind).unwrap() {
        Loaded::Messages(entries) => entries,
        Loaded::Lost(count, error) => panic!("{count} messages: {error}"),
    }
}

fn forget(spool: &mut Spool, name: &ConnectionName, through: Place, count: u64) {
    spool.forget([(name, through, count)].into_iter()).unwrap();
}

/// Messages 1 to `count` of a name, each behind the one before.
fn row(of: &ConnectionName, count: u64) -> Vec<(ConnectionName, Entry)> {
    let text = |seq| Message::text(format!("{seq}"));
    let entries = (1..=count).map(|seq| (of.clone(), message(1, seq, text(seq))));
    entries.collect()
}

fn rows(spool: &Spool) -> (i64, i64) {
    let count = |table| {
        let count = format!("SELECT count(*) FROM {table}");
        spool.db.query_row(&count, [], |row| row.get(0)).unwrap()
    };
    (count("segments"), count("forgotten"))
}

#[test]
fn a_row_has_many_messages_and_goes_when_the_last_is_forgotten() {
    let folder = folder("rows");
    let (a, b) = (name("a"), name("b"));
    let mut spool = open(&folder, 1 << 20);
    let (of_a, of_b) = (row(&a, 10), row(&b, 3));
    // As they come in: in turns.
    let mut mixed = of_a.clone();
    for (index, entry) in of_b.iter().enumerate() {
        mixed.insert(2 * index, entry.clone());
    }
    spool.put(&mixed).unwrap();
    assert_eq!((rows(&spool), spool.messages()), ((2, 0), 13));
    let all = spool.bytes();
    forget(&mut spool, &a, of_a[3].1.place, 4);
    forget(&mut spool, &a, of_a[5].1.place, 2);
    forget(&mut spool, &b, of_b[2].1.place, 3);
    assert_eq!((rows(&spool), spool.messages()), ((1, 1), 4));
    assert!(spool.bytes() < all);
    drop(spool);

    let mut spool = open(&folder, 1 << 20);
    assert_eq!(spool.messages(), 4);
    let last = of_a[9].1.place;
    assert_eq!(spool.names().unwrap(), [(a.clone(), 4, last)]);
    let loaded = messages(&mut spool, &a, None);
    assert!(loaded.iter().eq(of_a[6..].iter().map(|(_, entry)| entry)));
    forget(&mut spool, &a, last, 4);
    assert_eq!(
        (rows(&spool), spool.messages(), spool.bytes()),
        ((0, 0), 0, 0)
    );
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_backlog_takes_few_rows_and_little_room() {
    let folder = folder("backlog");
    let a = name("a");
    let mut spool = open(&folder, 1 << 30);
    let backlog = row(&a, 5000);
    spool.put(&backlog).unwrap();
    assert!(rows(&spool).0 < 6, "{:?}", rows(&spool));
    assert!(spool.bytes() < 5000 * 20, "{}", spool.bytes());
    let (mut behind, mut read) = (None, 0);
    loop {
        let loaded = messages(&mut spool, &a, behind);
        let Some(last) = loaded.last() else { break };
        assert!(loaded.len() < 2 * CHUNK, "{}", loaded.len());
        for entry in &loaded {
            assert_eq!(*entry, backlog[read].1);
            read += 1;
        }
        behind = Some(last.place);
    }
    assert_eq!(read, 5000);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_row_that_is_damaged_is_lost_alone_and_a_file_of_another_version_is_put_aside() {
    let folder = folder("row");
    let a = name("a");
    let mut spool = open(&folder, 1 << 20);
    let all = row(&a, 9);
    for part in all.chunks(3) {
        spool.put(part).unwrap();
    }
    let cut = "UPDATE segments SET content = substr(content, 1, 5) WHERE last_seq = 6";
    spool.db.execute_batch(cut).unwrap();
    forget(&mut spool, &a, all[0].1.place, 1);
    let first = messages(&mut spool, &a, None);
    assert_eq!(first.last().unwrap().place.seq, 3, "those before it");
    let Ok(Loaded::Lost(3, error)) = spool.load(&a, Some(first[1].place)) else {
        panic!("the row is read");
    };
    let error = error.to_string();
    assert!(error.ends_with("a row of a cannot be read"), "{error}");
    let last = messages(&mut spool, &a, Some(first[1].place));
    assert_eq!((last.len(), last[0].place.seq, spool.messages()), (3, 7, 5));
    // The first one of the row was forgotten.
    let cut = "UPDATE segments SET content = substr(content, 1, 20) WHERE last_seq = 3";
    spool.db.execute_batch(cut).unwrap();
    assert!(matches!(spool.load(&a, None), Ok(Loaded::Lost(2, _))));
    assert_eq!(spool.messages(), 3);
    spool.db.execute_batch("PRAGMA user_version = 1").unwrap();
    drop(spool);
    let (spool, aside) = Spool::open(&folder, 1 << 20).unwrap();
    assert!(aside.is_some());
    assert_eq!(spool.messages(), 0);
    fs::remove_dir_all(folder).unwrap();
}

fn open(folder: &Path, limit: u64) -> Spool {
    let (spool, aside) = Spool::open(folder, limit).unwrap();
    assert_eq!(aside, None);
    spool
}

#[test]
fn one_that_is_damaged_is_put_aside_and_one_that_is_used_is_refused() {
    let folder = folder("damaged");
    fs::write(folder.join("nats-spool.sqlite3"), [b'x'; 5000]).unwrap();
    let (mut spool, aside) = Spool::open(&folder, 1 << 20).unwrap();
    assert_eq!(fs::read(aside.unwrap()).unwrap(), [b'x'; 5000]);
    let entry = message(1, 1, Message::text("x"));
    spool.put(&[(name("a"), entry)]).unwrap();
    let error = Spool::open(&folder, 1).unwrap_err().to_string();
    assert!(error.ends_with("database is locked"), "{error}");
    drop(spool);
    assert_eq!(open(&folder, 1).messages(), 1);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn it_is_bounded_and_says_why_it_cannot_be_opened() {
    let folder = folder("bound");
    let mut spool = open(&folder, 1000);
    let entry = message(1, 1, Message::text("x".repeat(500)));
    assert!(spool.has_room(room(&entry) as u64));
    spool.put(&[(name("a"), entry.clone())]).unwrap();
    assert!(!spool.has_room(room(&entry) as u64));
    fs::remove_dir_all(&folder).unwrap();
    let error = Spool::open(&folder, 1).unwrap_err().to_string();
    assert!(
        error.contains("nats-spool.sqlite3 cannot be used: "),
        "{error}"
    );
}
