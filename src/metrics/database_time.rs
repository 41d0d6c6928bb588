//! Time that queries hold connections to Postgres, by kind of caller.

use std::{sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::{Registry, Unit},
};

/// What a caller is known by.
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

/// The metric. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct DatabaseTime(Family<[(&'static str, &'static str); 1], Counter<f64, AtomicU64>>);

impl DatabaseTime {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "graphql_database_time",
            "Time that GraphQL requests held connections to Postgres for reading, by kind of caller",
            Unit::Seconds,
            self.0.clone(),
        );
    }

    /// A connection was held.
    pub fn used(&self, caller: CallerKind, time: Duration) {
        self.0.get_or_create(&[("caller", caller.label())]).inc_by(time.as_secs_f64());
    }
}
