//! Content negotiation: the `Accept` header against the available media types (RFC 9110 §12.5.1).

use axum::http::{HeaderMap, header};
use mime::Mime;

/// The format of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseFormat {
    /// `application/graphql-response+json`.
    GraphqlResponse,
    /// `application/json`.
    Json,
    /// `text/event-stream`: GraphQL over Server-Sent Events.
    EventStream,
}

/// Order of preference among formats that the client names with equal quality.
const EXPLICIT_PREFERENCE: [ResponseFormat; 3] =
    [ResponseFormat::GraphqlResponse, ResponseFormat::Json, ResponseFormat::EventStream];
/// Order of preference for a client that accepts anything: one that supports the newer type names it.
const DEFAULT_PREFERENCE: [ResponseFormat; 3] =
    [ResponseFormat::Json, ResponseFormat::GraphqlResponse, ResponseFormat::EventStream];

impl ResponseFormat {
    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json",
            Self::Json => "application/json",
            Self::EventStream => "text/event-stream",
        }
    }
}

/// The ranges of an `Accept` header. `None` without the header, which accepts everything.
#[derive(Debug)]
pub struct Accept(Option<Vec<MediaRange>>);

#[derive(Debug)]
struct MediaRange {
    media: Mime,
    /// Quality in thousandths; 0 refuses the type.
    quality: u16,
}

/// How specific a matching range is, the least specific first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Specificity {
    Any,
    Type,
    Exact,
}

impl Accept {
    /// Parses the header, which may have several lines. Invalid ranges are ignored.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let lines: Vec<_> = headers.get_all(header::ACCEPT).iter().collect();
        if lines.iter().all(|line| line.as_bytes().trim_ascii().is_empty()) {
            return Self(None);
        }
        let ranges = lines.iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
        Self(Some(ranges.filter_map(|range| MediaRange::parse(range.trim())).collect()))
    }

    /// The format of a single response; `None` if the client accepts none of them.
    pub fn response_format(&self) -> Option<ResponseFormat> {
        let quality = |media| self.quality_of(media).map(|(quality, fit)| (quality, fit == Specificity::Exact));
        let best = EXPLICIT_PREFERENCE.into_iter().filter_map(quality).max()?;
        let order = if best.1 { EXPLICIT_PREFERENCE } else { DEFAULT_PREFERENCE };
        order.into_iter().find(|&media| quality(media) == Some(best))
    }

    /// The format of an error that occurs before the operation is known: a single response, if one is accepted at all.
    pub fn error_format(&self) -> ResponseFormat {
        match self.response_format() {
            Some(ResponseFormat::GraphqlResponse) => ResponseFormat::GraphqlResponse,
            _ => ResponseFormat::Json,
        }
    }

    /// Whether the client accepts an event stream.
    pub fn accepts_event_stream(&self) -> bool {
        self.quality_of(ResponseFormat::EventStream).is_some()
    }

    /// The quality of a format, by the most specific matching range; `None` if it is refused.
    fn quality_of(&self, media: ResponseFormat) -> Option<(u16, Specificity)> {
        let Some(ranges) = &self.0 else { return Some((1000, Specificity::Any)) };
        let fitting = ranges.iter().filter_map(|range| Some((range.specificity(media)?, range.quality)));
        let (fit, quality) = fitting.max()?;
        (quality > 0).then_some((quality, fit))
    }
}

impl MediaRange {
    fn parse(text: &str) -> Option<Self> {
        let media: Mime = text.parse().ok()?;
        let quality = match media.get_param("q") {
            None => 1000,
            Some(quality) => thousandths(quality.as_str())?,
        };
        let utf8 = media.get_param(mime::CHARSET).is_none_or(|charset| charset == mime::UTF_8);
        utf8.then_some(Self { media, quality })
    }

    fn specificity(&self, media: ResponseFormat) -> Option<Specificity> {
        if self.media.essence_str() == media.media_type() {
            return Some(Specificity::Exact);
        }
        let type_fits = media.media_type().split('/').next() == Some(self.media.type_().as_str());
        match (self.media.type_(), self.media.subtype()) {
            (mime::STAR, mime::STAR) => Some(Specificity::Any),
            (_, mime::STAR) if type_fits => Some(Specificity::Type),
            _ => None,
        }
    }
}

/// A weight: from 0 to 1 with at most three decimals.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let decimals: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(decimals),
        "1" if decimals == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn accept(lines: &[&str]) -> Accept {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::ACCEPT, line.parse().expect("a header"));
        }
        Accept::from_headers(&headers)
    }

    #[test]
    fn format_of_highest_quality_is_chosen() {
        for (header, chosen) in [
            ("application/json", Some(ResponseFormat::Json)),
            ("application/graphql-response+json", Some(ResponseFormat::GraphqlResponse)),
            ("text/event-stream", Some(ResponseFormat::EventStream)),
            ("Application/JSON; Charset=UTF-8", Some(ResponseFormat::Json)),
            ("application/json;charset=utf-16", None),
            // the client accepts anything
            ("", Some(ResponseFormat::Json)),
            ("*/*", Some(ResponseFormat::Json)),
            ("application/*", Some(ResponseFormat::Json)),
            ("text/*", Some(ResponseFormat::EventStream)),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Some(ResponseFormat::Json)),
            // several are named
            ("application/graphql-response+json, application/json;q=0.9", Some(ResponseFormat::GraphqlResponse)),
            ("application/json, application/graphql-response+json", Some(ResponseFormat::GraphqlResponse)),
            ("application/json, application/graphql-response+json;q=0.5", Some(ResponseFormat::Json)),
            (
                "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, \
                 multipart/mixed",
                Some(ResponseFormat::GraphqlResponse),
            ),
            ("text/event-stream, application/json;q=0.9", Some(ResponseFormat::EventStream)),
            ("text/event-stream, */*", Some(ResponseFormat::EventStream)),
            ("application/graphql-response+json;q=0.2, */*;q=0.1", Some(ResponseFormat::GraphqlResponse)),
            ("application/graphql-response+json;q=0.1, */*;q=0.2", Some(ResponseFormat::Json)),
            // refused
            ("application/json;q=0", None),
            ("application/json;q=0.000, */*", Some(ResponseFormat::GraphqlResponse)),
            ("*/*;q=0", None),
            ("text/html", None),
            ("application/xml, image/*", None),
            // invalid ranges are ignored
            ("application/json;q=2, text/event-stream;q=0.1", Some(ResponseFormat::EventStream)),
            ("application/json;q=0.1234", None),
            ("nonsense", None),
            (", ,", None),
        ] {
            assert_eq!(accept(&[header]).response_format(), chosen, "{header}");
        }
        assert_eq!(accept(&[]).response_format(), Some(ResponseFormat::Json));
        assert_eq!(accept(&["text/html", "application/json"]).response_format(), Some(ResponseFormat::Json));
    }

    #[test]
    fn event_stream_requires_an_accepting_client() {
        for (header, suits) in [
            ("text/event-stream", true),
            ("*/*", true),
            ("", true),
            ("application/json, text/event-stream;q=0.1", true),
            ("application/json, text/event-stream;q=0, */*", false),
            ("application/json", false),
        ] {
            assert_eq!(accept(&[header]).accepts_event_stream(), suits, "{header}");
        }
    }

    #[test]
    fn early_errors_use_an_accepted_format() {
        assert_eq!(accept(&["application/graphql-response+json"]).error_format(), ResponseFormat::GraphqlResponse);
        assert_eq!(accept(&["text/event-stream"]).error_format(), ResponseFormat::Json);
        assert_eq!(accept(&["text/html"]).error_format(), ResponseFormat::Json);
    }

    proptest! {
        #[test]
        fn any_header_is_parsed_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut headers = HeaderMap::new();
            if let Ok(value) = axum::http::HeaderValue::from_bytes(&bytes) {
                headers.append(header::ACCEPT, value);
                let _ = Accept::from_headers(&headers).response_format();
            }
        }

        #[test]
        fn format_with_the_higher_weight_is_chosen(first in 0..=1000_u16, second in 0..=1000_u16) {
            let weight = |thousandths: u16| format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
            let header = format!("application/json;q={}, text/event-stream;q={}", weight(first), weight(second));
            let chosen = match (first, second) {
                (0, 0) => None,
                _ if first >= second => Some(ResponseFormat::Json),
                _ => Some(ResponseFormat::EventStream),
            };
            prop_assert_eq!(accept(&[&header]).response_format(), chosen);
        }
    }
}
