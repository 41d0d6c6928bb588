//! What the gateway allows and reveals to unauthenticated clients: a profile, and switches that override it.

use std::{net::IpAddr, num::NonZeroU32, str::FromStr};

use clap::{ArgAction, Args, ValueEnum};
use ipnet::IpNet;

use super::{comma_separated, comma_separated::CommaSeparated};

/// How much the gateway trusts the clients that can reach it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SecurityProfile {
    /// For exploration: the schema can be read, there is a playground, and GET is answered
    #[default]
    Open,
    /// For the internet, once all queries are known: none of these, and errors don't suggest names of fields
    Hardened,
}

/// The settings.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Security")]
pub struct SecurityArgs {
    /// Defaults of the settings below, for a gateway on a private network (open) or on the internet (hardened)
    #[arg(long, env = "AIRGRAPH_SECURITY_PROFILE", value_enum, default_value_t)]
    pub security_profile: SecurityProfile,

    /// Whether queries can read the schema (`__schema`, `__type`) [default: true in the profile open]
    #[arg(long, env = "AIRGRAPH_INTROSPECTION", action = ArgAction::Set)]
    pub introspection: Option<bool>,

    /// Whether there is a playground [default: true in the profile open]
    #[arg(long, env = "AIRGRAPH_PLAYGROUND", action = ArgAction::Set)]
    pub playground: Option<bool>,

    /// Whether queries are answered by GET [default: true in the profile open]
    #[arg(long, env = "AIRGRAPH_ALLOW_GET", action = ArgAction::Set)]
    pub allow_get: Option<bool>,

    /// Whether errors suggest the names of fields and arguments [default: true in the profile open]
    #[arg(long, env = "AIRGRAPH_ERROR_SUGGESTIONS", action = ArgAction::Set)]
    pub error_suggestions: Option<bool>,

    /// Whether only the trusted documents are executed, if a file of them is configured [default: true in the profile
    /// hardened]
    #[arg(long, env = "AIRGRAPH_TRUSTED_DOCUMENTS_ONLY", action = ArgAction::Set)]
    pub trusted_documents_only: Option<bool>,

    /// Maximum cost per minute of each key, or of each address without one, in the units of `extensions.cost`: a
    /// number, or
    /// `unlimited` [default: 30000000 in the profile open, 1000000 in the profile hardened]
    #[arg(long, env = "AIRGRAPH_RATE_LIMIT_COST_PER_MINUTE")]
    pub rate_limit_cost_per_minute: Option<LimitSetting>,

    /// Seconds per minute for which queries without a key, from one address, may hold connections to Postgres: a number, or
    /// `unlimited` [default: 60 in the profile open, 20 in the profile hardened]
    #[arg(long, env = "AIRGRAPH_ANONYMOUS_DATABASE_SECONDS_PER_MINUTE")]
    pub anonymous_database_seconds_per_minute: Option<LimitSetting>,

    /// The same for queries with one key; those of admins are not limited [default: 240 in the profile open, 60 in the
    /// profile hardened]
    #[arg(long, env = "AIRGRAPH_KEY_DATABASE_SECONDS_PER_MINUTE")]
    pub key_database_seconds_per_minute: Option<LimitSetting>,

    /// Maximum requests per minute of each key to the routes for sensors: a number, or `unlimited` [default: unlimited in the
    /// profile open, 6000 in the profile hardened]
    #[arg(long, env = "AIRGRAPH_RATE_LIMIT_UPLINKS_PER_MINUTE")]
    pub rate_limit_uplinks_per_minute: Option<LimitSetting>,

    /// Addresses or networks of the proxies in front of the gateway, separated by commas, such as 10.0.0.0/8:
    /// X-Forwarded-For is
    /// read only in requests from these
    #[arg(long, env = "AIRGRAPH_TRUSTED_PROXIES", value_name = "NETWORKS", value_parser = parse_networks)]
    pub trusted_proxies: Vec<CommaSeparated<IpNet>>,
}

/// A limit, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSetting(Option<NonZeroU32>);

impl FromStr for LimitSetting {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "unlimited" {
            return Ok(Self(None));
        }
        let number = text.parse().map_err(|_| "it is a number up to 4294967295, or `unlimited`")?;
        Ok(Self(NonZeroU32::new(number)))
    }
}

fn parse_networks(text: &str) -> Result<CommaSeparated<IpNet>, &'static str> {
    CommaSeparated::parse_with(text, parse_network)
}

/// A network, or one address.
fn parse_network(text: &str) -> Result<IpNet, &'static str> {
    let address = || text.parse().map(|address: IpAddr| IpNet::from(address));
    text.parse()
        .or_else(|_| address())
        .map_err(|_| "it is an address such as 10.0.0.1, or a network such as 10.0.0.0/8")
}

/// The resulting settings.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent switch")]
pub struct SecuritySettings {
    /// Whether queries can read the schema.
    pub introspection: bool,
    /// Whether there is a playground.
    pub playground: bool,
    /// Whether queries are answered by GET.
    pub get: bool,
    /// Whether errors suggest the names of fields and arguments.
    pub suggestions: bool,
    /// Whether only trusted documents are executed, if there are any.
    pub trusted_documents_only: bool,
    /// Maximum cost of each caller per minute; `None` is unlimited.
    pub cost_per_minute: Option<NonZeroU32>,
    /// Seconds of database time that each address may use per minute; `None` is unlimited.
    pub anonymous_database_seconds_per_minute: Option<NonZeroU32>,
    /// Seconds of database time that each key may use per minute; `None` is unlimited.
    pub key_database_seconds_per_minute: Option<NonZeroU32>,
    /// Requests of sensors that each key may send per minute; `None` is unlimited.
    pub uplinks_per_minute: Option<NonZeroU32>,
    /// The proxies in front of the gateway.
    pub trusted_proxies: Vec<IpNet>,
}

/// The open profile without rate limits, for tests and tools.
impl Default for SecuritySettings {
    fn default() -> Self {
        Self {
            cost_per_minute: None,
            anonymous_database_seconds_per_minute: None,
            key_database_seconds_per_minute: None,
            ..SecurityProfile::Open.into()
        }
    }
}

impl From<SecurityProfile> for SecuritySettings {
    fn from(profile: SecurityProfile) -> Self {
        let open = profile == SecurityProfile::Open;
        let limit = |in_open: u32, in_hardened: u32| NonZeroU32::new(if open { in_open } else { in_hardened });
        Self {
            introspection: open,
            playground: open,
            get: open,
            suggestions: open,
            trusted_documents_only: !open,
            cost_per_minute: limit(30_000_000, 3_000_000),
            anonymous_database_seconds_per_minute: limit(60, 20),
            key_database_seconds_per_minute: limit(240, 60),
            uplinks_per_minute: limit(0, 6000),
            trusted_proxies: Vec::new(),
        }
    }
}

impl SecurityArgs {
    /// The settings of the profile, overridden by those set explicitly.
    #[must_use]
    pub fn settings(&self) -> SecuritySettings {
        let profile = SecuritySettings::from(self.security_profile);
        let or = |setting: Option<LimitSetting>, default| setting.map_or(default, |LimitSetting(limit)| limit);
        SecuritySettings {
            introspection: self.introspection.unwrap_or(profile.introspection),
            playground: self.playground.unwrap_or(profile.playground),
            get: self.allow_get.unwrap_or(profile.get),
            suggestions: self.error_suggestions.unwrap_or(profile.suggestions),
            trusted_documents_only: self.trusted_documents_only.unwrap_or(profile.trusted_documents_only),
            cost_per_minute: or(self.rate_limit_cost_per_minute, profile.cost_per_minute),
            anonymous_database_seconds_per_minute: or(
                self.anonymous_database_seconds_per_minute,
                profile.anonymous_database_seconds_per_minute,
            ),
            key_database_seconds_per_minute: or(
                self.key_database_seconds_per_minute,
                profile.key_database_seconds_per_minute,
            ),
            uplinks_per_minute: or(self.rate_limit_uplinks_per_minute, profile.uplinks_per_minute),
            trusted_proxies: comma_separated::concat(&self.trusted_proxies),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        security: SecurityArgs,
    }

    fn parse_settings(arguments: &[&str]) -> SecuritySettings {
        let arguments = std::iter::once(&"airgraph").chain(arguments);
        Program::try_parse_from(arguments).unwrap_or_else(|error| panic!("{error}")).security.settings()
    }

    #[test]
    fn switches_override_the_profile() {
        let (open, hardened) = (parse_settings(&[]), parse_settings(&["--security-profile", "hardened"]));
        assert_eq!((&open, &hardened), (&SecurityProfile::Open.into(), &SecurityProfile::Hardened.into()));
        assert!(open.introspection && open.playground && open.get && open.suggestions);
        assert!(!(hardened.introspection || hardened.playground || hardened.get || hardened.suggestions));
        assert_eq!(
            parse_settings(&["--introspection", "false"]),
            SecuritySettings { introspection: false, ..open.clone() }
        );
        assert_eq!(parse_settings(&["--playground=false"]), SecuritySettings { playground: false, ..open.clone() });
        assert_eq!(
            parse_settings(&["--allow-get=false", "--error-suggestions=false"]),
            SecuritySettings { get: false, suggestions: false, ..open.clone() }
        );
        assert!(hardened.trusted_documents_only && !open.trusted_documents_only);
        let loose = ["--security-profile=hardened", "--allow-get=true", "--trusted-documents-only=false"];
        assert_eq!(parse_settings(&loose), SecuritySettings { get: true, trusted_documents_only: false, ..hardened });
    }

    #[test]
    fn limits_and_proxies_are_parsed() {
        assert_eq!(
            (parse_settings(&[]).cost_per_minute, parse_settings(&[]).uplinks_per_minute),
            (NonZeroU32::new(30_000_000), None)
        );
        let database = |settings: SecuritySettings| {
            (settings.anonymous_database_seconds_per_minute, settings.key_database_seconds_per_minute)
        };
        assert_eq!(database(parse_settings(&[])), (NonZeroU32::new(60), NonZeroU32::new(240)));
        let set = ["--anonymous-database-seconds-per-minute=5", "--key-database-seconds-per-minute=unlimited"];
        assert_eq!(database(parse_settings(&set)), (NonZeroU32::new(5), None));
        let hardened = [
            "--security-profile=hardened",
            "--rate-limit-cost-per-minute=unlimited",
            "--rate-limit-uplinks-per-minute=0",
        ];
        assert_eq!(
            (parse_settings(&hardened).cost_per_minute, parse_settings(&hardened).uplinks_per_minute),
            (None, None)
        );
        let hardened = parse_settings(&["--security-profile=hardened"]);
        assert_eq!(hardened.cost_per_minute, NonZeroU32::new(3_000_000));
        assert_eq!(parse_settings(&["--rate-limit-cost-per-minute=5000"]).cost_per_minute, NonZeroU32::new(5000));
        for nonsense in ["", "-1", "many", "4294967296", "1e6"] {
            assert!(nonsense.parse::<LimitSetting>().is_err(), "{nonsense}");
        }
        let trusted: Vec<_> = parse_settings(&["--trusted-proxies=10.0.0.0/8, 192.0.2.1,fd00::/8"]).trusted_proxies;
        let expected = ["10.0.0.0/8", "192.0.2.1/32", "fd00::/8"].map(|network| network.parse().expect("a network"));
        assert_eq!(trusted, expected);
        assert_eq!(parse_settings(&["--trusted-proxies="]).trusted_proxies, []);
        assert!(parse_networks("10.0.0").is_err() && parse_networks("10.0.0.0/8,x").is_err());
    }
}
