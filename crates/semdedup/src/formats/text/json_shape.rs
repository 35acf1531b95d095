//! Tells what a JSON file is that has no rows where rows are read, and what to type to make rows of
//! it: one object around the rows, columns of lists, several objects in a line, comments.

use std::io::Read;

use serde_json::Deserializer;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::formats::compression::Compression;
use crate::formats::file::{Format, InputFile};
use crate::formats::loose_json;
use crate::formats::text::encoded::open_text;
use crate::formats::text::json::{COMMENT, keys_of};
use crate::formats::text::json_array::WITHOUT_COMMENTS;
use crate::formats::text::json_columns::members_of;
use crate::formats::text::json_object::{List, Shape};

/// This many bytes of a file are looked at…
const SHORT_BYTES: u64 = 1 << 20;
/// …or this many, if the first object is longer.
const LONG_BYTES: u64 = 64 << 20;

/// Returns the error that says what a file is instead of rows; `None` if its content does not tell.
pub(crate) fn not_rows(file: &InputFile) -> Option<Error> {
    if file.format != Format::Jsonl {
        return None;
    }
    let (problem, hint) = [SHORT_BYTES, LONG_BYTES].into_iter().find_map(|most| {
        let beginning = Beginning::of(file, most)?;
        match beginning.values().next() {
            Some(Err(error)) if error.is_eof() && !beginning.is_whole => None,
            _ => Some(beginning.explain(file)),
        }
    })??;
    Some(Error::input(&file.path, problem).hint(hint))
}

/// Returns the error for a `.json` file that is one object with lists of texts in it: these may be
/// the rows, and a text of its own may be about them.
pub(crate) fn wrapped_rows(file: &InputFile) -> Option<Error> {
    let name = file.name.to_ascii_lowercase();
    // One object in a file of lines is a row by the name of the file.
    if !Compression::of_name(&name).0.ends_with(".json") {
        return None;
    }
    let beginning = Beginning::of(file, LONG_BYTES).filter(|beginning| beginning.is_whole)?;
    let object = beginning.values().next()?.ok()?.get();
    let Some(Shape::Wrapped(lists)) = Shape::of(&members_of(object).ok()?) else { return None };
    let (problem, hint) = explain_object(file, object).filter(|_| lists.iter().any(List::has_texts))?;
    Some(Error::input(&file.path, problem).hint(hint))
}

/// Returns a command in quotes that turns a file into JSONL.
pub(crate) fn command(file: &InputFile, filter: &str) -> String {
    match file.compression {
        Compression::None => format!("`{filter} OLD > NEW.jsonl`"),
        packed => format!("`{} -dc OLD | {filter} > NEW.jsonl`", packed.tool()),
    }
}

/// A problem and its hint.
type Explanation = (String, String);

/// The first bytes of a file as standard JSON.
struct Beginning {
    text: String,
    /// Whether the file has no more bytes.
    is_whole: bool,
}

impl Beginning {
    fn of(file: &InputFile, most: u64) -> Option<Self> {
        let mut bytes = Vec::new();
        open_text(file).ok()?.open.stream.take(most).read_to_end(&mut bytes).ok()?;
        let is_whole = (bytes.len() as u64) < most;
        let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes));
        Some(Self { text: loose_json::strict(&text).unwrap_or_else(|| text.into_owned()), is_whole })
    }

    fn values(&self) -> serde_json::StreamDeserializer<'_, serde_json::de::StrRead<'_>, &RawValue> {
        Deserializer::from_str(&self.text).into_iter()
    }

    fn explain(&self, file: &InputFile) -> Option<Explanation> {
        let mut values = self.values();
        let first = match values.next()? {
            Ok(first) => first.get(),
            Err(error) => return self.explain_start(file, &error),
        };
        let rest = &self.text[values.byte_offset()..];
        let is_line = !first.contains('\n') && rest.trim_start_matches([' ', '\t', '\r']).starts_with('\n');
        match (first.as_bytes()[0], rest.trim_start().chars().next()) {
            (_, None) if !self.is_whole => None,
            (b'{', None) => explain_object(file, first),
            (b'{', Some('{')) if !is_line => Some((
                "has several objects one behind another, but not one a line".to_owned(),
                format!("{} writes one object a line", command(file, "jq -c .")),
            )),
            (b'{', Some(',')) if first.contains('\n') => Some((
                "has objects of several lines with commas between, but no brackets around them".to_owned(),
                format!(
                    "{} makes a list of them",
                    command(file, "sed -e '1s/^/[/' -e '$s/,*[[:space:]]*$/]/'")
                ),
            )),
            (b'{', Some(',')) => Some((
                format!("{NO_LINES}: row 0: a comma follows the object"),
                format!(
                    "{} removes the commas at the ends of lines",
                    command(file, "sed 's/,[[:space:]]*$//'")
                ),
            )),
            // Only a file in a store is not known to be a list.
            (b'[', None) => {
                let problem = "is a JSON list, but objects in a store are taken by their names";
                Some((problem.to_owned(), "name it .json".to_owned()))
            }
            (b'[', _) if first[1..].trim_start().starts_with('{') => Some((
                format!("{NO_LINES}: row 0: the row is a list, not an object"),
                format!("{} writes one object a line", command(file, "jq -c '.[]'")),
            )),
            _ => None,
        }
    }

    /// Explains a file that does not begin with JSON.
    fn explain_start(&self, file: &InputFile, error: &serde_json::Error) -> Option<Explanation> {
        let start = self.text.trim_start();
        let line = start.lines().next()?.trim_end();
        if line == "{" {
            let hint = if error.is_eof() {
                "the file is truncated; copy or write it again"
            } else {
                WITHOUT_COMMENTS
            };
            let (line, byte) = (error.line(), error.column());
            let problem =
                format!("is one object of several lines, but not valid JSON in line {line} at byte {byte}");
            return Some((problem, hint.to_owned()));
        }
        let (what, hint) = if line.starts_with("{'") {
            ("an object with single quotes, as Python prints it", format!("`{PYTHON}` writes it as JSON"))
        } else if let Some(comment) = ["//", "#"].into_iter().find(|comment| line.starts_with(comment)) {
            let filter = command(file, &format!("grep -v '^[[:space:]]*{comment}'"));
            (COMMENT, format!("{filter} removes such lines"))
        } else if line.starts_with("/*") {
            (COMMENT, WITHOUT_COMMENTS.to_owned())
        } else if keys_of(line.as_bytes()).is_err_and(|problem| problem.ends_with(": trailing comma")) {
            let filter = command(file, "sed 's/,[[:space:]]*}[[:space:]]*$/}/'");
            ("a comma stands before `}`", format!("{filter} removes it where it ends a line"))
        } else {
            return None;
        };
        Some((format!("{NO_LINES}: row 0: {what}"), hint))
    }
}

/// The problem of a file whose lines are no objects.
const NO_LINES: &str = "is not one JSON object a line";
/// The command that turns objects as Python prints them into JSON.
const PYTHON: &str = "python3 -c \"import ast,json,sys; [print(json.dumps(ast.literal_eval(row))) for row in sys.stdin]\" \
                      < OLD > NEW.jsonl";

/// Explains a file that is one object.
fn explain_object(file: &InputFile, object: &str) -> Option<Explanation> {
    let members = members_of(object).ok()?;
    let Some(shape) = Shape::of(&members) else {
        let hint = format!("{} writes it in one line", command(file, "jq -c ."));
        return object.contains('\n').then(|| ("is one object of several lines".to_owned(), hint));
    };
    let filter = |filter: &str| command(file, &format!("jq -c '{}'", filter.replace('\'', "'\\''")));
    let mut hint = format!("{} writes a row a line", filter(&shape.filter()));
    if let Some(all) = shape.filter_of_all() {
        hint += &format!(" of the first, {} of all", filter(&all));
    }
    hint += "; if the object is one row, name its text with --text-column";
    Some((format!("is one object, {shape}"), hint))
}
