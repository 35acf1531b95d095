//! Describes what a run compares, before the run begins.

use crate::comparison::{ComparedFiles, Comparison};
use crate::embed::embedder::Embedder;
use crate::input::find::Input;

impl Comparison {
    /// Describes the comparison that an embedder makes of an input.
    pub(crate) fn of(input: &Input, embedder: Embedder) -> Self {
        let by = if input.given.is_some() { "embeddings" } else { input.by.name() };
        let mut files: Vec<ComparedFiles> = Vec::new();
        for (file, columns) in input.files.iter().zip(&input.columns) {
            let by = input.given.is_none().then_some(input.by);
            let encoding = file.encoding.map(|encoding| encoding.name().to_owned());
            let found = ComparedFiles { encoding, ..ComparedFiles::of(file.format, columns, by) };
            let place = files.iter().position(|other| other.is_like(&found)).unwrap_or(files.len());
            if place == files.len() {
                files.push(found);
            }
            files[place].count += 1;
            files[place].names.push(file.name.clone());
        }
        if let [only] = &mut files[..] {
            only.names.clear();
        }
        Self { by: by.to_owned(), model: embedder.name(input), files }
    }
}
