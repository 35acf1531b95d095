//! Reads the value of the text column out of JSON, without a copy where it has no escapes.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The value of the text column.
#[derive(Default)]
pub(crate) enum JsonText<'de> {
    #[default]
    Empty,
    Borrowed(&'de str),
    /// The text has escapes, so it was written to the scratch string.
    Scratch,
    Other(&'static str),
}

impl<'de> JsonText<'de> {
    /// Returns the text; `None` where it is in the scratch string.
    pub fn check(self, column: &str) -> std::result::Result<Option<&'de str>, String> {
        match self {
            Self::Empty => Ok(Some("")),
            Self::Borrowed(text) => Ok(Some(text)),
            Self::Scratch => Ok(None),
            Self::Other(kind) => Err(format!("column `{column}` is {kind}, not a string")),
        }
    }

    /// Returns the text of a row that is itself a text; `None` where it is in the scratch string.
    pub fn of_row(self) -> std::result::Result<Option<&'de str>, String> {
        match self {
            Self::Other(kind) => Err(format!("the row is {kind}, not a string")),
            text => text.check(""),
        }
    }
}

/// Reads a text; a text with escapes goes into the scratch string.
pub(crate) struct TextSeed<'a>(pub &'a mut String);

impl<'de> DeserializeSeed<'de> for TextSeed<'_> {
    type Value = JsonText<'de>;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<JsonText<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for TextSeed<'_> {
    type Value = JsonText<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> std::result::Result<Self::Value, E> {
        Ok(JsonText::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<Self::Value, E> {
        self.0.clear();
        self.0.push_str(text);
        Ok(JsonText::Scratch)
    }

    fn visit_unit<E>(self) -> std::result::Result<Self::Value, E> {
        Ok(JsonText::Empty)
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<Self::Value, E> {
        Ok(JsonText::Other("a boolean"))
    }

    fn visit_i64<E>(self, _: i64) -> std::result::Result<Self::Value, E> {
        Ok(JsonText::Other("a number"))
    }

    fn visit_u64<E>(self, _: u64) -> std::result::Result<Self::Value, E> {
        Ok(JsonText::Other("a number"))
    }

    fn visit_f64<E>(self, _: f64) -> std::result::Result<Self::Value, E> {
        Ok(JsonText::Other("a number"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(JsonText::Other("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(JsonText::Other("an object"))
    }
}
