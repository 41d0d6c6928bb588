//! Answers made shorter, for who takes them so. At the quickest levels: the way to the client has to be slow for more to
//! be worth its time.

use tower_http::{
    CompressionLevel,
    compression::{
        CompressionLayer,
        predicate::{NotForContentType, Predicate, SizeAbove},
    },
};

/// What is shorter fits into a packet or two as it is.
const FROM_BYTES: u16 = 1024;

/// What compresses. Not streams of events, each of which is to arrive at once, nor what is compressed already.
pub(super) fn layer() -> CompressionLayer<impl Predicate> {
    let worth_it = SizeAbove::new(FROM_BYTES)
        .and(NotForContentType::SSE)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::const_new("font/"));
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(worth_it)
}
