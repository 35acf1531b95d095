//! The rules of the code's layout: no circle of files, no import that runs upwards, and faces
//! (`mod.rs`) that define nothing.

#![allow(clippy::unwrap_used)]

mod imports;
mod rules;

use std::collections::BTreeMap;
use std::path::Path;

use rules::{circles, defining_faces, imports_through_faces, upward_imports, without_layer};

/// The crates, each with its layers from the top to the ground. A file belongs to the layer with
/// the longest path that its own begins with, and imports only from its own layer and from those
/// below.
#[rustfmt::skip]
const CRATES: [(&str, &[&str]); 4] = [
    (
        "core",
        &[
            "lib", "recall", "exhaustive", "select_representatives", "representatives", "earlier_pairs", "select",
            "scoring", "clustering", "similarity", "epsilon", "ranking", "rule",
            "random", "interval", "stop",
        ],
    ),
    (
        "embed",
        &[
            "lib", "fuzz", "absent", "transformer", "remote", "http", "server_options", "absent/address",
            "remote/address", "distill", "distilled", "mobilenet", "decode", "file_kind", "load_options",
            "scheme", "model", "rgb_image", "error",
        ],
    ),
    (
        "semdedup",
        &[
            "lib", "fuzz", "run_builder", "in_memory", "calibrate", "inspect", "commands", "pipeline", "write", "select",
            "recall", "pairs", "score", "within", "cluster", "rank", "embed", "input", "workdir", "summary", "options", "keep_keys",
            "outputs",
            "progress", "warning", "comparison", "shares", "indistinct", "difference", "formats/mod",
            "formats/discover", "formats/annotate",
            "formats/write", "formats/choose", "formats/unchanged", "formats/image_links", "formats/read",
            "formats/registry", "formats",
            "arrays", "foreign", "memory", "storage", "error",
        ],
    ),
    (
        "cli",
        &[
            "main", "commands", "serve", "label", "models", "usage", "slips", "interrupt", "setup", "panics", "args", "report",
            "show", "progress", "terminal", "table", "numbers", "shell", "output_mode", "output",
        ],
    ),
];

/// The sources of a crate: the path below `src`, and the text.
fn sources(name: &str) -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("src");
    let (mut found, mut folders) = (BTreeMap::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
                found.insert(below, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    assert!(found.len() > 3, "{name}: {found:?}");
    found
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    for (name, _) in CRATES {
        let found = circles(&sources(name));
        assert!(found.is_empty(), "crates/{name}/src: {found:#?}");
    }
}

#[test]
fn no_import_runs_upwards() {
    for (name, layers) in CRATES {
        let files = sources(name);
        let found = [without_layer(&files, layers), upward_imports(&files, layers)].concat();
        assert!(found.is_empty(), "crates/{name}/src: {found:#?}");
    }
}

#[test]
fn faces_define_nothing_and_nobody_imports_through_the_face_of_their_own_folder() {
    for (name, _) in CRATES {
        let files = sources(name);
        let found: Vec<String> =
            defining_faces(&files).into_iter().chain(imports_through_faces(&files)).collect();
        assert!(found.is_empty(), "crates/{name}/src: {found:#?}");
    }
}

/// Files with these texts.
fn files(texts: &[(&str, &str)]) -> BTreeMap<String, String> {
    texts.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect()
}

#[test]
fn the_rules_find_what_breaks_them() {
    let broken = files(&[
        ("lib.rs", "mod a; mod b;"),
        ("a/mod.rs", "//! A face.\npub(crate) mod x;\npub use x::X;\nfn defined() {}\n"),
        ("a/x.rs", "use crate::b::{self, y::{Y, Z}};\n/* use crate::c; */ pub struct X;"),
        ("a/z.rs", "use super::X;\nfn f() -> crate::b::Y { \"crate::no\"; loop {} }"),
        ("b.rs", "use crate::a::x::X; // crate::a::z\n#[cfg(test)]\nmod tests {\n use crate::a::z::Z;\n}\n"),
    ]);
    assert_eq!(circles(&broken), ["a/x.rs -> b.rs -> a/x.rs"]);
    assert_eq!(upward_imports(&broken, &["lib", "a", "b"]), ["b.rs imports a/x.rs"]);
    assert_eq!(without_layer(&broken, &["lib", "a"]), ["b.rs is in no layer"]);
    assert_eq!(defining_faces(&broken), ["a/mod.rs defines: fn defined() {}"]);
    assert_eq!(imports_through_faces(&broken), ["a/z.rs imports X through a/mod.rs"]);
}
