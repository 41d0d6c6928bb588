//! Dependencies between modules point one way. The rules are those of `docs/architecture.md`; they are checked from the sources.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

/// The layers, from the top: a module may use modules of lower layers, not of higher ones. Below them are the crates `airgraph-domain`,
/// `airgraph-formats` and `embedded-postgres`, which cannot use this one.
const LAYERS: [&[&str]; 7] = [
    &["cli"],
    &["http"],
    &["subscriptions", "export"],
    &["graphql"],
    &["ingest", "jobs", "demo", "recorder"],
    &["auth"],
    &["db"],
];
/// Modules that every layer may use. They use one another without circles, and no layer.
const FOUNDATION: [&str; 7] = ["api_error", "clock", "concurrency", "config", "limits", "observability", "shutdown"];
/// Modules of one layer that use each other: receipts contain the rejections of decoders, and file imports and replays are recorded.
const MUTUAL: [[&str; 2]; 1] = [["ingest", "recorder"]];

/// A use of one top module by another: from, to, file.
type Uses = BTreeSet<(String, String, String)>;

#[test]
fn modules_use_only_lower_layers() {
    let violations: Vec<_> = uses().into_iter().filter(|(from, to, _)| !is_allowed(from, to)).collect();
    assert!(violations.is_empty(), "uses that point upwards (from, to, file): {violations:#?}");
}

#[test]
fn top_modules_form_no_circle() {
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (from, to, _) in uses() {
        if !MUTUAL.contains(&[from.as_str(), to.as_str()]) && !MUTUAL.contains(&[to.as_str(), from.as_str()]) {
            graph.entry(from).or_default().insert(to);
        }
    }
    // Modules that use nothing which is left can be on no circle.
    while let Some(leaf) = graph.iter().find(|(_, to)| to.iter().all(|to| !graph.contains_key(to))) {
        let leaf = leaf.0.clone();
        graph.remove(&leaf);
    }
    assert!(graph.is_empty(), "circles among these modules: {graph:#?}");
}

#[test]
fn every_top_module_has_a_layer() {
    let known: BTreeSet<_> =
        LAYERS.iter().flat_map(|layer| layer.iter()).chain(&FOUNDATION).map(|it| (*it).to_owned()).collect();
    assert_eq!(top_modules(), known);
}

/// Subfolders whose name says how their files differ from files of the same name above them.
const EXPLAINING_FOLDERS: [&str; 2] = ["graphql/execute/operation/validation", "graphql/inputs/filter"];

#[test]
fn subfolders_do_not_repeat_file_names_of_parents() {
    let files = sources();
    let repeats = |file: &&String| {
        let (folder, name) = file.rsplit_once('/').unwrap_or_default();
        let is_general = ["mod.rs", "tests.rs"].contains(&name) || EXPLAINING_FOLDERS.contains(&folder);
        let above = folder.match_indices('/').map(|(end, _)| format!("{}/{name}", &folder[..end]));
        !is_general && above.into_iter().any(|above| files.contains(&above))
    };
    let repeated: Vec<_> = files.iter().filter(repeats).collect();
    assert!(repeated.is_empty(), "{repeated:#?}");
}

#[test]
fn use_of_a_higher_layer_is_a_violation() {
    assert!(is_allowed("http", "db") && is_allowed("db", "limits") && is_allowed("observability", "limits"));
    assert!(!is_allowed("db", "graphql") && !is_allowed("api_error", "db"));
    let source = "use crate::{auth::{Caller, key_cache}, db};\nfn f() { crate::http::serve() } // crate::cli::run";
    assert_eq!(used_modules(source), ["auth", "db", "http"].map(str::to_owned).into());
}

fn is_allowed(from: &str, to: &str) -> bool {
    let layer = |module: &str| LAYERS.iter().position(|layer| layer.contains(&module));
    match (layer(from), layer(to)) {
        (Some(from), Some(to)) => from <= to,
        (None, Some(_)) => false,
        (_, None) => true,
    }
}

fn uses() -> Uses {
    let mut uses = Uses::new();
    for file in sources() {
        let source = fs::read_to_string(Path::new("src").join(&file)).expect("a source file");
        let from = top_module(&file);
        // Tests may use what they like.
        let is_test = file.ends_with("tests.rs") || file.contains("/tests/");
        let source = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        if !is_test {
            let others = used_modules(source).into_iter().filter(|to| *to != from && top_modules().contains(to));
            uses.extend(others.map(|to| (from.clone(), to, file.clone())));
        }
    }
    uses
}

/// The top modules that a source names: what follows `crate::`, alone or at the first level of braces.
fn used_modules(source: &str) -> BTreeSet<String> {
    let code: Vec<_> = source.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code = code.join("\n");
    let mut modules = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        if let Some(list) = after.strip_prefix('{') {
            let (mut depth, mut name) = (1, String::new());
            for character in list.chars() {
                match character {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    _ => {}
                }
                match character {
                    ',' | '}' if depth <= 1 => modules.extend(first_name(&std::mem::take(&mut name))),
                    _ => name.push(character),
                }
                if depth == 0 {
                    break;
                }
            }
        } else {
            modules.extend(first_name(after));
        }
    }
    modules
}

fn first_name(path: &str) -> Option<String> {
    let name: String = path.trim_start().chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect();
    (!name.is_empty()).then_some(name)
}

fn top_module(file: &str) -> String {
    file.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned()
}

fn top_modules() -> BTreeSet<String> {
    sources().iter().map(|file| top_module(file)).filter(|module| !["lib", "main"].contains(&module.as_str())).collect()
}

/// All source files, relative to `src`.
fn sources() -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<String>) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                walk(&path, found)?;
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path.to_string_lossy().trim_start_matches("src/").to_owned());
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    walk(Path::new("src"), &mut found).expect("the sources");
    found.retain(|file| !["lib.rs", "main.rs"].contains(&file.as_str()));
    found
}
