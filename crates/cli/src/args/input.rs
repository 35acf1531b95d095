//! The options that say what a row is: columns, formats and limits.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum, value_parser};
use semdedup::InputOptions;
use semdedup::formats::{
    ColumnChoice, CompareBy, DEFAULT_MAX_ROW_BYTES, LARGEST_MAX_ROW_BYTES, ReadLimits, TextEncoding,
    TextFiles, known_extensions,
};

use super::csv::CsvArgs;

/// The help of INPUT in short.
pub(super) const INPUT_HELP: &str =
    "Files, folders or globs, on a disk or by URL (s3://, gs://, az://, hf://, https://)";

/// Returns the help of INPUT with the formats that are read.
pub(super) fn input_long_help() -> String {
    format!(
        "{INPUT_HELP}.\n\nFiles are known by their content or by their extension: {}.",
        known_extensions()
    )
}

/// The options that say how to read rows.
#[derive(Debug, Args)]
#[command(next_help_heading = "Input options")]
pub struct InputArgs {
    /// The column of the texts; the texts of several columns are joined with a line break.
    ///
    /// `meta.text` names a column inside another one. `messages[*].content` reaches into a list and
    /// joins the texts of its elements; `messages[-1].content` takes the last element. Columns of
    /// chats (`messages`, `conversations`) are read turn by turn.
    ///
    /// [default: `text`, else the only column with another usual name, else the columns of an example
    /// for fine-tuning (`instruction,input,output`, `prompt,completion`, …), else the only column whose
    /// values look like sentences; an uncertain choice is an error]
    #[arg(long, value_name = "NAME[,NAME…]")]
    text_column: Option<String>,
    /// Compare only the turns of these roles in chats [default: all turns].
    ///
    /// The roles are user, assistant, system and tool; human and gpt are the same as user and
    /// assistant.
    #[arg(long, value_name = "ROLE[,ROLE…]", value_delimiter = ',')]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    roles: Vec<String>,
    /// The column of the ids; `meta.id` names a column inside another one [default: file and row
    /// number]
    #[arg(long, value_name = "NAME")]
    id_column: Option<String>,
    /// The column of the images: binary, a struct with `bytes`, or strings that are paths, data URIs
    /// or base64 [default: `image`, else the only one that is no string]. `images[0]` takes the
    /// first image of each list.
    ///
    /// In WebDataset shards it is the member of a sample, such as `left.jpg` [default: the only
    /// image of a sample].
    #[arg(long, value_name = "NAME")]
    image_column: Option<String>,
    /// Compare rows by their texts, their images, or both (the mean of the cosine similarities).
    ///
    /// [default: image if the first input is a folder or a shard of images, or Parquet with images
    /// and no texts; else text]
    #[arg(long, value_enum, value_name = "WHAT")]
    by: Option<ByArg>,
    /// Skip images with more pixels, without decoding them (they are listed in skipped.parquet)
    #[arg(long, value_name = "N", default_value_t = ReadLimits::default().max_pixels)]
    #[arg(value_parser = value_parser!(u64).range(1..))]
    max_pixels: u64,
    /// What a .txt file holds: one row per line, or one row (a .md file is always one row)
    #[arg(long, value_name = "HOW", value_enum, default_value_t = TextFilesArg::Lines)]
    text_files: TextFilesArg,
    /// The encoding of JSON, CSV and text files: windows-1252 (or latin1), gbk, gb18030, big5,
    /// shift_jis, euc-jp, euc-kr, koi8-r, utf-16le and others
    ///
    /// Kept rows stay in this encoding, byte for byte. [default: UTF-8, or UTF-16 if a byte order
    /// mark tells it]
    #[arg(long, value_name = "NAME", value_parser = encoding)]
    encoding: Option<TextEncoding>,
    /// Skip longer rows, without holding them in memory (they are listed in skipped.parquet)
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_MAX_ROW_BYTES as u64)]
    #[arg(value_parser = value_parser!(u64).range(1..=LARGEST_MAX_ROW_BYTES as u64))]
    max_row_bytes: u64,
    /// Stop at the first row that cannot be read or embedded, instead of skipping it
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    csv: CsvArgs,
}

impl InputArgs {
    /// Returns the library's options for these inputs.
    pub fn options(&self, inputs: &[String]) -> InputOptions {
        let mut options = InputOptions::new(inputs);
        options.text_files = self.text_files.into();
        options.columns = ColumnChoice {
            text: self.text_column.clone(),
            roles: self.roles.clone(),
            id: self.id_column.clone(),
            image: self.image_column.clone(),
            by: self.by.map(CompareBy::from),
            ..ColumnChoice::default()
        };
        options.csv = self.csv.choice();
        options.encoding = self.encoding;
        options.limits =
            ReadLimits { max_row_bytes: self.max_row_bytes as usize, max_pixels: self.max_pixels };
        options.strict = self.strict;
        options
    }
}

/// Finds an encoding by its name.
fn encoding(typed: &str) -> Result<TextEncoding, String> {
    let said = |error: semdedup::Error| match error.hint_text() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    };
    TextEncoding::named(typed).map_err(said)
}

/// The part of a row that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ByArg {
    Text,
    Image,
    Both,
}

impl From<ByArg> for CompareBy {
    fn from(by: ByArg) -> Self {
        match by {
            ByArg::Text => Self::Text,
            ByArg::Image => Self::Image,
            ByArg::Both => Self::Both,
        }
    }
}

/// What a file of plain text holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TextFilesArg {
    /// One row per line
    Lines,
    /// One row, named by the path of the file
    Whole,
}

impl From<TextFilesArg> for TextFiles {
    fn from(how: TextFilesArg) -> Self {
        match how {
            TextFilesArg::Lines => Self::Lines,
            TextFilesArg::Whole => Self::Whole,
        }
    }
}
