//! Names that reach into lists: `messages[*].content` is the content of every element of the column
//! `messages`, and `messages[-1].content` that of the last one.

use serde_json::Value;

use crate::formats::arrow::nested::inside;
use crate::formats::turns::kind_of;

/// A name that reaches into a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListPath<'a> {
    /// The column of the list.
    pub column: &'a str,
    /// The way from the list to the texts; never empty.
    pub steps: Vec<Step<'a>>,
}

/// A step from a value to values inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// To every element of a list.
    Every,
    /// To one element of a list, from 0 on; −1 is the last one.
    At(i64),
    /// To a field of an object; with dots, to a field inside a field.
    Field(&'a str),
}

impl<'a> ListPath<'a> {
    /// Parses a name; `None` if it does not reach into a list.
    pub fn of(name: &'a str) -> Option<Self> {
        // Brackets may also be part of the name of a column.
        let mut starts = name.match_indices('[').map(|(start, _)| start).filter(|start| *start > 0);
        starts.find_map(|start| Some(Self { column: &name[..start], steps: steps_of(&name[start..])? }))
    }

    /// Whether it leads to at most one value of a row.
    pub fn is_single(&self) -> bool {
        !self.steps.contains(&Step::Every)
    }

    /// Returns the name of the field that the path leads to, without the places in lists.
    pub fn field_name(&self) -> String {
        let fields = self
            .steps
            .iter()
            .filter_map(|step| if let Step::Field(name) = step { Some(*name) } else { None });
        [self.column].into_iter().chain(fields).collect::<Vec<_>>().join(".")
    }

    /// Calls `each` with the texts that the path leads to in a value of the column, in their order.
    /// Where a list, an object or an element is missing or null, there is no text.
    ///
    /// # Errors
    /// A value of another kind, in words.
    pub fn each_text(&self, value: &Value, each: &mut impl FnMut(&str)) -> Result<(), String> {
        walk(value, &self.steps, each)
    }
}

/// Parses `[*].content`; `None` if it is anything else.
fn steps_of(mut rest: &str) -> Option<Vec<Step<'_>>> {
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let step;
        (step, rest) = if let Some(inner) = rest.strip_prefix('[') {
            let (place, behind) = inner.split_once(']')?;
            (if place == "*" { Step::Every } else { Step::At(place.parse().ok()?) }, behind)
        } else {
            let name = rest.strip_prefix('.')?;
            let (field, behind) = name.split_at(name.find('[').unwrap_or(name.len()));
            if field.split('.').any(str::is_empty) {
                return None;
            }
            (Step::Field(field), behind)
        };
        steps.push(step);
    }
    Some(steps)
}

fn walk(value: &Value, steps: &[Step], each: &mut impl FnMut(&str)) -> Result<(), String> {
    let is_no = |what| Err(format!("leads to {}, not {what}", kind_of(value)));
    match (steps.split_first(), value) {
        (_, Value::Null) => Ok(()),
        (None, Value::String(text)) => {
            each(text);
            Ok(())
        }
        (None, _) => is_no("to a string"),
        (Some((Step::Every, rest)), Value::Array(items)) => {
            items.iter().try_for_each(|item| walk(item, rest, each))
        }
        (Some((&Step::At(place), rest)), Value::Array(items)) => {
            index_of(place, items.len()).map_or(Ok(()), |index| walk(&items[index], rest, each))
        }
        (Some((Step::Every | Step::At(_), _)), _) => is_no("to a list"),
        (Some((Step::Field(name), rest)), Value::Object(_)) => match field(value, name) {
            Some(inner) => walk(inner, rest, each),
            None => blocked(value, name)
                .map_or(Ok(()), |inner| Err(format!("leads to {}, not to an object", kind_of(inner)))),
        },
        (Some((Step::Field(_), _)), _) => is_no("to an object"),
    }
}

/// Returns the value on the way to a field inside another that is no object, so that the field can
/// be in no such value.
fn blocked<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let (Value::Object(fields), Some((outer, inner))) = (value, name.split_once('.')) else { return None };
    match fields.get(outer)? {
        Value::Null => None,
        object @ Value::Object(_) => blocked(object, inner),
        other => Some(other),
    }
}

/// Returns the index of an element of a list by its place from the front, or from the back if it is
/// negative; `None` if the list is shorter.
pub(crate) fn index_of(place: i64, items: usize) -> Option<usize> {
    let from_end = usize::try_from(place.unsigned_abs()).ok()?;
    let index = if place < 0 { items.checked_sub(from_end)? } else { from_end };
    (index < items).then_some(index)
}

/// Returns the field of an object. A field of exactly this name goes before one inside another.
fn field<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let fields = value.as_object()?;
    fields.get(name).or_else(|| fields.iter().find_map(|(key, inner)| field(inner, inside(name, key)?)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn brackets_with_a_star_or_a_number_reach_into_lists_and_others_belong_to_names() {
        let path = ListPath::of("meta.turns[*].parts[-1].a.b").unwrap();
        assert_eq!(path.column, "meta.turns");
        assert_eq!(path.steps, [Step::Every, Step::Field("parts"), Step::At(-1), Step::Field("a.b")]);
        assert_eq!(path.field_name(), "meta.turns.parts.a.b");
        assert_eq!(ListPath::of("a[x][0]").unwrap(), ListPath { column: "a[x]", steps: vec![Step::At(0)] });
        for name in ["text", "a[b]", "a[]", "[0]", "a[*", "a[*]b", "a[*].", "a[*]..b", "a[1.5]", "a[*] "] {
            assert_eq!(ListPath::of(name), None, "{name}");
        }
    }

    #[test]
    fn a_path_leads_to_the_texts_in_their_order_and_says_where_it_ends() {
        let value = json!([
            {"content": "one", "parts": [{"text": "a"}, {"text": null}], "m": {"x": "in"}},
            {"content": null, "parts": []},
            {"content": "two", "parts": [{"text": "b"}, {"text": "c"}], "m.x": "own", "m": {"x": "in"}},
            null,
        ]);
        let texts = |name: &str| {
            let mut texts = Vec::new();
            let path = ListPath::of(name).unwrap();
            path.each_text(&value, &mut |text| texts.push(text.to_owned())).map(|()| texts.join("|"))
        };
        for (name, expected) in [
            ("l[*].content", "one|two"),
            ("l[0].content", "one"),
            ("l[-2].content", "two"),
            ("l[-1].content", ""),
            ("l[9].content", ""),
            ("l[-9].content", ""),
            ("l[*].parts[*].text", "a|b|c"),
            ("l[*].parts[-1].text", "c"),
            ("l[*].m.x", "in|own"),
            ("l[*].none", ""),
        ] {
            assert_eq!(texts(name).as_deref(), Ok(expected), "{name}");
        }
        for (name, problem) in [
            ("l[*].parts", "leads to a list, not to a string"),
            ("l[*]", "leads to an object, not to a string"),
            ("l[*].content[0]", "leads to a string, not to a list"),
            ("l[*].content.x", "leads to a string, not to an object"),
        ] {
            assert_eq!(texts(name).unwrap_err(), problem, "{name}");
        }
    }
}
