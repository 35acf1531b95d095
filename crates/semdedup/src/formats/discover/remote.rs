//! Finds inputs in an object store: an object, all objects below a prefix, or the matches of a
//! pattern.

use std::path::{Path, PathBuf};

use object_store::ObjectMeta;
use object_store::path::Path as Key;
use semdedup_embed::{Group, kind_of_name};

use crate::error::{Error, Result};
use crate::formats::discover::argument::{How, InputArgument};
use crate::formats::discover::earlier_results::{Own, check_finished, own_among};
use crate::formats::discover::found_file::{FoundFile, layout};
use crate::formats::discover::hidden::SpelledOut;
use crate::formats::discover::left_out::Cause;
use crate::formats::discover::row_files::{OtherFile, RowFile};
use crate::formats::discover::survey::{Survey, inside_output, unknown_extension};
use crate::formats::discover::table_folders::{check_around, check_object, tables_among};
use crate::formats::discover::table_formats::TableFormat;
use crate::formats::file::FolderFile;
use crate::storage::{Location, Matches, Stamp, is_dir, is_file};

impl Survey<'_> {
    /// Finds the files that a URL means.
    pub(crate) fn remote(&mut self, url: &Path) -> Result<InputArgument> {
        let location = Location::of(url)?;
        // An object of this name goes before a pattern: keys may have brackets and stars.
        if is_file(url)? {
            return self.remote_file(&location);
        }
        if !location.is_pattern() || is_dir(url)? {
            let (folder, objects) = (location.clone(), location.objects()?);
            let matches = Matches { folder: location, objects, others: Vec::new() };
            let found = self.remote_files(matches, &SpelledOut::default())?;
            let is_any = !self.row_files.is_empty() || !self.others.is_empty() || !self.skipped.is_empty();
            if found.is_empty() && !is_any {
                return Err(Error::input(&folder.text, "no such object, and none below it")
                    .hint("check the name of the bucket and the path"));
            }
            let place = Path::new(&folder.text);
            return Ok(InputArgument::new(name_of(&folder), found).found_in(How::Listed, place));
        }
        let matches = location.glob()?;
        let folder = matches.folder.clone();
        if matches.objects.is_empty() {
            return Err(Error::input(
                &location.text,
                "no file to read: there is nothing that the pattern picks",
            )
            .hint("check the name of the bucket and the pattern"));
        }
        let files = self.remote_files(matches, &SpelledOut::by(location.key.as_ref()))?;
        let how = How::by(&location.text);
        Ok(InputArgument::new(name_of(&folder), files).found_in(how, Path::new(&folder.text)))
    }

    fn remote_file(&mut self, location: &Location) -> Result<InputArgument> {
        let parent = location.text.rsplit_once('/').map_or("", |(parent, _)| parent);
        let folder = Location::of(Path::new(parent))?;
        let name = location.key.as_ref();
        if !self.is_known(name) {
            return Err(unknown_extension(Path::new(&location.text)));
        }
        let meta = location.head()?;
        let files = match self.new_object(&folder, &location.key) {
            true => self.take_objects(&folder, &[meta])?,
            false => Vec::new(),
        };
        Ok(InputArgument::new(name_of(&folder), files))
    }

    /// Picks the objects to read, and names them relative to their folder.
    fn remote_files(&mut self, matches: Matches, spelled_out: &SpelledOut) -> Result<Vec<FoundFile>> {
        let folder = &matches.folder;
        check_around(Path::new(&folder.text))?;
        check_finished(Path::new(&folder.text))?;
        let data_sets = DataSets::among(&matches)?;
        let mut new = Vec::new();
        for object in &matches.objects {
            let Some(name) = folder.relative(&object.location) else { continue };
            let path = folder.path_of(&object.location);
            if let Some((cause, root)) = data_sets.around(name).filter(|_| !self.is_excluded(&path)) {
                self.leave_shown(
                    cause,
                    Path::new(&format!("{}/{root}", folder.text)),
                    Path::new(&folder.text),
                );
                continue;
            }
            if self.leaves_out_hidden(name, &path, spelled_out) {
                continue;
            }
            if !self.is_known(name) {
                // Files of Hive have no extension.
                if !self.is_excluded(&path) {
                    check_object(&folder.text, name, &data_sets.tables)?;
                }
                self.others.push(OtherFile { name: name.to_owned(), path });
            } else if self.new_object(folder, &object.location) {
                check_object(&folder.text, name, &data_sets.tables)?;
                new.push(object.clone());
            }
        }
        // The user can hardly mean only files that the run writes.
        if new.is_empty()
            && let Some(excluded) =
                self.excluded.iter().find(|excluded| Path::new(&folder.text).starts_with(excluded))
        {
            return Err(inside_output(Path::new(&folder.text), excluded));
        }
        let metas = folder.heads(new)?;
        self.take_objects(folder, &metas)
    }

    /// Makes images and whole texts rows of a folder, and everything else a file.
    fn take_objects(&mut self, folder: &Location, metas: &[ObjectMeta]) -> Result<Vec<FoundFile>> {
        let mut files = Vec::new();
        for meta in metas {
            let Some(name) = folder.relative(&meta.location) else { continue };
            match self.row_format(name) {
                Some(format) => {
                    let file = FolderFile { name: name.to_owned(), stamp: Stamp::of_object(meta) };
                    let folder = PathBuf::from(&folder.text);
                    self.row_files.push(RowFile { format, folder, file });
                }
                None => files.extend(found(folder, meta)),
            }
        }
        Ok(files)
    }

    fn is_excluded(&self, path: &Path) -> bool {
        self.excluded.iter().any(|excluded| path.starts_with(excluded))
    }

    /// Whether an object is not in an excluded folder and has not been given before.
    fn new_object(&mut self, folder: &Location, key: &Key) -> bool {
        let path = folder.path_of(key);
        if self.is_excluded(&path) {
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

/// The data sets of other programs, and what semdedup wrote, below a folder of a store.
struct DataSets<'a> {
    tables: Vec<(&'a str, TableFormat)>,
    /// What semdedup wrote, each with the folder around and a slash at its end.
    own: Vec<(String, Own)>,
}

impl<'a> DataSets<'a> {
    fn among(matches: &'a Matches) -> Result<Self> {
        let all = || matches.objects.iter().chain(&matches.others);
        let names = || all().filter_map(|object| matches.folder.relative(&object.location));
        let own = own_among(&matches.folder, &names().collect())?;
        Ok(Self { tables: tables_among(names()), own })
    }

    /// Returns the folder around an object that is left out, or the object, and why.
    fn around(&self, name: &'a str) -> Option<(Cause, &str)> {
        for (folder, own) in &self.own {
            let Some(rest) = name.strip_prefix(folder.as_str()) else { continue };
            let first = rest.split('/').next().unwrap_or_default();
            match own {
                Own::Folder(cause) => return Some((*cause, folder.trim_end_matches('/'))),
                Own::Names(cause, names) if names.iter().any(|name| name == first) => {
                    return Some((*cause, name));
                }
                Own::Names(..) => {}
            }
        }
        let mut ends = name.match_indices('/').map(|(slash, _)| &name[..slash]);
        let is_other = |folder: &&str| kind_of_name(folder).is_some_and(|kind| kind.group == Group::Folder);
        ends.find(is_other).map(|folder| (Cause::OtherFolder, folder))
    }
}

/// Describes an object as a file of rows; `None` if its extension is not read.
fn found(folder: &Location, meta: &ObjectMeta) -> Option<FoundFile> {
    let name = folder.relative(&meta.location)?.to_owned();
    let layout = layout(&name)?;
    Some(FoundFile::new(folder.path_of(&meta.location), name, layout, Stamp::of_object(meta)))
}

/// Returns the name of a folder, which tells files of the same name in two arguments apart.
fn name_of(folder: &Location) -> String {
    let name = folder.text.rsplit('/').next().unwrap_or_default();
    name.to_owned()
}
