//! The rules, each as a function that returns what breaks it.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports::{code_of, imports, is_face};

type Files = BTreeMap<String, String>;

/// The circles of files that import each other, each once: `a.rs -> b.rs -> a.rs`.
pub fn circles(files: &Files) -> Vec<String> {
    let imports = imports(files);
    let (mut found, mut done) = (Vec::new(), BTreeSet::new());
    for &start in imports.keys() {
        if let Some(circle) = circle_through(start, &imports)
            && circle.iter().all(|file| done.insert(file.clone()))
        {
            found.push(format!("{} -> {start}", circle.join(" -> ")));
        }
    }
    found
}

/// The shortest way from a file back to itself.
fn circle_through(
    start: &str,
    imports: &BTreeMap<&str, BTreeSet<crate::imports::Import>>,
) -> Option<Vec<String>> {
    let (mut ways, mut seen) = (vec![vec![start.to_owned()]], BTreeSet::new());
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let targets: BTreeSet<&str> =
                imports[way.last().unwrap().as_str()].iter().map(|i| i.file.as_str()).collect();
            for target in targets.into_iter().filter(|&target| imports.contains_key(target)) {
                if target == start {
                    return Some(way);
                }
                if seen.insert(target.to_owned()) {
                    longer.push(way.iter().cloned().chain([target.to_owned()]).collect());
                }
            }
        }
        ways = longer;
    }
    None
}

/// The layer of a file, counted from the top.
fn layer(file: &str, layers: &[&str]) -> Option<usize> {
    let file = file.trim_end_matches(".rs").trim_end_matches("_tests");
    let is_in =
        |layer: &&str| file == *layer || file.strip_prefix(*layer).is_some_and(|rest| rest.starts_with('/'));
    let found = layers.iter().enumerate().filter(|(_, layer)| is_in(layer));
    found.max_by_key(|(_, layer)| layer.len()).map(|(place, _)| place)
}

/// Files that no layer has.
pub fn without_layer(files: &Files, layers: &[&str]) -> Vec<String> {
    let outside = files.keys().filter(|file| layer(file, layers).is_none());
    outside.map(|file| format!("{file} is in no layer")).collect()
}

/// Imports of a file in a higher layer.
pub fn upward_imports(files: &Files, layers: &[&str]) -> Vec<String> {
    let mut found = BTreeSet::new();
    for (&file, imports) in &imports(files) {
        for import in imports.iter().filter(|import| layer(&import.file, layers) < layer(file, layers)) {
            found.insert(format!("{file} imports {}", import.file));
        }
    }
    found.into_iter().collect()
}

/// What faces define.
pub fn defining_faces(files: &Files) -> Vec<String> {
    const DEFINES: [&str; 9] =
        ["fn ", "struct ", "enum ", "trait ", "const ", "static ", "type ", "impl ", "macro_rules!"];
    let faces = files.iter().filter(|(file, _)| file.ends_with("mod.rs"));
    let mut found = Vec::new();
    for (file, text) in faces {
        for line in code_of(text).lines() {
            let item =
                line.trim_start_matches("pub").trim_start_matches("(crate)").trim_start_matches("(super)");
            if DEFINES.iter().any(|start| item.trim_start().starts_with(start)) {
                found.push(format!("{file} defines: {line}"));
            }
        }
    }
    found
}

/// Imports through the face of the importing file's own folder, or of a folder around it.
pub fn imports_through_faces(files: &Files) -> Vec<String> {
    let mut found = Vec::new();
    for (file, imports) in imports(files) {
        for import in imports.iter().filter(|import| is_face(&import.file) && import.name != "self") {
            let folder = import.file.rsplit_once('/').map_or("", |(folder, _)| folder);
            if file.starts_with(folder) {
                found.push(format!("{file} imports {} through {}", import.name, import.file));
            }
        }
    }
    found
}
