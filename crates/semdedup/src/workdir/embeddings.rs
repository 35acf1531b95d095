//! The embeddings in a work directory: those of this run, and those of other rows that earlier runs
//! made.
//!
//! Embeddings may have cost hours or money, so a run with other rows puts its own into a folder of
//! their own, beside the others, and takes from the others what it needs.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::progress::Stage;
use crate::storage::{exists, names, remove_all};
use crate::workdir::fingerprint::Fingerprint;
use crate::workdir::manifest::{EmbeddedRows, Entry};
use crate::workdir::parts::{is_record, remove_parts};
use crate::workdir::work_dir::WorkDir;

/// The digits of a fingerprint in the name of a folder.
const FOLDER_DIGITS: usize = 12;

/// The embeddings that a run makes in the place of others, if it may.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Replaces<'a> {
    /// The fingerprint of the run's embeddings.
    pub(crate) fingerprint: &'a Fingerprint,
    /// Whether other embeddings may be deleted.
    pub(crate) overwrite: bool,
}

impl WorkDir {
    /// Returns the folders of the embeddings of other rows.
    pub(crate) fn other_embeddings(&self) -> Vec<PathBuf> {
        self.manifest.others.iter().map(|entry| self.path.join(entry.folder(Stage::Embed))).collect()
    }

    /// Announces of what the embeddings of this run are. Embeddings of other rows that the same
    /// model made stay where they are.
    ///
    /// # Errors
    /// Fails if there are embeddings that were made in another way, whole or in part, unless they
    /// may be replaced: they may have cost hours.
    pub(crate) fn announce_embeddings(&mut self, embedded: EmbeddedRows, replaces: Replaces) -> Result<()> {
        let Replaces { fingerprint, overwrite } = replaces;
        let current = self.manifest.stages.get(&Stage::Embed);
        let is_there = current.is_some_and(|entry| entry.fingerprint == *fingerprint);
        if !is_there {
            if overwrite {
                self.remove_embeddings(|entry| !entry.is_like(&embedded))?;
            } else {
                self.check_same_model(&embedded)?;
            }
            self.switch_embeddings(fingerprint, &embedded)?;
        }
        self.embedded = Some(embedded);
        Ok(())
    }

    /// Fails if a model has made embeddings that are not like those of this run.
    fn check_same_model(&self, embedded: &EmbeddedRows) -> Result<()> {
        for entry in self.manifest.embeddings() {
            if entry.is_given() || entry.is_like(embedded) || !self.holds_parts(entry)? {
                continue;
            }
            let differ = entry.embedded.as_ref().map(|there| there.differences(embedded));
            let differ = differ.unwrap_or_else(|| "of another input, model or option".to_owned());
            return Err(Error::work(&self.path, format!("holds other embeddings: {differ}"))
                .hint(
                "another folder (--work; with `embed`, --out) keeps both; --overwrite deletes them and embeds anew",
            ));
        }
        Ok(())
    }

    fn holds_parts(&self, entry: &Entry) -> Result<bool> {
        let folder = self.path.join(entry.folder(Stage::Embed));
        Ok(exists(&folder)? && names(&folder)?.iter().any(|name| is_record(name)))
    }

    /// Makes the embeddings of a fingerprint those of this run, and keeps the others. The later
    /// stages depend on them, so they are not done any more.
    fn switch_embeddings(&mut self, fingerprint: &Fingerprint, embedded: &EmbeddedRows) -> Result<()> {
        // Somebody may have deleted the folder to save space.
        if let Some(current) = self.manifest.stages.remove(&Stage::Embed)
            && exists(&self.path.join(current.folder(Stage::Embed)))?
        {
            self.manifest.others.push(current);
        }
        self.manifest.stages.clear();
        let known = self.manifest.others.iter().position(|entry| entry.fingerprint == *fingerprint);
        let entry = match known {
            Some(place) => self.manifest.others.remove(place),
            None => {
                let folder = self.free_folder(fingerprint);
                remove_all(&self.path.join(folder.as_deref().unwrap_or(Stage::Embed.name())))?;
                let embedded = Some(embedded.clone());
                Entry { fingerprint: fingerprint.clone(), seconds: None, embedded, folder }
            }
        };
        self.manifest.stages.insert(Stage::Embed, entry);
        self.write_manifest()?;
        // The input has these, so they cost nothing.
        let given = self.manifest.others.iter().filter(|entry| entry.is_given());
        let given: Vec<PathBuf> = given.map(|entry| self.path.join(entry.folder(Stage::Embed))).collect();
        self.retire_embeddings(&given)
    }

    /// Returns the name of a folder for new embeddings; none if the name of the stage is free.
    fn free_folder(&self, fingerprint: &Fingerprint) -> Option<String> {
        let stage = Stage::Embed.name();
        let is_taken =
            |name: &str| self.manifest.others.iter().any(|entry| entry.folder(Stage::Embed) == name);
        if !is_taken(stage) {
            return None;
        }
        let mut name = format!("{stage}-{}", &fingerprint.as_str()[..FOLDER_DIGITS]);
        // Embeddings that nobody continues may lie in a folder of this fingerprint.
        while is_taken(&name) {
            name.push('x');
        }
        Some(name)
    }

    /// Removes the embeddings that `is_removed` names, and everything that depends on them.
    fn remove_embeddings(&mut self, is_removed: impl Fn(&Entry) -> bool) -> Result<()> {
        let removed: Vec<String> = self
            .manifest
            .embeddings()
            .filter(|entry| is_removed(entry))
            .map(|entry| entry.folder(Stage::Embed).to_owned())
            .collect();
        if self.manifest.stages.get(&Stage::Embed).is_some_and(&is_removed) {
            self.manifest.stages.clear();
        }
        self.manifest.others.retain(|entry| !is_removed(entry));
        // In this order a kill in between leaves no entry without its files.
        self.write_manifest()?;
        removed.iter().try_for_each(|folder| remove_all(&self.path.join(folder)))
    }

    /// Removes the embeddings of other rows in these folders. What says which rows they were stays,
    /// so that earlier results can still be shown.
    pub(crate) fn retire_embeddings(&mut self, folders: &[PathBuf]) -> Result<()> {
        if folders.is_empty() {
            return Ok(());
        }
        for entry in &mut self.manifest.others {
            if folders.contains(&self.path.join(entry.folder(Stage::Embed))) {
                entry.seconds = None;
            }
        }
        self.write_manifest()?;
        folders.iter().try_for_each(|folder| remove_parts(folder))
    }

    /// Gives the embeddings of this run, which may hold rows of a file that has changed since, to
    /// nobody: no run continues them, but later runs find those that they need.
    pub(crate) fn disown_embeddings(&mut self) -> Result<()> {
        if let Some(entry) = self.manifest.stages.get_mut(&Stage::Embed) {
            entry.fingerprint = Fingerprint::of(&"its input has changed", Some(&entry.fingerprint))?;
            entry.seconds = None;
        }
        self.write_manifest()
    }
}
