//! What strangers may see of the gateway, and how: a profile, and switches that say otherwise.

use clap::{ArgAction, Args, ValueEnum};

/// How much the gateway trusts those who can reach it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// For people who explore: the schema can be read, there is a playground, and GET is answered
    #[default]
    Open,
    /// For the internet, once all that asks is known: none of these, and errors don't suggest names of fields
    Hardened,
}

/// The settings.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Exposure")]
pub struct ExposureArgs {
    /// What strangers may see; each of the settings below says otherwise for itself
    #[arg(long, env = "AIRGRAPH_PROFILE", value_enum, default_value_t)]
    pub profile: Profile,

    /// Whether the schema can be read by queries (`__schema`, `__type`) [default: true in the profile open]
    #[arg(long, env = "AIRGRAPH_INTROSPECTION", action = ArgAction::Set)]
    pub introspection: Option<bool>,

    /// Whether there is a playground [default: true in the profile open]
    #[arg(long, env = "AIRGRAPH_PLAYGROUND", action = ArgAction::Set)]
    pub playground: Option<bool>,

    /// Whether queries are answered by GET [default: true in the profile open]
    #[arg(long, env = "AIRGRAPH_GET", action = ArgAction::Set)]
    pub get: Option<bool>,

    /// Whether errors suggest the names of fields and arguments [default: true in the profile open]
    #[arg(long, env = "AIRGRAPH_SUGGESTIONS", action = ArgAction::Set)]
    pub suggestions: Option<bool>,

    /// Whether only the trusted documents are run, where there is a file of them [default: true in the profile hardened]
    #[arg(long, env = "AIRGRAPH_TRUSTED_DOCUMENTS_ONLY", action = ArgAction::Set)]
    pub trusted_documents_only: Option<bool>,
}

/// What the settings come to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Exposure {
    /// Whether the schema can be read by queries.
    pub introspection: bool,
    /// Whether there is a playground.
    pub playground: bool,
    /// Whether queries are answered by GET.
    pub get: bool,
    /// Whether errors suggest the names of fields and arguments.
    pub suggestions: bool,
    /// Whether only trusted documents are run, where there are any.
    pub trusted_documents_only: bool,
}

impl Default for Exposure {
    fn default() -> Self {
        Profile::Open.into()
    }
}

impl From<Profile> for Exposure {
    fn from(profile: Profile) -> Self {
        let open = profile == Profile::Open;
        Self { introspection: open, playground: open, get: open, suggestions: open, trusted_documents_only: !open }
    }
}

impl ExposureArgs {
    /// What the profile says, but for what is set by itself.
    #[must_use]
    pub fn exposure(&self) -> Exposure {
        let profile = Exposure::from(self.profile);
        Exposure {
            introspection: self.introspection.unwrap_or(profile.introspection),
            playground: self.playground.unwrap_or(profile.playground),
            get: self.get.unwrap_or(profile.get),
            suggestions: self.suggestions.unwrap_or(profile.suggestions),
            trusted_documents_only: self.trusted_documents_only.unwrap_or(profile.trusted_documents_only),
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
        exposure: ExposureArgs,
    }

    fn of(arguments: &[&str]) -> Exposure {
        let arguments = std::iter::once(&"airgraph").chain(arguments);
        Program::try_parse_from(arguments).unwrap_or_else(|error| panic!("{error}")).exposure.exposure()
    }

    #[test]
    fn every_switch_says_otherwise_for_itself() {
        let (open, hardened) = (of(&[]), of(&["--profile", "hardened"]));
        assert_eq!((&open, &hardened), (&Profile::Open.into(), &Profile::Hardened.into()));
        assert!(open.introspection && open.playground && open.get && open.suggestions);
        assert!(!(hardened.introspection || hardened.playground || hardened.get || hardened.suggestions));
        assert_eq!(of(&["--introspection", "false"]), Exposure { introspection: false, ..open.clone() });
        assert_eq!(of(&["--playground=false"]), Exposure { playground: false, ..open.clone() });
        assert_eq!(
            of(&["--get=false", "--suggestions=false"]),
            Exposure { get: false, suggestions: false, ..open.clone() }
        );
        assert!(hardened.trusted_documents_only && !open.trusted_documents_only);
        let loose = ["--profile=hardened", "--get=true", "--trusted-documents-only=false"];
        assert_eq!(of(&loose), Exposure { get: true, trusted_documents_only: false, ..hardened });
    }
}
