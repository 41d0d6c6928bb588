//! Time that queries hold connections to Postgres, by kind of caller.

use std::{sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::{Registry, Unit},
};

/// Kind of caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerKind {
    /// An address.
    Anonymous,
    /// A key of a reader or a sensor.
    Key,
    /// A key of an admin.
    Admin,
}

impl CallerKind {
    const fn label(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Key => "key",
            Self::Admin => "admin",
        }
    }
}

type Seconds = Counter<f64, AtomicU64>;

/// The metric. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DatabaseTimeMetrics {
    family: Family<[(&'static str, &'static str); 1], Seconds>,
    anonymous: Seconds,
    key: Seconds,
    admin: Seconds,
}

impl Default for DatabaseTimeMetrics {
    fn default() -> Self {
        let family = Family::default();
        let of = |kind: CallerKind| -> Seconds { family.get_or_create_owned(&[("caller", kind.label())]) };
        let (anonymous, key, admin) = (of(CallerKind::Anonymous), of(CallerKind::Key), of(CallerKind::Admin));
        Self { family, anonymous, key, admin }
    }
}

impl DatabaseTimeMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "graphql_database_time",
            "Time that GraphQL requests held connections to Postgres for reading, by kind of caller",
            Unit::Seconds,
            self.family.clone(),
        );
    }

    /// Records the time that a connection was held.
    pub fn record(&self, caller: CallerKind, time: Duration) {
        let seconds = match caller {
            CallerKind::Anonymous => &self.anonymous,
            CallerKind::Key => &self.key,
            CallerKind::Admin => &self.admin,
        };
        seconds.inc_by(time.as_secs_f64());
    }
}
