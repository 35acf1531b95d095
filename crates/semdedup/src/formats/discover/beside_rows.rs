//! Leaves out what lies beside files of rows and is no rows: lists, checksums and other texts, and
//! JSON files of one object.

use std::collections::HashSet;

use crate::error::Result;
use crate::formats::discover::argument::InputArgument;
use crate::formats::discover::found_file::FoundFile;
use crate::formats::discover::ignored::texts_about_others;
use crate::formats::discover::left_out::Cause;
use crate::formats::discover::one_object::objects_beside_rows;
use crate::formats::discover::questions::texts_or_rows;
use crate::formats::discover::survey::Survey;
use crate::formats::file::Format;

impl Survey<'_> {
    /// Leaves out what lies beside the files of rows of a folder.
    ///
    /// # Errors
    /// Texts that are larger than the other files of rows: either may be what is meant.
    pub(crate) fn leave_out_beside_rows(&mut self, argument: &mut InputArgument) -> Result<()> {
        let about = texts_about_others(&argument.files);
        self.leave_out_places(argument, &about, Cause::AboutOthers);
        let objects = objects_beside_rows(&argument.files);
        self.leave_out_places(argument, &objects, Cause::ObjectBesideRows);
        let is_text = |found: &&FoundFile| found.file.format == Format::Text;
        let (texts, rows): (Vec<&FoundFile>, Vec<&FoundFile>) = argument.files.iter().partition(is_text);
        if texts.is_empty() || rows.is_empty() {
            return Ok(());
        }
        let bytes = |files: &[&FoundFile]| files.iter().map(|found| found.file.bytes).sum::<u64>();
        if bytes(&texts) > bytes(&rows) {
            return Err(texts_or_rows(argument, &texts, &rows));
        }
        let (texts, rows) =
            std::mem::take(&mut argument.files).into_iter().partition(|found| is_text(&found));
        argument.files = rows;
        self.leave_out(texts, Cause::TextBesideRows);
        Ok(())
    }

    /// Leaves out the files of an argument at some places in its list.
    pub(crate) fn leave_out_places(
        &mut self,
        argument: &mut InputArgument,
        places: &HashSet<usize>,
        cause: Cause,
    ) {
        let (mut out, mut stay) = (Vec::new(), Vec::new());
        for (place, found) in std::mem::take(&mut argument.files).into_iter().enumerate() {
            if places.contains(&place) { out.push(found) } else { stay.push(found) }
        }
        argument.files = stay;
        self.leave_out(out, cause);
    }
}
