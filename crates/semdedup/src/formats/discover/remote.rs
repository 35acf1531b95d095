//! Inputs that lie in a store: an object, all objects below a prefix, or those that a pattern picks.

use std::path::{Path, PathBuf};

use object_store::ObjectMeta;
use object_store::path::Path as Key;

use crate::error::{Error, Result};
use crate::formats::discover::found_file::{KNOWN, layout};
use crate::formats::discover::left_out::Cause;
use crate::formats::discover::names::{Found, How, InputArgument};
use crate::formats::discover::survey::{Survey, hidden_cause, inside_output};
use crate::formats::file::{InputFile, Member, Members};
use crate::storage::{Location, Stamp, is_dir, is_file};

impl Survey<'_> {
    /// The files that a URL means.
    pub(crate) fn remote(&mut self, url: &Path) -> Result<InputArgument> {
        let location = Location::of(url)?;
        // What is there wins over a pattern: keys may have brackets and stars.
        if is_file(url)? {
            return self.remote_file(&location);
        }
        if !location.is_pattern() || is_dir(url)? {
            let folder = location.clone();
            let found = self.remote_files(&folder, folder.objects()?)?;
            let is_any = !self.members.is_empty() || !self.others.is_empty() || !self.skipped.is_empty();
            if found.is_empty() && !is_any {
                return Err(Error::input(&location.text, "no such object, and none below it")
                    .hint("check the name of the bucket and the path"));
            }
            let place = Path::new(&folder.text);
            return Ok(InputArgument::new(name_of(&folder), found).found(How::Listed, place));
        }
        let matches = location.glob()?;
        let (folder, objects) = (matches.folder, matches.objects);
        if objects.is_empty() {
            return Err(Error::input(
                &location.text,
                "no file to read: there is nothing that the pattern picks",
            )
            .hint("check the name of the bucket and the pattern"));
        }
        let files = self.remote_files(&folder, objects)?;
        let how = How::by(&location.text);
        Ok(InputArgument::new(name_of(&folder), files).found(how, Path::new(&folder.text)))
    }

    fn remote_file(&mut self, location: &Location) -> Result<InputArgument> {
        let parent = location.text.rsplit_once('/').map_or("", |(parent, _)| parent);
        let folder = Location::of(Path::new(parent))?;
        let name = location.key.as_ref();
        if layout(name).is_none() && self.member_kind(name).is_none() {
            return Err(Error::input(&location.text, "unknown extension")
                .hint(format!("known extensions are {KNOWN}")));
        }
        let meta = location.head()?;
        let files = match self.new_object(&folder, &location.key) {
            true => self.take_objects(&folder, &[meta])?,
            false => Vec::new(),
        };
        Ok(InputArgument::new(name_of(&folder), files))
    }

    /// What is to be read of some objects, named relative to a folder.
    fn remote_files(&mut self, folder: &Location, objects: Vec<ObjectMeta>) -> Result<Vec<Found>> {
        let mut new = Vec::new();
        for object in objects {
            let Some(name) = folder.relative(&object.location) else { continue };
            let is_known = layout(name).is_some() || self.member_kind(name).is_some();
            if name.split('/').any(|part| part.starts_with('.')) {
                self.skipped.add(hidden_cause(name, is_known), name);
            } else if !is_known {
                self.others.push((name.to_owned(), folder.path_of(&object.location)));
            } else if self.new_object(folder, &object.location) {
                new.push(object);
            }
        }
        // Nothing but what the run writes: that was hardly meant.
        if new.is_empty()
            && let Some(excluded) =
                self.excluded.iter().find(|excluded| Path::new(&folder.text).starts_with(excluded))
        {
            return Err(inside_output(Path::new(&folder.text), excluded));
        }
        let metas = folder.heads(new)?;
        self.take_objects(folder, &metas)
    }

    /// Images and whole texts become rows of a folder, everything else a file.
    fn take_objects(&mut self, folder: &Location, metas: &[ObjectMeta]) -> Result<Vec<Found>> {
        let mut files = Vec::new();
        for meta in metas {
            let Some(name) = folder.relative(&meta.location) else { continue };
            match self.member_kind(name) {
                Some(kind) => {
                    let member = Member { name: name.to_owned(), stamp: Stamp::of_object(meta) };
                    self.members.push((kind, PathBuf::from(&folder.text), member));
                }
                None => files.extend(found(folder, meta)?),
            }
        }
        Ok(files)
    }

    /// Whether an object is neither in a folder that is left out nor has been given before.
    fn new_object(&mut self, folder: &Location, key: &Key) -> bool {
        let path = folder.path_of(key);
        if self.excluded.iter().any(|excluded| path.starts_with(excluded)) {
            self.skipped.add(Cause::Excluded, key.as_ref());
            return false;
        }
        let new = self.seen.insert(path);
        if !new {
            self.skipped.add(Cause::Repeated, key.as_ref());
        }
        new
    }
}

fn found(folder: &Location, meta: &ObjectMeta) -> Result<Option<Found>> {
    let Some(name) = folder.relative(&meta.location).map(str::to_owned) else { return Ok(None) };
    let Some((format, compression)) = layout(&name) else { return Ok(None) };
    let Stamp { bytes, modified_ns, identity } = Stamp::of_object(meta);
    let path: PathBuf = folder.path_of(&meta.location);
    let members = Members::default();
    let file =
        InputFile { path, name: name.clone(), format, compression, bytes, modified_ns, identity, members };
    Ok(Some(Found { file, name }))
}

/// What files of other arguments with the same names are told apart by.
fn name_of(folder: &Location) -> String {
    let name = folder.text.rsplit('/').next().unwrap_or_default();
    name.to_owned()
}
