//! Settles how the column that the user names holds embeddings.

use crate::arrays::row_bytes::has_header;
use crate::error::{Error, Result};
use crate::formats::arrow::ipc::Ipc;
use crate::formats::choose::binary::first_bytes;
use crate::formats::choose::table::Table;
use crate::formats::choose::values::values_of;
use crate::formats::columns::{Column, ColumnChoice};
use crate::formats::embedding_form::{EmbeddingForm, FloatType};
use crate::formats::file::{Format, InputFile};
use crate::formats::number_list::{is_abbreviated, numbers_of_text};

/// This many bytes of a column tell whether they are texts.
const TEXT_BYTES: usize = 1 << 16;

const HINT: &str = "name a column of lists of numbers with --embedding-column";

impl Table<'_> {
    /// Returns how the column that the user names holds embeddings.
    ///
    /// # Errors
    /// A column that the file does not have, or that holds other things; bytes without a type.
    pub(crate) fn embedding_form(&self, choice: &ColumnChoice) -> Result<EmbeddingForm> {
        let (Some(name), float) = (choice.embedding.as_deref(), choice.embedding_type) else {
            return Ok(EmbeddingForm::default());
        };
        let Some(column) = self.find(name)? else {
            return match self.knows_nothing() {
                true => Ok(EmbeddingForm::Lists),
                false => Err(self.missing(name).hint(self.hint(name))),
            };
        };
        if column.kind.as_deref() == Some("null") {
            return Ok(EmbeddingForm::Lists);
        }
        let form = match (float, column) {
            (Some(float), column) if column.is_binary && !self.has_lists_as_text(column)? => {
                return Ok(EmbeddingForm::Bytes(float));
            }
            (Some(_), column) if column.is_binary => EmbeddingForm::Strings,
            (None, column) if column.is_binary => self.form_of_bytes(column)?,
            (_, column) if column.is_text => self.form_of_strings(column)?,
            (_, column) if column.is_list => EmbeddingForm::Lists,
            (_, column) => {
                return Err(self.no_numbers(column, "not a list of numbers").hint(self.hint(name)));
            }
        };
        match float {
            None => Ok(form),
            Some(float) => {
                let problem =
                    format!("column `{name}` holds {form}, whose numbers have no type of their own");
                Err(Error::input(&self.file.path, problem)
                    .hint(format!("leave out --dtype {}, which is for columns of bytes", float.name())))
            }
        }
    }

    /// Whether a column of bytes has lists of numbers in UTF-8 among its first values.
    fn has_lists_as_text(&self, column: &Column) -> Result<bool> {
        let values = first_bytes(self.file, &column.name, TEXT_BYTES)?;
        let texts = values.iter().filter_map(|value| std::str::from_utf8(value).ok());
        Ok(texts.into_iter().any(|text| is_abbreviated(text) || numbers_of_text(text).is_ok()))
    }

    /// Returns the form of a column of strings.
    fn form_of_strings(&self, column: &Column) -> Result<EmbeddingForm> {
        let values = values_of(self.file, &column.name)?.unwrap_or_default();
        let mut values = values.iter().filter(|value| !value.trim().is_empty()).peekable();
        let Some(&first) = values.peek() else { return Ok(EmbeddingForm::Strings) };
        if values.any(|value| numbers_of_text(value).is_ok()) {
            return Ok(EmbeddingForm::Strings);
        }
        if column.is_list {
            return Ok(EmbeddingForm::Lists);
        }
        if is_abbreviated(first) {
            let problem = "not a list of numbers: numpy left out the numbers at `...`, and they are lost";
            return Err(self.no_numbers(column, problem).hint(
                "write the column again with whole lists: pandas keeps them with `df.emb.map(lambda x: json.dumps(x.tolist()))`",
            ));
        }
        Err(self.no_numbers(column, "not a list of numbers").hint(self.hint(&column.name)))
    }

    /// Returns the form of a column of bytes whose numbers have no type.
    fn form_of_bytes(&self, column: &Column) -> Result<EmbeddingForm> {
        let values = first_bytes(self.file, &column.name, 1)?;
        let Some(first) = values.first() else { return Ok(EmbeddingForm::Strings) };
        if has_header(first) {
            return Ok(EmbeddingForm::Npy);
        }
        if self.is_string(column) {
            return self.form_of_strings(column);
        }
        let (bytes, name) = (first.len(), &column.name);
        let fits = |float: &FloatType| bytes.is_multiple_of(float.number().bytes());
        let said = |float: FloatType| format!("{} {}", float.name(), bytes / float.number().bytes());
        let mut fitting = FloatType::ALL.into_iter().filter(fits);
        let problem = format!("column `{name}` is bytes, {bytes} in the first row, not a list of numbers");
        let hint = match fitting.next() {
            None => "its length is not a multiple of any float size: name another column".to_owned(),
            Some(first) => {
                let others: String = fitting.map(|float| format!(", {}", said(float))).collect();
                format!(
                    "say what the numbers are: {bytes} bytes a row: --dtype {} makes {} numbers{others}",
                    first.name(),
                    bytes / first.number().bytes()
                )
            }
        };
        Err(Error::input(&self.file.path, problem).hint(hint))
    }

    /// Returns the hint for a name that is no column of embeddings. Where it begins a column for each
    /// number, as `emb_*`, `emb_0` and `emb` do, it says how to make one of them.
    fn hint(&self, name: &str) -> String {
        let begun = name.trim_end_matches('*').trim_end_matches(|c: char| c.is_ascii_digit());
        let stems = ["", "_", "-", "."].into_iter().map(|end| format!("{begun}{end}"));
        let mut counted = stems.map(|stem| (self.numbered(&stem), stem));
        let found = counted.find(|(count, _)| *count > 1).filter(|_| !begun.is_empty());
        found.map_or_else(
            || format!("{HINT}, or one of strings such as `[0.1, -0.2]`"),
            |(count, stem)| wide_hint(self.file, &stem, count),
        )
    }

    /// Counts the columns that are called as a stem and a number.
    fn numbered(&self, stem: &str) -> usize {
        let is_number = |name: &&str| name.strip_prefix(stem).is_some_and(|end| end.parse::<u32>().is_ok());
        self.names().filter(is_number).count()
    }

    /// The error for a column that holds other things than embeddings.
    fn no_numbers(&self, column: &Column, problem: &str) -> Error {
        let kind = column.kind.as_deref().unwrap_or("text");
        Error::input(&self.file.path, format!("column `{}` is {kind}, {problem}", column.name))
    }
}

/// Returns the hint for a file with a column for each number.
fn wide_hint(file: &InputFile, stem: &str, count: usize) -> String {
    let problem = format!("{count} columns `{stem}N` have a number each, and one column of lists is read");
    let Some(read) = python_that_reads(file) else {
        return format!("{problem}: write them as one array in each row");
    };
    format!(
        "{problem}: python3 -c \"import pandas, pyarrow; d = {read}; c = sorted((c for c in d if c[:{0}] == '{stem}' \
         and c[{0}:].isdigit()), key=lambda c: int(c[{0}:])); d['embedding'] = d[c].values.tolist(); \
         d.drop(columns=c).to_parquet('NEW.parquet')\" makes one, --embedding-column embedding",
        stem.chars().count()
    )
}

/// Returns what reads a file in Python with pandas; `None` if pandas cannot.
fn python_that_reads(file: &InputFile) -> Option<String> {
    Some(match file.format {
        Format::Csv(dialect) if dialect.delimiter == b',' => "pandas.read_csv('OLD')".to_owned(),
        Format::Csv(dialect) => {
            format!("pandas.read_csv('OLD', sep='{}')", dialect.delimiter.escape_ascii())
        }
        Format::Jsonl => "pandas.read_json('OLD', lines=True)".to_owned(),
        Format::JsonArray => "pandas.read_json('OLD')".to_owned(),
        Format::Arrow if Ipc::open(file).is_ok_and(|ipc| ipc.is_stream()) => {
            "pyarrow.ipc.open_stream('OLD').read_pandas()".to_owned()
        }
        Format::Arrow => "pandas.read_feather('OLD')".to_owned(),
        Format::Parquet => "pandas.read_parquet('OLD')".to_owned(),
        _ => return None,
    })
}
