//! The decoders and the compressor of a socket, as client and server have agreed.

use everwire_proto::decode::MessageDecoder;

use super::encoder::Compressor;
use crate::{
    connection::arbiter::buffers::ArbiterPool,
    settings::ConnectionSettings,
    wire::{
        Decoder, Limits,
        deflate::{Agreed, Deflater, Inflater},
    },
};

/// The message decoder of a name's socket.
pub(in crate::connection) fn message_decoder(
    settings: &ConnectionSettings,
) -> Option<MessageDecoder> {
    let decoding = settings.decode.as_ref()?;
    let max = settings.max_message;
    Some(MessageDecoder::new(decoding, max, &ArbiterPool))
}

/// The frame decoder of a socket, and its compressor if compression was agreed on.
pub(in crate::connection) fn codec(
    settings: &ConnectionSettings,
    agreed: Option<&Agreed>,
) -> (Decoder, Option<Compressor>) {
    let decoder = Decoder::new(Limits {
        max_message: settings.max_message,
        max_frame: settings.max_frame,
        ..Limits::default()
    });
    let (Some(agreed), Some(wished)) = (agreed, &settings.compression) else {
        return (decoder, None);
    };
    let inflater = Inflater::new(agreed, &ArbiterPool);
    let deflater = Deflater::new(agreed, wished.level, &ArbiterPool);
    let compressor = deflater.map(|deflater| Compressor::new(deflater, wished.min_size));
    (decoder.with_inflater(inflater), compressor)
}
