//! The files that a run finds and does not read, by cause.

use std::collections::BTreeMap;
use std::path::PathBuf;

use semdedup_embed::kind_of_name;

/// At most this many files of a cause are named.
const NAMED: usize = 3;

/// Why a file was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The extension is not one that a run reads.
    UnknownExtension,
    /// It is an image, and the files of rows beside it are read.
    ImageBesideRows,
    /// It holds captions, labels or a table of the images beside it, and the images are read.
    BesideImages,
    /// It is a README, a licence or Markdown beside data.
    Document,
    /// It describes other files or their rows, such as `dataset_info.json`.
    AboutOthers,
    /// It is JSON of one object, and the files of rows beside it have other columns.
    ObjectBesideRows,
    /// It is plain text, and the files of rows beside it are of other formats.
    TextBesideRows,
    /// It holds embeddings, and the user did not ask for them.
    Embeddings,
    /// Its name, or that of a folder that it is in, begins with a dot, and its extension is one
    /// that is read.
    HiddenData,
    /// Its name, or that of a folder that it is in, begins with `_`, as Spark and Arrow hide files.
    Underscore,
    /// It belongs to a job of Spark or Hadoop that has not finished.
    Unfinished,
    /// It is a link whose file is not there.
    Dangling,
    /// Its name is not UTF-8.
    NotUtf8,
    /// It is a folder that is a data set of another kind, such as Zarr.
    OtherFolder,
    /// It is a link to a file that is read itself.
    Link,
    /// It is a folder with the result of a run.
    Result,
    /// It is a work directory of semdedup.
    Work,
    /// It is any other hidden file.
    Hidden,
    /// It lies in a folder that the run writes, or is that folder.
    Excluded,
    /// An earlier argument gave it already.
    Repeated,
}

/// A file that is left out.
pub(crate) struct LeftFile {
    pub cause: Cause,
    pub path: PathBuf,
    pub name: String,
}

/// The files that were left out for one cause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// The number of files.
    pub count: u64,
    /// The names of the first ones.
    pub first: Vec<String>,
}

/// The files that were found in folders and by globs but left out, by cause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Skipped(BTreeMap<Cause, LeftOut>);

impl Skipped {
    /// Returns the number of files that were left out for a cause.
    pub fn count(&self, cause: Cause) -> u64 {
        self.0.get(&cause).map_or(0, |left_out| left_out.count)
    }

    /// The files that were left out for one cause.
    pub fn of(&self, cause: Cause) -> LeftOut {
        self.0.get(&cause).cloned().unwrap_or_default()
    }

    /// Returns the causes that the user is told of: all but hidden files without data, folders that
    /// the run writes, and files that were given twice.
    pub fn told(&self) -> impl Iterator<Item = (Cause, &LeftOut)> {
        let untold = [Cause::Hidden, Cause::Excluded, Cause::Repeated];
        self.0.iter().filter(move |(cause, _)| !untold.contains(cause)).map(|(cause, found)| (*cause, found))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn add(&mut self, cause: Cause, name: impl Into<String>) {
        let left_out = self.0.entry(cause).or_default();
        left_out.count += 1;
        if left_out.first.len() < NAMED {
            left_out.first.push(name.into());
        }
    }
}

impl Cause {
    /// Describes what happened to the files, without their names; in the singular for one file.
    fn what(self, one: bool) -> &'static str {
        match (self, one) {
            (Self::UnknownExtension, true) => "file with an extension that is not read was left out",
            (Self::UnknownExtension, false) => "files with extensions that are not read were left out",
            (Self::ImageBesideRows, true) => "image beside the files of rows was left out",
            (Self::ImageBesideRows, false) => "images beside the files of rows were left out",
            (Self::BesideImages, true) => {
                "file beside the images (captions, labels, rows) was left out and not deduplicated"
            }
            (Self::BesideImages, false) => {
                "files beside the images (captions, labels, rows) were left out and not deduplicated"
            }
            (Self::Document, true) => "document beside the data (README, licence, Markdown) was left out",
            (Self::Document, false) => {
                "documents beside the data (READMEs, licences, Markdown) were left out"
            }
            (Self::AboutOthers, true) => "file that describes other files was left out",
            (Self::AboutOthers, false) => "files that describe other files were left out",
            (Self::ObjectBesideRows, true) => "JSON file of one object beside the rows was left out",
            (Self::ObjectBesideRows, false) => "JSON files of one object beside the rows were left out",
            (Self::TextBesideRows, true) => "text file beside the files of rows was left out",
            (Self::TextBesideRows, false) => "text files beside the files of rows were left out",
            (Self::Embeddings, true) => "file of embeddings was not used",
            (Self::Embeddings, false) => "files of embeddings were not used",
            (Self::HiddenData, true) => "hidden file was left out",
            (Self::HiddenData, false) => "hidden files were left out",
            (Self::Underscore, true) => {
                "file with a name that begins with `_`, or in such a folder, was left out"
            }
            (Self::Underscore, false) => {
                "files with names that begin with `_`, or in such folders, were left out"
            }
            (Self::Unfinished, true) => "file of a job that has not finished was left out",
            (Self::Unfinished, false) => "files of a job that has not finished were left out",
            (Self::Dangling, true) => "link that leads nowhere was left out",
            (Self::Dangling, false) => "links that lead nowhere were left out",
            (Self::NotUtf8, true) => "file whose name is not UTF-8 was left out",
            (Self::NotUtf8, false) => "files whose names are not UTF-8 were left out",
            (Self::OtherFolder, true) => "folder of Lance or Zarr was left out",
            (Self::OtherFolder, false) => "folders of Lance or Zarr were left out",
            (Self::Link, true) => "link to a file that is read itself was left out",
            (Self::Link, false) => "links to files that are read themselves were left out",
            (Self::Result, true) => "folder with the result of an earlier run was left out",
            (Self::Result, false) => "folders with results of earlier runs were left out",
            (Self::Work, true) => "work directory of semdedup was left out",
            (Self::Work, false) => "work directories of semdedup were left out",
            (Self::Hidden, _) => "hidden without data",
            (Self::Excluded, _) => "in a folder that the run writes",
            (Self::Repeated, _) => "given twice",
        }
    }

    /// Returns what the user can do to read the files.
    fn remedy(self) -> &'static str {
        match self {
            Self::UnknownExtension => "`semdedup run --help` lists the formats that are read",
            Self::ImageBesideRows => "--by image compares the images instead of the rows",
            Self::BesideImages => {
                "only images are compared and copied to kept/; --by text, or naming such files, compares their rows"
            }
            Self::Document => "to read a document, name its folder as well, or name it alone",
            Self::AboutOthers | Self::ObjectBesideRows | Self::HiddenData => {
                "to read such a file, name its folder as well, or name it alone"
            }
            Self::TextBesideRows => {
                "name such a file, or a glob such as '*.txt', to read its lines as rows too"
            }
            Self::Embeddings => "--embeddings takes them instead of a model",
            Self::Underscore => {
                "Spark and Arrow do not read them either; name such a file or its folder alone to read it"
            }
            Self::Unfinished => "run the job to its end; or name such a file or its folder alone to read it",
            Self::Dangling => {
                "fetch its file, for example by `git annex get` or `dvc pull`, or remove the link"
            }
            Self::NotUtf8 => {
                "rename such a file to read it, for example by `convmv -f latin1 -t utf8 --notest`"
            }
            Self::OtherFolder => "write it as Parquet, or as .npy for --embeddings",
            Self::Link => "name the link alone to read it",
            Self::Result => "name the folder kept/ in it to read its rows",
            Self::Work => "what is in it was made from rows and holds none",
            Self::Hidden | Self::Excluded | Self::Repeated => "",
        }
    }
}

/// Describes files that were left out: `2 files that describe other files were left out
/// (dataset_info.json, state.json); to read such a file, name its folder as well, or name it alone`. A
/// file of an extension that is not read is named as what it is, if that is known.
pub(crate) fn describe(cause: Cause, count: u64, first: &[String]) -> String {
    let more = if count > first.len() as u64 { ", …" } else { "" };
    let names = first.join(", ");
    let is_other = cause == Cause::UnknownExtension;
    let kind = first.iter().filter(|_| is_other).find_map(|name| Some((name, kind_of_name(name)?)));
    let known = kind.map_or(String::new(), |(name, kind)| {
        format!("{name} is {} ({}); ", kind.what, kind.remedy_for(name))
    });
    format!("{count} {} ({names}{more}); {known}{}", cause.what(count == 1), cause.remedy())
}
