//! Text is validated as `std` does it, and as early as possible.

use everwire_proto::wire::{Incoming, Violation};
use proptest::{collection::vec, prelude::*};

use crate::server::*;

/// Sequences at the edges of UTF-8: overlong, surrogates, beyond U+10FFFF, cut short, stray continuations.
const EDGES: [&[u8]; 24] = [
    b"\x7f",
    b"\x80",
    b"\xbf",
    b"\xc0\x80",
    b"\xc1\xbf",
    b"\xc2\x80",
    b"\xdf\xbf",
    b"\xe0\x80\x80",
    b"\xe0\x9f\xbf",
    b"\xe0\xa0\x80",
    b"\xed\x9f\xbf",
    b"\xed\xa0\x80",
    b"\xed\xbf\xbf",
    b"\xee\x80\x80",
    b"\xef\xbf\xbf",
    b"\xf0\x80\x80\x80",
    b"\xf0\x8f\xbf\xbf",
    b"\xf0\x90\x80\x80",
    b"\xf4\x8f\xbf\xbf",
    b"\xf4\x90\x80\x80",
    b"\xf5\x80\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xfe",
    b"\xff",
];

/// The position of std's first error, and the number of bytes that it needs to detect it.
fn judge(text: &[u8]) -> Option<(usize, usize)> {
    let error = std::str::from_utf8(text).err()?;
    let seen = (1..=text.len()).find(|&end| {
        std::str::from_utf8(&text[..end]).is_err_and(|error| error.error_len().is_some())
    });
    Some((error.valid_up_to(), seen.unwrap_or(text.len())))
}

/// Compares the decoder with std's verdict on `text`, in fragments of these sizes.
fn agrees(text: &[u8], fragments: &[usize]) {
    let mut stream = Vec::new();
    // The position of each byte of the text in the stream.
    let mut positions = Vec::new();
    let mut sizes = fragments.iter().copied().cycle();
    let mut start = 0;
    loop {
        let end = text.len().min(start + sizes.next().unwrap_or(text.len()));
        let opcode = if stream.is_empty() {
            TEXT
        } else {
            CONTINUATION
        };
        stream.extend(frame(opcode, end == text.len(), &text[start..end]));
        positions.extend(stream.len() - (end - start)..stream.len());
        start = end;
        if start == text.len() {
            break;
        }
    }
    let whole = decode_all(&stream);
    let bytewise = decode_bytewise(&stream);
    match judge(text) {
        None => {
            let text = Incoming::Text(String::from_utf8(text.to_vec()).unwrap().into());
            assert_eq!(
                (&whole.incoming[..], &whole.violation),
                (&[text][..], &None)
            );
            assert_eq!(whole.incoming, bytewise.incoming);
        }
        Some((offset, seen)) => {
            let violation = Some(Violation::TextNotUtf8 { offset });
            assert_eq!(whole.violation, violation, "{text:02x?} in {fragments:?}");
            assert_eq!(
                bytewise.violation, violation,
                "{text:02x?} in {fragments:?}"
            );
            assert_eq!(
                bytewise.given,
                positions[seen - 1] + 1,
                "{text:02x?} in {fragments:?}"
            );
        }
    }
}

#[test]
fn every_edge_is_judged_as_std_does_at_any_place_and_cut() {
    for edge in EDGES {
        for cut in 1..=edge.len() {
            for before in [
                "",
                "a",
                "日",
                "0123456789012345678901234567890123456789012345678901234567890123é",
            ] {
                for after in ["", "b", "é"] {
                    let text = [before.as_bytes(), &edge[..cut], after.as_bytes()].concat();
                    agrees(&text, &[usize::MAX >> 1]);
                    agrees(&text, &[1]);
                    agrees(&text, &[before.len() + 1]);
                }
            }
        }
    }
}

#[test]
fn every_pair_of_bytes_is_judged_as_std_does() {
    for pair in 0..=u16::MAX {
        agrees(&pair.to_be_bytes(), &[2]);
    }
}

#[test]
fn a_bad_byte_fails_at_once_in_the_middle_of_a_frame() {
    // Autobahn 6.4.3 and 6.4.4: the frame never ends.
    let mut stream = header(TEXT, true, 1_000);
    stream.extend("κόσμε".as_bytes());
    stream.extend(b"\xf4\x90");
    let outcome = decode_all(&stream);
    assert_eq!(
        outcome.violation,
        Some(Violation::TextNotUtf8 { offset: 10 })
    );
    assert_eq!(decode_bytewise(&stream).given, stream.len());
}

#[test]
fn a_character_may_be_cut_by_fragments_with_control_frames_between() {
    let text = "a🦀é日";
    let mut stream = Vec::new();
    for (i, byte) in text.bytes().enumerate() {
        stream.extend(frame(
            if i == 0 { TEXT } else { CONTINUATION },
            false,
            &[byte],
        ));
        stream.extend(frame(PONG, true, b"\xff"));
    }
    stream.extend(frame(CONTINUATION, true, b""));
    let outcome = decode_all(&stream);
    assert_eq!(outcome.violation, None);
    assert_eq!(outcome.incoming.last(), Some(&Incoming::Text(text.into())));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_048))]

    #[test]
    fn any_text_in_any_fragments_is_judged_as_std_does(
        parts in vec(prop_oneof![
            4 => "\\PC{0,40}".prop_map(String::into_bytes),
            1 => proptest::sample::select(&EDGES[..]).prop_map(<[u8]>::to_vec),
            1 => vec(any::<u8>(), 0..4),
        ], 0..6),
        fragments in vec(1_usize..200, 1..5),
    ) {
        agrees(&parts.concat(), &fragments);
    }
}
