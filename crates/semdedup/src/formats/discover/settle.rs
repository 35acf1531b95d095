//! Settles whether the rows of a folder are its images, with captions and labels beside them, or
//! its files of rows, with some pictures beside them. Where this is not clear the user is asked: a
//! guess could compare something else than what is meant.

use crate::error::Result;
use crate::formats::discover::argument::{How, InputArgument};
use crate::formats::discover::found_file::FoundFile;
use crate::formats::discover::left_out::Cause;
use crate::formats::discover::pictures::Pictures;
use crate::formats::discover::questions::{check_labels, images_or_rows, unused_embeddings};
use crate::formats::discover::row_files::RowFile;
use crate::formats::discover::sidecars::{hold_images, not_about};
use crate::formats::discover::survey::Survey;
use crate::formats::file::{CompareBy, Format, TextFiles};
use crate::storage::read;

/// Markdown is searched for at most this many pictures…
const MOST_ILLUSTRATIONS: usize = 100;
/// …and only if all of it has at most this many bytes.
const MOST_MARKDOWN_BYTES: u64 = 4 << 20;

/// What the rows of a folder are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// The images.
    Images,
    /// The files of rows, or the whole texts.
    Rows,
}

impl Survey<'_> {
    /// Leaves out what an argument has beside its data, so that the rest is of one kind.
    pub(crate) fn settle(&mut self, argument: &mut InputArgument) -> Result<()> {
        if argument.how == How::Listed {
            self.leave_out_about_others(argument);
            self.set_documents_aside(argument);
        }
        let row_files = std::mem::take(&mut self.row_files);
        let (texts, images): (Vec<RowFile>, Vec<RowFile>) =
            row_files.into_iter().partition(|row| row.format == Format::TextTree);
        let is_alone = argument.files.is_empty() && self.others.is_empty();
        let pictures = Pictures::new(images.iter().map(RowFile::name).filter(|_| !is_alone));
        let reads = match images.is_empty() {
            true => Reads::Rows,
            false => self.reads(argument, &texts, &pictures)?,
        };
        if reads == Reads::Images && argument.how == How::Listed && self.asked.by().is_none() {
            check_labels(argument, &images)?;
        }
        if reads == Reads::Rows && argument.how == How::Listed {
            self.leave_out_beside_rows(argument)?;
        }
        self.leave_out_others(argument, (reads == Reads::Images).then_some(&pictures));
        if reads == Reads::Images {
            let files = std::mem::take(&mut argument.files);
            self.leave_out(files, Cause::BesideImages);
            self.leave_out_rows(texts, Cause::Document);
            self.row_files = images;
            return Ok(());
        }
        self.leave_out_rows(images, Cause::ImageBesideRows);
        let is_data = argument.files.is_empty() || self.asked.text_files == TextFiles::Whole;
        match is_data || argument.how == How::Named {
            true => self.row_files = texts,
            false => self.leave_out_rows(texts, Cause::Document),
        }
        Ok(())
    }

    /// Decides what the rows of a folder with images are.
    fn reads(&self, argument: &InputArgument, texts: &[RowFile], pictures: &Pictures) -> Result<Reads> {
        let files = &argument.files;
        let whole = self.asked.text_files == TextFiles::Whole && !texts.is_empty();
        match self.asked.by() {
            Some(CompareBy::Image) if files.is_empty() => Ok(Reads::Images),
            Some(CompareBy::Image) if hold_images(files) => match self.asked.columns.image {
                Some(_) => Ok(Reads::Rows),
                None => Err(images_or_rows(argument, files.iter().collect(), pictures)),
            },
            Some(CompareBy::Image) => Ok(Reads::Images),
            Some(CompareBy::Both) if !hold_images(files) => Ok(Reads::Images),
            Some(CompareBy::Text | CompareBy::Both) if !files.is_empty() || !texts.is_empty() => {
                Ok(Reads::Rows)
            }
            _ if whole => Ok(Reads::Rows),
            _ if files.is_empty() => Ok(Reads::Images),
            _ => {
                let rows = not_about(files, pictures);
                match rows.is_empty() {
                    true => Ok(Reads::Images),
                    false if illustrate(texts, pictures) => Ok(Reads::Rows),
                    false => Err(images_or_rows(argument, rows, pictures)),
                }
            }
        }
    }

    /// Fails if files of embeddings lie beside rows, unless the user has said whether they belong
    /// to the rows.
    pub(crate) fn ask_about_embeddings(&mut self, arguments: &[InputArgument]) -> Result<()> {
        if self.embeddings.is_empty() || self.asked.embeddings {
            return Ok(());
        }
        let files: Vec<&FoundFile> = arguments.iter().flat_map(|argument| &argument.files).collect();
        let is_of_texts = |argument: &InputArgument| {
            argument.row_folder.as_ref().is_some_and(|folder| folder.format == Format::TextTree)
        };
        let rows = arguments.iter().find(|argument| !argument.files.is_empty() || is_of_texts(argument));
        if let Some(rows) = rows.filter(|_| self.asked.by().is_none()) {
            return Err(unused_embeddings(&self.embeddings, rows, &files));
        }
        for file in &self.embeddings {
            self.skipped.add(Cause::Embeddings, &file.name);
        }
        Ok(())
    }
}

/// Whether the Markdown beside the pictures shows all of them, so that they are its illustrations.
fn illustrate(texts: &[RowFile], pictures: &Pictures) -> bool {
    let bytes: u64 = texts.iter().map(|row| row.file.stamp.bytes).sum();
    if texts.is_empty() || pictures.len() > MOST_ILLUSTRATIONS || bytes > MOST_MARKDOWN_BYTES {
        return false;
    }
    let read = |row: &RowFile| read(&row.path()).ok();
    let texts: Vec<String> =
        texts.iter().filter_map(read).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect();
    pictures.names().all(|name| texts.iter().any(|text| text.contains(name)))
}
