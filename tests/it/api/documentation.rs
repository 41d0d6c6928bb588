//! Documentation: every link resolves, every page can be reached from README, every command works.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use airgraph::limits::Limit;
use serde_json::{Value, json};
use sqlx::ConnectOptions as _;
use tempfile::TempDir;

use crate::support::{TestApp, empty_database};

/// Commands of the pages run with these in place of programs: the gateway in this process is the one that `curl` reaches,
/// and `cargo run -- …` is the program on the database of that gateway.
const FUNCTIONS: &str = r#"
set -euo pipefail
curl() {
    case " $* " in
    *" -N "*) local status=0; command curl -sS --max-time 1 "$@" || status=$?; [ "$status" = 28 ] ;; # an endless stream
    *) command curl -sS --fail-with-body --max-time 20 "$@" ;;
    esac
}
cargo() {
    case "$1 ${2:-}" in
    "run --") shift 2; if [ "$1" != demo ]; then "$AIRGRAPH_PROGRAM" "$@"; fi ;;
    esac
}
docker() { true; }
"#;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of every page by its path.
fn pages() -> BTreeMap<PathBuf, String> {
    let mut folders = ["docs", "examples", "migrations"].map(|folder| root().join(folder)).to_vec();
    let of_root = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"];
    let mut paths = of_root.map(|page| root().join(page)).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                paths.push(path);
            }
        }
    }
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).expect("a page"))).collect()
}

/// The lines of a page outside of code blocks.
fn prose(page: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    page.lines().filter(move |line| {
        if line.starts_with("```") {
            in_code = !in_code;
        }
        !in_code
    })
}

/// The targets of the links of a page that lead into the repository.
fn links(page: &str) -> Vec<String> {
    let targets = prose(page).flat_map(|line| line.split("](").skip(1));
    let targets = targets.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned());
    targets.filter(|target| !target.starts_with("http")).collect()
}

/// The anchors of the headings of a page, as GitHub makes them.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = prose(page).filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    headings
        .map(|heading| {
            let kept = heading.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
            kept.collect::<String>().to_lowercase().replace(' ', "-")
        })
        .collect()
}

/// The path that a link of a page leads to, and the anchor there.
fn target(page: &Path, link: &str) -> (PathBuf, Option<String>) {
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor.to_owned())));
    if path.is_empty() {
        return (page.to_owned(), anchor);
    }
    let path = page.parent().expect("a folder").join(path);
    (path.canonicalize().unwrap_or(path), anchor)
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_exist() {
    let pages = pages();
    let mut broken = Vec::new();
    for (page, text) in &pages {
        for link in links(text) {
            let (path, anchor) = target(page, &link);
            let has_anchor = |anchor: &String| pages.get(&path).is_some_and(|text| anchors(text).contains(anchor));
            if !path.exists() || !anchor.as_ref().is_none_or(has_anchor) {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_page_can_be_reached_from_readme() {
    let pages = pages();
    let (mut reached, mut next) = (BTreeSet::new(), vec![root().join("README.md")]);
    while let Some(page) = next.pop() {
        // A link to a folder leads to all pages in it, like its listing.
        let of_folder = pages.keys().filter(|path| path.parent() == Some(&page)).cloned();
        next.extend(of_folder.filter(|page| !reached.contains(page)));
        let Some(text) = pages.get(&page) else { continue };
        if reached.insert(page.clone()) {
            next.extend(links(text).iter().map(|link| target(&page, link).0));
        }
    }
    let missing: Vec<_> = pages.keys().filter(|page| !reached.contains(*page)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn readme_has_at_most_150_lines() {
    let lines = pages()[&root().join("README.md")].lines().count();
    assert!(lines <= 150, "{lines} lines");
}

#[test]
fn operations_page_lists_every_limit() {
    let page = &pages()[&root().join("docs/operations.md")];
    let missing: Vec<_> =
        Limit::ALL.iter().map(|limit| limit.name()).filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The code blocks of a page in a language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    page.split(&format!("```{language}\n"))
        .skip(1)
        .filter_map(|rest| rest.split_once("\n```"))
        .map(|(block, _)| block)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_documentation_works() {
    let (mut failed, mut count) = (Vec::new(), 0);
    for (page, text) in pages() {
        let blocks = blocks(&text, "sh");
        if blocks.is_empty() {
            continue;
        }
        let database = empty_database().await;
        let app = TestApp::on(&database, true).await;
        app.record(json!([{ "device": "bike-07", "measuredAt": "2026-04-30T09:00:00Z", "pm10": 12.4 }])).await;
        let address = app.listen().await.to_string();
        let folder = TempDir::new().expect("a folder");
        fs::write(folder.path().join("card.csv"), "time,PM10\n2026-04-30T10:00:00Z,12.4\n").expect("a file");
        for block in blocks {
            count += 1;
            let block = block.replace("127.0.0.1:8000", &address).replace("<the key>", &app.admin);
            let mut command = Command::new("bash");
            command.arg("-c").arg(format!("{FUNCTIONS}{block}")).current_dir(folder.path());
            command.env("AIRGRAPH_KEY", &app.admin).env("AIRGRAPH_PROGRAM", env!("CARGO_BIN_EXE_airgraph"));
            command.env("DATABASE_URL", database.to_url_lossy().as_str());
            let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("bash");
            if !output.status.success() {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                failed.push((page.clone(), block, text(&output.stdout), text(&output.stderr)));
            }
        }
        app.close().await;
    }
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(count > 20, "the commands were found: {count}");
}

#[tokio::test]
async fn every_graphql_operation_of_the_documentation_works() {
    let app = TestApp::new().await;
    app.record(json!([{ "device": "bike-07", "measuredAt": "2026-04-30T09:00:00Z", "pm10": 12.4 }])).await;
    let mut count = 0;
    for (page, text) in pages() {
        for operation in blocks(&text, "graphql") {
            count += 1;
            let place = format!("{}: {operation}", page.display());
            if operation.starts_with("subscription") {
                app.subscribe(operation).await;
            } else {
                let answer = app.graphql(Some(&app.admin), operation, json!({})).await;
                assert_eq!(answer["errors"], Value::Null, "{place}");
            }
        }
    }
    assert!(count > 4, "the operations were found: {count}");
}

#[tokio::test(flavor = "multi_thread")]
async fn python_example_records_a_sample() {
    let app = TestApp::new().await;
    let mut command = Command::new("python3");
    command.arg(root().join("examples/sensor.py"));
    command.env("AIRGRAPH_URL", format!("http://{}", app.listen().await)).env("AIRGRAPH_KEY", &app.admin);
    app.clock.advance(airgraph::clock::Clock::system().now() - app.clock.now()); // the script sends the time of the machine
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let latest = app.query(r#"{ device(key: "balcony") { latest { pm25 weather { temperature } } } }"#).await;
    assert_eq!(latest["device"]["latest"], json!({ "pm25": 6.8, "weather": { "temperature": 18.5 } }));
}
