//! Writes the pages that the server embeds to `$OUT_DIR/web`, from the first available source:
//!
//! 1. a prebuilt folder, named by `AIRGRAPH_WEB_DIST`;
//! 2. `web/`, built here with Node.js and npm;
//! 3. `web/fallback/`, which loads `GraphiQL` from a CDN and displays a note.
//!
//! The choice is available to the code as `env!("AIRGRAPH_WEB_SOURCE")`: `prebuilt`, `npm` or `cdn`.

use std::{
    env,
    ffi::OsStr,
    fmt::Display,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A page of every source; a folder without it is invalid.
const PAGE: &str = "playground.html";

const WATCHED: &[&str] = &[
    "build.rs",
    "docs/science.md", // part of the explorer
    "migrations",      // for `sqlx::migrate!`
    "web/admin.html",
    "web/build",
    "web/fallback",
    "web/index.html",
    "web/package-lock.json",
    "web/package.json",
    "web/playground.html",
    "web/src",
    "web/tsconfig.json",
    "web/vite.config.ts",
];

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

fn main() -> io::Result<()> {
    for path in WATCHED {
        println!("cargo::rerun-if-changed={path}");
    }
    println!("cargo::rerun-if-env-changed=AIRGRAPH_WEB_DIST");

    let out = env::var_os("OUT_DIR").map(PathBuf::from).ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    let source = provide(&out, &out.join("web"))?;
    println!("cargo::rustc-env=AIRGRAPH_WEB_SOURCE={source}");
    Ok(())
}

/// Fills `pages`. The output of npm goes to a log in `out`, since Cargo parses this program's output.
fn provide(out: &Path, pages: &Path) -> io::Result<&'static str> {
    if let Some(dist) = env::var_os("AIRGRAPH_WEB_DIST").filter(|dist| !dist.is_empty()) {
        // An explicit folder has no fallback.
        replace(Path::new(&dist), pages)
            .map_err(|error| with_context(format_args!("AIRGRAPH_WEB_DIST={}", dist.display()), &error))?;
        println!("cargo::rerun-if-changed={}", dist.display());
        return Ok("prebuilt");
    }
    match build(&out.join("web-build.log"), pages) {
        Ok(()) => Ok("npm"),
        Err(error) => {
            println!("cargo::warning=the playground was not built: {error}");
            println!(
                "cargo::warning=its page will load GraphiQL from a CDN; for one that needs no \
                 internet, install Node.js 20.19 or newer with npm, touch build.rs and build again"
            );
            replace(Path::new("web/fallback"), pages)?;
            Ok("cdn")
        }
    }
}

/// Builds `web/` into `pages`.
fn build(log: &Path, pages: &Path) -> io::Result<()> {
    let mut log_file = File::create(log)?;
    if !is_installed() {
        // With NODE_ENV "production", npm omits Vite.
        let args = ["ci", "--include=dev", "--no-audit", "--no-fund"];
        npm(args.map(OsStr::new), log, &mut log_file)?;
    }
    let args = ["run", "build", "--", "--emptyOutDir", "--outDir"].map(OsStr::new);
    npm(args.into_iter().chain([pages.as_os_str()]), log, &mut log_file)?;
    require_page(pages)
}

/// Whether `node_modules` is at least as new as the lock file; npm writes its own copy of it last.
fn is_installed() -> bool {
    let modified = |path| fs::metadata(path).and_then(|metadata| metadata.modified());
    let installed = modified("web/node_modules/.package-lock.json");
    let required = modified("web/package-lock.json");
    matches!((installed, required), (Ok(installed), Ok(required)) if installed >= required)
}

fn npm<'a>(args: impl IntoIterator<Item = &'a OsStr>, log: &Path, log_file: &mut File) -> io::Result<()> {
    let status = Command::new(NPM)
        .args(args)
        .current_dir("web")
        .env("CI", "1") // no prompts
        .env("NODE_ENV", "production")
        // Without internet, fail after seconds, not minutes.
        .env("npm_config_fetch_retries", "1")
        .env("npm_config_fetch_retry_mintimeout", "1000")
        .stdin(Stdio::null())
        .stdout(log_file.try_clone()?)
        .stderr(log_file.try_clone()?)
        .status()
        .map_err(|error| with_context(NPM, &error))?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("npm failed ({status}), see {}", log.display())))
    }
}

/// Makes `to` a copy of the pages in `from`.
fn replace(from: &Path, to: &Path) -> io::Result<()> {
    require_page(from)?;
    match fs::remove_dir_all(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => copy_dir(from, to),
    }
}

fn copy_dir(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_dir(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn require_page(folder: &Path) -> io::Result<()> {
    if folder.join(PAGE).is_file() {
        Ok(())
    } else {
        Err(io::Error::other(format!("no {PAGE} in {}", folder.display())))
    }
}

fn with_context(context: impl Display, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{context}: {error}"))
}
