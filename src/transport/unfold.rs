//! Headers that are folded over several lines.

/// Replaces the line folds (`obs-fold`, RFC 9112 §5.2) in the received part of an answer with
/// spaces. The bytes behind the head and the length stay the same.
///
/// The status line cannot be folded: the parser refuses white space behind it.
pub(super) fn unfold(answer: &mut [u8]) {
    let line_end = |answer: &[u8], from: usize| {
        let rest = answer.get(from..)?;
        Some(from + rest.iter().position(|byte| *byte == b'\n')?)
    };
    let Some(mut start) = line_end(answer, 0).map(|end| end + 1) else {
        return;
    };
    let mut from = start;
    while let Some(end) = line_end(answer, from)
        && !matches!(answer[start..end], [] | [b'\r'])
    {
        from = end + 1;
        match answer.get(from) {
            Some(b' ' | b'\t') => {
                answer[end] = b' ';
                if let Some(before @ b'\r') = answer[start..end].last_mut() {
                    *before = b' ';
                }
            }
            _ => start = from,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unfolded(answer: &str) -> String {
        let mut bytes = answer.as_bytes().to_vec();
        unfold(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_folded_header_becomes_one_line_and_nothing_else_changes() {
        for (answer, expected) in [
            ("", ""),
            ("HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\n"),
            ("S\r\nA: b\r\nC: d\r\n\r\n", "S\r\nA: b\r\nC: d\r\n\r\n"),
            ("S\r\nA: b\r\n c\r\n\r\n", "S\r\nA: b   c\r\n\r\n"),
            (
                "S\r\nA:\r\n\tb\r\n  c\r\nD: e\r\n\r\n",
                "S\r\nA:  \tb    c\r\nD: e\r\n\r\n",
            ),
            ("S\nA: b\n c\n\n", "S\nA: b  c\n\n"),
            ("S\r\nA: b\r\n \r\n\r\n", "S\r\nA: b   \r\n\r\n"),
            // The head has not come whole.
            ("S\r\nA: b\r\n", "S\r\nA: b\r\n"),
            ("S\r\nA: b\r\n ", "S\r\nA: b   "),
            // What is behind it is not ours to touch.
            ("S\r\nA: b\r\n\r\nx\r\n y", "S\r\nA: b\r\n\r\nx\r\n y"),
            ("S\r\n\r\n y\r\n z", "S\r\n\r\n y\r\n z"),
            ("S\r\n A: b\r\n\r\n", "S\r\n A: b\r\n\r\n"),
        ] {
            assert_eq!(unfolded(answer), expected, "{answer:?}");
        }
    }

    proptest! {
        #[test]
        fn it_makes_no_difference_in_which_pieces_an_answer_comes(
            answer in "S\r\n([AB]: [a-c ]{0,3}(\r\n[ \t][a-c]{0,2}){0,2}\r\n){0,4}\r\n[a-c \r\n]{0,9}", at in any::<prop::sample::Index>(),
        ) {
            let mut pieces = answer.as_bytes()[..at.index(answer.len())].to_vec();
            unfold(&mut pieces);
            pieces.extend_from_slice(&answer.as_bytes()[pieces.len()..]);
            unfold(&mut pieces);
            prop_assert_eq!(String::from_utf8(pieces).unwrap(), unfolded(&answer));
        }
    }
}
