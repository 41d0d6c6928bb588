//! Counts connections, by client address and in total.

use std::{net::IpAddr, sync::Arc};

use ipnet::IpNet;

use crate::{
    graphql::context::GatewayInfo,
    limits::{ConnectionLimits, Limit, Permit, Quota, rate_limit::CallerId},
    observability::{logging::LogThrottle, metrics::refusals::Refusals},
};

/// The connections of one gateway. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Connections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limits: ConnectionLimits,
    trusted_proxies: Vec<IpNet>,
    quota: Quota<CallerId>,
    refusals: Refusals,
    logged: LogThrottle,
}

impl Connections {
    /// No connection is open yet.
    #[must_use]
    pub fn new(about: &GatewayInfo, refusals: Refusals) -> Self {
        let limits = about.limits.connections;
        Self(Arc::new(Inner {
            limits,
            trusted_proxies: about.security_profile.trusted_proxies.clone(),
            quota: Quota::new(limits.max_per_address, limits.max_total),
            refusals,
            logged: LogThrottle::default(),
        }))
    }

    /// A permit for a new connection. A trusted proxy connects for many clients, so its connections count in total
    /// only.
    ///
    /// # Errors
    /// The limit that is reached.
    pub(super) fn try_acquire(&self, peer: IpAddr) -> Result<Permit<CallerId>, Limit> {
        let address = peer.to_canonical();
        let is_proxy = self.0.trusted_proxies.iter().any(|network| network.contains(&address));
        let admitted = if is_proxy {
            self.0.quota.try_acquire_shared()
        } else {
            self.0.quota.try_acquire(&CallerId::from_address(address))
        };
        admitted.map_err(|exceeded| {
            let limit = exceeded.limit(Limit::ConnectionsPerAddress, Limit::Connections);
            self.0.refusals.count(limit);
            self.log(limit, address);
            limit
        })
    }

    /// Number of open connections.
    #[must_use]
    pub fn open_count(&self) -> usize {
        self.0.quota.in_use()
    }

    pub(super) fn limits(&self) -> ConnectionLimits {
        self.0.limits
    }

    pub(super) fn refusals(&self) -> Refusals {
        self.0.refusals.clone()
    }

    fn log(&self, limit: Limit, address: IpAddr) {
        if self.0.logged.is_due() {
            // An untrusted proxy has one address for all of its clients. This log line makes the operator notice it.
            tracing::warn!(limit = limit.name(), %address, "connections refused; add proxies to AIRGRAPH_TRUSTED_PROXIES");
        }
    }
}
