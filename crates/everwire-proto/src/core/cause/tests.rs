use super::*;
use crate::{decode::Format, wire::Opcode};

/// One of each; a new one does not compile until it is added here, too.
fn violations() -> Vec<Violation> {
    use Violation as V;
    let all = vec![
        V::ReservedBits(2),
        V::CompressionBit(Opcode::Continuation),
        V::ReservedOpcode(3),
        V::Masked,
        V::ControlFragmented(Opcode::Ping),
        V::ControlTooLong(Opcode::Close),
        V::LengthNotMinimal(1),
        V::LengthTopBit(1 << 63),
        V::ContinuationWithoutStart,
        V::MessageUnfinished(Opcode::Text),
        V::CloseTruncated,
        V::CloseCode(1005),
        V::CloseReasonNotUtf8,
        V::TextNotUtf8 { offset: 1 },
        V::DeflateInvalid,
        V::DeflateTruncated,
        V::FrameTooBig { len: 9, limit: 8 },
        V::MessageTooBig { len: 9, limit: 8 },
        V::TooManyFragments { limit: 8 },
        V::ControlFlood { limit: 8 },
    ];
    for violation in &all {
        match violation {
            V::ReservedBits(_) | V::CompressionBit(_) | V::ReservedOpcode(_) | V::Masked => {}
            V::ControlFragmented(_) | V::ControlTooLong(_) | V::LengthNotMinimal(_) => {}
            V::LengthTopBit(_) | V::ContinuationWithoutStart | V::MessageUnfinished(_) => {}
            V::CloseTruncated | V::CloseCode(_) | V::CloseReasonNotUtf8 => {}
            V::TextNotUtf8 { .. } | V::DeflateInvalid | V::DeflateTruncated => {}
            V::FrameTooBig { .. } | V::MessageTooBig { .. } => {}
            V::TooManyFragments { .. } | V::ControlFlood { .. } => {}
        }
    }
    all
}

/// One of each.
fn undecoded() -> [DecodeError; 7] {
    let (format, len) = (Format::ZlibStream, 20);
    [
        DecodeError::Foreign { format, len },
        DecodeError::Invalid { format, len },
        DecodeError::Truncated { format, len },
        DecodeError::Trailing {
            format,
            len,
            extra: 3,
        },
        DecodeError::TooBig {
            format,
            len,
            limit: 8,
        },
        DecodeError::TooManyMembers { len, limit: 8 },
        DecodeError::StreamEnded { len },
    ]
}

fn causes() -> Vec<Cause> {
    let phases = [
        Phase::Prepare,
        Phase::Dns,
        Phase::Proxy,
        Phase::Tcp,
        Phase::Tls,
        Phase::Upgrade,
    ];
    let mut all = vec![
        Cause::HandshakeStatus {
            status: 503,
            retry_after: Some(Duration::from_secs(1)),
            text: String::new(),
        },
        Cause::HandshakeStatus {
            status: 503,
            retry_after: None,
            text: "later".into(),
        },
        Cause::Closed(CloseFrame::default()),
        Cause::Closed(CloseFrame::new(4000, "bye")),
        Cause::Eof,
        Cause::PongTimeout,
        Cause::ForeignPongs,
        Cause::FenceTimeout,
        Cause::WriteTimeout,
        Cause::IdleTimeout,
        Cause::OutOfMemory,
        Cause::Prepare {
            text: "step 1 of prepare: no".into(),
            status: Some(503),
            retry_after: None,
            is_refusal: false,
            gives_up: false,
        },
        Cause::script_refused("step 1 of open_script: no", true),
        Cause::ScriptTimeout("step 1 of open_script: nothing came".into()),
        Cause::Rule {
            text: "rule 1 says reconnect".into(),
            gives_up: false,
        },
        Cause::Template("`${token}` is absent".into()),
    ];
    all.extend(phases.map(Cause::ConnectTimeout));
    all.extend(violations().into_iter().map(Cause::Protocol));
    all.extend(undecoded().map(Cause::Decode));
    all
}

#[test]
fn no_cause_is_told_in_code() {
    for cause in causes() {
        let text = cause.to_string();
        assert_eq!(code_in(&text), None, "{text}");
    }
}

#[test]
fn a_message_over_a_limit_names_the_key() {
    let frame = Violation::FrameTooBig { len: 9, limit: 8 };
    assert_eq!(
        frame.to_string(),
        "a frame of 9 bytes is longer than max_frame, which is 8"
    );
    let message = Violation::MessageTooBig { len: 9, limit: 8 };
    assert!(message.to_string().contains("longer than max_message"));
}

#[test]
fn code_is_found() {
    for (text, found) in [
        (
            "corrupt message of type InvalidContentType",
            "InvalidContentType",
        ),
        ("Other(OtherError(CaUsedAsEndEntity))", "OtherError"),
        ("Some(3)", "Some("),
    ] {
        assert_eq!(code_in(text), Some(found));
    }
    assert_eq!(
        code_in("the answer has no Sec-WebSocket-Accept header"),
        None
    );
}
