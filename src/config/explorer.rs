//! The explorer: whether it is served, which pages may embed it, and the map below its data.

use std::{
    fs::File,
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::{ArgAction, Args};

use super::{comma_separated, comma_separated::CommaSeparated};

/// First bytes of a PMTiles file of version 3.
const PMTILES_SIGNATURE: &[u8; 8] = b"PMTiles\x03";

/// The settings.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Explorer")]
pub struct ExplorerArgs {
    /// Whether there is an explorer at / and an admin page at /admin
    #[arg(long, env = "AIRGRAPH_EXPLORER", default_value_t = true, action = ArgAction::Set)]
    pub explorer: bool,

    /// Origins with pages that may show the explorer in an iframe (/?embed), separated by commas, such as
    /// <https://town.example> or <https://*.town.example>; `self` for this origin, or `*` for all; default none
    #[arg(
        long,
        env = "AIRGRAPH_FRAME_ANCESTORS",
        value_name = "ORIGINS",
        default_value = "",
        hide_default_value = true
    )]
    pub frame_ancestors: String,

    /// Ground map of the explorer: a URL template of raster tiles, such as <https://tile.example/{z}/{x}/{y}.png>, or of
    /// vector tiles of the Protomaps basemap (.mvt); default coastlines and borders that are built in. Browsers of visitors
    /// send requests to its host
    #[arg(long, env = "AIRGRAPH_MAP_TILES", value_name = "URL", default_value = "", hide_default_value = true)]
    pub map_tiles: String,

    /// Ground map of the explorer: a PMTiles file with raster tiles, or with vector tiles of the Protomaps basemap, as the path
    /// of a file, which the gateway serves, or as a URL
    #[arg(long, env = "AIRGRAPH_MAP_PMTILES", value_name = "FILE", default_value = "", hide_default_value = true)]
    pub map_pmtiles: String,

    /// Attribution that the licence of the ground map requires, such as `© OpenStreetMap contributors`
    #[arg(long, env = "AIRGRAPH_MAP_ATTRIBUTION", value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub map_attribution: String,
}

/// The resulting settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplorerSettings {
    /// Whether the explorer and the admin page are served.
    pub enabled: bool,
    /// Sources of the directive `frame-ancestors` for the embedded explorer; none of them, no page may embed it.
    pub frame_ancestors: Vec<String>,
    /// The configured ground map.
    pub ground_map: Option<GroundMap>,
}

/// The map below the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroundMap {
    /// Its format.
    pub format: GroundMapFormat,
    /// Where it comes from.
    pub source: MapSource,
    /// Attribution as text or HTML.
    pub attribution: String,
}

/// Source of a ground map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MapSource {
    /// Another host.
    Remote {
        /// The URL, or its template.
        url: String,
        /// The origin of the URL, as a source of a content security policy.
        origin: String,
    },
    /// A file that the gateway serves.
    File(MapFile),
}

/// An open PMTiles file. It stays open, since the gateway may lose its right to open it when it drops the privileges of root.
#[derive(Clone, Debug)]
pub struct MapFile {
    /// The file.
    pub file: Arc<File>,
    /// Its size.
    pub bytes: u64,
    /// Changes with the content.
    pub version: String,
    path: PathBuf,
}

impl PartialEq for MapFile {
    fn eq(&self, other: &Self) -> bool {
        (&self.path, &self.version) == (&other.path, &other.version)
    }
}

impl Eq for MapFile {}

impl MapFile {
    /// Opens a file and checks its signature.
    ///
    /// # Errors
    /// When it can't be read, or is no PMTiles file.
    pub fn open(path: &Path) -> Result<Self, String> {
        let unreadable = |error: std::io::Error| format!("{} can't be read: {error}", path.display());
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let mut signature = [0; PMTILES_SIGNATURE.len()];
        if !metadata.is_file() || file.read_exact_at(&mut signature, 0).is_err() || signature != *PMTILES_SIGNATURE {
            return Err(format!("{} is no PMTiles file of version 3", path.display()));
        }
        let version = format!("{:x}-{:x}-{:x}", metadata.len(), metadata.mtime(), metadata.mtime_nsec());
        Ok(Self { file: Arc::new(file), bytes: metadata.len(), version, path: path.to_owned() })
    }
}

/// Format of a ground map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroundMapFormat {
    /// One image for each tile.
    Tiles,
    /// A PMTiles file.
    Pmtiles,
}

/// An invalid setting.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {reason}")]
pub struct ExplorerError {
    setting: &'static str,
    reason: String,
}

/// The explorer without a ground map, not embedded.
impl Default for ExplorerSettings {
    fn default() -> Self {
        Self { enabled: true, frame_ancestors: Vec::new(), ground_map: None }
    }
}

impl ExplorerArgs {
    /// The settings. Empty text counts as unset: environment files leave unset settings empty.
    ///
    /// # Errors
    /// When a value is invalid. The error names the setting.
    pub fn settings(&self) -> Result<ExplorerSettings, ExplorerError> {
        let frame_ancestors = CommaSeparated::parse_with(&self.frame_ancestors, frame_ancestor)
            .map_err(|reason| invalid("AIRGRAPH_FRAME_ANCESTORS", reason))?;
        Ok(ExplorerSettings {
            enabled: self.explorer,
            frame_ancestors: comma_separated::concat(&[frame_ancestors]),
            ground_map: self.ground_map()?,
        })
    }

    fn ground_map(&self) -> Result<Option<GroundMap>, ExplorerError> {
        let (tiles, pmtiles, attribution) =
            (self.map_tiles.trim(), self.map_pmtiles.trim(), self.map_attribution.trim());
        let (format, url, setting) = match (tiles, pmtiles) {
            ("", "") if attribution.is_empty() => return Ok(None),
            ("", "") => {
                return Err(invalid(
                    "AIRGRAPH_MAP_ATTRIBUTION",
                    "needs a map: set AIRGRAPH_MAP_TILES or AIRGRAPH_MAP_PMTILES too",
                ));
            }
            (url, "") => (GroundMapFormat::Tiles, url, "AIRGRAPH_MAP_TILES"),
            ("", url) => (GroundMapFormat::Pmtiles, url, "AIRGRAPH_MAP_PMTILES"),
            _ => return Err(invalid("AIRGRAPH_MAP_PMTILES", "excludes AIRGRAPH_MAP_TILES: set one of them")),
        };
        if attribution.is_empty() {
            let reason = format!("is required with {setting}, such as `© OpenStreetMap contributors`");
            return Err(invalid("AIRGRAPH_MAP_ATTRIBUTION", reason));
        }
        let is_file = format == GroundMapFormat::Pmtiles && !url.contains("://");
        let source = if is_file {
            MapFile::open(Path::new(url)).map(MapSource::File)
        } else {
            origin_of_url(url, format).map(|origin| MapSource::Remote { url: url.to_owned(), origin })
        };
        let source = source.map_err(|reason| invalid(setting, reason))?;
        Ok(Some(GroundMap { format, source, attribution: attribution.to_owned() }))
    }
}

fn invalid(setting: &'static str, reason: impl Into<String>) -> ExplorerError {
    ExplorerError { setting, reason: reason.into() }
}

/// A source of `frame-ancestors`.
fn frame_ancestor(name: &str) -> Result<String, String> {
    match name {
        "*" => Ok("*".to_owned()),
        "self" => Ok("'self'".to_owned()),
        _ => parse_origin(name, true).ok_or_else(|| {
            format!("{name:?} is no origin; expected `self`, `*`, or a scheme and a host such as https://town.example")
        }),
    }
}

/// The origin of the URL of a map.
fn origin_of_url(url: &str, format: GroundMapFormat) -> Result<String, String> {
    let example = match format {
        GroundMapFormat::Tiles => "https://tile.example/{z}/{x}/{y}.png",
        GroundMapFormat::Pmtiles => "https://tile.example/map.pmtiles",
    };
    let unreadable = || format!("{url:?} is no URL of a map; it looks like {example}");
    let host_at = url.find("://").ok_or_else(unreadable)? + "://".len();
    let path_at = host_at + url[host_at..].find('/').ok_or_else(unreadable)?;
    let (origin, path) = url.split_at(path_at);
    let origin = parse_origin(origin, false).ok_or_else(unreadable)?;
    if !path.chars().all(|character| character.is_ascii_graphic() && !"\"'<>\\^`|".contains(character)) {
        return Err(unreadable());
    }
    let placeholders: &[&str] = match format {
        GroundMapFormat::Tiles => &["{z}", "{x}", "{y}"],
        GroundMapFormat::Pmtiles => &[],
    };
    if let Some(missing) = placeholders.iter().find(|placeholder| !path.contains(**placeholder)) {
        return Err(format!("{url:?} has no {missing}; it looks like {example}"));
    }
    // `{ratio}` is `@2x` on displays with a high resolution.
    let rest = placeholders.iter().fold(path.replace("{ratio}", ""), |rest, placeholder| rest.replace(placeholder, ""));
    if rest.contains(['{', '}']) {
        Err(format!("{url:?} has an unknown placeholder; it looks like {example}"))
    } else {
        Ok(origin)
    }
}

/// An origin in lower case, as a `host-source` of a content security policy (CSP level 3, section 2.3.1), which has neither
/// addresses in brackets nor user names.
fn parse_origin(text: &str, may_have_wildcard: bool) -> Option<String> {
    let origin = text.to_ascii_lowercase();
    let (scheme, authority) = origin.split_once("://")?;
    let (host, port) = authority.rsplit_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let host = host.strip_prefix("*.").filter(|_| may_have_wildcard).unwrap_or(host);
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let is_port = |port: &str| !port.starts_with('+') && port.parse::<u16>().is_ok();
    (["http", "https"].contains(&scheme) && host.split('.').all(is_label) && port.is_none_or(is_port)).then_some(origin)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        explorer: ExplorerArgs,
    }

    fn parse(arguments: &[&str]) -> Result<ExplorerSettings, String> {
        let arguments = std::iter::once(&"airgraph").chain(arguments);
        let program = Program::try_parse_from(arguments).unwrap_or_else(|error| panic!("{error}"));
        program.explorer.settings().map_err(|error| error.to_string())
    }

    #[test]
    fn explorer_is_on_and_empty_settings_count_as_unset() {
        assert_eq!(parse(&[]), Ok(ExplorerSettings::default()));
        let empty = ["--frame-ancestors=", "--map-tiles=", "--map-pmtiles= ", "--map-attribution="];
        assert_eq!(parse(&empty), Ok(ExplorerSettings::default()));
        assert!(!parse(&["--explorer=false"]).expect("settings").enabled);
    }

    #[test]
    fn frame_ancestors_become_sources_of_the_policy() {
        let list = "self, https://Town.example,http://localhost:5173,https://*.town.example,*";
        let settings = parse(&["--frame-ancestors", list]).expect("settings");
        let expected = ["'self'", "https://town.example", "http://localhost:5173", "https://*.town.example", "*"];
        assert_eq!(settings.frame_ancestors, expected);
        for invalid in [
            "town.example",
            "https://",
            "https://town.example/",
            "https://a;script-src *",
            "https://a;b",
            "https://user@town.example",
            "https://town..example",
            "https://*",
            "https://a.*.example",
            "https://[::1]",
            "https://town.example:x",
            "https://town.example:65536",
            "ftp://town.example",
            "'self'",
            "none",
        ] {
            let error = parse(&["--frame-ancestors", invalid]).expect_err(invalid);
            assert!(error.starts_with("AIRGRAPH_FRAME_ANCESTORS: "), "{error}");
        }
    }

    #[test]
    fn ground_map_has_a_url_its_origin_and_an_attribution() {
        let url = "https://Tile.example:8443/{z}/{x}/{y}{ratio}.png?key=a1";
        let tiles = parse(&["--map-tiles", url, "--map-attribution", "© contributors"]).expect("settings").ground_map;
        let expected = GroundMap {
            format: GroundMapFormat::Tiles,
            source: MapSource::Remote { url: url.to_owned(), origin: "https://tile.example:8443".to_owned() },
            attribution: "© contributors".to_owned(),
        };
        assert_eq!(tiles, Some(expected));
        let url = "https://tile.example/map.pmtiles";
        let pmtiles = parse(&["--map-pmtiles", url, "--map-attribution", "x"]).expect("settings").ground_map;
        let expected = MapSource::Remote { url: url.to_owned(), origin: "https://tile.example".to_owned() };
        assert_eq!(pmtiles.map(|map| (map.format, map.source)), Some((GroundMapFormat::Pmtiles, expected)));
    }

    #[test]
    fn pmtiles_may_be_a_file_and_its_signature_is_checked() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("map.pmtiles");
        let argument = format!("--map-pmtiles={}", path.display());
        for content in [None, Some(&b"PMTiles\x02"[..]), Some(b"PM")] {
            if let Some(content) = content {
                std::fs::write(&path, content).expect("written");
            }
            let error = parse(&[&argument, "--map-attribution=x"]).expect_err("no map");
            assert!(error.starts_with("AIRGRAPH_MAP_PMTILES: ") && error.contains("map.pmtiles"), "{error}");
        }
        std::fs::write(&path, b"PMTiles\x03...").expect("written");
        let map = parse(&[&argument, "--map-attribution=x"]).expect("settings").ground_map.expect("a map");
        assert!(matches!(map.source, MapSource::File(MapFile { bytes: 11, .. })), "{map:?}");
    }

    #[test]
    fn errors_of_the_ground_map_name_the_setting() {
        let attribution = "--map-attribution=x";
        for url in [
            "tile.example/{z}/{x}/{y}",
            "https://tile.example",
            "https://tile.example/{z}/{x}",
            "https://{s}.tile.example/{z}/{x}/{y}",
            "https://tile.example/{s}/{z}/{x}/{y}",
            "https://tile.example/{z}/{x}/{y} ;script-src *",
            "https://*.tile.example/{z}/{x}/{y}",
            "https://a;b/{z}/{x}/{y}",
            "file:///{z}/{x}/{y}",
        ] {
            let error = parse(&["--map-tiles", url, attribution]).expect_err(url);
            assert!(error.starts_with("AIRGRAPH_MAP_TILES: ") && error.contains("https://tile.example/{z}"), "{error}");
        }
        let error = parse(&["--map-pmtiles=https://tile.example/{z}.pmtiles", attribution]).expect_err("a placeholder");
        assert!(error.starts_with("AIRGRAPH_MAP_PMTILES: "), "{error}");
        let tiles = "--map-tiles=https://tile.example/{z}/{x}/{y}";
        let error = parse(&[tiles, "--map-pmtiles=https://tile.example/a", attribution]).expect_err("two maps");
        assert!(error.contains("AIRGRAPH_MAP_PMTILES") && error.contains("AIRGRAPH_MAP_TILES"), "{error}");
        for arguments in [[tiles].as_slice(), &[attribution]] {
            let error = parse(arguments).expect_err("incomplete");
            assert!(error.starts_with("AIRGRAPH_MAP_ATTRIBUTION: "), "{error}");
        }
    }
}
