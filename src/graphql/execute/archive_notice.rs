//! The notice that a response lacks measurements because their month is in an archive and no longer in the database.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use async_graphql::{Name, Response, Value, indexmap::IndexMap};
use chrono::{DateTime, SecondsFormat, Utc};

use crate::{
    db::pruned_month::PrunedMonthCache,
    domain::{month::Month, pruned_months::PrunedMonths},
    graphql::context::State,
};

/// Member of `extensions` with the notice.
const ARCHIVED_EXTENSION: &str = "archived";
/// Members of the notice: the months, and the end of the last of them.
const MONTHS: &str = "months";
const BEFORE: &str = "before";

/// The months such as `2026-05` in the notice of a response.
#[must_use]
pub fn months_of(response: &Response) -> BTreeSet<String> {
    let Some(Value::Object(notice)) = response.extensions.get(ARCHIVED_EXTENSION) else { return BTreeSet::new() };
    let Some(Value::List(months)) = notice.get(MONTHS) else { return BTreeSet::new() };
    let month = |month: &Value| if let Value::String(month) = month { Some(month.clone()) } else { None };
    months.iter().filter_map(month).collect()
}

/// The pruned months that a request has read.
pub struct ArchiveNotice {
    cache: PrunedMonthCache,
    /// The pruned months before the request: they may be restored while it runs.
    at_start: Arc<PrunedMonths>,
    reached: Mutex<BTreeSet<Month>>,
}

impl ArchiveNotice {
    /// A notice without months.
    pub async fn start(state: &State) -> Self {
        let cache = state.recorder.pruned_months.clone();
        let at_start = cache.current().await;
        Self { cache, at_start, reached: Mutex::default() }
    }

    /// Notes that measurements of a half-open time span have been read. Months that were pruned before that are known now
    /// ([`PROPAGATION_TIME`](crate::db::pruned_month::PROPAGATION_TIME)).
    pub fn note_rows_read(&self, from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) {
        let now = self.cache.known(); // read for the first time before `start` returned
        if now.is_empty() && self.at_start.is_empty() {
            return;
        }
        let months = self.at_start.within(from, to).chain(now.within(from, to));
        self.reached.lock().unwrap_or_else(PoisonError::into_inner).extend(months); // a panic leaves the set intact
    }

    /// The months read so far, in order.
    #[must_use]
    pub fn months(&self) -> BTreeSet<Month> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds the notice to a response, if there are such months.
    pub fn report(&self, response: &mut Response) {
        let months = self.months();
        if let Some(last) = months.last() {
            let before = last.next().start().to_rfc3339_opts(SecondsFormat::AutoSi, true);
            let names = months.iter().map(|month| month.to_string().into()).collect();
            let notice = IndexMap::from([(Name::new(BEFORE), before.into()), (Name::new(MONTHS), Value::List(names))]);
            response.extensions.insert(ARCHIVED_EXTENSION.to_owned(), Value::Object(notice));
        }
    }
}
