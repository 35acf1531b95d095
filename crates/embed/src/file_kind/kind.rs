//! What is known of a kind of files.

/// The use of a kind of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Group {
    /// A small file that stands for another one, which was not downloaded.
    Pointer,
    /// A page or a message of a server.
    Page,
    /// An archive or a compressed file.
    Archive,
    /// A table, a database or a document.
    Table,
    /// A matrix of embeddings that is read as such.
    Matrix,
    /// Numbers of another form.
    Array,
    /// A folder that is one data set.
    Folder,
    /// A picture of a format that is not decoded.
    Picture,
    /// A film or a sound.
    Media,
}

/// A kind of files that are not read, or not where they were named.
#[derive(Debug, Clone, Copy)]
pub struct FileKind {
    /// What such a file is, with its article: `a PDF document`.
    pub what: &'static str,
    /// What to do with it, in one line. `FILE` stands for its path.
    pub remedy: &'static str,
    /// The use of such files.
    pub group: Group,
    /// The extensions of such files, in lower case.
    pub(super) extensions: &'static [&'static str],
    /// Whether a file that begins with these bytes is of this kind.
    pub(super) begins: fn(&[u8]) -> bool,
}

impl FileKind {
    /// Returns the usual extension of such files, if they have one.
    pub fn extension(&self) -> Option<&'static str> {
        self.extensions.first().copied()
    }

    /// Returns what to do with the file of a path.
    pub fn remedy_for(&self, path: &str) -> String {
        self.remedy.replace("FILE", path)
    }
}

/// The [`FileKind::begins`] of kinds that are known by their names alone.
pub(super) fn never(_: &[u8]) -> bool {
    false
}
