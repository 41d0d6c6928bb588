//! What a client accepts as the form of an answer: the `Accept` header against the media types there are (RFC 9110 §12.5.1).

use axum::http::{HeaderMap, header};
use mime::Mime;

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// `application/graphql-response+json`.
    GraphqlResponse,
    /// `application/json`.
    Json,
    /// `text/event-stream`: GraphQL over Server-Sent Events.
    EventStream,
}

/// In the order of preference among those that a client names and likes alike.
const NAMED: [Media; 3] = [Media::GraphqlResponse, Media::Json, Media::EventStream];
/// In the order of preference for a client that leaves the choice: one that knows the newer type says so.
const UNNAMED: [Media; 3] = [Media::Json, Media::GraphqlResponse, Media::EventStream];

impl Media {
    /// Its name.
    pub fn essence(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json",
            Self::Json => "application/json",
            Self::EventStream => "text/event-stream",
        }
    }
}

/// The ranges of an `Accept` header; none where there is no such header, which accepts everything.
#[derive(Debug)]
pub struct Accept(Option<Vec<Range>>);

#[derive(Debug)]
struct Range {
    media: Mime,
    /// How much it is liked, in thousandths; what has 0 is refused.
    quality: u16,
}

/// How well a range fits, the least first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Anything,
    Type,
    Named,
}

impl Accept {
    /// Reads the header, which may come in several lines. Ranges that can't be read count as if they were not there.
    pub fn of(headers: &HeaderMap) -> Self {
        let lines: Vec<_> = headers.get_all(header::ACCEPT).iter().collect();
        if lines.iter().all(|line| line.as_bytes().trim_ascii().is_empty()) {
            return Self(None);
        }
        let ranges = lines.iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
        Self(Some(ranges.filter_map(|range| Range::read(range.trim())).collect()))
    }

    /// The form for a single answer; none where the client accepts none of them.
    pub fn answer(&self) -> Option<Media> {
        let liked = |media| self.liked(media).map(|(quality, fit)| (quality, fit == Fit::Named));
        let best = NAMED.into_iter().filter_map(liked).max()?;
        let order = if best.1 { NAMED } else { UNNAMED };
        order.into_iter().find(|&media| liked(media) == Some(best))
    }

    /// The form for an error that was found before it was known what would be asked: an answer, where one is accepted at all.
    pub fn refusal(&self) -> Media {
        match self.answer() {
            Some(Media::GraphqlResponse) => Media::GraphqlResponse,
            _ => Media::Json,
        }
    }

    /// Whether an answer may come as a stream of events.
    pub fn event_stream(&self) -> bool {
        self.liked(Media::EventStream).is_some()
    }

    /// How much a form is liked, by the range that fits it best; none where it is refused.
    fn liked(&self, media: Media) -> Option<(u16, Fit)> {
        let Some(ranges) = &self.0 else { return Some((1000, Fit::Anything)) };
        let fitting = ranges.iter().filter_map(|range| Some((range.fit(media)?, range.quality)));
        let (fit, quality) = fitting.max()?;
        (quality > 0).then_some((quality, fit))
    }
}

impl Range {
    fn read(text: &str) -> Option<Self> {
        let media: Mime = text.parse().ok()?;
        let quality = match media.get_param("q") {
            None => 1000,
            Some(quality) => thousandths(quality.as_str())?,
        };
        let utf8 = media.get_param(mime::CHARSET).is_none_or(|charset| charset == mime::UTF_8);
        utf8.then_some(Self { media, quality })
    }

    fn fit(&self, media: Media) -> Option<Fit> {
        if self.media.essence_str() == media.essence() {
            return Some(Fit::Named);
        }
        let type_fits = media.essence().split('/').next() == Some(self.media.type_().as_str());
        match (self.media.type_(), self.media.subtype()) {
            (mime::STAR, mime::STAR) => Some(Fit::Anything),
            (_, mime::STAR) if type_fits => Some(Fit::Type),
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
        Accept::of(&headers)
    }

    #[test]
    fn the_form_that_is_liked_best_is_chosen() {
        for (header, chosen) in [
            ("application/json", Some(Media::Json)),
            ("application/graphql-response+json", Some(Media::GraphqlResponse)),
            ("text/event-stream", Some(Media::EventStream)),
            ("Application/JSON; Charset=UTF-8", Some(Media::Json)),
            ("application/json;charset=utf-16", None),
            // the client leaves the choice
            ("", Some(Media::Json)),
            ("*/*", Some(Media::Json)),
            ("application/*", Some(Media::Json)),
            ("text/*", Some(Media::EventStream)),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Some(Media::Json)),
            // several are named
            ("application/graphql-response+json, application/json;q=0.9", Some(Media::GraphqlResponse)),
            ("application/json, application/graphql-response+json", Some(Media::GraphqlResponse)),
            ("application/json, application/graphql-response+json;q=0.5", Some(Media::Json)),
            (
                "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, \
                 multipart/mixed",
                Some(Media::GraphqlResponse),
            ),
            ("text/event-stream, application/json;q=0.9", Some(Media::EventStream)),
            ("text/event-stream, */*", Some(Media::EventStream)),
            ("application/graphql-response+json;q=0.2, */*;q=0.1", Some(Media::GraphqlResponse)),
            ("application/graphql-response+json;q=0.1, */*;q=0.2", Some(Media::Json)),
            // refused
            ("application/json;q=0", None),
            ("application/json;q=0.000, */*", Some(Media::GraphqlResponse)),
            ("*/*;q=0", None),
            ("text/html", None),
            ("application/xml, image/*", None),
            // what can't be read is as if it were not there
            ("application/json;q=2, text/event-stream;q=0.1", Some(Media::EventStream)),
            ("application/json;q=0.1234", None),
            ("nonsense", None),
            (", ,", None),
        ] {
            assert_eq!(accept(&[header]).answer(), chosen, "{header}");
        }
        assert_eq!(accept(&[]).answer(), Some(Media::Json));
        assert_eq!(accept(&["text/html", "application/json"]).answer(), Some(Media::Json));
    }

    #[test]
    fn events_are_sent_to_whom_they_suit() {
        for (header, suits) in [
            ("text/event-stream", true),
            ("*/*", true),
            ("", true),
            ("application/json, text/event-stream;q=0.1", true),
            ("application/json, text/event-stream;q=0, */*", false),
            ("application/json", false),
        ] {
            assert_eq!(accept(&[header]).event_stream(), suits, "{header}");
        }
    }

    #[test]
    fn errors_before_the_question_are_told_as_an_answer() {
        assert_eq!(accept(&["application/graphql-response+json"]).refusal(), Media::GraphqlResponse);
        assert_eq!(accept(&["text/event-stream"]).refusal(), Media::Json);
        assert_eq!(accept(&["text/html"]).refusal(), Media::Json);
    }

    proptest! {
        #[test]
        fn any_header_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut headers = HeaderMap::new();
            if let Ok(value) = axum::http::HeaderValue::from_bytes(&bytes) {
                headers.append(header::ACCEPT, value);
                let _ = Accept::of(&headers).answer();
            }
        }

        #[test]
        fn of_two_forms_the_better_liked_is_chosen(first in 0..=1000_u16, second in 0..=1000_u16) {
            let weight = |thousandths: u16| format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
            let header = format!("application/json;q={}, text/event-stream;q={}", weight(first), weight(second));
            let chosen = match (first, second) {
                (0, 0) => None,
                _ if first >= second => Some(Media::Json),
                _ => Some(Media::EventStream),
            };
            prop_assert_eq!(accept(&[&header]).answer(), chosen);
        }
    }
}
